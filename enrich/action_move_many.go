package enrich

import (
	"context"
	"fmt"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// moveEndpoints moves all endpoints of the incident.
func moveEndpoints() Action {
	return Action{
		ActionDef: bulkDef("move_endpoints", "Example: SEP - Move Endpoints of Incident",
			"Moves all endpoints of the incident to another group of their domain.", groupField()),
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			if len(p.Answers) > 0 {
				return movedMany(p)
			}
			return moveMany(ctx, p)
		},
	}
}

func moveMany(ctx context.Context, p Plan) (incident.Step, error) {
	rows, err := p.endpointRows(ctx)
	if err != nil {
		return incident.Step{}, err
	}
	chosen := choose(p, rows, moveToGroup().ActionDef)
	computers, err := chosen.movable(ctx, p)
	if err != nil {
		return incident.Step{}, err
	}
	var group sepclient.GroupDetails
	if len(computers) > 0 {
		domain := computers[0].Group.Domain
		for _, c := range computers {
			if c.Group.Domain.ID != domain.ID {
				return incident.Step{}, mistake("%s and %s are in different domains, between which SEPM moves nothing: narrow the filter", computers[0].Name, c.Name)
			}
		}
		if group, err = groupByPath(ctx, p.Reader, domain.ID, p.Input["group"]); err != nil {
			return incident.Step{}, err
		}
		computers = chosen.notIn(group, computers)
		chosen.more = fmt.Sprintf(" They would be moved to %s.", incident.EscapeHTML(group.FullPath))
	}
	if show, err := chosen.confirmed(p); show != nil || err != nil {
		return incident.Step{Effects: show}, err
	}
	return incident.Step{Call: moveCall(group, computers)}, nil
}

// movable are the computers of the chosen rows. Those that SEPM cannot be
// asked to move are left out.
func (c *choice) movable(ctx context.Context, p Plan) ([]sepclient.Computer, error) {
	var computers []sepclient.Computer
	rows := c.rows[:0:0]
	keys := make(map[string]bool)
	for _, r := range c.rows {
		computer, err := movable(ctx, p.Reader, r)
		name := r.Cells["computerName"].String()
		switch problem := asMistake(err); {
		case problem != nil:
			c.leaveOut(name, problem.Problem)
		case err != nil:
			return nil, err
		case keys[strings.ToUpper(computer.HardwareKey)]:
			c.leaveOut(name, "another endpoint has its hardware key")
		default:
			keys[strings.ToUpper(computer.HardwareKey)] = true
			rows, computers = append(rows, r), append(computers, computer)
		}
	}
	c.rows = rows
	return computers, nil
}

// notIn leaves out the computers that are in the group already. They are those
// of the rows, in their order.
func (c *choice) notIn(group sepclient.GroupDetails, computers []sepclient.Computer) []sepclient.Computer {
	var left []sepclient.Computer
	rows := c.rows[:0:0]
	for i, computer := range computers {
		if computer.Group.ID == group.ID {
			c.leaveOut(computer.Name, "it is in the group already")
			continue
		}
		rows, left = append(rows, c.rows[i]), append(left, computer)
	}
	c.rows = rows
	return left
}

// movedMany are the effects of a move of many: rows of those that were moved,
// and a file and a note of all.
func movedMany(p Plan) (incident.Step, error) {
	all := moves(p.Answers)
	if no := refusal(p.Answers); no != nil && len(p.Answers) == 1 {
		return incident.Step{}, mistake("SEPM moved none of %s: %s", amount(len(all), "endpoint"), no.Error)
	}
	var step incident.Step
	var failed []string
	file := newCSVFile("Computer name", "Computer id", "From", "To", "Result")
	for _, m := range all {
		result := "Moved"
		if m.problem == "" {
			step.Effects = append(step.Effects, incident.Effect{Row: inGroup(m.ComputerID, m.toID, m.to, p.Now)})
		} else {
			result = "Not moved: " + m.problem
			failed = append(failed, bold(m.Computer)+" ("+incident.EscapeHTML(m.problem)+")")
		}
		file.add(m.Computer, m.ComputerID, m.Group, m.to, result)
	}
	attachment := file.attachment("moved: "+readable(p.Answers[0].At), fmt.Sprintf("Moved_endpoints_%s.csv", p.Answers[0].At.UTC().Format(fileTime)))
	text := fmt.Sprintf("Move: %d of %s moved to %s. Where each was before is in %s.",
		len(all)-len(failed), amount(len(all), "endpoint"), incident.EscapeHTML(all[0].to), attachment.Name)
	if len(failed) > 0 {
		text += " Not moved: " + listed(failed) + "."
	}
	if reason := p.Input["reason"]; reason != "" {
		text += " Reason: " + incident.EscapeHTML(reason) + "."
	}
	step.Effects = append(step.Effects, incident.Effect{Attachment: attachment},
		incident.Effect{Note: &incident.Note{Key: "moved: " + readable(p.Answers[0].At), Text: text}})
	return step, nil
}
