package incident

import (
	"html"
	"strings"
)

// EscapeHTML makes hostile text safe to stand in HTML. Control characters,
// and those that turn the direction of writing and so can fake the end of a
// file's name, become U+FFFD.
func EscapeHTML(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '\uFFFD'
		}
		return r
	}, s))
}
