package mime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/mime"
)

func TestSubject(t *testing.T) {
	t.Parallel()
	for header, test := range map[string]struct{ want, warning string }{
		"plain text":                              {"plain text", ""},
		"folded\n \t over\n lines":                {"folded over lines", ""},
		"=?utf-8?Q?J=C3=BCrgen_x?=":               {"Jürgen x", ""},
		"=?UTF-8?B?SsO8cmdlbg==?= x":              {"Jürgen x", ""},
		"=?utf-8?q?a?= =?utf-8?q?b?=":             {"ab", ""},
		"=?utf-8?q?a?=\n =?iso-8859-1?q?=E9?=":    {"aé", ""},
		"=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?=": {"éé", ""},
		"=?utf-8?q?a?= x =?utf-8?q?b?=":           {"a x b", ""},
		"=?utf-8?q?a?=x=?utf-8?q?b?=":             {"axb", ""},
		"=?utf-8*de?q?=C3=A9?=":                   {"é", ""},
		"=?utf-8?q?a b?=":                         {"a b", ""},
		"[=?utf-8?q?EXTERNAL?=] x":                {"[EXTERNAL] x", ""},
		"=?iso-2022-jp?B?GyRCRWw1fhsoQg==?=":      {"東京", ""},
		"=?gb2312?B?1cXOsA==?=":                   {"张伟", ""},
		"=?windows-31j?Q?=8E=A9=93=AE?=":          {"自動", ""},

		// A character split between words, in one encoding and in two.
		"=?utf-8?q?J=C3?= =?utf-8?q?=BCrgen?=":            {"Jürgen", ""},
		"=?utf-8?b?SsM=?= =?UTF-8?q?=BCrgen?=":            {"Jürgen", ""},
		"=?shift_jis?B?k4w=?=\n =?shift_jis?B?i54=?=":     {"東京", ""},
		"=?shift_jis?Q?=93?=\n =?shift_jis?Q?=8C=8B=9E?=": {"東京", ""},
		"=?utf-8?q?J=C3?= and =?utf-8?q?=BCrgen?=":        {"JÃ and ¼rgen", `the subject is not "utf-8", it was read as windows-1252`},

		// Words that are none stay as they are.
		"=?":                        {"=?", ""},
		"=?x":                       {"=?x", ""},
		"=?utf-8?x?a?=":             {"=?utf-8?x?a?=", ""},
		"=? =?utf-8?q?a?=":          {"=? a", ""},
		"a =?b c?q?d?=":             {"a =?b c?q?d?=", ""},
		"=?utf-8?q?cut=20off":       {"cut off", ""},
		"=?utf-8?q?cut off":         {"=?utf-8?q?cut off", ""},
		"=?utf-8?b?SsO8cm!dlbg==?=": {"Jürgen", ""},

		"=?x-none?q?=C3=A9?=":      {"é", `the subject is in "x-none", which is unknown, and was read as utf-8`},
		"J\xc3\xbcrgen":            {"Jürgen", ""},
		"J\xfcrgen":                {"Jürgen", `the subject is not "utf-8", it was read as windows-1252`},
		"=?utf-8?q?a=0Ab=00c=1B?=": {"a b c", ""},
	} {
		m := mime.Read([]byte("Subject: " + header + "\n\n"))
		require.Equal(t, test.want, m.Subject, header)
		require.Equal(t, test.warning, strings.Join(m.Warnings.Texts(), "\n"), header)
	}
	long := mime.Read([]byte("Subject: " + strings.Repeat("é", 20_000) + "\n\n"))
	require.Len(t, long.Subject, 1000)
	require.Equal(t, []string{"a header of more than 16384 bytes is cut"}, long.Warnings.Texts())
}

func TestFrom(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"sepm@example.com":                             "sepm@example.com",
		"SEPM Server-1 <sepm@example.com>":             "sepm@example.com",
		`"sepm@example.com" <evil@example.net>`:        "evil@example.net",
		"sepm@example.com <evil@example.net>":          "evil@example.net",
		"=?x-unknown?Q?Name?= <sepm@example.com>":      "sepm@example.com",
		"<evil@example.net> (comment <sepm@e.com>)":    "evil@example.net",
		"sepm@example.com, evil@example.net":           "sepm@example.com",
		"nobody":                                       "nobody",
		"Name <a..b@example.com>":                      "a..b@example.com",
		"First <x@example.net> Second <y@example.net>": "y@example.net",
	} {
		require.Equal(t, want, mime.Read([]byte("From: "+header+"\n\nx")).From, header)
	}
	m := mime.Read([]byte("From: a@example.com\nFrom: b@example.com\n\nx"))
	require.Equal(t, "a@example.com", m.From)
	require.Equal(t, []string{"the mail has several From headers, the first is used"}, m.Warnings.Texts())
}

func TestDate(t *testing.T) {
	t.Parallel()
	want := time.Date(2019, 2, 28, 3, 50, 21, 0, time.UTC)
	for _, header := range []string{
		"Thu, 28 Feb 2019 03:50:21 +0000", "Thu, 28 Feb 2019 05:50:21 +0200 (CEST)", "28 Feb 2019 3:50:21 GMT", "Wed, 27 Feb 2019 19:50:21 PST",
		"thu,28 feb 2019 03:50:21 +00:00", "Thu, 28 Feb 19 03:50:21 UT", "Thu Feb 28 03:50:21 2019 +0000", "Do, 28 Feb 2019 03:50:21 +0000",
		"Thursday, 28-Feb-19 03:50:21 GMT", "2019-02-28T03:50:21Z", "2019-02-28 04:50:21 +0100", "Feb 28, 2019 3:50:21 AM UTC",
		"Thu, 28 Feb 2019 03:50:21 -0000", "Thu, 28 Feb 2019\n 04:50:21 GMT+0100", "Thu (day), 28 Feb 2019 (a (nested) one) 03:50:21 Z",
	} {
		m := mime.Read([]byte("Date: " + header + "\n\n"))
		require.True(t, m.Date.Equal(want), "%s: %s", header, m.Date)
		require.Empty(t, m.Warnings.Texts(), header)
	}
	require.True(t, mime.Read([]byte("Date: Thu, 28 Feb 2019 03:50 +0000\n\n")).Date.Equal(want.Truncate(time.Minute)))

	for _, header := range []string{
		"Thu, 28 Feb 2019 03:50:21", "Thu Feb 28 03:50:21 2019", "Thu, 28 Feb 2019 03:50:21 CET", "Thu, 28 Feb 2019 03:50:21 IST", // which zone?
		"Thu, 31 Feb 2019 03:50:21 +0000", "02/03/2019 03:50:21 +0000", "yesterday", "(", ",",
	} {
		m := mime.Read([]byte("Date: " + header + "\n\n"))
		require.True(t, m.Date.IsZero(), "%s: %s", header, m.Date)
		require.Len(t, m.Warnings.Texts(), 1, header)
	}
	require.True(t, mime.Read([]byte("Subject: x\n\n")).Date.IsZero())
}

// TestParameters reads what mail programs make of RFC 2045 and RFC 2231.
func TestParameters(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{
		`multipart/mixed; boundary="a b"`, `Multipart/Mixed;BOUNDARY="a b";x=y`, `multipart/mixed boundary="a b"`, `multipart/mixed; boundary = "a b"`,
		`multipart/mixed; boundary=a b`, `multipart/mixed; boundary="a b`, `multipart/mixed; x="\"; boundary=c"; boundary="a b"`,
		`multipart/mixed; boundary*0=a; boundary*1=" b"`, `multipart/mixed; boundary*1=" b"; boundary*0=a`, `multipart/mixed; boundary*=us-ascii'en'a%20b`,
		`multipart/mixed; boundary*0*=us-ascii''a%20; boundary*1=b`, `multipart/mixed; x; =; boundary="a b"; boundary=c`, `multipart/mixed (a comment); boundary="a b"`,
		"multipart/mixed;\n\tboundary=\"a\n b\"",
	} {
		m := mime.Read([]byte("Content-Type: " + kind + "\n\n--a b\n\none\n--a b--\n"))
		require.Equal(t, []string{"1: one"}, tree(m), kind)
		require.Empty(t, m.Warnings.Texts(), kind)
	}
	for _, kind := range []string{
		`text/plain; charset="shift_jis"`, `text/plain;charset=Shift_JIS;format=fixed`, `text/plain; charset=shift_jis (Japanese)`, `text/plain; charset=shift_jis format=fixed`,
		`text/plain; charset='shift_jis'`, `text/plain charset=shift_jis`, `text/plain; charset*=us-ascii'en'shift_jis`,
	} {
		m := mime.Read([]byte("Content-Type: " + kind + "\n\n\x93\x8c\x8b\x9e"))
		require.Equal(t, "東京", m.Texts[0].Text, kind)
	}
}
