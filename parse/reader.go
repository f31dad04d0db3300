package parse

import "github.com/sepwatch/sepwatch/parse/mime"

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
	// MaxEvents is how many events of one mail are read; 0 means 1000.
	MaxEvents int
	// MaxValue is how many bytes of one value are kept; 0 means 4096.
	MaxValue int
}

// Reader reads mails. It holds no state of the mails it has read and may be
// used by several goroutines.
type Reader struct {
	whitelist *Whitelist
	maxEvents int
	maxValue  int
}

// NewReader returns a Reader.
func NewReader(o Options) *Reader {
	r := &Reader{whitelist: o.Whitelist, maxEvents: o.MaxEvents, maxValue: o.MaxValue}
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
	m := mime.Read(raw)
	warn := m.Warnings
	b := r.readBodies(m)
	warn.Merge(b.warn)
	crossCheck(b.events, m.Subject, &warn)

	a := Alert{
		Status:      Unparsed,
		Kind:        kindOf(m.Subject, b),
		Subject:     m.Subject,
		From:        m.From,
		MessageID:   m.MessageID,
		Events:      orEmpty(b.events),
		Artifacts:   []Artifact{},
		GeneratedAt: b.generatedAt,
		TimeZone:    "assumed UTC",
		Warnings:    warn.Texts(),
		Fingerprint: b.fingerprint,
		Text:        mime.Cut(b.text, maxText),
	}
	for i := range a.Events {
		a.Events[i].Digest = a.Events[i].ContentDigest()
		a.Artifacts = appendArtifacts(a.Artifacts, a.Events[i], i, r.whitelist)
	}
	if len(a.Events) > 0 {
		a.Status = Parsed
		if len(a.Warnings) > 0 {
			a.Status = Partial
		}
	}
	return a
}

// readBodies reads the first text of the mail that holds events. A mail that
// only forwards others as attachments has the events of all of them.
func (r *Reader) readBodies(m *mime.Message) body {
	var first body
	for text := range texts(m) {
		b := r.readBody(text)
		if len(b.events) > 0 {
			if len(m.Attached) > 0 {
				b.warn.Add("%d attached mails are not read, the mail has events of its own", len(m.Attached))
			}
			return b
		}
		if first.text == "" {
			first = b
		}
	}
	for _, attached := range m.Attached {
		b := r.readBodies(attached)
		first.warn.Merge(b.warn)
		if first.text == "" {
			first.text = b.text
		}
		if len(b.events) == 0 {
			continue
		}
		if first.generatedAt == "" {
			first.generatedAt = b.generatedAt
		}
		first.heading = first.heading || b.heading
		first.fingerprint = first.fingerprint || b.fingerprint
		room := r.maxEvents - len(first.events)
		if len(b.events) > room {
			first.warn.Add("attached mails: only the first %d events are read", r.maxEvents)
			b.events = b.events[:room]
		}
		first.events = append(first.events, b.events...)
	}
	return first
}
