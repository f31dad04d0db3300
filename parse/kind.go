package parse

import (
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
	"github.com/sepwatch/sepwatch/parse/mime"
)

// kindOf tells the condition that sent the mail, and by what: first by a
// subject of a security condition or a report; then by the body, because an
// administrator may have changed the subject (contract: SEPM e-mail §0.1-4);
// then by an operational condition's words. A mail with events is never an
// operational notice, unless it is a report.
func (v *Vocabulary) kindOf(subject string, b *body) (kind Kind, signals []string) {
	kind, pattern := v.bySubject(subject)
	signals = make([]string, 0, 8) // and room for those of the rules
	if pattern != "" {
		signals = append(signals, "subject: "+strconv.Quote(pattern)+" is of kind "+string(kind))
	}
	for _, s := range [...]struct {
		found bool
		what  string
	}{
		{b.heading, "body: the heading of SEPM's list of events"},
		{b.securityAlert, "body: the sentence of a client security alert"},
		{b.block, "body: four known labels in a block"},
		{b.footer, "body: the footer of SEPM's notifications"},
	} {
		if s.found {
			signals = append(signals, s.what)
		}
	}
	switch {
	case kind == Report && !b.heading && !b.footer, kind != Unknown && !kind.Operational():
		return kind, signals
	case b.heading:
		return SingleRisk, signals
	case b.securityAlert, len(b.events) > 0 && b.events[0].Risk == "" && b.events[0].Attack != nil:
		return ClientSecurity, signals
	case len(b.events) > 0:
		return Unknown, signals
	case kind != Unknown:
		return kind, signals
	}
	kind, pattern = v.byText(mime.Cut(b.text, maxKindText))
	if pattern == "" || kind.Operational() && namesFile(b.text) {
		return Unknown, signals
	}
	return kind, append(signals, "body: "+strconv.Quote(pattern)+" is of kind "+string(kind))
}

// namesFile reports whether a text tells of a file. Such a text is no notice
// about SEPM's own running, whatever words it has: they may be the file's name.
func namesFile(text string) bool {
	for _, i := range indicator.Find(mime.Cut(text, maxText)) {
		switch i.Type {
		case incident.FilePath, incident.FileName, incident.MD5Hash, incident.SHA1Hash, incident.SHA256Hash:
			return true
		}
	}
	return false
}

// maxKindText is how much of a body is searched for words: a notice says in
// its first lines what it is.
const maxKindText = 2048

func (v *Vocabulary) bySubject(subject string) (kind Kind, pattern string) {
	return v.kindIn(subject, func(k kindWords) []string { return k.subjects })
}

func (v *Vocabulary) byText(text string) (kind Kind, pattern string) {
	return v.kindIn(text, func(k kindWords) []string { return k.texts })
}

func (v *Vocabulary) kindIn(text string, patterns func(kindWords) []string) (kind Kind, pattern string) {
	text = strings.ToLower(text)
	for _, k := range v.kinds {
		for _, pattern := range patterns(k) {
			if matches(text, pattern) {
				return k.kind, pattern
			}
		}
	}
	return Unknown, ""
}

// Operational reports whether the kind is about SEPM's own running (contract:
// SEPM e-mail §1.1, last column "no").
func (k Kind) Operational() bool {
	switch k {
	case System, ServerHealth, Definitions, ClientList, Software, Licence, Report:
		return true
	}
	return false
}
