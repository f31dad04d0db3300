package pipeline_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/remote"
	"github.com/sepwatch/sepwatch/sepclient"
)

// forgetful is a SEPM that knows no command.
type forgetful struct{ enrich.Manager }

func (forgetful) CommandStatus(context.Context, string) iter.Seq2[sepclient.CommandStatus, error] {
	return func(yield func(sepclient.CommandStatus, error) bool) {
		yield(sepclient.CommandStatus{}, &remote.Error{System: "SEPM", Op: "command status", Class: remote.NotFound, Status: 404})
	}
}

// TestCommandsThatSEPMDoesNotKnow: one that SEPM told of lately is asked for
// again, since it answers 404 while it starts; one of which it has known nothing
// for hours is given up.
func TestCommandsThatSEPMDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		polled time.Duration // ago
		open   bool
	}{
		"told of lately": {5 * time.Minute, true},
		"long forgotten": {2 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{})
			b.settings.SEPM = &enrich.Servers{Entries: []*enrich.Entry{{Name: "main", Following: forgetful{}}}}
			b.receive(alert("HOST-1"))
			require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error {
				return tx.AddCommands([]ledger.Command{{Incident: 1, Run: 1, Command: incident.Command{
					Kind: incident.FullScan, IDs: []string{"1"}, Action: "full_scan", Started: time.Now().Add(-3 * time.Hour),
					Progress: incident.CommandProgress{State: incident.CommandFollowed, Polled: time.Now().Add(-test.polled)},
				}}})
			}))
			b.start()
			var command ledger.Command
			require.Eventually(t, func() (asked bool) {
				require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
					tasks, err := tx.TasksOf(ledger.TaskFollow, []int64{1})
					require.NoError(t, err)
					asked = tasks[1].Epoch > 0 && tasks[1].LeaseUntil.IsZero()
					commands, err := tx.Commands([]int64{1})
					command = commands[0]
					return err
				}))
				return asked
			}, 20*time.Second, 10*time.Millisecond)
			require.Equal(t, test.open, command.Open)
		})
	}
}
