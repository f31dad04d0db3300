package parse

import (
	"fmt"
	"strings"
	"time"
)

// What is kept of one mail, however large it is.
const (
	defaultMaxEvents = 1000
	defaultMaxValue  = 4096
	maxText          = 256 << 10 // bytes of Alert.Text
	maxWarnings      = 20
	maxQuote         = 80 // bytes of a mail that a warning repeats
)

// Options are what a [Reader] needs to know; the zero value is usable.
type Options struct {
	// Whitelist holds addresses and hosts that are never made artifacts.
	// Nil holds none.
	Whitelist *Whitelist
	// Vocabulary is the words by which mail is understood; nil means
	// [English].
	Vocabulary *Vocabulary
	// Zone is the zone of wall times.
	Zone Zone
	// MaxEvents is how many events of one mail are read; 0 means 1000.
	MaxEvents int
	// MaxValue is how many bytes of one value are kept; 0 means 4096.
	MaxValue int
}

// Reader reads mails. It holds no state of the mails it has read and may be
// used by several goroutines.
type Reader struct {
	whitelist *Whitelist
	words     *Vocabulary
	zone      Zone
	maxEvents int
	maxValue  int
}

// NewReader returns a Reader.
func NewReader(o Options) *Reader {
	r := &Reader{whitelist: o.Whitelist, words: o.Vocabulary, zone: o.Zone, maxEvents: o.MaxEvents, maxValue: o.MaxValue}
	if r.words == nil {
		r.words = English()
	}
	if r.maxEvents <= 0 {
		r.maxEvents = defaultMaxEvents
	}
	if r.maxValue <= 0 {
		r.maxValue = defaultMaxValue
	}
	return r
}

// Read reads the bytes of one mail. It never fails: [Parsed] means that all
// was understood, [Partial] that the warnings say what was not, [Unparsed]
// that no event was found. Whether the mail is an alert at all is decided
// elsewhere.
func (r *Reader) Read(raw []byte) Alert {
	var warn warnings
	m := readMail(raw, &warn)
	b := r.readBodies(m)
	if len(b.events) == 0 {
		r.subjectAttack(m.subject, &b)
	}
	warn.merge(b.warn)
	r.words.crossCheck(b.events, m.subject, &warn)

	a := Alert{
		Status:      Unparsed,
		Subject:     m.subject,
		From:        m.from,
		MessageID:   m.messageID,
		Events:      orEmpty(b.events),
		GeneratedAt: b.generatedAt.String(),
		Fingerprint: b.fingerprint(),
		Text:        cut(b.text, maxText),
	}
	a.Kind, a.Signals = r.words.kindOf(m.subject, &b)
	if a.Kind == Report { // it lists what was told before
		a.Events, b.times = []Event{}, nil
	}
	r.setInstants(&a, &b, m.date, &warn)
	for i := range a.Events {
		a.Events[i].Digest = a.Events[i].ContentDigest()
	}
	a.Artifacts, a.Whitelisted = r.artifacts(&a)
	a.Warnings = warn.texts()
	if len(a.Events) > 0 {
		a.Status = Parsed
		if len(a.Warnings) > 0 {
			a.Status = Partial
		}
	}
	return a
}

// setInstants applies the zone of the mail to its times.
func (r *Reader) setInstants(a *Alert, b *body, sent time.Time, warn *warnings) {
	c := r.zone.clock(b.generatedAt, sent, warn)
	a.TimeZone, a.TimeZoneFrom = c.name(), c.from
	if !c.generated.IsZero() {
		a.GeneratedAtUTC = c.generated.UTC().Format(time.RFC3339)
	}
	for i := range a.Events {
		a.Events[i].EventTimeUTC = c.instant("the event time", b.times[i].event, warn)
		a.Events[i].InsertedTimeUTC = c.instant("the insert time", b.times[i].inserted, warn)
	}
}

// subjectAttack reads an event from a subject that says who attacked, where
// the body has none.
func (r *Reader) subjectAttack(subject string, b *body) {
	lower := strings.ToLower(subject)
	for _, sentence := range r.words.sentences[attackSentence] {
		at := strings.Index(lower, strings.ToLower(sentence))
		if at < 0 || len(lower) != len(subject) {
			continue
		}
		told := r.readBody(subject[at:], nil)
		b.events, b.times, b.securityAlert = told.events, told.times, true
		return
	}
}

// readBodies reads the first text of the mail that holds events. A mail that
// only forwards others as attachments has the events of all of them.
func (r *Reader) readBodies(m *mail) body {
	var first body
	for text := range m.texts() {
		b := r.readBody(text, nil)
		if len(b.events) > 0 {
			if len(m.attached) > 0 {
				b.warn.add("%d attached mails are not read, the mail has events of its own", len(m.attached))
			}
			return b
		}
		if first.text == "" {
			first = b
		}
	}
	for _, attached := range m.attached {
		b := r.readBodies(attached)
		first.warn.merge(b.warn)
		if first.text == "" {
			first.text = b.text
		}
		if len(b.events) == 0 {
			continue
		}
		if first.generatedAt.wall.IsZero() {
			first.generatedAt = b.generatedAt
		}
		first.heading = first.heading || b.heading
		first.footer = first.footer || b.footer
		first.block = first.block || b.block
		room := r.maxEvents - len(first.events)
		if len(b.events) > room {
			first.warn.add("attached mails: only the first %d events are read", r.maxEvents)
			b.events, b.times = b.events[:room], b.times[:room]
		}
		first.events = append(first.events, b.events...)
		first.times = append(first.times, b.times...)
	}
	return first
}

// warnings collects what was not understood, bounded, because their number
// is in the sender's hands.
type warnings struct {
	list []string
	more int
}

func (w *warnings) add(format string, args ...any) {
	if len(w.list) == maxWarnings {
		w.more++
		return
	}
	w.list = append(w.list, fmt.Sprintf(format, args...))
}

func (w *warnings) merge(other warnings) {
	for _, text := range other.list {
		w.add("%s", text)
	}
	w.more += other.more
}

func (w *warnings) texts() []string {
	if w.more > 0 {
		return append(w.list, fmt.Sprintf("and %d more warnings", w.more))
	}
	return orEmpty(w.list)
}

// quote shows a piece of a mail in a warning: short, and with everything
// escaped that could disturb a terminal or a log.
func quote(s string) string {
	if short := cut(s, maxQuote); short != s {
		return fmt.Sprintf("%+q…", short)
	}
	return fmt.Sprintf("%+q", s)
}

// cut returns at most n bytes of s, never half a character, and does not
// hold on to the rest.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(strings.ToValidUTF8(s[:n], ""))
}
