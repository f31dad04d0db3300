// Package indicator finds what an analyst looks up in text that nobody wrote
// for machines: URLs, DNS names, addresses, hashes, e-mail addresses, CVE
// numbers, file paths and registry keys, also where they were made harmless to
// click on (hxxp://evil[.]com). It is for alerts whose body was not understood
// and for descriptions; what stands behind a known label is read better by
// that label.
//
// It prefers to miss a value over making one up, because an artifact that is
// none costs an analyst more than a line of text that has to be read: a
// version is no address, archive.zip no domain, and the id of an object of
// SEPM no MD5 (contract: SEPM e-mail §2.2 and §5.2).
package indicator

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/incident"
)

// What is read of one text and made of it, however large it is.
const (
	maxText       = 1 << 20 // bytes
	maxIndicators = 200
)

// Indicator is a value found in free text.
type Indicator struct {
	Type  incident.ArtifactType // as Resilient names it
	Value string                // canonical and refanged; [Accepts] it
	Raw   string                // as it stands in the text
	// Start and End are the byte range of Raw in the text.
	Start, End int
}

// Find gives the indicators of a text in the order in which they stand there,
// each type and value once. The host of a URL is an indicator of its own,
// which lies within the URL's range. Of a text longer than 1 MiB the rest is
// not read, and after 200 indicators nothing more is looked for.
//
// An e-mail address is an Email Sender: Resilient has no type that says less.
func Find(text string) []Indicator {
	text = cut(text, maxText)
	paths, spans := findPaths(text)
	words := scanner{refanged: refang(text, spans), found: list{text: text}}
	words.run()

	// Both lists end early, but neither before its 200th indicator.
	both := append(paths.items, words.found.items...)
	slices.SortStableFunc(both, func(a, b Indicator) int {
		return cmp.Or(a.Start-b.Start, b.End-a.End)
	})
	all := list{text: text}
	for _, i := range both {
		all.add(i.Type, i.Value, i.Start, i.End)
	}
	return all.items
}

// list is indicators of a text, each type and value once.
type list struct {
	text  string
	items []Indicator
	known map[incident.Artifact]bool
}

func (l *list) full() bool { return len(l.items) >= maxIndicators }

// add adds a value that stands in the range of the text.
func (l *list) add(t incident.ArtifactType, value string, start, end int) {
	key := incident.Artifact{Type: t, Value: value}
	if l.full() || l.known[key] || !Accepts(t, value) {
		return
	}
	if l.known == nil {
		l.known = map[incident.Artifact]bool{}
	}
	l.known[key] = true
	l.items = append(l.items, Indicator{Type: t, Value: value, Raw: l.text[start:end], Start: start, End: end})
}

// cut shortens a text to a number of bytes, and leaves no half character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
