package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
)

// maxName bounds an incident's name in runes; maxText the text of an alert
// that was not understood. Resilient documents no limits (contract:
// Resilient API §4.1), so these are what a person can use.
const (
	maxName = 200
	maxText = 16 << 10
)

// describeEvent makes the incident for an event, its text in the order of
// the guide's fields.
func (r *Rules) describeEvent(a parse.Alert, event int, trust incident.Trust, runs []incident.Run) incident.Incident {
	e := a.Events[event]
	var text description
	text.field("Risk name", e.Risk)
	text.field("File path", e.FilePath)
	text.field("Event time", wallTime(e.EventTime, e.EventTimeUTC, a.TimeZone))
	text.field("Database insert time", wallTime(e.InsertedTime, e.InsertedTimeUTC, a.TimeZone))
	text.field("Source", e.Source)
	text.field("Description", e.Description)
	text.field("User", e.User)
	text.field("Computer", e.Computer)
	text.field("IP Address", strings.Join(e.IPAddresses, ", "))
	text.field("Domain", e.Domain)
	text.field("Server", e.Server)
	text.field("Client Group", e.ClientGroup)
	text.field("Action taken on risk", e.Action)
	text.attack(e.Attack)
	text.sender(a, trust)
	text.lookups(runs, r.endpoints)
	text.reading(a, event)
	return incident.Incident{
		Key:         e.Digest,
		Name:        bounded(incident.Clean("SEP: "+title(e)), maxName),
		Description: text.String(),
		Types:       []string{"Malware"},
		Severity:    severity(e.Outcome),
		Discovered:  instant(e.EventTimeUTC),
		Trust:       trust,
	}
}

// describeText makes the triage incident for an alert whose body was not
// understood, with the text as it came.
func describeText(a parse.Alert, key string, trust incident.Trust) incident.Incident {
	var text description
	types := []string{"Malware"}
	switch a.Kind {
	case parse.Unknown, parse.SingleRisk, parse.NewRisk, parse.ClientSecurity: // which tell of events
		text.line("This alert was not understood. It stands here as it came.")
	default:
		text.line("This alert names no single detection. It stands here as it came.")
		text.field("Kind", string(a.Kind))
	}
	if a.Kind.Operational() {
		types = nil // it is about SEPM's own running
	}
	text.field("Subject", a.Subject)
	text.sender(a, trust)
	text.reading(a, -1)
	text.line("")
	for line := range strings.Lines(bounded(a.Text, maxText)) {
		text.line(strings.TrimRight(line, "\r\n"))
	}
	return incident.Incident{
		Key:         key,
		Name:        bounded(incident.Clean("SEP: "+orDefault(a.Subject, "an alert without a subject")), maxName),
		Description: text.String(),
		Types:       types,
		Severity:    severity(parse.UnknownResult),
		Trust:       trust,
	}
}

// severity follows the outcome. What is unknown never lowers it.
func severity(o parse.Outcome) string {
	switch o {
	case parse.Remediated, parse.Informational:
		return "Low"
	case parse.NotRemediated, parse.Allowed:
		return "High"
	}
	return "Medium"
}

// title says what happened where, in a few words.
func title(e parse.Event) string {
	risk := orDefault(e.Risk, "Security risk")
	where := orDefault(e.Computer, "an unnamed computer")
	if e.Computer == "" && len(e.IPAddresses) > 0 {
		where = e.IPAddresses[0]
	}
	if a := e.Attack; a != nil && e.Risk == "" {
		risk = orDefault(a.Signature, "Attack")
		if from := orDefault(a.IP, a.Host); from != "" {
			risk += " from " + from
		}
	}
	return risk + " on " + where
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// instant reads a time of an event.
func instant(utc string) time.Time {
	t, err := time.Parse(time.RFC3339, utc)
	if err != nil {
		return time.Time{} // parse wrote it, so it is empty
	}
	return t
}

// wallTime is a time as it stood in the mail, with the zone that was assumed
// and, where that is another, in UTC.
func wallTime(wall, utc, zone string) string {
	if wall == "" {
		return ""
	}
	if utc != "" && utc != wall+"Z" {
		zone += ", " + strings.Replace(strings.TrimSuffix(utc, "Z"), "T", " ", 1) + " UTC"
	}
	return strings.Replace(wall, "T", " ", 1) + " (" + zone + ")"
}

// bounded cuts text to a number of runes, with a mark where it was cut.
func bounded(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i] + "…"
		}
		runes--
	}
	return s
}

// description builds HTML from hostile text, in the few tags that Resilient
// keeps (contract: Resilient API §4.1).
type description struct{ strings.Builder }

func (d *description) field(label, value string) {
	if value != "" {
		fmt.Fprintf(d, "<b>%s:</b> %s<br>", label, incident.EscapeHTML(value))
	}
}

func (d *description) line(text string) { fmt.Fprintf(d, "%s<br>", incident.EscapeHTML(text)) }

func (d *description) sender(a parse.Alert, trust incident.Trust) {
	proof := "not proven"
	if trust.Proven {
		proof = "proven by " + trust.By
	}
	d.field("Sender", fmt.Sprintf("%s (%s)", a.From, proof))
}

// lookups says what is asked of SEPM beside the incident, and where the answer
// is found: it comes later than this text.
func (d *description) lookups(runs []incident.Run, table string) {
	for _, r := range runs {
		if r.Action == incident.EndpointDetails {
			d.field("Looked up in SEPM", r.Subject.Artifact.Value+": see the table \""+table+"\", or a note if SEPM does not know it")
		}
	}
}

// attack tells the network side of an event.
func (d *description) attack(a *parse.Attack) {
	if a == nil {
		return
	}
	d.field("Attacker", strings.TrimSpace(a.IP+" "+a.Host))
	d.field("Signature", strings.TrimSpace(a.Signature+" "+a.SignatureID))
	d.field("Direction", strings.TrimSpace(a.Direction+" "+a.Protocol))
	d.field("Local port", port(a.LocalPort))
	d.field("Remote port", port(a.RemotePort))
	d.field("Intrusion URL", a.IntrusionURL)
	d.field("Payload URL", a.PayloadURL)
	d.field("Application", a.Application)
}

func port(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// reading says how the mail was understood: what held values of the event
// back, and what is doubtful.
func (d *description) reading(a parse.Alert, event int) {
	for _, w := range a.Whitelisted {
		if w.Event == event {
			d.field("Whitelisted", fmt.Sprintf("%s %s is no artifact because of the entry %s", w.Type, w.Value, w.Entry))
		}
	}
	for _, w := range a.Warnings {
		d.field("Reading", w)
	}
}
