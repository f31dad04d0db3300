package parse

import (
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// crossCheck compares the subject of a mail about one event with its body.
// The subject is the fallback for what the body does not say; where they
// disagree the body counts, with a warning.
func crossCheck(events []Event, subject string, warn *mime.Warnings) {
	computer, risk, action, ok := readSubject(subject)
	if !ok || len(events) != 1 {
		return
	}
	e := &events[0]
	for _, v := range [...]struct {
		name, subject string
		body          *string
	}{{"computer", computer, &e.Computer}, {"risk", risk, &e.Risk}, {"action", action, &e.Action}} {
		switch {
		case v.subject == "" || sameText(v.subject, *v.body, v.name == "action"):
		case *v.body == "":
			*v.body = v.subject
			e.Outcome = outcomeOf(e.Action)
			warn.Add("the %s is from the subject, the body has none", v.name)
		default:
			warn.Add("the %s is %s in the subject and %s in the body", v.name, mime.Quote(v.subject), mime.Quote(*v.body))
		}
	}
}

// readSubject reads "Single Risk Event: machine C infected with R, action A"
// (contract: SEPM e-mail §1.3). Risk and action may hold commas.
func readSubject(subject string) (computer, risk, action string, ok bool) {
	_, rest, ok := strings.Cut(subject, "Single Risk Event: machine ")
	if !ok {
		return "", "", "", false
	}
	computer, rest, ok = strings.Cut(rest, " infected with ")
	if !ok {
		return "", "", "", false
	}
	at := strings.LastIndex(rest, ", action ")
	if at < 0 {
		return "", "", "", false
	}
	return trimBlanks(computer), trimBlanks(rest[:at]), trimBlanks(rest[at+len(", action "):]), true
}

// sameText compares what a folded subject repeats: case and the number of
// blanks say nothing. What stands last may have been cut off.
func sameText(subject, body string, last bool) bool {
	if strings.EqualFold(subject, body) {
		return true
	}
	subject, body = strings.ToLower(subject), strings.ToLower(body)
	if strings.Contains(body, "  ") {
		body = strings.Join(strings.Fields(body), " ")
	}
	return subject == body || last && body != "" && strings.HasPrefix(body, subject)
}
