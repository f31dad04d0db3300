package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// Somebody else (fn_sep's own workflow fills the same table) has a row for the
// endpoint. Our add is in doubt and was not made: the row that is found has
// the key cells, and not what we had to say.
func TestRowThatIsFoundHoldsWhatWeSent(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	b.sepmFaults.On(fault.Switch{Kind: fault.Reset})
	b.start()
	b.receive(alert("HOST-1"))
	require.Eventually(t, func() bool { return len(b.open()) == 1 }, 20*time.Second, 10*time.Millisecond)
	_, err := b.settings.Resilient.AddRow(t.Context(), int64(b.open()[0].ID), incident.Row{
		Table: incident.TableEndpoints,
		Cells: map[string]incident.Cell{"uniqueId": incident.Text(fmt.Sprintf("%032X", 1)), "computerName": incident.Text("STALE")},
	})
	require.NoError(t, err)
	b.soarFaults.On(fault.Switch{Kind: fault.Status, Code: 503, Method: "POST", Path: "table_data/*/row_data", Remaining: 1})
	b.sepmFaults.Off()
	b.settle()
	require.Equal(t, 1, b.soarFaults.Counts()[fault.Status])
	var names []any
	for _, row := range b.open()[0].Rows {
		names = append(names, row.Cells["computerName"])
	}
	require.Contains(t, names, "HOST-1")
}

// A row that an analyst has deleted is not put back by what is learned later.
func TestDeletedRowStaysDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	inc := b.open()[0]
	require.NoError(t, b.soar.DeleteRow(inc.ID, inc.Rows[0].ID))
	for version := range 2 {
		row := incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
			"uniqueId": incident.Text(fmt.Sprintf("%032X", 1)), "sep_description": incident.Text(fmt.Sprint("version ", version)),
		}}
		body, err := json.Marshal(row)
		require.NoError(t, err)
		require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error {
			pieces := []ledger.Piece{{Incident: 1, Kind: ledger.PieceRow, Key: row.Identity(), Body: body}}
			return errors.Join(tx.PutPieces(pieces), tx.Want(ledger.TaskDeliver, 1))
		}))
		b.settle()
		require.Empty(t, b.open()[0].Rows)
		require.Zero(t, b.counts().PiecesParked+b.counts().PiecesPending)
	}
}
