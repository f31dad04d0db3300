package parse

import (
	"iter"
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// texts gives a mail's text as it is best read, then second choices: plain
// text before HTML, and HTML that was sent as plain text last.
func texts(m *mime.Message) iter.Seq[string] {
	return func(yield func(string) bool) {
		plain, html := "", ""
		for _, t := range m.Texts {
			if t.HTML {
				html = join(html, t.Text)
			} else {
				plain = join(plain, t.Text)
			}
		}
		if plain != "" && !yield(plain) {
			return
		}
		if html != "" && !yield(mime.HTMLText(html)) {
			return
		}
		if looksLikeHTML(plain) {
			yield(mime.HTMLText(plain))
		}
	}
}

// join puts the texts of two parts one after the other.
func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "\n\n" + b
}

// looksLikeHTML reports whether a plain text is HTML all the same.
func looksLikeHTML(text string) bool {
	for _, tag := range [...]string{"<br", "<BR", "<td", "<TD", "<p>", "<P>", "<div", "<DIV"} {
		if strings.Contains(text, tag) {
			return true
		}
	}
	return false
}
