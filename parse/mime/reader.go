package mime

import (
	"bytes"
	"strconv"
	"strings"
)

// reader walks over the bytes of a mail once, from the front, and never
// copies them: a part is a pair of positions.
type reader struct {
	warn *Warnings
	left *allowance
	raw  []byte
	// borders are the lines that part the multiparts which are open, the
	// outermost first. The innermost that fits is meant, so that a multipart
	// may use a border that is in use around it; one of an outer multipart ends
	// all within, whether closed or not.
	borders [][]byte
	// orphans are the borders of multiparts that one around them has cut off.
	// They go on to part what they stand in: no text has such a line.
	orphans [][]byte
	whole   bool   // raw is the mail itself: positions in it are worth telling
	altered bool   // raw is the mail's bytes, but for its line ends
	cut     bool   // raw goes on, but was not decoded further
	buf     []byte // of a folded header value
	tripled bool   // lines ending in CR CR LF were met
}

// allowance is what may still be read, in all readers of a mail together.
type allowance struct{ text, parts, decoded int }

// place is where in the tree of parts an entity stands.
type place struct {
	number      string // of the part; of the mail, for the body of one
	whole       bool   // the entity is a mail, not a part of a multipart
	kind        string // the type that it has without a header
	alternative string
	depth       int
}

// own gives the part's own number. The body of a mail that is no multipart
// is the mail's part 1 (RFC 9051 §6.4.5.1).
func (p place) own() string {
	if p.whole {
		return p.child(1)
	}
	return p.number
}

func (p place) child(n int) string {
	if p.number == "" {
		return strconv.Itoa(n)
	}
	return p.number + "." + strconv.Itoa(n)
}

// message reads a mail that begins at a position, up to a border around it.
func (r *reader) message(m *Message, at int, number string, depth int) border {
	h, at := r.header(r.firstLine(at))
	r.fill(m, &h)
	return r.body(m, &h, at, place{number: number, whole: true, depth: depth})
}

// body reads what follows a header.
func (r *reader) body(m *Message, h *header, at int, p place) border {
	kind := mediaType(h.kind)
	if h.kind == "" && p.kind != "" {
		kind = p.kind
	}
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		if after, ok := r.multipart(m, kind, parameter(h.kind, "boundary"), at, p); ok {
			return after
		}
		r.warn.Add("a multipart has no parts, it is read as plain text")
		kind = "text/plain"
	case kind == "" && bytes.HasPrefix(bytes.TrimLeft(r.raw[at:], "\r\n"), []byte("--")):
		// The header that said so is damaged or lost.
		if after, ok := r.multipart(m, "multipart/mixed", "", at, p); ok {
			return after
		}
	case isMail(kind) && transferEncoding(h.coding) == "":
		if inner := r.attach(m, p.depth); inner != nil {
			return r.message(inner, at, p.own(), p.depth+1)
		}
		return r.border(at)
	}
	after := r.border(at)
	r.leaf(m, h, kind, at, r.bodyEnd(at, after), p)
	return after
}

// multipart reads parts, and reports whether there are any.
func (r *reader) multipart(m *Message, kind, boundary string, at int, p place) (after border, ok bool) {
	if p.depth >= maxNesting {
		r.warn.Add("parts nested deeper than %d are left out", maxNesting)
		return r.border(at), true
	}
	level, orphans := len(r.borders), len(r.orphans)
	first, ok := r.open(boundary, at)
	if !ok {
		return border{}, false
	}
	in := place{kind: "text/plain", alternative: p.alternative, depth: p.depth + 1}
	switch kind {
	case "multipart/digest":
		in.kind = "message/rfc822"
	case "multipart/alternative":
		in.alternative = p.number
		if p.whole {
			in.alternative = strings.TrimPrefix(p.number+".TEXT", ".")
		}
	}
	after = first
	for n := 1; after.level == level && !after.last; n++ {
		if r.left.parts == 0 {
			r.warn.Add("only the first %d parts are read", maxParts)
			after = r.end()
			break
		}
		r.left.parts--
		in.number = p.child(n)
		h, body := r.header(after.end)
		after = r.body(m, &h, body, in)
	}
	own := r.borders[level]
	r.borders = r.borders[:level]
	switch {
	case after.level == level: // it is closed, and what follows is for nobody
		r.orphans = r.orphans[:orphans]
		after = r.border(after.end)
	case after.level >= 0:
		r.orphan(own)
	}
	return after, true
}

func (r *reader) orphan(line []byte) {
	if len(r.orphans) < maxNesting {
		r.orphans = append(r.orphans, line)
	}
}

// open finds the first border of a multipart, and the border itself when it
// is not the one that the header names.
func (r *reader) open(boundary string, at int) (first border, ok bool) {
	line := []byte("--" + boundary)
	if boundary != "" {
		if first, ok = r.push(line, at); ok {
			return first, true
		}
	}
	first = r.border(at)
	if guess := guessBorder(r.raw[at:first.start]); guess != nil {
		r.warn.Add("a multipart does not name the border of its parts, %s was taken", Quote(string(guess)))
		return r.push(guess, at)
	}
	if boundary != "" && first.level >= 0 {
		r.orphan(line)
	}
	return border{}, false
}

// push opens a multipart where its border is found. A last border that comes
// before any other ends nothing.
func (r *reader) push(line []byte, at int) (first border, ok bool) {
	level := len(r.borders)
	r.borders = append(r.borders, line)
	first = r.border(at)
	for first.level == level && first.last {
		first = r.border(first.end)
	}
	if first.level == level {
		return first, true
	}
	r.borders = r.borders[:level]
	return first, false
}

// guessBorder finds a line that is followed by the header of a part.
func guessBorder(body []byte) []byte {
	for len(body) > 0 {
		var line []byte
		line, body, _ = bytes.Cut(body, []byte("\n"))
		line = bytes.TrimRight(line, " \t\r")
		if len(line) > 2 && len(line) < 200 && bytes.HasPrefix(line, []byte("--")) && hasPrefixFold(body, "content-") {
			return line
		}
	}
	return nil
}

// attach adds a mail to the one it is attached to. There is none when it is
// nested too deep.
func (r *reader) attach(m *Message, depth int) *Message {
	if depth >= maxNesting {
		r.warn.Add("mails nested deeper than %d are left out", maxNesting)
		return nil
	}
	inner := &Message{}
	m.Attached = append(m.Attached, inner)
	return inner
}

// border is a line that ends a part.
type border struct {
	start, end int // of the line
	level      int // of its multipart among those that are open; -1 for the end of the mail
	last       bool
}

func (r *reader) end() border { return border{start: len(r.raw), end: len(r.raw), level: -1} }

// border finds the next border at or after a position, which begins a line.
func (r *reader) border(at int) border {
	for len(r.borders) > 0 {
		if !bytes.HasPrefix(r.raw[at:], []byte("--")) {
			next := bytes.Index(r.raw[at:], []byte("\n--"))
			if next < 0 {
				break
			}
			at += next + 1
		}
		b := r.borderAt(at)
		if b.level >= 0 {
			return b
		}
		at = b.end
	}
	return r.end()
}

// borderAt looks at one line; its level is -1 when it is no border.
func (r *reader) borderAt(at int) border {
	b := border{start: at, end: r.lineEnd(at), level: len(r.borders) - 1}
	line := bytes.TrimRight(r.raw[at:b.end], " \t\r\n")
	for ; b.level >= 0; b.level-- {
		tail, ok := bytes.CutPrefix(line, r.borders[b.level])
		if ok && (len(tail) == 0 || string(tail) == "--") {
			b.last = len(tail) > 0
			return b
		}
	}
	for _, orphan := range r.orphans {
		if bytes.Equal(line, orphan) {
			b.level = len(r.borders) - 1
		}
	}
	return b
}

func (r *reader) isBorder(at int) bool {
	return bytes.HasPrefix(r.raw[at:], []byte("--")) && r.borderAt(at).level >= 0
}

// lineEnd gives the position after the line end.
func (r *reader) lineEnd(at int) int {
	if n := bytes.IndexByte(r.raw[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(r.raw)
}

// bodyEnd gives the end of a body before a border. The line end before the
// border belongs to the border.
func (r *reader) bodyEnd(at int, after border) int {
	end := after.start
	if after.level < 0 && len(r.borders) > 0 {
		// Some programs write no line end before the last border.
		last := append(bytes.Clone(r.borders[len(r.borders)-1]), "--"...)
		if body, ok := bytes.CutSuffix(bytes.TrimRight(r.raw[at:], "\r\n"), last); ok {
			return at + len(body)
		}
	}
	if after.level < 0 || end == at {
		return end
	}
	body := bytes.TrimSuffix(r.raw[at:end], []byte("\n"))
	body = bytes.TrimSuffix(body, []byte("\r"))
	return at + len(bytes.TrimSuffix(body, []byte("\r"))) // CR CR LF
}

// unifyReturns makes the mail readable whose lines end in CR alone, which is
// not seen by anything else that looks for lines.
func (r *reader) unifyReturns() {
	if bytes.IndexByte(r.raw, '\n') < 0 && bytes.IndexByte(r.raw, '\r') >= 0 {
		r.warn.Add("the lines of the mail end in CR alone")
		r.raw, r.altered = bytes.ReplaceAll(r.raw, []byte("\r"), []byte("\n")), true
	}
}
