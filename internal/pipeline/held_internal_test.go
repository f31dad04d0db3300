package pipeline

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/remote"
	"github.com/sepwatch/sepwatch/resilient"
)

// noTable is a Resilient on which the tables are not installed.
type noTable struct{ Resilient }

func (noTable) Timeout() time.Duration { return time.Minute }
func (noTable) AddRow(context.Context, int64, incident.Row) (int64, error) {
	return 0, &remote.Error{System: "resilient", Status: 404, Class: remote.Permanent}
}

func (noTable) Incident(context.Context, int64) (resilient.Details, error) {
	return resilient.Details{Ref: resilient.Ref{ID: 2095, Open: true}}, nil
}

// Rows that wait for their table keep no other incident from arriving.
func TestHeldPiecesLeaveTheGateOpen(t *testing.T) {
	t.Parallel()
	s := setupStage(t, nil).step()
	for range 5 * maxStumbles {
		d := &delivery{step: s, remote: noTable{}}
		row, err := piece(1, ledger.PieceRow, "k", incident.Row{Table: incident.TableEndpoints})
		require.NoError(t, err)
		c := d.send(t.Context(), []ledger.Piece{row}, []ledger.Intent{{At: s.Clock.Now()}})
		require.True(t, c.outcome.Failed)
		require.False(t, c.outcome.Park)
		require.False(t, s.gate.closed(s.Clock.Now()))
	}
}
