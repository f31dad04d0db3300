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

// change is an action that wants to change something at SEPM.
type change struct{ nexts *int }

func (change) Def() incident.ActionDef {
	return incident.ActionDef{Name: "endpoint_details", Changes: true}
}

func (c change) Next(context.Context, enrich.SEPM, incident.Run, time.Time) (incident.Step, error) {
	*c.nexts++
	return incident.Step{Call: &incident.Call{Operation: "quarantine", Target: incident.Target{Computers: []string{"A"}}}}, nil
}

func TestChangesAreNotAllowed(t *testing.T) {
	t.Parallel()
	var nexts int
	b := setup(t, options{sepm: fleet("HOST-1"), actions: map[string]enrich.Action{"endpoint_details": change{&nexts}}})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.Equal(t, 1, nexts)
	require.Zero(t, b.sepm.Requests(), "nothing was sent")
	require.Contains(t, b.open()[0].Notes[0].Text, "quarantine is not allowed")
	require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
		runs, err := tx.Runs([]int64{1})
		require.Equal(t, ledger.RunFailed, runs[0].Status)
		return err
	}))
}

func TestUnknownActionFailsItsRun(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1"), actions: map[string]enrich.Action{}})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.Contains(t, b.open()[0].Notes[0].Text, "no action is named")
}

// panicking is an action with a mistake in it.
type panicking struct{}

func (panicking) Def() incident.ActionDef { return incident.ActionDef{Name: "endpoint_details"} }

func (panicking) Next(context.Context, enrich.SEPM, incident.Run, time.Time) (incident.Step, error) {
	panic("nil map")
}

func TestPanickingActionIsParked(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1"), actions: map[string]enrich.Action{"endpoint_details": panicking{}}})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.Len(t, b.open(), 1)
	require.EqualValues(t, 1, b.counts().TasksParked)
}
