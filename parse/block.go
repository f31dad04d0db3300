package parse

import (
	"strings"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// block is a run of labelled lines about one event.
type block struct {
	line    int // of its first label; 0 while there is none
	count   int // known labels
	fields  [fieldCount]slot
	extra   []pair
	maybe   []loosePair
	current field // the last known label's
	open    bool  // the line before gave current a value that may go on
	stray   int   // line of a text without a label
	apart   bool  // a blank line stands after the last known label
	ended   bool  // a paragraph of text stands after the last known label
	// sentence is the one that said where an attack came from.
	sentence string
}

// slot is the value of a field; an empty value is not a missing one.
type slot struct {
	label, value string
	line         int // 0 when the label has not been seen
}

// loosePair has an unknown label. It belongs to the event when it stands
// among the known ones, not when it follows them after a blank line, where
// banners and signatures are.
type loosePair struct {
	pair
	apart bool
}

// add puts in a known label. What stands before it is inside the block.
func (b *block) add(n int, p pair) {
	if b.line == 0 {
		b.line = n
	}
	for _, m := range b.maybe {
		b.extra = append(b.extra, m.pair)
	}
	b.maybe = b.maybe[:0]
	b.count++
	b.current, b.open, b.apart = p.field, true, false
	if p.field == noField {
		b.extra = append(b.extra, p)
		return
	}
	b.fields[p.field] = slot{label: p.label, value: p.value, line: n}
}

// value is where the current field's value is held.
func (b *block) value() *string {
	if b.current == noField {
		return &b.extra[len(b.extra)-1].value
	}
	return &b.fields[b.current].value
}

func (b *block) hasExtra(label string) bool {
	for _, p := range b.extra {
		if strings.EqualFold(p.label, label) {
			return true
		}
	}
	return false
}

// isEvent tells a block from a labelled line that stands in any mail: it
// has at least four known labels, or two and one of them says what was found
// or who attacked. The sentence about an attack is enough by itself.
func (b *block) isEvent() bool {
	if b.count >= 4 {
		return true
	}
	what := b.fields[riskField].value != "" || b.fields[pathField].value != "" || b.fields[attackerField].value != ""
	return what && b.count >= 2 || b.sentence != ""
}

// event makes an event of a block. Values that cannot be read are kept as
// written among the extras, with a warning.
func (g *grammar) event(b *block) Event {
	get := func(f field) string { return b.fields[f].value }
	e := Event{
		Risk:        get(riskField),
		FilePath:    get(pathField),
		Computer:    get(computerField),
		User:        get(userField),
		Domain:      get(domainField),
		Server:      get(serverField),
		ClientGroup: get(groupField),
		Source:      get(sourceField),
		SourceKind:  g.words.source(get(sourceField)),
		Description: get(descriptionField),
		Action:      get(actionField),
		Outcome:     g.words.outcome(get(actionField)),
		IPAddresses: []string{},
		Hashes:      map[string]string{},
		Extra:       map[string]string{},
	}
	for _, p := range b.extra {
		keep(e.Extra, p.label, p.value)
	}
	for _, m := range b.maybe {
		if !m.apart {
			keep(e.Extra, m.label, m.value)
		}
	}
	if !g.words.isNothing(e.FilePath) {
		e.FileName, e.ArchivePath = splitPath(e.FilePath)
	}
	e.Attack = g.attackOf(b, &e)
	at := eventTimes{event: g.time(e, b.fields[eventTimeField]), inserted: g.time(e, b.fields[insertedField])}
	e.EventTime, e.InsertedTime = at.event.String(), at.inserted.String()
	g.times = append(g.times, at)
	g.addresses(&e, b.fields[addressField])
	for _, f := range [...]field{hashField, md5Field, sha1Field, sha256Field} {
		g.hash(e, f, b.fields[f])
	}
	g.doubt(b.fields[pathField])
	g.doubt(b.fields[computerField])
	g.doubt(b.fields[userField])
	if e.Risk == "" && e.FilePath == "" && e.Computer == "" && len(e.IPAddresses) == 0 && e.Attack == nil {
		g.warn.Add("line %d: the event names no risk, file, computer or address", b.line)
	}
	return e
}

func (g *grammar) time(e Event, s slot) moment {
	if g.words.isNothing(s.value) {
		return moment{}
	}
	m, ok := g.words.moment(s.value)
	switch {
	case !ok:
		g.warn.Add("line %d: %s has no date that has one meaning: %s", s.line, mime.Quote(s.label), mime.Quote(s.value))
		keep(e.Extra, s.label, s.value)
	case m.wall.IsZero():
		g.warn.Add("line %d: %s is the epoch, SEPM's word for a time it does not know", s.line, mime.Quote(s.label))
		keep(e.Extra, s.label, s.value)
	}
	return m
}

func (g *grammar) addresses(e *Event, s slot) {
	found, bad := g.words.addresses(s.value)
	e.IPAddresses = orEmpty(found)
	if len(bad) > 0 {
		g.warn.Add("line %d: %s has no address in %s", s.line, mime.Quote(s.label), mime.Quote(bad[0]))
		keep(e.Extra, s.label, s.value)
	}
}

func (g *grammar) hash(e Event, f field, s slot) {
	if g.words.isNothing(s.value) {
		return
	}
	name, digest := hashOf(f, s.value)
	if digest == "" {
		g.warn.Add("line %d: %s is no such hash: %s", s.line, mime.Quote(s.label), mime.Quote(s.value))
		keep(e.Extra, s.label, s.value)
		return
	}
	keep(e.Hashes, name, digest)
}

// doubt warns where a name may not be the real one: SEPM cuts paths at 255
// characters and writes ? for characters outside its own locale (contract:
// SEPM e-mail §1.3, 1.8).
func (g *grammar) doubt(s slot) {
	const longestPath = 255
	if strings.Contains(strings.TrimPrefix(s.value, `\\?\`), "?") {
		g.warn.Add("line %d: %s has a ?, where SEPM may have lost a character", s.line, mime.Quote(s.label))
	}
	if utf8.RuneCountInString(s.value) == longestPath {
		g.warn.Add("line %d: %s is as long as SEPM can hold and may be cut", s.line, mime.Quote(s.label))
	}
}

// keep adds to a map without replacing what came first.
func keep(m map[string]string, name, value string) {
	if _, ok := m[name]; !ok {
		m[name] = value
	}
}
