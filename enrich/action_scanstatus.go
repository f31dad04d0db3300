package enrich

import (
	"context"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

// getScanResults is the guide's "Get Scan results" (§5.13): what the follow-up
// does by itself, now.
func getScanResults() Action {
	return statusAction(incident.Scanning, "scan_commandid", incident.ActionDef{
		Name:  "get_scan_results",
		Title: "Example: SEP - Get Scan results",
		Help:  "Asks SEPM how the scan stands now: the row's state, a row for each match so far, and all matches as CSV.",
		When: []incident.Condition{
			{Column: "scan_commandid", Test: incident.HasValue},
			{Column: "scan_command_state", Test: incident.Lacks, Values: []string{wordCompleted}},
			{Column: "scan_command_state", Test: incident.Contains, Values: slices.Concat(wordsUnderWay(), wordsTimedOut())},
		},
	})
}

// statusAction is an action on a row that tells how its command stands, whose
// id is in a column.
func statusAction(kind incident.CommandKind, column string, def incident.ActionDef) Action {
	def.On, def.Table = incident.OnRow, incident.TableScanResults
	return Action{
		ActionDef: def,
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			c, err := p.command(ctx, kind, p.Subject.Cell(column))
			if err != nil {
				return incident.Step{}, err
			}
			f, err := look(ctx, p.Server, c, p.Now, nil)
			if err != nil {
				return incident.Step{}, err
			}
			f.report = true
			return incident.Step{Effects: f.effects()}, nil
		},
	}
}

// command is the command of the row that the action is started on. One that
// fn_sep has started is made from the row.
func (p Plan) command(ctx context.Context, kind incident.CommandKind, id string) (incident.Command, error) {
	known, err := p.commands(ctx)
	if err != nil {
		return incident.Command{}, err
	}
	for _, c := range known {
		if c.Kind == kind && slices.Contains(c.IDs, id) {
			return c, nil
		}
	}
	key := p.Subject.Row.Key()
	c := incident.Command{
		Kind: kind, IDs: []string{id}, Server: p.Run.Server, Action: p.Run.Action, Started: p.Now, Row: &key,
		Detail: make(map[string]string),
	}
	for _, column := range []string{"artifact_id", "artifact_type", "artifact_value", "scan_type", "hash_value", "file_path"} {
		c.Detail[column] = p.Subject.Cell(column)
	}
	if kind == incident.Scanning {
		if at, err := time.Parse(time.DateTime, p.Subject.Cell("query_execution_date")); err == nil {
			c.Started = at
		}
	} else if computer := p.Subject.Cell("computer_id"); computer != "" {
		c.Computers = []incident.CommandTarget{{ID: computer, Name: p.Subject.Cell("computer_name")}}
	}
	return c, nil
}
