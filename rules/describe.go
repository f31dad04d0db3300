package rules

import (
	"fmt"
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
func (r *Rules) describeEvent(a parse.Alert, e parse.Event, trust incident.Trust, runs []incident.Run) incident.Incident {
	risk, computer := e.Risk, e.Computer
	if risk == "" {
		risk = "Security risk"
	}
	if computer == "" {
		computer = "an unnamed computer"
	}
	var text description
	text.field("Risk name", e.Risk)
	text.field("File path", e.FilePath)
	text.field("Event time", wallTime(e.EventTime, a.TimeZone))
	text.field("Database insert time", wallTime(e.InsertedTime, a.TimeZone))
	text.field("Source", e.Source)
	text.field("Description", e.Description)
	text.field("User", e.User)
	text.field("Computer", e.Computer)
	text.field("IP Address", strings.Join(e.IPAddresses, ", "))
	text.field("Domain", e.Domain)
	text.field("Server", e.Server)
	text.field("Client Group", e.ClientGroup)
	text.field("Action taken on risk", e.Action)
	text.sender(a, trust)
	text.lookups(runs, r.endpoints)
	text.warnings(a.Warnings)
	return incident.Incident{
		Key:         e.Digest,
		Name:        bounded(incident.Clean(fmt.Sprintf("SEP: %s on %s", risk, computer)), maxName),
		Description: text.String(),
		Types:       []string{"Malware"},
		Severity:    severity(e.Outcome),
		Discovered:  instant(e.EventTime),
		Trust:       trust,
	}
}

// describeText makes the triage incident for an alert whose body was not
// understood, with the text as it came.
func describeText(a parse.Alert, key string, trust incident.Trust) incident.Incident {
	var text description
	text.line("This alert was not understood. It stands here as it came.")
	text.field("Subject", a.Subject)
	text.sender(a, trust)
	text.warnings(a.Warnings)
	text.line("")
	for line := range strings.Lines(bounded(a.Text, maxText)) {
		text.line(strings.TrimRight(line, "\r\n"))
	}
	return incident.Incident{
		Key:         key,
		Name:        bounded(incident.Clean("SEP: "+a.Subject), maxName),
		Description: text.String(),
		Types:       []string{"Malware"},
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

// instant reads a wall time in the assumed zone, UTC.
func instant(wall string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05", wall)
	if err != nil {
		return time.Time{} // parse wrote it, so it is empty
	}
	return t
}

func wallTime(wall, zone string) string {
	if wall == "" {
		return ""
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

func (d *description) warnings(warnings []string) {
	for _, w := range warnings {
		d.field("Reading", w)
	}
}
