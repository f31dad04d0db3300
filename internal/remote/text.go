package remote

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxMessage bounds the text taken from an answer, in runes.
const maxMessage = 1000

// BodyText is what the body of an error says that is not its API's JSON: the
// HTML page of a proxy, plain text or nothing. It is [Printable].
func BodyText(body []byte) string {
	body = bytes.TrimSpace(body)
	if !bytes.HasPrefix(body, []byte("<")) {
		return Printable(string(body))
	}
	// The title of a page is mostly its first heading too.
	var lines []string
	for line := range strings.Lines(HTMLText(string(body))) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return Printable(strings.Join(lines, " "))
}

// Printable makes one bounded line of a text from outside, so that it can
// neither forge log lines nor steer a terminal.
func Printable(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r)
	}), " ")
	if runes := []rune(s); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return s
}

// HTMLText is what a piece of HTML says: its text with a line break at each
// block, and without scripts and styles.
func HTMLText(s string) string {
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
