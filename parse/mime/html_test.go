package mime_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/mime"
)

func TestHTMLText(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"a<br>b<br/>c":                   "a\nb\nc",
		"<p>a</p><p>b</p>":               "a\n\nb",
		"<b>Risk name:</b>\n  x  y":      "Risk name: x y",
		"<pre>a\n  b</pre>c":             "a\n  b\n\nc",
		"<pre>\na\n\n b</pre>":           "a\n\n b",
		"x<style>y</style><!-- z -->w":   "xw",
		"x<!--[if mso]>y<![endif]-->z":   "xz",
		"x<template>y</template>z":       "xz",
		"<title>t</title>x":              "x",
		"<tr><td>a<td>b</tr><tr><td>c":   "a\x1fb\nc",
		"<tr><td></td><td>b</td></tr>":   "\x1fb",
		"<td><p>a</p></td><td><p>b<p/>":  "a\x1fb",
		"<tr><th>a</th><td>b</td></tr>":  "a\x1fb",
		"a &lt;b&gt; &amp; c&nbsp;d":     "a <b> & c\u00a0d",
		"&#x41;&#66;&amp;lt;&unknown;&":  "AB&lt;&unknown;&",
		"<script>a</script":              "",
		"<script>'</b>'</script >x":      "x",
		"<table><tr><td>a<br>b</table>c": "a\nb\n\nc",

		// Tables within tables: those of one row are how Outlook lays a cell
		// out, those of several hold the labels.
		"<tr><td>a</td><td><table><tr><td>b</td></tr></table></td><td>c</td></tr>":                        "a\x1fb\x1fc",
		"<table><tr><td><table><tr><td>a<td>b<tr><td>c<td>d</table></td><td>e</td></tr><tr><td>f</table>": "a\x1fb\nc\x1fd\n\ne\nf",
		"<table><tr><td>a<table><tr><td>b</table>c<td>d</table>":                                          "a\n\nb\n\nc\x1fd",
		"</table></td></tr>a<tr><td>b":                                                                    "a\nb",
	} {
		require.Equal(t, want, mime.HTMLText(source), source)
	}
}

func TestHTMLTextNested(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<table><tr><td>", 5000) + "a<td>b" + strings.Repeat("</table>", 5000) + "<tr><td>c<td>d"
	require.Equal(t, "a\x1fb\n\nc\x1fd", mime.HTMLText(deep))
}

func TestLinks(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"http://evil.example/?a=1&b=2", "mailto:x@example.com", "javascript:x", "/a"}, mime.Links(
		`<a href="http://evil.example/?a=1&amp;b=2">http://good.example/</a> <A class=x HREF='mailto:x@example.com'>mail</a>`+
			"<a href=\" java\nscript:x \" href=second><area href=/a><a name=x><a href><link href=y><!-- <a href=z> --><a href=/a>"))
	require.Empty(t, mime.Links("href=x"))

	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "<a href=%d>", i)
	}
	require.Len(t, mime.Links(many.String()), 1000)
	require.Empty(t, mime.Links("<a href="+strings.Repeat("x", 5000)+">"))
}
