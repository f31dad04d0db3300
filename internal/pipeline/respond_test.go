package pipeline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/sepclient"
)

func TestUnknownComputerIsSaidInANote(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-10")})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	inc := b.open()[0]
	require.Empty(t, inc.Rows)
	require.Len(t, inc.Notes, 1)
	require.Contains(t, inc.Notes[0].Text, "SEPM knows no computer of that name")
}

func TestSEPMAwayKeepsNoIncidentFromArriving(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1")})
	b.sepmFaults.On(fault.Switch{Kind: fault.Reset})
	b.start()
	b.receive(alert("HOST-1"))
	require.Eventually(t, func() bool { return len(b.open()) == 1 }, 20*time.Second, 10*time.Millisecond)
	b.sepmFaults.Off()
	b.settle()
	require.Len(t, b.open()[0].Rows, 1)
}

// A run that a stop cuts off is claimed again as if it had not begun.
func TestRunCutOffByAStopGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1", "HOST-2"), patience: time.Minute})
	b.sepmFaults.On(fault.Switch{Kind: fault.Delay, Wait: time.Hour})
	b.start()
	b.receive(alert("HOST-1"), alert("HOST-2"))
	require.Eventually(t, func() bool { return b.sepmFaults.Counts()[fault.Delay] > 0 }, 20*time.Second, 10*time.Millisecond)
	b.stop()
	onlyLooking := errors.New("only looking")
	require.ErrorIs(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error {
		tasks, err := tx.Claim(ledger.TaskRespond, 10, "test", time.Minute)
		require.NoError(t, err)
		require.Len(t, tasks, 2)
		for _, task := range tasks {
			require.Zero(t, task.Attempts)
		}
		return onlyLooking
	}), onlyLooking)
	b.sepmFaults.Off()
	b.start()
	b.settle()
	for _, inc := range b.open() {
		require.Len(t, inc.Rows, 1)
	}
}

// acting is endpoint_details with another plan.
func acting(decide func(ctx context.Context, p enrich.Plan) (incident.Step, error)) []enrich.Action {
	action, err := enrich.ActionNamed(incident.EndpointDetails)
	if err != nil {
		panic(err)
	}
	action.Changes, action.Decide = true, decide
	return []enrich.Action{action}
}

func TestCallsThatAreNotAllowedAreNotSent(t *testing.T) {
	t.Parallel()
	var asked incident.Call
	b := setup(t, options{
		sepm: fleet("HOST-1"),
		actions: acting(func(context.Context, enrich.Plan) (incident.Step, error) {
			return incident.Step{Call: &incident.Call{Operation: incident.OpQuarantine, Target: incident.Target{Computers: []string{"A"}}}}, nil
		}),
		allow: func(_ incident.Run, c incident.Call) error {
			asked = c
			return errors.New("it is Sunday")
		},
	})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.Equal(t, incident.OpQuarantine, asked.Operation)
	require.Zero(t, b.sepm.Requests(), "nothing was sent")
	require.Contains(t, b.open()[0].Notes[0].Text, "quarantine is not allowed: it is Sunday")
	require.Equal(t, ledger.RunFailed, b.run(1).Status)
}

// TestConditionsHoldWhenTheRunIsTakenUp: the row may have changed since the run
// was started on it.
func TestConditionsHoldWhenTheRunIsTakenUp(t *testing.T) {
	t.Parallel()
	const column = "quarantine_command_state"
	b, m := atManager(t, incident.OpQuarantine, func(_ int, t sepclient.Targets) (sepclient.Sent, error) { return done("1", t) })
	action := b.pipeline.Actions[0]
	action.On, action.Table = incident.OnRow, incident.TableEndpoints
	action.When = []incident.Condition{{Column: column, Test: incident.Lacks, Values: []string{"In progress"}}}
	b.pipeline.Actions = []enrich.Action{action}
	b.receive(alert("HOST-1"))
	row := incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{"uniqueId": incident.Text("A"), "computerName": incident.Text("HOST-1")}}
	var id int64
	require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) (err error) {
		id, err = tx.StartRun(ledger.Run{Incident: 1, Key: "by hand", Run: incident.Run{Action: action.Name, By: "cli:ann", Subject: incident.Subject{Row: &row}}})
		if err != nil {
			return err
		}
		underWay := incident.Row{Table: row.Table, Cells: map[string]incident.Cell{"uniqueId": incident.Text("A"), column: incident.Text("In progress")}}
		return tx.PutRows([]ledger.IncidentRow{{Incident: 1, Row: underWay}})
	}))
	b.start()
	b.settle()
	require.Empty(t, m.requests())
	require.Equal(t, ledger.RunFailed, b.run(id).Status)
	require.Contains(t, b.run(id).Error, "is not offered on this row")
}

// TestStartedTwiceIsSentOnce: two people start one action on one row before
// either has been taken up. The second is held against what the first has left.
func TestStartedTwiceIsSentOnce(t *testing.T) {
	t.Parallel()
	const column = "quarantine_command_state"
	row := incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{"uniqueId": incident.Text("A"), "computerName": incident.Text("HOST-1")}}
	b, m := atManager(t, incident.OpQuarantine, func(_ int, t sepclient.Targets) (sepclient.Sent, error) { return done("1", t) })
	action := b.pipeline.Actions[0]
	action.On, action.Table = incident.OnRow, incident.TableEndpoints
	action.When = []incident.Condition{{Column: column, Test: incident.Lacks, Values: []string{"In progress"}}}
	action.Decide = func(_ context.Context, p enrich.Plan) (incident.Step, error) {
		if len(p.Answers) == 0 {
			return incident.Step{Call: &incident.Call{Operation: incident.OpQuarantine, Target: incident.Target{Computers: []string{"A"}}}}, nil
		}
		return incident.Step{Effects: []incident.Effect{{Row: &incident.Row{Table: row.Table, Cells: map[string]incident.Cell{
			"uniqueId": incident.Text("A"), column: incident.Text("In progress"),
		}}}}}, nil
	}
	b.pipeline.Actions = []enrich.Action{action}
	b.receive(alert("HOST-1"))
	ids := make([]int64, 3)
	require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error {
		for i, by := range []string{"cli:ann", "cli:ben", "cli:cas"} {
			var err error
			ids[i], err = tx.StartRun(ledger.Run{Incident: 1, Key: by, Run: incident.Run{Action: action.Name, By: by, Subject: incident.Subject{Row: &row}}})
			require.NoError(t, err)
		}
		return nil
	}))
	b.start()
	b.settle()
	require.Len(t, m.requests(), 1)
	require.Equal(t, ledger.RunDone, b.run(ids[0]).Status)
	for _, id := range ids[1:] {
		require.Contains(t, b.run(id).Error, "is not offered on this row")
	}
}

func TestUnknownActionFailsItsRun(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1"), actions: []enrich.Action{}})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.Contains(t, b.open()[0].Notes[0].Text, "there is no action")
}

func TestPanickingActionIsParked(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1"), actions: acting(func(context.Context, enrich.Plan) (incident.Step, error) {
		panic("nil map")
	})})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.Len(t, b.open(), 1)
	require.EqualValues(t, 1, b.counts().TasksParked)
}
