package parse

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// field is a place in an [Event] that a label fills.
type field uint8

const (
	noField field = iota // a known label whose value goes to Event.Extra
	riskField
	pathField
	eventTimeField
	insertedField
	sourceField
	descriptionField
	userField
	computerField
	addressField
	domainField
	serverField
	groupField
	actionField
	hashField // the algorithm is told by the length
	md5Field
	sha1Field
	sha256Field
	fieldCount
)

// maxLabel is the length in bytes of the longest label that is looked up.
const maxLabel = 40

// fieldOf is the closed table of labels: those of the guide's mail, first in
// each line, and the aliases of contract SEPM e-mail §1.10. A label is given
// in lower case with single spaces.
func fieldOf(label string) (f field, known bool) {
	switch label {
	case "risk name", "risk", "threat name", "virus name":
		return riskField, true
	case "file path", "filepath", "location":
		return pathField, true
	case "event time", "occurred":
		return eventTimeField, true
	case "database insert time", "event insert time", "inserted":
		return insertedField, true
	case "source", "scan type", "detected by":
		return sourceField, true
	case "description":
		return descriptionField, true
	case "user", "user name":
		return userField, true
	case "computer", "computer name", "machine", "host":
		return computerField, true
	case "ip address", "ip addresses", "ip address(es)":
		return addressField, true
	case "domain", "domain name":
		return domainField, true
	case "server", "server name", "parent server":
		return serverField, true
	case "client group", "group", "group name":
		return groupField, true
	case "action taken on risk", "action", "actual action":
		return actionField, true
	case "application hash":
		return hashField, true
	case "md5", "md-5":
		return md5Field, true
	case "sha1", "sha-1":
		return sha1Field, true
	case "sha256", "sha-256":
		return sha256Field, true
	case "requested action", "secondary action", "occurrences", "count", "hash type", "site",
		"source computer", "source ip", "web domain", "downloaded by", "url", "signature",
		"local host ip", "remote host ip", "remote host name", "intrusion url":
		return noField, true
	}
	return noField, false
}

// pair is a label and its value, as they stand in a line.
type pair struct {
	field field
	label string // as written
	value string
}

// knownLabel reads "label: value" at the start of s, when the label is in
// the table. Case, kind and number of the blanks do not matter, and the
// colon may be the full-width one.
func knownLabel(s string) (pair, bool) {
	name, value, ok := cutColon(s)
	if !ok {
		return pair{}, false
	}
	f, ok := foldLabel(name)
	return pair{field: f, label: trimBlanks(name), value: trimBlanks(value)}, ok
}

// cutColon cuts at the first colon that can end a label.
func cutColon(s string) (name, value string, ok bool) {
	const wide = "："
	for i := 0; i < len(s) && i <= maxLabel; i++ {
		switch {
		case s[i] == ':':
			return s[:i], s[i+1:], true
		case s[i] == wide[0] && strings.HasPrefix(s[i:], wide):
			return s[:i], s[i+len(wide):], true
		}
	}
	return "", "", false
}

// foldLabel looks a label up by its folded form.
func foldLabel(name string) (field, bool) {
	var folded [maxLabel]byte
	n, gap := 0, false
	for i := 0; i < len(name); {
		width := 1
		if name[i] >= utf8.RuneSelf {
			_, width = utf8.DecodeRuneInString(name[i:])
		}
		if (name[i] <= ' ' || width > 1) && isBlank(name[i:i+width]) {
			gap = n > 0
			i += width
			continue
		}
		if n+1+width > len(folded) {
			return noField, false
		}
		if gap {
			folded[n], gap = ' ', false
			n++
		}
		n += copy(folded[n:], name[i:i+width])
		if c := folded[n-1]; 'A' <= c && c <= 'Z' {
			folded[n-1] = c + 'a' - 'A'
		}
		i += width
	}
	return fieldOf(string(folded[:n]))
}

// unknownLabel reads "label: value" for a label that only looks like one: a
// few words, and a blank or nothing after the colon, so that neither C:\ nor
// a URL is taken for one.
func unknownLabel(s string) (pair, bool) {
	name, value, ok := cutColon(s)
	name = trimBlanks(name)
	if !ok || len(name) < 2 || len(strings.Fields(name)) > 5 {
		return pair{}, false
	}
	if value != "" && trimBlanksLeft(value) == value {
		return pair{}, false
	}
	for i, r := range name {
		letter := unicode.IsLetter(r) || unicode.IsMark(r)
		if !letter && (i == 0 || !unicode.IsDigit(r) && !strings.ContainsRune(" -_/()#%.'\u00a0", r)) {
			return pair{}, false
		}
	}
	return pair{label: name, value: trimBlanks(value)}, true
}

// isBlank reports whether the character is one of the blanks that mail
// programs put around labels and values.
func isBlank(char string) bool {
	switch char {
	case " ", "\t", "\r", "\u00a0", "\u202f", "\u3000", "\ufeff":
		return true
	}
	return false
}

// trimBlanks takes the blanks off both ends; inside, a value is kept byte for
// byte, because a path is a name and not a text.
func trimBlanks(s string) string {
	s = trimBlanksLeft(s)
	for len(s) > 0 {
		width := 1
		if c := s[len(s)-1]; c >= utf8.RuneSelf {
			_, width = utf8.DecodeLastRuneInString(s)
		} else if c > ' ' {
			break
		}
		if !isBlank(s[len(s)-width:]) {
			break
		}
		s = s[:len(s)-width]
	}
	return s
}

func trimBlanksLeft(s string) string {
	for len(s) > 0 {
		width := 1
		if c := s[0]; c >= utf8.RuneSelf {
			_, width = utf8.DecodeRuneInString(s)
		} else if c > ' ' {
			break
		}
		if !isBlank(s[:width]) {
			break
		}
		s = s[width:]
	}
	return s
}
