package enrich

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

// endpointActions are the actions on endpoints that the incident lists, and on
// the fleet's compliance.
func endpointActions() []Action {
	return slices.Concat(
		[]Action{quarantineCommand().onRow(), unquarantineCommand().onRow(), getQuarantineStatus(), moveToGroup(), moveBackToGroup()},
		[]Action{activeScan().onRow(), fullScan().onRow(), updateContent().onRow()},
		[]Action{endpointsSummary(), refreshEndpointsSummary(), nonCompliantDetails()},
		bulkActions(),
	)
}

// endpointCommand is a command that an action sends to endpoints. Its ActionDef
// is that of the action on one row.
type endpointCommand struct {
	incident.ActionDef
	kind      incident.CommandKind
	operation incident.Operation
}

// The commands beyond the guide.
func activeScan() endpointCommand {
	return endpointCommand{
		ActionDef: incident.ActionDef{
			Name: "active_scan", Title: "Example: SEP - Active Scan Endpoint",
			Help: "Scans the endpoint's memory and the usual places of infections.",
			When: anyEndpoint(),
		},
		kind: incident.ActiveScan, operation: incident.OpActiveScan,
	}
}

func fullScan() endpointCommand {
	return endpointCommand{
		ActionDef: incident.ActionDef{
			Name: "full_scan", Title: "Example: SEP - Full Scan Endpoint",
			Help: "Scans all of the endpoint.",
			When: anyEndpoint(),
		},
		kind: incident.FullScan, operation: incident.OpFullScan,
	}
}

func updateContent() endpointCommand {
	return endpointCommand{
		ActionDef: incident.ActionDef{
			Name: "update_content", Title: "Example: SEP - Update Content on Endpoint",
			Help: "Makes the endpoint fetch new definitions.",
			When: anyEndpoint(),
		},
		kind: incident.ContentUpdate, operation: incident.OpUpdateContent,
	}
}

func anyEndpoint() []incident.Condition {
	return []incident.Condition{{Column: "uniqueId", Test: incident.HasValue}}
}

// onRow is the action on a row.
func (e endpointCommand) onRow() Action {
	def := e.ActionDef
	def.On, def.Table, def.Changes = incident.OnRow, incident.TableEndpoints, true
	def.Form = []incident.InputDef{reasonField()}
	return Action{ActionDef: def, Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
		if len(p.Answers) > 0 {
			return e.sent(p, []incident.Row{*p.Subject.Row})
		}
		id, name := p.Subject.Cell("uniqueId"), p.Subject.Cell("computerName")
		computer, found, err := findComputer(ctx, p.Reader, id, name)
		switch {
		case err != nil:
			return incident.Step{}, fmt.Errorf("look up endpoint %s: %w", id, err)
		case !found:
			return incident.Step{}, unknownEndpoint(id, name)
		case isQuarantine(e.kind) && !isWindows(computer):
			return incident.Step{}, mistake("%s runs %s, and SEPM quarantines Windows endpoints only", computer.Name, computer.OS)
		}
		return incident.Step{Call: newCall(e.operation, incident.Target{Computers: []string{id}}, nil)}, nil
	}}
}

func reasonField() incident.InputDef {
	return incident.InputDef{Name: "reason", Type: incident.InputText, Help: "Why it is done, for the note and the records."}
}

func unknownEndpoint(id, name string) error {
	return mistake("SEPM knows no endpoint %s with the id %s any more: get the endpoint's details again", name, id)
}

// sent are the effects of a command that SEPM was given for endpoints of the
// rows, as far as it took it: the rows show it, and it is followed to its end.
func (e endpointCommand) sent(p Plan, rows []incident.Row) (incident.Step, error) {
	c := p.started(e.kind)
	no := refusal(p.Answers)
	if len(c.IDs) == 0 {
		if no == nil {
			return incident.Step{}, mistake("SEPM took the command and gave no id: look in its console, under Monitors, Command Status")
		}
		return incident.Step{}, mistake("SEPM refused it: %s", no.Error)
	}
	names := make(map[string]string, len(rows))
	for _, r := range rows {
		names[r.Cells["uniqueId"].String()] = r.Cells["computerName"].String()
	}
	var step incident.Step
	var left []string // what SEPM refused
	for _, a := range p.Answers {
		for _, id := range a.Call.Target.Computers {
			if a.Error != "" {
				left = append(left, bold(names[id]))
				continue
			}
			c.Computers = append(c.Computers, incident.CommandTarget{ID: id, Name: names[id]})
			if isQuarantine(e.kind) {
				step.Effects = append(step.Effects, incident.Effect{Row: endpointCells(id, map[string]string{
					"quarantine_commandid":     strings.Join(commandIDs([]incident.Answer{a}), ", "),
					"quarantine_command_state": string(StateInProgress),
					queryDate:                  p.Now.UTC().Format(time.DateTime),
				})})
			}
		}
	}
	if len(c.Computers) == 1 && isQuarantine(e.kind) {
		c.Row = endpointCells(c.Computers[0].ID, nil)
	}
	text := fmt.Sprintf("<b>%s</b> of %s: SEPM has the command %s, and how it ends is told here.",
		commandLabel(e.kind), targets(c.Computers), incident.EscapeHTML(strings.Join(c.IDs, ", ")))
	if c.Why != "" {
		text += " Reason: " + incident.EscapeHTML(c.Why) + "."
	}
	if len(left) > 0 {
		text += fmt.Sprintf(" SEPM refused it for %s: %s", amount(len(left), "endpoint"), listed(left))
		text += " (" + incident.EscapeHTML(no.Error) + ")."
	}
	step.Effects = append(step.Effects,
		incident.Effect{Note: &incident.Note{Key: "command sent: " + c.IDs[0], Text: text}},
		incident.Effect{Follow: c})
	return step, nil
}

// queryDate is the column that says when a row was brought up to date.
const queryDate = "query_execution_date"

// endpointCells is the row of an endpoint with the cells that change.
func endpointCells(id string, cells map[string]string) *incident.Row {
	row := &incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{"uniqueId": incident.Text(id)}}
	for column, text := range cells {
		row.Cells[column] = incident.Text(text)
	}
	return row
}

// commandLabel is what a command does, in words.
func commandLabel(kind incident.CommandKind) string {
	switch kind {
	case incident.Quarantining:
		return "Quarantine"
	case incident.Unquarantining:
		return "Un-quarantine"
	case incident.ActiveScan:
		return "Active scan"
	case incident.FullScan:
		return "Full scan"
	case incident.ContentUpdate:
		return "Content update"
	case eitherQuarantine:
		return "Quarantine command"
	}
	return string(kind)
}

// targets names the only endpoint, or says how many there are. It is HTML.
func targets(computers []incident.CommandTarget) string {
	if len(computers) == 1 {
		return bold(computers[0].Name)
	}
	return amount(len(computers), "endpoint")
}

func bold(name string) string { return "<b>" + incident.EscapeHTML(name) + "</b>" }

// maxListed is how many endpoints a note names.
const maxListed = 100

// listed joins what a note names.
func listed(items []string) string {
	if len(items) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(items[:maxListed], ", "), len(items)-maxListed)
	}
	return strings.Join(items, ", ")
}
