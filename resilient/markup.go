package resilient

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText is what a piece of HTML says: its text with a line break at each
// block, and without scripts and styles.
func htmlText(s string) string {
	var out strings.Builder
	skip := false
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			return out.String()
		case html.TextToken:
			if !skip {
				out.Write(z.Text())
			}
			continue
		}
		name, _ := z.TagName()
		switch atom.Lookup(name) {
		case atom.Script, atom.Style:
			skip = kind == html.StartTagToken
		case atom.B, atom.I, atom.U, atom.A, atom.Span, atom.Font:
		default:
			out.WriteByte('\n')
		}
	}
}
