package parse

import (
	"regexp"
	"strings"
	"sync"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// crossCheck compares the subject of a mail about one event with its body.
// The subject is the fallback for what the body does not say; where they
// disagree the body counts, with a warning.
func (v *Vocabulary) crossCheck(events []Event, subject string, warn *mime.Warnings) {
	computer, risk, action, ok := readSubject(subject)
	if !ok || len(events) != 1 {
		return
	}
	e := &events[0]
	for _, told := range [...]struct {
		name, subject string
		body          *string
	}{{"computer", computer, &e.Computer}, {"risk", risk, &e.Risk}, {"action", action, &e.Action}} {
		switch {
		case told.subject == "" || sameText(told.subject, *told.body, told.name == "action"):
		case *told.body == "":
			*told.body = told.subject
			e.Outcome = v.outcome(e.Action)
			warn.Add("the %s is from the subject, the body has none", told.name)
		default:
			warn.Add("the %s is %s in the subject and %s in the body", told.name, mime.Quote(told.subject), mime.Quote(*told.body))
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

// BareSubject takes off what relays, mailing lists and mail programs put
// before a subject: Re: and its like, [EXTERNAL] and list names, and SEPM's
// own word for how bad it is. Blanks are made single.
func BareSubject(subject string) string {
	subject = strings.Join(strings.Fields(subject), " ")
	for {
		at := subjectPrefix().FindStringIndex(subject)
		if at == nil || at[1] == len(subject) {
			return subject
		}
		subject = subject[at[1]:]
	}
}

var subjectPrefix = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?i:(?:re|fwd?|aw|wg|tr|sv|vs|rv|antw)(?:\[\d+\])?\s?: ?|\[[^\]]{1,60}\] ?|(?:critical|warning|information(?:al)?|alert) ?: ?)`)
})
