package enrich

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// where says in HTML which endpoints a scan is for.
func where(c incident.Command, r reach) string {
	text := amount(r.Endpoints, "Windows endpoint")
	if len(c.Groups) > 0 {
		text += " in " + amount(len(c.Groups), "group")
	}
	if len(r.Others) > 0 {
		text += fmt.Sprintf("; %s cannot be scanned, not being Windows: %s", amount(len(r.Others), "endpoint"), names(r.OtherNames, len(r.Others)))
	}
	return text
}

// endpointsOf are the Windows endpoints that an incident has in its details.
func endpointsOf(rows []incident.Row) (t incident.Target, r reach) {
	r.Names = make(map[string]string)
	seen := make(map[string]bool)
	for _, row := range rows {
		id, name := row.Cells["uniqueId"].String(), row.Cells["computerName"].String()
		if row.Table != incident.TableEndpoints || id == "" || seen[id] {
			continue
		}
		seen[id] = true
		if !isWindows(sepclient.Computer{OS: row.Cells["operatingSystem"].String()}) {
			r.other(id, name)
			continue
		}
		t.Computers, r.Names[id] = append(t.Computers, id), name
		r.Endpoints++
	}
	return t, r
}

// wholeFleet are all groups that have a Windows endpoint. A command for a
// group goes to all of it, so that the others are needed to tell them apart.
func wholeFleet(ctx context.Context, sepm SEPM) (t incident.Target, r reach, err error) {
	r.Names = make(map[string]string)
	var seen idSet
	for c, err := range sepm.Computers(ctx, sepclient.ComputerQuery{}) {
		switch {
		case err != nil:
			return t, r, fmt.Errorf("look for the groups to scan: %w", err)
		case c.Deleted || c.Group.ID == "" || !seen.add(c.ID):
			continue
		case !isWindows(c):
			r.other(c.ID, c.Name)
			continue
		}
		r.Endpoints++
		if _, known := r.Names[c.Group.ID]; !known {
			t.Groups = append(t.Groups, c.Group.ID)
			r.Names[c.Group.ID] = c.Group.Name
		}
	}
	return t, r, nil
}

// windowsOnly says why the endpoint of a row cannot run what Windows alone can,
// nil where it can.
func (p Plan) windowsOnly(ctx context.Context) error {
	id, name := p.Subject.Cell("computer_id"), p.Subject.Cell("computer_name")
	switch computer, found, err := findComputer(ctx, p.Reader, id, name); {
	case err != nil:
		return fmt.Errorf("look up endpoint %s: %w", id, err)
	case !found:
		return unknownEndpoint(id, name)
	case !isWindows(computer):
		return mistake("%s runs %s, and this is for Windows endpoints only", computer.Name, computer.OS)
	}
	return nil
}

// maxNames is how many names a note gives.
const maxNames = 10

// other adds an endpoint that cannot run the command.
func (r *reach) other(id, name string) {
	r.Others = append(r.Others, id)
	if len(r.OtherNames) < maxNames {
		r.OtherNames = append(r.OtherNames, cmp.Or(name, id))
	}
}

// names are the first of so many names, in HTML.
func names(list []string, of int) string {
	shown := list[:min(len(list), maxNames)]
	text := incident.EscapeHTML(strings.Join(shown, ", "))
	if more := of - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// targetNames are the names of targets, in HTML.
func targetNames(targets []incident.CommandTarget) string {
	list := make([]string, len(targets))
	for i, t := range targets {
		list[i] = cmp.Or(t.Name, t.ID)
	}
	return names(list, len(list))
}

// begun is the command that a plan's calls have started, for those targets
// for which SEPM took it. Where it took none of it the run has failed.
func (p Plan) begun(kind incident.CommandKind, names map[string]string) (*incident.Command, error) {
	c := p.started(kind)
	if len(c.IDs) == 0 {
		if r := refusal(p.Answers); r != nil {
			return nil, mistake("SEPM refused it: %s", r.Error)
		}
		return nil, mistake("SEPM took it and named no command, so that it cannot be followed")
	}
	targets := func(ids []string) (list []incident.CommandTarget) {
		for _, id := range ids {
			list = append(list, incident.CommandTarget{ID: id, Name: names[id]})
		}
		return list
	}
	for _, a := range p.Answers {
		if a.Error == "" {
			c.Computers = append(c.Computers, targets(a.Call.Target.Computers)...)
			c.Groups = append(c.Groups, targets(a.Call.Target.Groups)...)
		}
	}
	return c, nil
}

// refusedPart says in HTML for which targets SEPM refused what it took for
// others, empty where it took all.
func refusedPart(answers []incident.Answer, known map[string]string) string {
	var text string
	for _, a := range answers {
		if a.Error == "" {
			continue
		}
		ids := slices.Concat(a.Call.Target.Computers, a.Call.Target.Groups)
		for i, id := range ids {
			ids[i] = cmp.Or(known[id], id)
		}
		text += fmt.Sprintf(". SEPM refused it for %s: %s", names(ids, len(ids)), incident.EscapeHTML(a.Error))
	}
	return text
}
