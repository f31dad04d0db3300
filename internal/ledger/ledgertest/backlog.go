package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func testBacklog(t *testing.T, b *bundle) {
	backlog := func() map[ledger.TaskKind]ledger.TaskBacklog {
		return view(t, b.Ledger, ledger.Tx.Backlog).Tasks
	}
	none := map[ledger.TaskKind]ledger.TaskBacklog{ledger.TaskRead: {}, ledger.TaskDeliver: {}, ledger.TaskRespond: {}, ledger.TaskFollow: {}}
	require.Equal(t, none, backlog(), "every kind has its entry")

	began := b.clock.Now()
	want(t, b.Ledger, 1, 2, 3, 4, 5, 6)
	b.clock.advance(time.Second)
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) })
	tasks := update(t, b.Ledger, claim(ledger.TaskDeliver, 4, "a"))
	require.Empty(t, finish(t, b.Ledger,
		ledger.Outcome{Task: tasks[0], Done: true},
		ledger.Outcome{Task: tasks[1], Again: b.clock.Now().Add(time.Hour)},
		ledger.Outcome{Task: tasks[2], Park: true}))
	require.Equal(t, map[ledger.TaskKind]ledger.TaskBacklog{
		ledger.TaskRead:    {Due: 1, Oldest: began.Add(time.Second)},
		ledger.TaskDeliver: {Due: 2, Waiting: 1, Leased: 1, Parked: 1, Oldest: began},
		ledger.TaskRespond: {},
		ledger.TaskFollow:  {},
	}, backlog())

	b.clock.advance(lease)
	require.Equal(t, ledger.TaskBacklog{Due: 3, Waiting: 1, Parked: 1, Oldest: began}, backlog()[ledger.TaskDeliver],
		"a lease that ran out is free")
	b.clock.advance(time.Hour)
	require.Equal(t, ledger.TaskBacklog{Due: 4, Parked: 1, Oldest: began}, backlog()[ledger.TaskDeliver])
}

func testPiecesParked(t *testing.T, b *bundle) {
	id := addIncidents(t, b.Ledger, "k")[0]
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.PutPieces([]ledger.Piece{
			{Incident: id, Kind: ledger.PieceArtifact, Key: "a", Body: []byte("1")},
			{Incident: id, Kind: ledger.PieceNote, Key: "n", Body: []byte("1")},
		})
	})
	parked := func() int64 { return view(t, b.Ledger, ledger.Tx.Backlog).PiecesParked }
	require.Zero(t, parked())
	pieces := view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Piece, error) { return tx.Pieces([]int64{id}) })
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetPieces([]ledger.PieceResult{{ID: pieces[1].ID, Parked: true, Error: "400"}})
	})
	require.Equal(t, int64(1), parked())
}

func testUpdateObserved(t *testing.T, b *bundle) {
	require.NoError(t, b.Close())
	var seen []error
	l, err := b.place(ledger.Options{Now: b.clock.Now, Node: "alpha", OnUpdate: func(d time.Duration, err error) {
		require.Positive(t, d)
		seen = append(seen, err)
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	refused := errors.New("refused")
	do(t, l, fill)
	require.ErrorIs(t, l.Update(t.Context(), func(ledger.Tx) error { return refused }), refused)
	view(t, l, ledger.Tx.Backlog)
	require.Equal(t, []error{nil, refused}, seen, "a view is no update")
}
