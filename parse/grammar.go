package parse

import (
	"strings"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// grammar reads the lines of a body one by one, and closes a block into an
// event wherever the next one begins.
type grammar struct {
	body
	reader  *Reader
	words   *Vocabulary
	trace   *trace // nil unless somebody wants to know
	current block
	columns []pair // the labels of a table's header row
	dropped int    // events beyond the limit
	width   int    // characters of the line before
	blank   bool   // a blank line stands before this one
}

// line reads one line and reports whether the footer begins with it.
func (g *grammar) line(n int, raw string) (footer bool) {
	s := trimBlanks(unquote(raw))
	if isBlankLine(s) {
		g.blank, g.current.open, g.columns = true, false, nil
		return false
	}
	if g.words.maybeSentence(s) && !g.goesOn(s) {
		if footer, done := g.sentence(n, s); done {
			return footer
		}
	}
	if strings.Contains(raw, mime.CellBreak) {
		if !g.cells(n, raw) {
			g.loose(n, strings.ReplaceAll(s, mime.CellBreak, "\t"))
		}
	} else if p, ok := g.words.knownLabel(s); ok {
		g.pairs(n, p)
	} else if !g.cells(n, raw) {
		g.loose(n, s)
	}
	g.width, g.blank = utf8.RuneCountInString(s), false
	return false
}

// sentence reads a line that begins with one of SEPM's fixed sentences.
func (g *grammar) sentence(n int, s string) (footer, done bool) {
	_, dated := g.words.begins(generatedSentence, s)
	if _, ok := g.words.begins(footerSentence, s); ok || dated {
		g.body.footer = true
		g.trace.line(n, "the footer begins: what follows are the filters of the notification")
		return true, true
	}
	if _, ok := g.words.begins(headingSentence, s); ok {
		g.close()
		g.heading = true
		g.trace.line(n, "the heading of SEPM's list of events")
		return false, true
	}
	if rest, ok := g.words.begins(attackSentence, s); ok {
		g.attack(n, s, rest)
		return false, true
	}
	return false, false
}

// pairs reads a labelled value, and those that TABs set apart after it. An
// empty value may be nothing but the TAB before the next label.
func (g *grammar) pairs(n int, p pair) {
	for rest := p.value; ; rest = p.value {
		at := g.nextPair(rest)
		if at < 0 {
			p.value = trimBlanks(rest)
			g.field(n, p)
			return
		}
		next, _ := g.words.knownLabel(trimBlanksLeft(rest[at:]))
		p.value = trimBlanks(rest[:at])
		g.field(n, p)
		p = next
	}
}

// nextPair finds the TAB before the next known label; other TABs belong to
// the value.
func (g *grammar) nextPair(s string) int {
	for from := 0; ; from++ {
		tab := strings.IndexByte(s[from:], '\t')
		if tab < 0 {
			return -1
		}
		from += tab
		if _, ok := g.words.knownLabel(trimBlanksLeft(s[from:])); ok {
			return from
		}
	}
}

// cells reads a row of a table: labels, with or without colons, each before
// its value; the header row of a table of events, or one of its rows.
func (g *grammar) cells(n int, raw string) bool {
	apart := mime.CellBreak
	if !strings.Contains(raw, apart) {
		apart = "\t"
	}
	if n := strings.Count(raw, apart); n == 0 || n > maxColumns {
		g.columns = nil
		return false
	}
	cells := strings.Split(raw, apart)
	labels := make([]pair, len(cells))
	known, leading := 0, 0 // labels at all, and those before a value
	for i, cell := range cells {
		name := trimBlanks(strings.TrimRight(trimBlanks(cell), ":："))
		if f, ok := g.words.label(name); ok {
			labels[i] = pair{field: f, label: name}
			known++
			if i%2 == 0 {
				leading++
			}
		}
	}
	switch {
	case known == len(cells):
		g.columns = labels
	case len(cells) == len(g.columns):
		g.close()
		for i, p := range g.columns {
			p.value = trimBlanks(cells[i])
			g.field(n, p)
		}
		g.close()
	case len(cells)%2 == 0 && leading == len(cells)/2:
		for i := 0; i < len(cells); i += 2 {
			labels[i].value = trimBlanks(cells[i+1])
			g.field(n, labels[i])
		}
	case labels[0].label != "":
		labels[0].value = trimBlanks(raw[len(cells[0])+len(apart):])
		g.field(n, labels[0])
	default:
		g.columns = nil
		return false
	}
	return true
}

// field puts a labelled value into the block, or starts the next block with
// it: a label that comes again belongs to the next event.
func (g *grammar) field(n int, p pair) {
	p.value = g.bounded(n, p.label, p.value)
	b := &g.current
	if b.ended {
		g.close()
	}
	first := &b.fields[p.field]
	if g.trace != nil {
		defer g.trace.field(n, p.field.String())
	}
	again := b.open && b.current == p.field // right after its like
	switch {
	case p.field == noField:
		if b.hasExtra(p.label) {
			g.next()
		}
		b.add(n, p)
	case first.line == 0:
		// Even a block that came without its risk name ends where, after a
		// blank line, a risk name begins.
		if p.field == riskField && g.blank {
			g.next()
		}
		b.add(n, p)
	case !strings.EqualFold(first.label, p.label):
		// Another label for the same thing is no new event; the first counts.
		if p.field = noField; !b.hasExtra(p.label) {
			b.add(n, p)
		}
	case again && p.field == addressField:
		g.extend(n, &first.value, ",", p.value)
	case again && p.field != riskField:
		g.warn.Add("line %d: a second %s right after the first is left out", n, mime.Quote(p.label))
	default:
		g.next()
		b.add(n, p)
	}
}

// loose reads a line without a known label: the rest of a value that was
// wrapped, or a label that no table knows.
func (g *grammar) loose(n int, s string) {
	b := &g.current
	if b.line == 0 {
		return
	}
	if p, ok := unknownLabel(s); ok {
		if len(b.extra)+len(b.maybe) >= maxExtra {
			g.warn.Add("line %d: %s is left out, the event has %d other labels", n, mime.Quote(p.label), maxExtra)
		} else if !b.hasExtra(p.label) {
			p.value = g.bounded(n, p.label, p.value)
			b.maybe = append(b.maybe, loosePair{pair: p, apart: b.apart || g.blank})
			g.trace.field(n, "a label that is not known, kept as an extra value if the event goes on")
		}
		b.apart = b.apart || g.blank
		b.open = false
		return
	}
	if g.blank && b.current != descriptionField {
		b.ended = true
	}
	if !b.open {
		return
	}
	g.trace.field(n, "more of the line before")
	value := b.value()
	wrapped := g.noRoom(s)
	switch {
	case b.current == addressField && *value != "" && g.isAddresses(s):
		g.extend(n, value, ",", s)
	case wrapped && (*value == "" || strings.HasSuffix(*value, `\`) || strings.HasSuffix(*value, "/")):
		g.extend(n, value, "", s)
		g.warn.Add("line %d: read as the end of the line before", n)
	case wrapped:
		g.extend(n, value, " ", s)
		if b.current != descriptionField {
			g.warn.Add("line %d: read as the end of the line before, after a blank", n)
		}
	case b.current == descriptionField && *value != "":
		g.extend(n, value, "\n", s)
	default:
		b.stray = n
		b.open = false
	}
}

// noRoom reports whether the line may have been wrapped off the one before: a
// mail program breaks a line only where the next word has no room.
func (g *grammar) noRoom(s string) bool {
	word, _, _ := strings.Cut(s, " ")
	return g.width+1+utf8.RuneCountInString(word) > shortestWrap
}

// goesOn reports whether a line that begins with one of SEPM's sentences is
// the rest of a name all the same, which anybody may have chosen. No name of
// Windows has a date in it, and after the action a block is at its end.
func (g *grammar) goesOn(s string) bool {
	if !g.current.open || g.blank || g.current.current == actionField || !g.noRoom(s) {
		return false
	}
	rest, ok := g.words.begins(generatedSentence, s)
	if !ok {
		return true
	}
	_, dated := g.generated(rest)
	return !dated
}

// Beyond these a block or a row is no event of SEPM's.
const (
	maxExtra   = 64
	maxColumns = 64
)

// shortestWrap is the narrowest line, in characters, at which mail programs
// wrap.
const shortestWrap = 71

// next closes the block before a repeated label. A risk name directly
// before that label is the start of the next block.
func (g *grammar) next() {
	b := &g.current
	risk := b.fields[riskField]
	carry := b.open && b.current == riskField && b.count > 1
	if carry {
		b.fields[riskField] = slot{}
		b.count--
	}
	g.close()
	if carry {
		g.trace.reopen()
		b.add(risk.line, pair{field: riskField, label: risk.label, value: risk.value})
	}
}

// close makes the block an event, if it is one, and begins an empty block.
func (g *grammar) close() {
	b := &g.current
	g.block = g.block || b.count >= 4
	if b.stray > 0 && b.isEvent() {
		g.warn.Add("line %d: text without a label is left out", b.stray)
	}
	g.trace.close(len(g.events), b.isEvent())
	switch {
	case b.line == 0:
	case !b.isEvent():
		// One label stands in many a disclaimer; one that names a risk may be
		// what is left of an event.
		if (b.count > 1 || b.fields[riskField].line != 0) && len(g.stray) <= mime.MaxWarnings {
			g.stray = append(g.stray, b.line)
		}
	case len(g.events) >= g.reader.maxEvents:
		g.dropped++
	default:
		g.events = append(g.events, g.event(b))
	}
	*b = block{extra: b.extra[:0], maybe: b.maybe[:0]}
}

// bounded cuts a value to the longest that is kept.
func (g *grammar) bounded(n int, label, value string) string {
	short := mime.Cut(value, g.reader.maxValue)
	if len(short) < len(value) {
		g.warn.Add("line %d: %s is cut at %d bytes", n, mime.Quote(label), g.reader.maxValue)
	}
	return short
}

// extend makes a value longer. One that is full stays as it is, at no cost:
// the lines that continue it may be millions.
func (g *grammar) extend(n int, value *string, glue, s string) {
	if len(*value) < g.reader.maxValue {
		*value = g.bounded(n, "the value", *value+glue+s)
	}
}

// isBlankLine reports whether nothing stands in the line, or only a rule of
// dashes and the like.
func isBlankLine(s string) bool {
	const rule = "-=_*~"
	return s == "" || strings.IndexByte(rule, s[0]) >= 0 && strings.Trim(s, rule) == ""
}

// isAddresses reports whether a line holds addresses alone. A line that is
// longer than a value is not looked at: each address is compared with all.
func (g *grammar) isAddresses(s string) bool {
	if len(s) > g.reader.maxValue {
		return false
	}
	found, bad := g.words.addresses(s)
	return len(found) > 0 && len(bad) == 0
}
