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

func (noTable) Timeout() time.Duration       { return time.Minute }
func (noTable) ServerNow() (time.Time, bool) { return time.Time{}, false }
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

// Where the ledger is so slow that a step comes too late for its requests, the
// incident gives way: what comes back at once makes the ledger slower still.
func TestStepThatComesTooLateGivesWay(t *testing.T) {
	t.Parallel()
	s := setupStage(t, nil).step()
	const timeout = time.Minute // noTable's
	recorded := ledger.Intent{ID: 1, At: s.Clock.Now().Add(-timeout)}
	steps := map[string]func(*delivery) change{
		"create": func(d *delivery) change {
			d.planCreate()
			d.fresh[0] = recorded
			return d.do(t.Context())
		},
		"pieces": func(d *delivery) change {
			return d.send(t.Context(), make([]ledger.Piece, 1), []ledger.Intent{recorded})
		},
	}
	for name, step := range steps {
		began := s.Clock.Now()
		c := step(&delivery{step: s, remote: noTable{}})
		require.Equal(t, []settlement{{1, "not sent"}}, c.settled, name)
		require.False(t, c.outcome.Failed, "%s: nothing failed", name)
		require.GreaterOrEqual(t, c.outcome.Again.Sub(began), timeout/2, name)
	}
}
