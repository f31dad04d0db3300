package ledgertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// testStartRun holds that what a person starts comes first, and once.
func testStartRun(t *testing.T, b *bundle) {
	in := addIncidents(t, b.Ledger, "k")[0]
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.PutRuns([]ledger.Run{{Incident: in, Key: "rule"}}) })
	b.clock.advance(time.Second)
	run := ledger.Run{Incident: in, Key: "person", Run: incident.Run{
		Action: "quarantine", Server: "main", By: "cli:ada", Input: map[string]string{"reason": "ransomware"},
		Subject: incident.Subject{Row: &incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{"uniqueId": incident.Text("A")}}},
		Pending: &incident.Pending{Call: incident.Call{Operation: incident.OpQuarantine}, Tries: 1, Last: b.clock.Now()},
	}}
	start := func() int64 {
		return update(t, b.Ledger, func(tx ledger.Tx) (int64, error) { return tx.StartRun(run) })
	}
	id := start()
	require.NotZero(t, id)
	require.Zero(t, start(), "it is there already")
	tasks := update(t, b.Ledger, claim(ledger.TaskRespond, 1, "a"))
	require.Len(t, tasks, 1)
	require.Equal(t, id, tasks[0].Key)

	run.ID, run.Status = id, ledger.RunWaiting
	get := func() []ledger.Run {
		return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Run, error) { return tx.Runs([]int64{id}) })
	}
	require.Equal(t, []ledger.Run{run}, get())
	run.Pending = nil
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.SetRuns([]ledger.Run{run}) })
	require.Equal(t, []ledger.Run{run}, get())
}

func testCommands(t *testing.T, b *bundle) {
	in := addIncidents(t, b.Ledger, "k", "l")
	run := update(t, b.Ledger, func(tx ledger.Tx) (int64, error) { return tx.StartRun(ledger.Run{Incident: in[0], Key: "r"}) })
	scan := ledger.Command{Incident: in[0], Run: run, Command: incident.Command{
		Kind: incident.Scanning, IDs: []string{"A", "B"}, Started: b.clock.Now(),
		Progress: incident.CommandProgress{State: incident.CommandFollowed},
	}}
	quarantine := scan
	other := update(t, b.Ledger, func(tx ledger.Tx) (int64, error) { return tx.StartRun(ledger.Run{Incident: in[1], Key: "r"}) })
	quarantine.Run = other
	quarantine.Incident, quarantine.Kind, quarantine.Started = in[1], incident.Quarantining, b.clock.Now().Add(time.Hour)
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.AddCommands([]ledger.Command{scan, quarantine}) })
	tasks := update(t, b.Ledger, claim(ledger.TaskFollow, 9, "a"))
	require.Len(t, tasks, 2)
	scan.ID, quarantine.ID, scan.Open, quarantine.Open = tasks[0].Key, tasks[1].Key, true, true

	list := func(f ledger.CommandFilter) []ledger.Command {
		return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Command, error) { return tx.ListCommands(f, ledger.Page{Limit: 9}) })
	}
	require.Equal(t, []ledger.Command{quarantine, scan}, list(ledger.CommandFilter{}), "the newest first")
	require.Equal(t, []ledger.Command{scan, quarantine},
		view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Command, error) { return tx.Commands([]int64{quarantine.ID, scan.ID, 999}) }))

	scan.Open, scan.Progress = false, incident.CommandProgress{State: incident.CommandEnded, Total: 3, Completed: 3}
	require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: tasks[0], Done: true}))
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.SetCommands([]ledger.Command{scan}) })
	for name, test := range map[string]struct {
		filter ledger.CommandFilter
		want   ledger.Command
	}{
		"open":     {ledger.CommandFilter{Open: true}, quarantine},
		"kind":     {ledger.CommandFilter{Kind: incident.Scanning}, scan},
		"state":    {ledger.CommandFilter{State: incident.CommandEnded}, scan},
		"incident": {ledger.CommandFilter{Incident: in[1]}, quarantine},
		"run":      {ledger.CommandFilter{Run: other}, quarantine},
		"since":    {ledger.CommandFilter{Since: quarantine.Started}, quarantine},
		"until":    {ledger.CommandFilter{Until: quarantine.Started}, scan},
	} {
		require.Equal(t, []ledger.Command{test.want}, list(test.filter), name)
	}

	require.Empty(t, update(t, b.Ledger, claim(ledger.TaskFollow, 9, "b")), "one is followed by another, one has ended")
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.WantFollow(scan.ID) })
	again := update(t, b.Ledger, claim(ledger.TaskFollow, 9, "b"))
	require.Len(t, again, 1)
	require.Equal(t, scan.ID, again[0].Key)
	require.True(t, list(ledger.CommandFilter{Kind: incident.Scanning})[0].Open)
	for _, change := range []func(ledger.Tx) error{
		func(tx ledger.Tx) error { return tx.SetCommands([]ledger.Command{{ID: 999}}) },
		func(tx ledger.Tx) error { return tx.WantFollow(999) },
	} {
		require.ErrorIs(t, b.Update(t.Context(), change), ledger.ErrNotFound)
	}
}

// testPutRows holds that a row keeps the cells that are not given, and that an
// empty one is cleared.
func testPutRows(t *testing.T, b *bundle) {
	in := addIncidents(t, b.Ledger, "k", "l")
	row := func(incidentID int64, id string, cells ...string) ledger.IncidentRow {
		r := incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{"uniqueId": incident.Text(id)}}
		for i := 0; i < len(cells); i += 2 {
			r.Cells[cells[i]] = incident.Text(cells[i+1])
			if cells[i+1] == "" {
				r.Cells[cells[i]] = incident.Cell{}
			}
		}
		return ledger.IncidentRow{Incident: incidentID, Row: r}
	}
	put := func(rows ...ledger.IncidentRow) {
		do(t, b.Ledger, func(tx ledger.Tx) error { return tx.PutRows(rows) })
	}
	put(row(in[0], "A", "computerName", "one", "infected", "Yes"), row(in[1], "A", "computerName", "other"),
		row(in[0], "A", "infected", "No"))
	put(row(in[0], "A", "group_id", "G"), row(in[0], "A", "computerName", ""), row(in[0], "B"))
	put(row(in[0], "B"))
	got := pieces(t, b, in[0], in[1])
	require.Len(t, got, 3)
	require.JSONEq(t, `{"table":"sep_endpoint_details","cells":{"uniqueId":"A","infected":"No","group_id":"G","computerName":null}}`, string(got[0].Body))
	require.Equal(t, [3]int64{2, 1, 1}, [3]int64{got[0].Version, got[1].Version, got[2].Version}, "what says the same is no new version")
	require.JSONEq(t, `{"table":"sep_endpoint_details","cells":{"uniqueId":"A","computerName":"other"}}`, string(got[2].Body))
}
