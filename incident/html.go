package incident

import (
	"html"
	"strings"
)

// EscapeHTML makes hostile text clean, and safe to stand in HTML.
func EscapeHTML(s string) string { return html.EscapeString(Clean(s)) }

// Clean makes hostile text one line that shows what it says. Control
// characters, and those that turn the direction of writing and so can fake
// the end of a file's name, become U+FFFD.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0,
			r == 0x061c, r == 0x200e, r == 0x200f,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '\uFFFD'
		}
		return r
	}, s)
}
