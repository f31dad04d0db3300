package soar

import (
	"encoding/json"
	"html"
	"strings"

	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The formats of text content (contract: §1.5).
const (
	plainText = "text"
	htmlText  = "html"
)

// rich is the content of a text that may be HTML.
type rich struct {
	Format  string `json:"format"`
	Content string `json:"content"`
}

// parseRich reads a bare string, which is plain text, or {format, content}.
// HTML is cleaned as the server cleans it.
func parseRich(raw json.RawMessage) (rich, bool) {
	var content string
	if json.Unmarshal(raw, &content) == nil {
		return rich{plainText, content}, true
	}
	var r rich
	if json.Unmarshal(raw, &r) != nil || (r.Format != plainText && r.Format != htmlText) {
		return rich{}, false
	}
	if r.Format == htmlText {
		r.Content = clean(r.Content)
	}
	return r, true
}

// render is the text as text_content_output_format wants it.
func (r rich) render(f format, isRich, asIs bool) any {
	source := r.Content
	if r.Format == plainText && isRich && !asIs {
		source = toHTML(r.Content)
	}
	switch f.text {
	case "objects_convert_html":
		if r.Format == plainText {
			return rich{htmlText, toHTML(r.Content)}
		}
		return r
	case "objects_convert_text":
		return rich{plainText, r.text()}
	case "objects_convert", "objects_no_convert":
		return r
	case "always_text":
		return r.text()
	}
	return source
}

// text is the content without markup.
func (r rich) text() string {
	if r.Format == plainText {
		return r.Content
	}
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(r.Content))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return b.String()
		case xhtml.TextToken:
			b.Write(z.Text())
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) == atom.Br {
				b.WriteByte('\n')
			}
		}
	}
}

func toHTML(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br />")
}

// allowed are the elements that survive cleaning, with the attributes that
// survive on them (contract: §4.1).
var allowed = map[atom.Atom][]string{
	atom.B: nil, atom.I: nil, atom.U: nil, atom.Br: nil, atom.Div: nil, atom.Span: nil, atom.A: {"href"},
	atom.Ul: nil, atom.Ol: nil, atom.Li: nil, atom.Font: {"color"}, atom.P: nil, atom.Strong: nil, atom.Em: nil,
}

// dropped are the elements that go with everything in them.
var dropped = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Table: true, atom.Iframe: true, atom.Object: true}

// clean drops scripts, styles and tables with their content, comments, and
// every other element and attribute that is not allowed.
func clean(source string) string {
	if !strings.Contains(source, "<") {
		return source
	}
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(source))
	var within atom.Atom // the dropped element that is open, and how often
	depth := 0
	for {
		kind := z.Next()
		if kind == xhtml.ErrorToken {
			return b.String() // io.EOF: a string cannot fail otherwise
		}
		raw := string(z.Raw())
		token := z.Token()
		switch {
		case depth > 0:
			if token.DataAtom == within && kind == xhtml.StartTagToken {
				depth++
			} else if token.DataAtom == within && kind == xhtml.EndTagToken {
				depth--
			}
		case kind == xhtml.TextToken:
			b.WriteString(raw)
		case kind != xhtml.EndTagToken && dropped[token.DataAtom]: // "<script/>" opens one too
			within, depth = token.DataAtom, 1
		case kind == xhtml.StartTagToken, kind == xhtml.SelfClosingTagToken, kind == xhtml.EndTagToken:
			if attributes, ok := allowed[token.DataAtom]; ok {
				token.Attr = keep(token.Attr, attributes)
				b.WriteString(token.String())
			}
		}
	}
}

func keep(have []xhtml.Attribute, names []string) []xhtml.Attribute {
	var kept []xhtml.Attribute
	for _, name := range names {
		for _, a := range have {
			safe := name != "href" || strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "mailto:")
			if a.Key == name && safe {
				kept = append(kept, a)
			}
		}
	}
	return kept
}
