package parse

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/parse/mime"
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
	attackerField
	attackerHostField
	signatureField
	signatureIDField
	directionField
	protocolField
	localPortField
	remotePortField
	intrusionURLField
	payloadURLField
	applicationField
	fieldCount
)

// fieldNames are the names of the fields in a vocabulary's file.
func fieldNames() [fieldCount]string {
	return [...]string{
		"other", "risk", "file_path", "event_time", "inserted_time", "source", "description", "user", "computer", "ip_addresses",
		"domain", "server", "client_group", "action", "hash", "md5", "sha1", "sha256",
		"attacker_ip", "attacker_host", "signature", "signature_id", "direction", "protocol", "local_port", "remote_port",
		"intrusion_url", "payload_url", "application",
	}
}

// String is the field's name.
func (f field) String() string { return fieldNames()[f] }

// pair is a label and its value, as they stand in a line.
type pair struct {
	field field
	label string // as written
	value string
}

// knownLabel reads "label: value" at the start of s, when the label is in
// the table. Case, kind and number of the blanks do not matter, and the
// colon may be the full-width one.
func (v *Vocabulary) knownLabel(s string) (pair, bool) {
	name, value, ok := cutColon(s)
	if !ok {
		return pair{}, false
	}
	f, ok := v.label(name)
	return pair{field: f, label: trimBlanks(name), value: value}, ok
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
	case " ", "\t", "\r", mime.CellBreak, "\u00a0", "\u202f", "\u3000", "\ufeff":
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
