package enrich

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// Isolation is an endpoint, or a group, that is cut off from the network or may
// be, as far as the commands tell that were sent from here.
type Isolation struct {
	Incident int64
	Server   string // of [incident.Command]
	// Target is the endpoint, or the group where Group is true.
	Target incident.CommandTarget
	Group  bool

	// Command has the ids of the command that cut it off, By, Action and Why
	// who started that, with what and why.
	Command         []string
	By, Action, Why string
	Started         time.Time
	State           IsolationState
	// Since is when the command completed, zero while it has not.
	Since time.Time
	// Releasing is whether there is a command that undoes it, which the
	// endpoint has not answered.
	Releasing bool
}

// IsolationState is how sure an isolation is.
type IsolationState string

// The states of an isolation.
const (
	// IsolationPending is one whose command the endpoint has not answered,
	// IsolationTimedOut one that it has not answered in time. It may still.
	IsolationPending  IsolationState = "pending"
	IsolationTimedOut IsolationState = "timed out"
	// IsolationCompleted is one that SEPM's record of the endpoint does not show.
	IsolationCompleted IsolationState = "completed, not confirmed"
	IsolationConfirmed IsolationState = "confirmed"
)

// Isolated folds commands, each with the id of its incident and in any order,
// into what is isolated by them, the newest first. A completed undo ends all
// that was begun before it; a quarantine that was not carried out begins
// nothing. Where several stand, the first that completed counts, and before one
// has, the newest.
func Isolated(commands iter.Seq2[int64, incident.Command]) []Isolation {
	type sent struct {
		incident int64
		incident.Command
	}
	var all []sent
	for id, c := range commands {
		if c.Kind == incident.Quarantining || c.Kind == incident.Unquarantining {
			all = append(all, sent{id, c})
		}
	}
	slices.SortStableFunc(all, func(a, b sent) int { return a.Started.Compare(b.Started) })

	type key struct {
		server, id string
		group      bool
	}
	type held struct {
		Isolation
		last time.Time // when a quarantine completed last
	}
	found := make(map[key]held)
	for _, c := range all {
		each := func(t incident.CommandTarget, group bool) {
			k := key{c.Server, t.ID, group}
			before, isolated := found[k]
			state, at := howFar(c.Command, t.ID, group)
			switch {
			case state == "": // not carried out
			case c.Kind == incident.Quarantining:
				if at.After(before.last) {
					before.last = at
				}
				if !isolated || before.Since.IsZero() {
					before.Isolation = Isolation{
						Incident: c.incident, Server: c.Server, Target: t, Group: group, Command: c.IDs,
						By: c.By, Action: c.Action, Why: c.Why, Started: c.Started, State: state, Since: at,
					}
				}
				found[k] = before
			case at.IsZero():
				if isolated {
					before.Releasing = true
					found[k] = before
				}
			case !before.last.After(at):
				delete(found, k)
			}
		}
		for _, t := range c.Computers {
			each(t, false)
		}
		for _, t := range c.Groups {
			each(t, true)
		}
	}
	list := make([]Isolation, 0, len(found))
	for _, i := range found {
		list = append(list, i.Isolation)
	}
	slices.SortFunc(list, func(a, b Isolation) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.Target.Name, b.Target.Name), cmp.Compare(a.Target.ID, b.Target.ID))
	})
	return list
}

// howFar is how far a command has come on a target, and when it completed
// there; the state is empty where it ended without that.
func howFar(c incident.Command, id string, group bool) (state IsolationState, at time.Time) {
	p := c.Progress
	result, ended := p.Ended[id]
	if group {
		// How it ended on each of the group is not kept.
		ended = p.State == incident.CommandEnded && p.Waiting+p.Running == 0
		if p.Completed > 0 {
			result = incident.EndpointResult{State: sepclient.CommandCompleted.String(), At: p.Polled}
		}
	}
	lost := p.State == incident.CommandEnded && (p.Total == 0 || p.Waiting+p.Running > 0)
	switch {
	case ended && !completed(result):
		return "", time.Time{}
	case ended && result.At.IsZero():
		at = p.Polled
	case ended:
		at = result.At
	case p.State == incident.CommandTimedOut, lost:
		return IsolationTimedOut, time.Time{}
	case p.State == incident.CommandEnded:
		return "", time.Time{} // SEPM did not list it
	default:
		return IsolationPending, time.Time{}
	}
	if result.Confirmed {
		return IsolationConfirmed, at
	}
	return IsolationCompleted, at
}
