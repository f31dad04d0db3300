package enrich

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// assignBlacklist is the guide's "Assign Blacklist to lockdown group" (§5.11).
func assignBlacklist() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "assign_blacklist_to_lockdown_group",
			Title: "Example: SEP - Assign Blacklist to lockdown group",
			Help:  "Makes a fingerprint list one of the group's system lockdown: the list's row, and a note that says how to undo it.",
			On:    incident.OnRow,
			Table: incident.TableGroups,
			When: []incident.Condition{
				{Column: "group_id", Test: incident.HasValue},
				{Column: "policyInheritanceEnabled", Test: incident.Is, Values: []string{"false"}},
			},
			Form: []incident.InputDef{listField(), {
				Name: "deny_listed", Type: incident.InputBoolean, Required: true,
				Help: "This group's lockdown denies what is listed. One that allows only what is listed would let the blacklist run, and nothing else.",
			}},
			Changes: true,
		},
		Decide: assign,
	}
}

func assign(ctx context.Context, p Plan) (incident.Step, error) {
	if p.Input["deny_listed"] != "true" {
		return incident.Step{}, mistake("nothing was changed: look in SEPM's console, under the group's policies, whether its system lockdown denies what is listed. " +
			"One that allows only what is listed would let the blacklist run, and nothing else. Start the action with deny_listed where it denies")
	}
	l := lockdown{
		Plan: p, group: p.Subject.Cell("group_id"),
		domain: sepclient.Domain{ID: p.Subject.Cell("domain_id"), Name: p.Subject.Cell("domain_name")},
	}
	if n := len(p.Answers); n > 0 {
		return l.answered(ctx, p.Answers[n-1])
	}
	list, err := listNamed(ctx, p, p.listName(), l.domain)
	switch {
	case err != nil:
		return incident.Step{}, err
	case list.ID == "":
		return incident.Step{}, mistake("the group's domain %q has no fingerprint list %q", l.domain.Name, shortened(p.listName()))
	case slices.Contains(list.GroupIDs, l.group):
		return l.alreadyThere(list)
	}
	if err := l.mayAssign(ctx); err != nil {
		return incident.Step{}, err
	}
	return incident.Step{Call: newCall(incident.OpAssignList, incident.Target{Groups: []string{l.group}, Object: list.ID}, nil)}, nil
}

// lockdown is a plan to assign a list to a group.
type lockdown struct {
	Plan
	group  string // its id
	domain sepclient.Domain
}

// name is the group's, as the row has it.
func (l lockdown) name() string { return cmp.Or(l.Subject.Cell("fullPathName"), l.group) }

// mayAssign refuses a group whose policies are those of the one above, as they
// may be by now: SEPM does not say what an assignment would change then.
func (l lockdown) mayAssign(ctx context.Context) error {
	group, err := l.Group(ctx, l.group, l.domain.ID)
	switch {
	case errors.Is(err, sepclient.ErrNotFound):
		return mistake("SEPM has no group %s (%q) any more", l.group, l.name())
	case err != nil:
		return fmt.Errorf("look up the group %s: %w", l.group, err)
	case group.InheritsPolicies:
		return mistake("the group %q inherits its policies by now: they are to be changed at the group above", group.FullPath)
	}
	return nil
}

// answered tells what SEPM has said to the assignment.
func (l lockdown) answered(ctx context.Context, a incident.Answer) (incident.Step, error) {
	list, err := listByID(ctx, l, a.Call.Target.Object)
	if err != nil {
		return incident.Step{}, err
	}
	why := ""
	switch {
	case list.ID == "":
		return incident.Step{}, mistake("the fingerprint list %q was deleted meanwhile", shortened(l.listName()))
	case a.Error == "":
		return incident.Step{Effects: []incident.Effect{
			{Row: l.listRow(list, l.domain)},
			l.remark("The fingerprint list <b>%s</b> was assigned to the system lockdown of the group <b>%s</b>. "+
				"To undo it, take the list out in SEPM's console, under Clients, the group's policies, System Lockdown: SEPM's API cannot. "+
				"Deleting the list takes it from all its groups.", list.Name, l.name()),
		}}, nil
	case slices.Contains(list.GroupIDs, l.group):
		return l.alreadyThere(list)
	case a.Status == http.StatusBadRequest:
		why = "the list may be one of another domain than the group's"
	case a.Status == http.StatusGone, a.Status == http.StatusNotFound:
		why = "SEPM has no such group any more"
	case a.Status == http.StatusConflict:
		why = "the group's settings forbid it, as they do where it inherits its policies from the group above"
	case a.Status == http.StatusUnprocessableEntity:
		why = "system lockdown is off for the group; switch it on in SEPM's console, under Clients, the group's policies, System Lockdown"
	default:
		why = "SEPM has refused it"
	}
	return incident.Step{}, mistake("the fingerprint list %q was not assigned to the group %q: %s (%s)", shortened(list.Name), l.name(), why, a.Error)
}

func (l lockdown) alreadyThere(list sepclient.FingerprintList) (incident.Step, error) {
	return incident.Step{Effects: []incident.Effect{
		{Row: l.listRow(list, l.domain)},
		l.remark("The fingerprint list <b>%s</b> is assigned to the system lockdown of the group <b>%s</b> already.", list.Name, l.name()),
	}}, nil
}
