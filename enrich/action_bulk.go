package enrich

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// bulkActions do for all endpoints that the incident lists what an action does
// for one. Without a count they only tell whom they would address.
func bulkActions() []Action {
	return []Action{
		quarantineCommand().onAll("quarantine_endpoints", "Example: SEP - Quarantine Endpoints of Incident",
			"Cuts all endpoints of the incident off from the network."),
		unquarantineCommand().onAll("unquarantine_endpoints", "Example: SEP - Un-Quarantine Endpoints of Incident",
			"Lets all endpoints of the incident back into the network."),
		activeScan().onAll("active_scan_endpoints", "Example: SEP - Active Scan Endpoints of Incident",
			"Scans memory and the usual places of infections of all endpoints of the incident."),
		moveEndpoints(),
	}
}

func bulkDef(name, title, help string, form ...incident.InputDef) incident.ActionDef {
	return incident.ActionDef{
		Name: name, Title: title, On: incident.OnIncident, Changes: true,
		Help: help + " Without a count it only leaves a note of which these are.",
		Form: append(form,
			incident.InputDef{Name: "filter", Type: incident.InputText, Help: "Only endpoints of this name, in which * stands for anything."},
			incident.InputDef{Name: "count", Type: incident.InputNumber, Help: "How many endpoints are addressed, to confirm it. Empty: only show them."},
			reasonField()),
	}
}

// onAll is the command for all endpoints on which it is offered one by one.
func (e endpointCommand) onAll(name, title, help string) Action {
	return Action{ActionDef: bulkDef(name, title, help), Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
		rows, err := p.endpointRows(ctx)
		if err != nil {
			return incident.Step{}, err
		}
		if len(p.Answers) > 0 {
			return e.sent(p, rows)
		}
		chosen := choose(p, rows, e.onRow().ActionDef)
		if show, err := chosen.confirmed(p); show != nil || err != nil {
			return incident.Step{Effects: show}, err
		}
		var ids []string
		for _, r := range chosen.rows {
			ids = append(ids, r.Cells["uniqueId"].String())
		}
		return incident.Step{Call: newCall(e.operation, incident.Target{Computers: ids}, nil)}, nil
	}}
}

// endpointRows are the rows of endpoints that the incident has.
func (p Plan) endpointRows(ctx context.Context) ([]incident.Row, error) {
	if p.Case == nil {
		return nil, nil
	}
	known, err := p.Case(ctx)
	var rows []incident.Row
	for _, r := range known.Rows {
		if r.Table == incident.TableEndpoints {
			rows = append(rows, r)
		}
	}
	return rows, err
}

// choice is whom an action on all endpoints addresses.
type choice struct {
	rows []incident.Row
	// left are those of the filter that it leaves out, and why, as HTML.
	left []string
	// more is what else there is to be said of what would be done, as HTML.
	more string
}

// choose chooses rows by the form's filter and the conditions of the action on
// one row.
func choose(p Plan, rows []incident.Row, one incident.ActionDef) *choice {
	c := new(choice)
	for _, r := range rows {
		name := r.Cells["computerName"].String()
		if !matchesName(p.Input["filter"], name) {
			continue
		}
		if err := one.Offered(incident.Subject{Row: &r}); err != nil {
			c.leaveOut(name, err.Error())
			continue
		}
		c.rows = append(c.rows, r)
	}
	return c
}

func (c *choice) leaveOut(name, why string) {
	c.left = append(c.left, bold(name)+" ("+incident.EscapeHTML(why)+")")
}

// matchesName matches a name as SEPM matches it: * is anything, and case does
// not matter. An empty pattern is any name.
func matchesName(pattern, name string) bool {
	pattern = strings.TrimSpace(pattern)
	if pattern == "" {
		return true
	}
	text := "(?is)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
	return regexp.MustCompile(text).MatchString(name)
}

// confirmed shows the choice where the form has no count, and holds the count
// against it where there is one.
func (c *choice) confirmed(p Plan) (show []incident.Effect, err error) {
	text := p.Input["count"]
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case text == "":
		return []incident.Effect{c.preview(p)}, nil
	case err != nil:
		return nil, mistake("the count is %q, which is no number of endpoints", text)
	case n != len(c.rows):
		return nil, mistake("the count is %d, but it would be for %s, so nothing was sent: start it without a count to see which", n, amount(len(c.rows), "endpoint"))
	case n == 0:
		return nil, mistake("there is no endpoint that it could be for")
	}
	return nil, nil
}

func (c *choice) preview(p Plan) incident.Effect {
	var names []string
	for _, r := range c.rows {
		names = append(names, bold(r.Cells["computerName"].String()))
	}
	text := fmt.Sprintf("<b>%s</b>: nothing was sent yet. It would be for %s", incident.EscapeHTML(p.Run.Action), amount(len(names), "endpoint"))
	if len(names) > 0 {
		text += ": " + listed(names)
	}
	text += "." + c.more
	if len(c.left) > 0 {
		text += fmt.Sprintf(" %s left out: %s.", amount(len(c.left), "endpoint"), listed(c.left))
	}
	if len(names) > 0 {
		text += fmt.Sprintf(" To do it, start it again with the count %d.", len(names))
	}
	return incident.Effect{Note: &incident.Note{Key: fmt.Sprintf("preview: %s, %s", p.Run.Action, readable(p.Now)), Text: text}}
}
