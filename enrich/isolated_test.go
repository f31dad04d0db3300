package enrich_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
)

func TestIsolated(t *testing.T) {
	t.Parallel()
	start := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	command := func(kind incident.CommandKind, minute int, computers ...string) incident.Command {
		c := incident.Command{Kind: kind, IDs: []string{string(kind) + at(minute).Format("04")}, By: "ann", Why: "worm", Action: "quarantine_endpoint", Started: at(minute)}
		c.Progress.State = incident.CommandFollowed
		for _, id := range computers {
			c.Computers = append(c.Computers, incident.CommandTarget{ID: id, Name: "HOST-" + id})
		}
		return c
	}
	ended := func(c incident.Command, state string, minute int, confirmed bool) incident.Command {
		c.Progress.State = incident.CommandEnded
		c.Progress.Total = len(c.Computers)
		c.Progress.Ended = map[string]incident.EndpointResult{}
		for _, t := range c.Computers {
			c.Progress.Ended[t.ID] = incident.EndpointResult{State: state, At: at(minute), Confirmed: confirmed}
		}
		return c
	}
	timedOut := func(c incident.Command) incident.Command {
		c.Progress.State = incident.CommandTimedOut
		return c
	}
	const in, out = incident.Quarantining, incident.Unquarantining
	tests := map[string]struct {
		commands []incident.Command
		want     map[string]enrich.IsolationState
	}{
		"nothing":            {},
		"other commands":     {commands: []incident.Command{ended(command(incident.FullScan, 1, "A"), "completed", 2, true)}},
		"pending":            {[]incident.Command{command(in, 1, "A")}, map[string]enrich.IsolationState{"A": enrich.IsolationPending}},
		"timed out":          {[]incident.Command{timedOut(command(in, 1, "A"))}, map[string]enrich.IsolationState{"A": enrich.IsolationTimedOut}},
		"completed":          {[]incident.Command{ended(command(in, 1, "A"), "completed", 2, false)}, map[string]enrich.IsolationState{"A": enrich.IsolationCompleted}},
		"confirmed":          {[]incident.Command{ended(command(in, 1, "A", "B"), "completed", 2, true)}, map[string]enrich.IsolationState{"A": enrich.IsolationConfirmed, "B": enrich.IsolationConfirmed}},
		"rejected":           {commands: []incident.Command{ended(command(in, 1, "A"), "rejected", 2, false)}},
		"released":           {commands: []incident.Command{ended(command(in, 1, "A"), "completed", 2, true), ended(command(out, 3, "A"), "completed", 4, false)}},
		"of two, one":        {[]incident.Command{ended(command(in, 1, "A", "B"), "completed", 2, true), ended(command(out, 3, "A"), "completed", 4, true)}, map[string]enrich.IsolationState{"B": enrich.IsolationConfirmed}},
		"release rejected":   {[]incident.Command{ended(command(in, 1, "A"), "completed", 2, true), ended(command(out, 3, "A"), "rejected", 4, false)}, map[string]enrich.IsolationState{"A": enrich.IsolationConfirmed}},
		"release before":     {[]incident.Command{ended(command(out, 1, "A"), "completed", 2, true), ended(command(in, 3, "A"), "completed", 4, true)}, map[string]enrich.IsolationState{"A": enrich.IsolationConfirmed}},
		"late quarantine":    {[]incident.Command{ended(command(in, 1, "A"), "completed", 9, true), ended(command(out, 3, "A"), "completed", 4, true)}, map[string]enrich.IsolationState{"A": enrich.IsolationConfirmed}},
		"again, and late":    {[]incident.Command{ended(command(in, 1, "A"), "completed", 2, true), ended(command(in, 3, "A"), "completed", 9, true), ended(command(out, 4, "A"), "completed", 6, true)}, map[string]enrich.IsolationState{"A": enrich.IsolationConfirmed}},
		"released unstarted": {commands: []incident.Command{timedOut(command(in, 1, "A")), ended(command(out, 3, "A"), "completed", 4, true)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 {
				got := map[string]enrich.IsolationState{}
				for _, i := range enrich.Isolated(inIncidents(test.commands)) {
					got[i.Target.ID] = i.State
				}
				if test.want == nil {
					test.want = map[string]enrich.IsolationState{}
				}
				require.Equal(t, test.want, got)
				slices.Reverse(test.commands) // the ledger has the newest first
			}
		})
	}

	list := enrich.Isolated(inIncidents([]incident.Command{
		ended(command(in, 1, "A"), "completed", 2, true), command(in, 5, "A"), command(out, 6, "A"), command(in, 3, "B"), timedOut(command(in, 2, "B")),
	}))
	require.Equal(t, []enrich.Isolation{
		{Incident: 103, Target: incident.CommandTarget{ID: "B", Name: "HOST-B"}, Command: []string{"quarantine03"}, By: "ann", Action: "quarantine_endpoint", Why: "worm", Started: at(3), State: enrich.IsolationPending},
		{Incident: 101, Target: incident.CommandTarget{ID: "A", Name: "HOST-A"}, Command: []string{"quarantine01"}, By: "ann", Action: "quarantine_endpoint", Why: "worm", Started: at(1), State: enrich.IsolationConfirmed, Since: at(2), Releasing: true},
	}, list)

	group := incident.Command{Kind: in, IDs: []string{"G"}, Started: at(1), Groups: []incident.CommandTarget{{ID: "A", Name: `My Company\G`}}}
	group.Progress = incident.CommandProgress{State: incident.CommandEnded, Total: 3, Completed: 2, Failed: 1, Polled: at(4)}
	list = enrich.Isolated(inIncidents([]incident.Command{group, ended(command(out, 5, "A"), "completed", 6, true)}))
	require.Len(t, list, 1, "a group is no computer")
	require.True(t, list[0].Group)
	require.Equal(t, enrich.IsolationCompleted, list[0].State)

	lost := command(in, 1, "A")
	lost.Progress = incident.CommandProgress{State: incident.CommandEnded, Total: 1, Waiting: 1}
	require.Equal(t, enrich.IsolationTimedOut, enrich.Isolated(inIncidents([]incident.Command{lost}))[0].State, "its end is not known")
	lost.Progress = incident.CommandProgress{State: incident.CommandEnded, Total: 1, Completed: 1}
	require.Empty(t, enrich.Isolated(inIncidents([]incident.Command{lost})), "SEPM did not list the endpoint")
}

// inIncidents gives each command an incident: 100 and the minute it was started.
func inIncidents(commands []incident.Command) func(func(int64, incident.Command) bool) {
	return func(yield func(int64, incident.Command) bool) {
		for _, c := range commands {
			if !yield(100+int64(c.Started.Minute()), c) {
				return
			}
		}
	}
}
