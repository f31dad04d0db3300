package enrich

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getQuarantineStatus is the guide's "Get Quarantine status" (§5.13): what the
// following of the command does by itself, done now.
func getQuarantineStatus() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "quarantine_status",
			Title: "Example: SEP - Get Quarantine status",
			Help:  "Asks SEPM now how the row's quarantine command stands, and whether the endpoint is cut off.",
			On:    incident.OnRow, Table: incident.TableEndpoints,
			When: []incident.Condition{
				{Column: "uniqueId", Test: incident.HasValue},
				{Column: "quarantine_commandid", Test: incident.HasValue},
			},
		},
		Decide: quarantineStatusNow,
	}
}

func quarantineStatusNow(ctx context.Context, p Plan) (incident.Step, error) {
	known, err := p.commands(ctx)
	if err != nil {
		return incident.Step{}, err
	}
	c := quarantineOfRow(p, known)
	target := c.Computers[0]
	state, err := Follow(ctx, p.Server, c, p.Now, known...)
	switch {
	case errors.Is(err, sepclient.ErrNotFound):
		return incident.Step{}, mistake("SEPM does not know the command %s any more, so how it ended is not known", strings.Join(c.IDs, ", "))
	case err != nil:
		return incident.Step{}, err
	}
	row := endpointCells(target.ID, nil)
	for _, e := range state.Effects {
		if e.Row != nil {
			row = e.Row
		}
	}
	if _, found := row.Cells[quarantineColumn]; !found {
		// The command says nothing of the endpoint: SEPM's record may.
		computer, _, err := findComputer(ctx, p.Reader, target.ID, target.Name)
		if err != nil {
			return incident.Step{}, fmt.Errorf("look up endpoint %s: %w", target.ID, err)
		}
		kind, at := lastCompleted(target.ID, known)
		if status := isolation(computer, kind, at); status != "" {
			row.Cells[quarantineColumn] = incident.Text(status)
		}
	}
	row.Cells[queryDate] = incident.Text(p.Now.UTC().Format(time.DateTime))
	command, status := row.Cells["quarantine_command_state"].String(), row.Cells[quarantineColumn].String()
	if command == "" {
		command = "a newer one is under way"
	}
	if status == "" {
		status = "not known"
	}
	return incident.Step{Effects: []incident.Effect{{Row: row}, {Note: &incident.Note{
		Key: fmt.Sprintf("quarantine status: %s: %s, %s", c.IDs[0], command, status),
		Text: fmt.Sprintf("Quarantine status of %s: the command %s: %s; the endpoint: %s.", bold(target.Name),
			incident.EscapeHTML(strings.Join(c.IDs, ", ")), command, status),
	}}}}, nil
}

// quarantineOfRow is the row's command, for the row's endpoint alone and as if
// nothing were known of its progress. A command that fn_sep sent is not in the
// ledger, and the row does not say whether it was an undo.
func quarantineOfRow(p Plan, known []incident.Command) incident.Command {
	ids := strings.FieldsFunc(p.Subject.Cell("quarantine_commandid"), func(r rune) bool { return r == ',' || r == ' ' })
	c := incident.Command{Kind: eitherQuarantine, IDs: ids, Server: p.Run.Server, Action: p.Run.Action, Started: p.Now}
	if asked, err := time.Parse(time.DateTime, p.Subject.Cell(queryDate)); err == nil {
		c.Started = asked
	}
	for _, k := range known {
		if isQuarantine(k.Kind) && slices.ContainsFunc(k.IDs, func(id string) bool { return slices.Contains(ids, id) }) {
			c = k
		}
	}
	c.Computers = []incident.CommandTarget{{ID: p.Subject.Cell("uniqueId"), Name: p.Subject.Cell("computerName")}}
	c.Progress = incident.CommandProgress{}
	return c
}

const quarantineColumn = "endpoint_quarantine_status"
