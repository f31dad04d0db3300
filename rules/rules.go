// Package rules decides: which mail is an alert for us, which incident an
// event belongs to, and what is looked up or done about it. It does no I/O;
// what it needs to know of the past it asks through its [View].
package rules

import (
	"fmt"
	"slices"
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
	// Open are the operational kinds that open an incident all the same.
	Open []parse.Kind
	// IgnoreUnknown is whether a mail of a sender in From that nothing else
	// makes an alert is ignored. It opens an incident otherwise: SEPM wrote
	// it, and it may be an alert in a form that is not known here.
	IgnoreUnknown bool
	// Lookups is whether there is a SEPM to ask.
	Lookups bool
}

// DefaultSubjects are the guide's three (§7.1).
func DefaultSubjects() []string {
	return []string{"Security alert", "Single Risk Event:", "New Risk Found:"}
}

// Rules are immutable and safe for concurrent use.
type Rules struct {
	from          map[string]bool
	subjects      []string
	open          map[parse.Kind]bool
	ignoreUnknown bool
	lookups       bool
	// endpoints is the name, as people see it, of the table of endpoints.
	endpoints string
}

// New makes rules from options.
func New(opts Options) *Rules {
	r := &Rules{from: make(map[string]bool), open: make(map[parse.Kind]bool), ignoreUnknown: opts.IgnoreUnknown, lookups: opts.Lookups}
	for _, kind := range opts.Open {
		r.open[kind] = true
	}
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
// with the rule that said so. An alert for us has a known sender; what else
// recognised it is added to its signals (contract: SEPM e-mail §1.10).
func (r *Rules) Accept(a parse.Alert) parse.Alert {
	signals, rule := r.recognise(a)
	a.Signals = append(slices.Clone(a.Signals), signals...)
	if rule != "" {
		a.Status, a.Rule = parse.Ignored, rule
	}
	return a
}

// recognise gives the signals that the rules saw, and the rule by which the
// mail is not for us.
func (r *Rules) recognise(a parse.Alert) (signals []string, rule string) {
	listed := len(r.from) > 0
	if listed && !r.from[strings.ToLower(a.From)] {
		return nil, fmt.Sprintf("alerts.from: the sender %q is not listed", a.From)
	}
	if listed {
		signals = append(signals, fmt.Sprintf("sender: %s is listed in alerts.from", a.From))
	}
	if a.Kind.Operational() && (len(a.Events) == 0 || a.Kind == parse.Report) {
		if !r.open[a.Kind] {
			return signals, fmt.Sprintf("kind %s: such a notice opens no incident unless alerts.open lists it", a.Kind)
		}
		return append(signals, fmt.Sprintf("kind: %s is listed in alerts.open", a.Kind)), ""
	}
	known, found := r.knownSubject(a.Subject)
	switch {
	case found:
		return append(signals, fmt.Sprintf("subject: %q is listed in alerts.subjects", known)), ""
	case a.Fingerprint:
		return signals, ""
	case !listed:
		return signals, "alerts.subjects: neither the subject nor the body is that of a SEPM alert"
	case r.ignoreUnknown:
		return signals, "alerts.unknown: neither the subject nor the body is that of a SEPM alert"
	}
	return append(signals, "nothing else: neither the subject nor the body is known, and a mail of SEPM's address is not passed over"), ""
}

func (r *Rules) knownSubject(subject string) (known string, found bool) {
	subject = strings.ToLower(subject)
	for _, known := range r.subjects {
		if strings.Contains(subject, known) {
			return known, true
		}
	}
	return "", false
}
