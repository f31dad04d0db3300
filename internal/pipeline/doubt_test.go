package pipeline_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/resilient"
)

// Without the key field a verification looks among the incidents created
// since the verification was recorded, not since the create that was in doubt.
func TestVerifyLooksBackToTheDoubtfulCreate(t *testing.T) {
	t.Parallel()
	clock := newClock(1)
	b := setup(t, options{soar: soar.Options{Now: clock.Now}})
	b.onLedger(t, ledgerPath(t), clock)
	b.soarFaults.On(
		fault.Switch{Kind: fault.LateChange, Method: "POST", Path: "incidents", Remaining: 1, Late: time.Minute},
		fault.Switch{Kind: fault.Status, Code: 429, Method: "POST", Path: "incidents"},
	)
	b.start()
	b.receive(alert("HOST-1"))
	// Looked for, not found, and the second create is throttled.
	require.Eventually(t, func() bool { return b.soarFaults.Counts()[fault.Status] > 0 }, 20*time.Second, 10*time.Millisecond)
	b.soarFaults.Flush() // now the first one lands
	require.Len(t, b.soar.Incidents(), 1)
	clock.jump(time.Hour)
	b.soarFaults.Off()
	b.settle()
	require.Len(t, b.soar.Incidents(), 2)
	require.Len(t, b.open(), 1, "the second incident is found and closed")
}

// The key field was installed while a create by marker was in doubt.
func TestVerifyLooksInTheWayTheDoubtfulCreateWasSent(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}})
	f := &fieldLater{onCreate: onCreate{Resilient: b.settings.Resilient}}
	b.settings.Resilient = f
	var late func() (resilient.Ref, error)
	f.create = func(n int, next func() (resilient.Ref, error)) (resilient.Ref, error) {
		if n == 1 {
			late = next
			f.installed.Store(true)
			return resilient.Ref{}, lostAnswer()
		}
		ref, err := next()
		_, lateErr := late()
		require.NoError(t, lateErr)
		return ref, err
	}
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.Len(t, b.soar.Incidents(), 2)
	require.Len(t, b.open(), 1, "the second incident is found and closed")
}

// An analyst who sees two incidents closes one of them. Closing the other one
// as well leaves nobody with the alert.
func TestOneIncidentStaysOpenWhenTheAnalystClosedTheOther(t *testing.T) {
	t.Parallel()
	for name, closeIt := range map[string]func(*bench, int) error{
		"closed":  func(b *bench, id int) error { return b.soar.CloseIncident(id, "Duplicate") },
		"deleted": func(b *bench, id int) error { return b.soar.DeleteIncident(id) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{soar: soar.Options{KeyField: true}})
			var late func() (resilient.Ref, error)
			b.settings.Resilient = &onCreate{Resilient: b.settings.Resilient,
				create: func(n int, next func() (resilient.Ref, error)) (resilient.Ref, error) {
					if n == 1 {
						late = next
						return resilient.Ref{}, lostAnswer()
					}
					ref, err := next()
					require.NoError(t, err)
					_, err = late() // the first one lands after all, as the newer
					require.NoError(t, err)
					require.NoError(t, closeIt(b, int(ref.ID)))
					return ref, nil
				}}
			b.start()
			b.receive(alert("HOST-1"))
			b.settle()
			require.Len(t, b.open(), 1, "%+v", b.soar.Incidents())
		})
	}
}

// A new story with the key of a closed one must not be put on the closed
// incident when its own create is in doubt: nobody would see it.
func TestNewStoryIsNotAdoptedByAClosedOne(t *testing.T) {
	t.Parallel()
	for name, doubt := range map[string]fault.Switch{
		"landed":     {Kind: fault.LostReply},
		"not landed": {Kind: fault.Status, Code: 503},
		"late":       {Kind: fault.LateChange, Late: 5 * timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{soar: soar.Options{KeyField: true}})
			b.start()
			b.receive(alert("HOST-1"))
			b.settle()
			require.NoError(t, b.soar.CloseIncident(b.open()[0].ID, "Resolved"))
			require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error { return tx.Succeed([]int64{1}) }))
			doubt.Method, doubt.Path, doubt.Remaining = "POST", "incidents", 1
			b.soarFaults.On(doubt)
			b.receive(bytes.Replace(alert("HOST-1"), []byte("\n\n"), []byte("\nX-Again: 1\n\n"), 1))
			b.settle()
			b.soarFaults.Flush()
			require.EqualValues(t, 2, b.counts().Incidents)
			require.Len(t, b.open(), 1, "the new alert stands on one open incident")
			require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
				incidents, err := tx.Incidents([]int64{2})
				require.EqualValues(t, b.open()[0].ID, incidents[0].RemoteID)
				return err
			}))
		})
	}
}

// An organization that requires a field on close (as many do) refuses to
// close the duplicate. The incident's rows must arrive all the same.
func TestDuplicateThatCannotBeClosedHoldsNothingBack(t *testing.T) {
	t.Parallel()
	b := setup(t, options{
		soar: soar.Options{KeyField: true, Fields: []soar.Field{{Name: "root_cause", Label: "Root cause", Required: "close"}}},
		sepm: fleet("HOST-1"),
	})
	b.sepmFaults.On(fault.Switch{Kind: fault.Reset})
	b.soarFaults.On(fault.Switch{Kind: fault.LateChange, Late: 5 * timeout, Method: "POST", Path: "incidents", Remaining: 1})
	b.start()
	b.receive(alert("HOST-1"))
	require.Eventually(t, func() bool { return b.soar.Calls()["GET /incidents/{inc}"] > 0 }, 20*time.Second, 10*time.Millisecond)
	b.sepmFaults.Off()
	require.Eventually(t, func() bool {
		rows := 0
		for _, inc := range b.soar.Incidents() {
			rows += len(inc.Rows)
		}
		return rows > 0
	}, 20*time.Second, 50*time.Millisecond, "the row is held back by a duplicate that cannot be closed: %v", b.soar.Calls())
}

// fieldLater hides the key field until it is installed.
type fieldLater struct {
	onCreate
	installed atomic.Bool
}

func (f *fieldLater) Connect(ctx context.Context) (resilient.Platform, error) {
	p, err := f.Resilient.Connect(ctx)
	p.HasKeyField = f.installed.Load()
	return p, err
}
