// Package rules decides: which mail is an alert for us, which incident an
// event belongs to, and what is looked up or done about it. It does no I/O;
// what it needs to know of the past it asks through its [View].
package rules

import (
	"fmt"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
)

// Options are the rules of one config.
type Options struct {
	// From lists the addresses that SEPM sends from, case-insensitive.
	// Empty accepts every sender, which only one-shot reading may want.
	From []string
	// Subjects are the texts, one of which an alert's subject contains,
	// case-insensitive.
	Subjects []string
	// Lookups is whether there is a SEPM to ask.
	Lookups bool
}

// DefaultSubjects are the guide's three (§7.1).
func DefaultSubjects() []string {
	return []string{"Security alert", "Single Risk Event:", "New Risk Found:"}
}

// Rules are immutable and safe for concurrent use.
type Rules struct {
	from     map[string]bool
	subjects []string
	lookups  bool
	// endpoints is the name, as people see it, of the table of endpoints.
	endpoints string
}

// New makes rules from options.
func New(opts Options) *Rules {
	r := &Rules{from: make(map[string]bool), lookups: opts.Lookups}
	if table, ok := incident.TableByName(incident.TableEndpoints); ok {
		r.endpoints = table.Label
	}
	for _, address := range opts.From {
		r.from[strings.ToLower(address)] = true
	}
	for _, s := range opts.Subjects {
		r.subjects = append(r.subjects, strings.ToLower(s))
	}
	return r
}

// Accept returns the alert with the status that the rules give it: an alert
// for us keeps the status of its reading, anything else is [parse.Ignored]
// with the rule that said so. An alert for us has a known sender, and either
// a known subject or a body that is SEPM's (contract: SEPM e-mail §1.10).
func (r *Rules) Accept(a parse.Alert) parse.Alert {
	if rule := r.refuses(a); rule != "" {
		a.Status, a.Rule = parse.Ignored, rule
	}
	return a
}

func (r *Rules) refuses(a parse.Alert) string {
	switch {
	case len(r.from) > 0 && !r.from[strings.ToLower(a.From)]:
		return fmt.Sprintf("alerts.from: the sender %q is not listed", a.From)
	case len(a.Events) == 0 && operational(a.Kind):
		return fmt.Sprintf("kind %s: an operational notice opens no incident", a.Kind)
	case !a.Fingerprint && !r.knownSubject(a.Subject):
		return "alerts.subjects: neither the subject nor the body is that of a SEPM alert"
	}
	return ""
}

func (r *Rules) knownSubject(subject string) bool {
	subject = strings.ToLower(subject)
	for _, known := range r.subjects {
		if strings.Contains(subject, known) {
			return true
		}
	}
	return false
}

// operational reports whether the kind is about SEPM's own running
// (contract: SEPM e-mail §1.1, last column "no").
func operational(k parse.Kind) bool {
	switch k {
	case parse.System, parse.ServerHealth, parse.Definitions, parse.ClientList,
		parse.Software, parse.Licence, parse.Report:
		return true
	}
	return false
}
