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

// moveToGroup is the guide's "Move Endpoint" (§5.5).
func moveToGroup() Action {
	return Action{
		ActionDef: moveDef("move_endpoint", "Example: SEP - Move Endpoint",
			"Moves the endpoint to another group of its domain.", groupField(), reasonField()),
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			return moveOnRow(ctx, p, func(c sepclient.Computer) (sepclient.GroupDetails, error) {
				return groupByPath(ctx, p.Reader, c.Group.Domain.ID, p.Input["group"])
			})
		},
	}
}

// moveBackToGroup undoes the last move of an endpoint on the incident. Where
// it came from stands in the call that moved it.
func moveBackToGroup() Action {
	return Action{
		ActionDef: moveDef("move_endpoint_back", "Example: SEP - Move Endpoint back",
			"Moves the endpoint back to the group that it was in before it was last moved from this incident.", reasonField()),
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			return moveOnRow(ctx, p, func(c sepclient.Computer) (sepclient.GroupDetails, error) {
				return formerGroup(ctx, p, c)
			})
		},
	}
}

func moveDef(name, title, help string, form ...incident.InputDef) incident.ActionDef {
	return incident.ActionDef{
		Name: name, Title: title, Help: help, Form: form, Changes: true,
		On: incident.OnRow, Table: incident.TableEndpoints,
		When: []incident.Condition{
			{Column: "uniqueId", Test: incident.HasValue},
			{Column: "hardwareKey", Test: incident.HasValue},
		},
	}
}

func groupField() incident.InputDef {
	return incident.InputDef{
		Name: "group", Type: incident.InputText, Required: true, Choices: incident.Groups,
		Help: `Full path of the group, such as My Company\QUARANTINE_GROUP.`,
	}
}

// moveOnRow moves the row's endpoint to the group that to gives for it.
func moveOnRow(ctx context.Context, p Plan, to func(sepclient.Computer) (sepclient.GroupDetails, error)) (incident.Step, error) {
	if len(p.Answers) > 0 {
		return moved(p)
	}
	computer, err := movable(ctx, p.Reader, *p.Subject.Row)
	if err != nil {
		return incident.Step{}, err
	}
	group, err := to(computer)
	if err != nil {
		return incident.Step{}, err
	}
	if computer.Group.ID == group.ID {
		return incident.Step{Effects: []incident.Effect{{Row: inGroup(computer.ID, group.ID, group.FullPath, p.Now)}, {Note: &incident.Note{
			Key:  fmt.Sprintf("in the group already: %s, %s, %d", computer.ID, group.ID, p.Now.Unix()),
			Text: fmt.Sprintf("Move: %s is in %s already.", bold(computer.Name), incident.EscapeHTML(group.FullPath)),
		}}}}, nil
	}
	return incident.Step{Call: moveCall(group, []sepclient.Computer{computer})}, nil
}

func moveCall(to sepclient.GroupDetails, computers []sepclient.Computer) *incident.Call {
	body := moveBody{GroupID: to.ID, Group: to.FullPath, From: make(map[string]movedFrom, len(computers))}
	var keys []string
	for _, c := range computers {
		keys = append(keys, c.HardwareKey)
		body.From[c.HardwareKey] = movedFrom{ComputerID: c.ID, Computer: c.Name, GroupID: c.Group.ID, Group: c.Group.Name}
	}
	return newCall(incident.OpMove, incident.Target{Computers: keys}, body)
}

// movable is the row's computer, if SEPM can be asked to move it: a move goes
// by the hardware key, and SEPM may hang for good where two records share one
// (contract: SEPM API A10).
func movable(ctx context.Context, sepm SEPM, row incident.Row) (sepclient.Computer, error) {
	id, name := row.Cells["uniqueId"].String(), row.Cells["computerName"].String()
	computer, found, err := findComputer(ctx, sepm, id, name)
	switch {
	case err != nil:
		return computer, fmt.Errorf("look up endpoint %s: %w", id, err)
	case !found:
		return computer, unknownEndpoint(id, name)
	case computer.HardwareKey == "":
		return computer, mistake("SEPM has no hardware key of %s, by which endpoints are moved", computer.Name)
	}
	for twin, err := range sepm.Computers(ctx, sepclient.ComputerQuery{Name: computer.Name}) {
		if err != nil {
			return computer, fmt.Errorf("look up endpoint %q: %w", computer.Name, err)
		}
		if twin.ID != computer.ID && !twin.Deleted && strings.EqualFold(twin.HardwareKey, computer.HardwareKey) {
			return computer, mistake("SEPM has two records of %s with one hardware key, %s and %s, and may hang when it is to move them: "+
				"delete the stale one in SEPM's console first", computer.Name, computer.ID, twin.ID)
		}
	}
	return computer, nil
}

// groupByPath is the group of a domain with just this path. SEPM may give
// others that begin with it (contract: SEPM API D6.14).
func groupByPath(ctx context.Context, sepm Reader, domain, path string) (sepclient.GroupDetails, error) {
	path = strings.TrimSpace(path)
	var found []sepclient.GroupDetails
	for g, err := range sepm.Groups(ctx, sepclient.GroupQuery{DomainID: domain, FullPath: path}) {
		if err != nil {
			return g, fmt.Errorf("look up group %q: %w", path, err)
		}
		known := slices.ContainsFunc(found, func(other sepclient.GroupDetails) bool { return other.ID == g.ID })
		if g.FullPath == path && !known {
			found = append(found, g)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		near, err := nearGroups(ctx, sepm, domain, path)
		if err != nil {
			return sepclient.GroupDetails{}, err
		}
		return sepclient.GroupDetails{}, mistake("the endpoint's domain has no group \"%s\"; the nearest are %s", incident.Clean(path), strings.Join(near, ", "))
	}
	ids := make([]string, len(found))
	for i, g := range found {
		ids[i] = g.ID
	}
	return sepclient.GroupDetails{}, mistake("SEPM has %d groups %q, with the ids %s, so which one is meant is not known", len(found), path, strings.Join(ids, ", "))
}

// nearGroups are paths that look most like one that is not there.
func nearGroups(ctx context.Context, sepm Reader, domain, path string) ([]string, error) {
	const most = 3
	var paths []string
	for g, err := range sepm.Groups(ctx, sepclient.GroupQuery{DomainID: domain}) {
		if err != nil {
			return nil, fmt.Errorf("list groups: %w", err)
		}
		paths = append(paths, g.FullPath)
	}
	slices.SortStableFunc(paths, func(a, b string) int { return likeness(b, path) - likeness(a, path) })
	near := make([]string, 0, most)
	for _, p := range paths[:min(most, len(paths))] {
		near = append(near, `"`+incident.Clean(p)+`"`)
	}
	return near, nil
}

// likeness is how many characters two texts have in common at their beginning
// and end, in any case.
func likeness(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	n := 0
	for n < min(len(x), len(y)) && x[n] == y[n] {
		n++
	}
	x, y = x[n:], y[n:]
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
		n++
	}
	return n
}

// formerGroup is where the last move on the incident took the computer from.
func formerGroup(ctx context.Context, p Plan, c sepclient.Computer) (sepclient.GroupDetails, error) {
	var known Case
	if p.Case != nil {
		var err error
		if known, err = p.Case(ctx); err != nil {
			return sepclient.GroupDetails{}, err
		}
	}
	var from movedFrom
	var last time.Time
	for _, run := range known.Runs {
		for _, m := range moves(run.Answers) {
			if m.ComputerID == c.ID && m.problem == "" && !m.at.Before(last) {
				from, last = m.movedFrom, m.at
			}
		}
	}
	if from.GroupID == "" {
		return sepclient.GroupDetails{}, mistake("%s was not moved from this incident, so where it was before is not known: move it with move_endpoint", c.Name)
	}
	group, err := p.Group(ctx, from.GroupID, c.Group.Domain.ID)
	switch {
	case errors.Is(err, sepclient.ErrNotFound):
		return group, mistake("%s was in the group %q, which SEPM does not have any more: move it with move_endpoint", c.Name, from.Group)
	case err != nil:
		return group, fmt.Errorf("look up group %q: %w", from.Group, err)
	}
	return group, nil
}

// moveResult is what became of the move of one computer.
type moveResult struct {
	movedFrom
	toID, to string
	problem  string // empty where it was moved
	at       time.Time
}

// moves are all moves that a run has made, or SEPM has refused.
func moves(answers []incident.Answer) []moveResult {
	var all []moveResult
	for _, a := range answers {
		if a.Call.Operation != incident.OpMove {
			continue
		}
		body, err := decode[moveBody](a.Call.Body)
		if err != nil {
			continue
		}
		answer, err := decode[moveAnswer](a.Body)
		for _, key := range a.Call.Target.Computers {
			m := moveResult{movedFrom: body.From[key], toID: body.GroupID, to: body.Group, problem: answer.Failed[key], at: a.At}
			switch {
			case a.Error != "":
				m.problem = a.Error
			case err != nil:
				m.problem = err.Error()
			}
			all = append(all, m)
		}
	}
	return all
}

// moved are the effects of a move of one endpoint.
func moved(p Plan) (incident.Step, error) {
	all := moves(p.Answers)
	if len(all) == 0 {
		return incident.Step{}, mistake("what SEPM answered is not known")
	}
	m := all[0]
	if m.problem != "" {
		return incident.Step{}, mistake("SEPM did not move %s to %q: %s", m.Computer, m.to, m.problem)
	}
	text := fmt.Sprintf("Move: %s was moved from %s to %s.", bold(m.Computer), incident.EscapeHTML(m.Group), incident.EscapeHTML(m.to))
	if reason := p.Input["reason"]; reason != "" {
		text += " Reason: " + incident.EscapeHTML(reason) + "."
	}
	return incident.Step{Effects: []incident.Effect{
		{Row: inGroup(m.ComputerID, m.toID, m.to, p.Now)},
		{Note: &incident.Note{Key: fmt.Sprintf("moved: %s, %d", m.ComputerID, m.at.UnixMilli()), Text: text}},
	}}, nil
}

// inGroup is the row of an endpoint that is in a group.
func inGroup(computer, groupID, group string, now time.Time) *incident.Row {
	return endpointCells(computer, map[string]string{
		"group_id": groupID, "group_name": group, queryDate: now.UTC().Format(time.DateTime),
	})
}
