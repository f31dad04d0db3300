package mime

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// CellBreak stands between the cells of a table row in [HTMLText]. It is no
// TAB, which may stand in a cell.
const CellBreak = "\x1f"

// HTMLText gives the text of an HTML body: a line for each line that a
// browser would show, and [CellBreak] between the cells of a table row, so
// that a label and its value stay apart. It reads tokens, not a tree, so its cost
// does not depend on how deep the tags are nested.
func HTMLText(source string) string {
	var w htmlWriter
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxText)
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

// What is given of the links of a text.
const (
	maxLinks = 1000
	maxLink  = 4096 // bytes of one
)

// Links gives where the links of an HTML body lead, which its text need not
// say: the addresses as they are written, each once, in their order. There
// are at most 1000; one of more than 4096 bytes is left out.
func Links(source string) []string {
	var links []string
	seen := make(map[string]bool)
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxText)
	for len(links) < maxLinks {
		switch z.Next() {
		case html.ErrorToken:
			return links
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			if tag := atom.Lookup(name); tag != atom.A && tag != atom.Area {
				continue
			}
			link := href(z, more)
			if link != "" && len(link) <= maxLink && !seen[link] {
				seen[link] = true
				links = append(links, link)
			}
		}
	}
	return links
}

// href gives the attribute of the tag that the tokenizer stands at. Browsers
// take the first one, and drop line ends and TABs in it.
func href(z *html.Tokenizer, more bool) string {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if string(key) == "href" {
			return strings.Trim(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(string(value)), "\x00 ")
		}
	}
	return ""
}

// htmlWriter lays text out. Breaks are written when the next text comes, so
// that those at the edge of a cell do not tear its row apart.
type htmlWriter struct {
	out    strings.Builder
	breaks int     // line ends before the next text
	blank  bool    // a blank before the next text
	fresh  bool    // nothing was written since the cell began
	table  table   // the innermost that is open
	around []table // those around it
	beyond int     // open tables that are nested deeper than maxTables
	hidden atom.Atom
	pre    int
	first  bool // nothing was read of a <pre>
}

// table is how far a table was read.
type table struct {
	rows  int
	cells int // of the row
}

// maxTables is how deep tables may be nested and still be told apart.
const maxTables = 100

func (w *htmlWriter) start(tag atom.Atom) {
	if w.hidden != 0 {
		return
	}
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Template:
		w.hidden = tag
	case atom.Pre:
		w.pre++
		w.first = true
		w.lines(2)
	case atom.Table:
		w.lines(2)
		w.enter()
	case atom.Tr:
		w.table.rows++
		w.table.cells = 0
		w.lines(1)
	case atom.Td, atom.Th:
		if w.table.cells++; w.table.cells > 1 {
			w.breaks, w.blank = 0, false
			w.out.WriteString(CellBreak)
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
	case atom.Table:
		w.leave()
		w.lines(2)
	case atom.Td, atom.Th:
		w.blank, w.fresh = false, false
		if w.table.cells > 0 { // else the next cell begins a line
			w.breaks = 0
		}
	default:
		w.lines(heightOf(tag))
	}
}

// enter begins a table, which may stand in a cell of another.
func (w *htmlWriter) enter() {
	if len(w.around) == maxTables {
		w.beyond++
		return
	}
	w.around = append(w.around, w.table)
	w.table = table{}
}

// leave goes back to the table around. Its next cell goes on in the line,
// unless the table that ends has filled several.
func (w *htmlWriter) leave() {
	if w.beyond > 0 {
		w.beyond--
		return
	}
	n := len(w.around)
	if n == 0 {
		return
	}
	inner := w.table
	w.table, w.around = w.around[n-1], w.around[:n-1]
	if inner.rows > 1 {
		w.table.cells = 0
	}
}

// heightOf gives the line ends that a tag puts around its text.
func heightOf(tag atom.Atom) int {
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr:
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
		if w.first { // a line end right behind the tag is not shown
			w.first = false
			s = strings.TrimPrefix(strings.TrimPrefix(s, "\r"), "\n")
		}
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
