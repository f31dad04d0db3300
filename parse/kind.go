package parse

import (
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// kindOf tells the condition that sent the mail: first by a subject of a
// security condition; then by the body, because an administrator may have
// changed the subject (contract: SEPM e-mail §0.1-4); then by an operational
// condition's words. A mail with events is never an operational notice.
func kindOf(subject string, b body) Kind {
	subject = strings.ToLower(subject)
	if k := securityKind(subject); k != Unknown {
		return k
	}
	if b.heading {
		return SingleRisk
	}
	if b.securityAlert {
		return ClientSecurity
	}
	if len(b.events) > 0 {
		return Unknown
	}
	if k := operationalKind(subject); k != Unknown {
		return k
	}
	return operationalKind(strings.ToLower(mime.Cut(b.text, maxKindText)))
}

// maxKindText is how much of a body is searched for words: a notice says in
// its first lines what it is.
const maxKindText = 2048

// securityKind knows the guide's subjects (§7.1) and the conditions' names
// (contract: SEPM e-mail §1.1).
func securityKind(s string) Kind {
	switch {
	case strings.Contains(s, "single risk event"):
		return SingleRisk
	case strings.Contains(s, "new risk found"), strings.Contains(s, "new risk detected"):
		return NewRisk
	case strings.Contains(s, "security alert"):
		return ClientSecurity
	case strings.Contains(s, "weekly outbreaks"): // a scheduled report
		return Unknown
	case strings.Contains(s, "outbreak"):
		return Outbreak
	case strings.Contains(s, "commercial application detected"):
		return ForcedApplication
	case strings.Contains(s, "new learned application"):
		return LearnedApplication
	case strings.Contains(s, "authentication failure"):
		return AuthenticationFailure
	case strings.Contains(s, "unmanaged computers"):
		return Unmanaged
	}
	return Unknown
}

// operationalKind knows the literal texts of contract SEPM e-mail §1.4.
func operationalKind(s string) Kind {
	switch {
	case strings.Contains(s, "server health alert"), strings.Contains(s, " health status: "):
		return ServerHealth
	case strings.Contains(s, "new software package available"), strings.Contains(s, "package from liveupdate"):
		return Software
	case strings.Contains(s, "computer list changed"), strings.Contains(s, "number of clients changed: "):
		return ClientList
	case strings.Contains(s, "symantec") && strings.Contains(s, "license"):
		return Licence
	case strings.Contains(s, "system event notification"), strings.Contains(s, "number of system events detected: "),
		strings.Contains(s, "groups have not been assigned a password"):
		return System
	case strings.Contains(s, "old ") && strings.Contains(s, " definitions"),
		strings.Contains(s, " definitions older than "):
		return Definitions
	case strings.Contains(s, "comprehensive risk report"), strings.Contains(s, "weekly outbreaks"),
		strings.Contains(s, "infected and at risk computers"):
		return Report
	}
	return Unknown
}
