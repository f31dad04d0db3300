package parse

import (
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// What is kept of one mail, however large it is.
const (
	defaultMaxEvents = 1000
	defaultMaxValue  = 4096
	maxText          = 256 << 10 // bytes of Alert.Text
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
func (r *Reader) Read(raw []byte) Alert { return r.read(raw, nil) }

func (r *Reader) read(raw []byte, note *note) Alert {
	m := mime.Read(raw)
	note.attached(m)
	warn := m.Warnings
	b := r.readBodies(m, note)
	if len(b.events) == 0 {
		r.subjectAttack(m.Subject, &b, note)
	}
	warn.Merge(b.warn)
	r.words.crossCheck(b.events, m.Subject, &warn)

	a := Alert{
		Status:      Unparsed,
		Subject:     m.Subject,
		From:        m.From,
		MessageID:   m.MessageID,
		Events:      orEmpty(b.events),
		GeneratedAt: b.generatedAt.String(),
		Fingerprint: b.fingerprint(),
		Text:        strings.ReplaceAll(mime.Cut(b.text, maxText), mime.CellBreak, "\t"),
	}
	a.Kind, a.Signals = r.words.kindOf(m.Subject, &b)
	if a.Kind == Report { // it lists what was told before
		a.Events, b.times = []Event{}, nil
	}
	r.setInstants(&a, &b, m.Date, &warn)
	for i := range a.Events {
		a.Events[i].Digest = a.Events[i].ContentDigest()
	}
	a.Artifacts, a.Whitelisted = r.artifacts(&a, m, note, &warn)
	a.Warnings = warn.Texts()
	if len(a.Events) > 0 {
		a.Status = Parsed
		if len(a.Warnings) > 0 {
			a.Status = Partial
		}
	}
	return a
}

// setInstants applies the zone of the mail to its times.
func (r *Reader) setInstants(a *Alert, b *body, sent time.Time, warn *mime.Warnings) {
	c := r.zone.clock(b.generatedAt, sent, warn)
	a.TimeZone, a.TimeZoneFrom = c.name(), c.from
	if !c.generated.IsZero() {
		a.GeneratedAtUTC = utcOf(c.generated, b.generatedAt.wall, a.GeneratedAt)
	}
	for i := range a.Events {
		a.Events[i].EventTimeUTC = c.instant("the event time", a.Events[i].EventTime, b.times[i].event, warn)
		a.Events[i].InsertedTimeUTC = c.instant("the insert time", a.Events[i].InsertedTime, b.times[i].inserted, warn)
	}
}

// subjectAttack reads an event from a subject that says who attacked, where
// the body has none.
func (r *Reader) subjectAttack(subject string, b *body, note *note) {
	lower := strings.ToLower(subject)
	for _, sentence := range r.words.sentences[attackSentence] {
		at := strings.Index(lower, strings.ToLower(sentence))
		if at < 0 || len(lower) != len(subject) {
			continue
		}
		told := r.readBody(subject[at:], note.of(rendering{name: "the subject", text: subject[at:]}))
		note.use()
		b.events, b.times, b.securityAlert = told.events, told.times, true
		return
	}
}

// links are where the HTML of a mail leads.
func links(m *mime.Message) []string {
	var all []string
	for _, t := range m.Texts {
		if t.HTML {
			all = append(all, mime.Links(t.Text)...)
		}
	}
	return all
}
