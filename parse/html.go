package parse

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLText gives the text of an HTML body: a line for each line that a
// browser would show, and a TAB between the cells of a table row, so that a
// label and its value stay apart. It reads tokens, not a tree, so its cost
// does not depend on how deep the tags are nested.
func HTMLText(source string) string {
	var w htmlWriter
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxBodies)
	for {
		switch z.Next() {
		case html.ErrorToken: // the end; a tokenizer over a string has no other
			return w.out.String()
		case html.TextToken:
			w.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			w.start(atom.Lookup(name))
		case html.EndTagToken:
			name, _ := z.TagName()
			w.end(atom.Lookup(name))
		}
	}
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

// htmlWriter lays text out. Breaks are written when the next text comes, so
// that those at the edge of a cell do not tear its row apart.
type htmlWriter struct {
	out    strings.Builder
	breaks int  // line ends before the next text
	blank  bool // a blank before the next text
	fresh  bool // nothing was written since the cell began
	cells  int  // of the current row
	hidden atom.Atom
	pre    int
}

func (w *htmlWriter) start(tag atom.Atom) {
	if w.hidden != 0 {
		return
	}
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Template:
		w.hidden = tag
	case atom.Pre:
		w.pre++
		w.lines(2)
	case atom.Tr:
		w.cells = 0
		w.lines(1)
	case atom.Td, atom.Th:
		if w.cells++; w.cells > 1 {
			w.breaks, w.blank = 0, false
			w.out.WriteByte('\t')
		} else {
			w.flush()
		}
		w.fresh = true
	case atom.Br:
		w.breaks++
	default:
		w.lines(heightOf(tag))
	}
}

func (w *htmlWriter) end(tag atom.Atom) {
	if w.hidden != 0 {
		if tag == w.hidden {
			w.hidden = 0
		}
		return
	}
	switch tag {
	case atom.Pre:
		w.pre = max(0, w.pre-1)
		w.lines(2)
	case atom.Td, atom.Th:
		w.breaks, w.blank, w.fresh = 0, false, false
	default:
		w.lines(heightOf(tag))
	}
}

// heightOf gives the line ends that a tag puts around its text.
func heightOf(tag atom.Atom) int {
	switch tag {
	case atom.P, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr:
		return 2
	case atom.Div, atom.Tr, atom.Li, atom.Ul, atom.Ol, atom.Dt, atom.Dd, atom.Dl, atom.Blockquote,
		atom.Section, atom.Article, atom.Header, atom.Footer, atom.Body:
		return 1
	}
	return 0
}

// lines asks for at least n line ends before the next text.
func (w *htmlWriter) lines(n int) {
	if n > 0 && !w.fresh {
		w.breaks = max(w.breaks, n)
	}
}

func (w *htmlWriter) text(s string) {
	switch {
	case w.hidden != 0:
	case w.pre > 0:
		w.flush()
		w.out.WriteString(s)
		w.fresh = false
	default:
		w.words(s)
	}
}

// words writes text with its runs of blanks and line ends made one blank.
func (w *htmlWriter) words(s string) {
	for s != "" {
		if end := strings.IndexAny(s, " \t\r\n\f"); end != 0 {
			if end < 0 {
				end = len(s)
			}
			w.flush()
			w.out.WriteString(s[:end])
			w.fresh = false
			s = s[end:]
			continue
		}
		s = strings.TrimLeft(s, " \t\r\n\f")
		w.blank = true
	}
}

// flush writes the breaks and blanks that are due.
func (w *htmlWriter) flush() {
	switch {
	case w.breaks > 0:
		if w.out.Len() > 0 {
			w.out.WriteString("\n\n\n"[:min(w.breaks, 3)])
		}
	case w.blank && !w.fresh && w.out.Len() > 0:
		w.out.WriteByte(' ')
	}
	w.breaks, w.blank = 0, false
}
