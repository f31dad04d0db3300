package pipeline_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// again is the alert about the computer, sent another time.
func again(computer string, n int) []byte {
	return bytes.Replace(alert(computer), []byte("\n\n"), fmt.Appendf(nil, "\nX-Again: %d\n\n", n), 1)
}

// An alert must not vanish in an incident that people have ended.
func TestNewAlertOfAClosedIncidentOpensAnother(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*bench, int) error{
		"closed":  func(b *bench, id int) error { return b.soar.CloseIncident(id, "Resolved") },
		"deleted": func(b *bench, id int) error { return b.soar.DeleteIncident(id) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
			b.start()
			b.receive(alert("HOST-1"))
			b.settle()
			first := b.open()[0]
			b.receive(again("HOST-1", 1))
			b.settle()
			require.Len(t, b.open(), 1, "while it is open it takes the alerts of its story")

			require.NoError(t, end(b, first.ID))
			// The look, and the create after it, fail at first.
			b.soarFaults.On(
				fault.Switch{Kind: fault.Status, Code: 503, Method: "GET", Path: "incidents/*", Remaining: 1},
				fault.Switch{Kind: fault.LostReply, Method: "POST", Path: "incidents", Remaining: 1},
			)
			b.receive(again("HOST-1", 2), again("HOST-1", 3))
			b.receive(again("HOST-1", 4))
			b.settle()
			require.Len(t, b.open(), 1)
			second := b.open()[0]
			require.NotEqual(t, first.ID, second.ID)
			require.Contains(t, second.Description, fmt.Sprintf("incident %d, which was closed", first.ID))
			require.Len(t, second.Artifacts, alertArtifacts)
			require.Len(t, second.Rows, 1, "it is looked up anew")
			require.Equal(t, [2]int{2, 3}, b.seen(), "each alert counts where it stands")
		})
	}
}

// seen are the alerts of the two incidents.
func (b *bench) seen() (seen [2]int) {
	b.t.Helper()
	require.NoError(b.t, b.ledger.View(b.t.Context(), func(tx ledger.Tx) error {
		incidents, err := tx.Incidents([]int64{1, 2})
		for i, inc := range incidents {
			seen[i] = inc.Seen
		}
		return err
	}))
	return seen
}

// What was still to be delivered to an incident that somebody deleted is
// parked with the reason, and not tried for hours.
func TestPiecesOfADeletedIncidentAreParked(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	require.NoError(t, b.soar.DeleteIncident(b.open()[0].ID))
	b.putNote("too late")
	b.settle()
	require.EqualValues(t, 1, b.counts().PiecesParked)
	require.Empty(t, b.open())
	require.Equal(t, 1, b.soar.Calls()["POST /incidents/{inc}/comments"])
	b.receive(again("HOST-1", 1))
	b.settle()
	require.Len(t, b.open(), 1, "the next alert opens an incident")
}
