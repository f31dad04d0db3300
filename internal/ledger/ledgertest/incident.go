package ledgertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
)

func testEvents(t *testing.T, b *bundle) {
	added := addMails(t, b.Ledger, mails("one", "two"))
	ids := addIncidents(t, b.Ledger, "first", "second")
	event := func(mail int, ordinal int, in int64, risk string) ledger.Event {
		return ledger.Event{Mail: added[mail].ID, Ordinal: ordinal, Digest: "d-" + risk, Incident: in,
			Event: parse.Event{Risk: risk, FilePath: `C:\a "b" <c>.exe`, IPAddresses: []string{"::1"},
				Hashes: map[string]string{"sha256": "ab"}, Extra: map[string]string{"ключ": "\x00"}}}
	}
	events := func() []ledger.Event {
		return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Event, error) {
			return tx.Events([]int64{added[1].ID, added[0].ID})
		})
	}
	put := func(events ...ledger.Event) {
		do(t, b.Ledger, func(tx ledger.Tx) error { return tx.PutEvents(events) })
	}
	put(event(1, 0, ids[0], "r3"), event(0, 1, 0, "r2"), event(0, 0, ids[0], "r1"))
	require.Equal(t, []ledger.Event{event(0, 0, ids[0], "r1"), event(0, 1, 0, "r2"), event(1, 0, ids[0], "r3")}, events())

	put(event(0, 0, ids[1], "better"), event(0, 1, ids[1], "r2"))
	require.Equal(t, []ledger.Event{
		event(0, 0, ids[0], "better"), // a replay updates it and keeps its incident
		event(0, 1, ids[1], "r2"),     // it had none
		event(1, 0, ids[0], "r3"),
	}, events())
}

func testIncidents(t *testing.T, b *bundle) {
	in := ledger.Incident{
		Incident: incident.Incident{
			Key: "key 警", Name: "n", Description: "<b>d</b>", Types: []string{"Malware"}, Severity: "High",
			Discovered: time.Date(2019, 2, 28, 3, 40, 12, 0, time.UTC), Trust: incident.Trust{Proven: true, By: "dkim"},
		},
		Seen: 2, LastSeen: b.clock.Now().Add(-time.Hour),
	}
	added := update(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Incident, error) {
		return tx.AddIncidents([]ledger.Incident{in, {Incident: incident.Incident{Key: "other"}}})
	})
	in.ID, in.Status, in.Created = added[0].ID, incident.Open, b.clock.Now()
	require.Equal(t, in, added[0])
	byID := func() []ledger.Incident {
		return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Incident, error) {
			return tx.Incidents([]int64{added[1].ID, added[0].ID, 999})
		})
	}
	require.Equal(t, added, byID())
}

func testOneOpenIncidentAKey(t *testing.T, b *bundle) {
	open := func() map[string]int64 {
		return view(t, b.Ledger, func(tx ledger.Tx) (map[string]int64, error) {
			return tx.OpenIncidentIDs([]string{"k", "l", "none"})
		})
	}
	ids := addIncidents(t, b.Ledger, "k", "l")
	require.Equal(t, map[string]int64{"k": ids[0], "l": ids[1]}, open())
	require.Error(t, b.Update(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.AddIncidents([]ledger.Incident{{Incident: incident.Incident{Key: "k"}}})
		return err
	}), "k is open")

	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Succeed(ids[:1]) })
	require.Equal(t, map[string]int64{"l": ids[1]}, open())
	require.Equal(t, incident.Closed, incidents(t, b, ids[0])[0].Status)
	again := addIncidents(t, b.Ledger, "k")
	require.Equal(t, map[string]int64{"k": again[0], "l": ids[1]}, open())
	require.NotEqual(t, ids[0], again[0])
}

func piece(in int64, kind ledger.PieceKind, key, body string) ledger.Piece {
	return ledger.Piece{Incident: in, Kind: kind, Key: key, Body: json.RawMessage(body)}
}

func putPieces(t *testing.T, b *bundle, pieces ...ledger.Piece) {
	t.Helper()
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.PutPieces(pieces) })
}

func pieces(t *testing.T, b *bundle, incidents ...int64) []ledger.Piece {
	t.Helper()
	return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Piece, error) { return tx.Pieces(incidents) })
}

func pending(t *testing.T, b *bundle, incidents ...int64) []ledger.Piece {
	t.Helper()
	return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Piece, error) { return tx.PendingPieces(incidents) })
}

func testPieceVersions(t *testing.T, b *bundle) {
	in := addIncidents(t, b.Ledger, "k")[0]
	body := `{"value": "\u0000 <é> ` + "\u2028" + `"}`
	putPieces(t, b, piece(in, ledger.PieceRow, "r", body))
	first := pieces(t, b, in)[0]
	require.Equal(t, ledger.Piece{ID: first.ID, Incident: in, Kind: ledger.PieceRow, Key: "r", Body: json.RawMessage(body), Version: 1}, first)

	putPieces(t, b, piece(in, ledger.PieceRow, "r", body))
	require.Equal(t, []ledger.Piece{first}, pieces(t, b, in), "the same body changes nothing")

	putPieces(t, b, piece(in, ledger.PieceRow, "r", `1`), piece(in, ledger.PieceRow, "r", `2`), piece(in, ledger.PieceNote, "r", `3`))
	got := pieces(t, b, in)
	require.Len(t, got, 2, "the kind is part of the identity")
	require.Equal(t, []int64{1, 2}, []int64{got[0].Version, got[1].Version}, "of those put at once the last counts")
	require.Equal(t, `2`, string(got[1].Body))

	require.ErrorContains(t, b.Update(t.Context(), func(tx ledger.Tx) error {
		return tx.PutPieces([]ledger.Piece{piece(in, ledger.PieceRow, "r", `{`)})
	}), "not JSON")
	require.Error(t, b.Update(t.Context(), func(tx ledger.Tx) error {
		return tx.PutPieces([]ledger.Piece{piece(999, ledger.PieceRow, "r", `1`)})
	}), "there is no such incident")
}

func testPieceOrder(t *testing.T, b *bundle) {
	ids := addIncidents(t, b.Ledger, "k", "l")
	want := []string{}
	var all []ledger.Piece
	for i, in := range ids {
		for _, kind := range []ledger.PieceKind{ledger.PieceArtifact, ledger.PieceNote, ledger.PieceRow} {
			for n := range 2 {
				want = append(want, fmt.Sprint(i, kind, n))
				all = append(all, piece(in, kind, fmt.Sprint(i, kind, n), `1`))
			}
		}
	}
	// Shuffled, but for the ids within a kind.
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 2 {
		for _, i := range random.Perm(len(all) / 2) {
			putPieces(t, b, all[2*i+n])
		}
	}
	var got []string
	for _, p := range pieces(t, b, ids[1], ids[0]) {
		got = append(got, p.Key)
	}
	require.Equal(t, want, got)

	got = nil
	some := view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Piece, error) {
		return tx.PiecesOf(ids[1:], ledger.PieceRow, ledger.PieceArtifact)
	})
	for _, p := range some {
		got = append(got, p.Key)
	}
	require.Equal(t, []string{"1artifact0", "1artifact1", "1row0", "1row1"}, got)
}

func testPieceDelivery(t *testing.T, b *bundle) {
	in := addIncidents(t, b.Ledger, "k")[0]
	putPieces(t, b, piece(in, ledger.PieceRow, "a", `1`), piece(in, ledger.PieceRow, "b", `1`))
	require.Len(t, pending(t, b, in), 2)
	all := pieces(t, b, in)
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetPieces([]ledger.PieceResult{
			{ID: all[0].ID, Delivered: 1, RemoteID: 77},
			{ID: all[1].ID, Parked: true, Error: "400: no such column"},
		})
	})
	require.Empty(t, pending(t, b, in))

	putPieces(t, b, piece(in, ledger.PieceRow, "a", `2`), piece(in, ledger.PieceRow, "b", `2`))
	got := pending(t, b, in)
	require.Len(t, got, 1, "a parked piece stays parked")
	require.Equal(t, [3]int64{2, 1, 77}, [3]int64{got[0].Version, got[0].Delivered, got[0].RemoteID})
	parked := pieces(t, b, in)[1]
	require.True(t, parked.Parked)
	require.Equal(t, "400: no such column", parked.Error)
	require.ErrorIs(t, b.Update(t.Context(), func(tx ledger.Tx) error {
		return tx.SetPieces([]ledger.PieceResult{{ID: 999}})
	}), ledger.ErrNotFound)
}

func testIntents(t *testing.T, b *bundle) {
	ids := addIncidents(t, b.Ledger, "k", "l")
	putPieces(t, b, piece(ids[0], ledger.PieceNote, "n", `1`))
	note := pieces(t, b, ids[0])[0].ID
	want := []ledger.Intent{
		{Incident: ids[1], Operation: "create"},
		{Incident: ids[0], Piece: note, Operation: "note", Detail: json.RawMessage(`{"before": [1, 2]}`)},
	}
	added := update(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Intent, error) { return tx.AddIntents(want) })
	for i := range want {
		require.NotZero(t, added[i].ID)
		want[i].ID, want[i].At = added[i].ID, b.clock.Now()
	}
	require.Equal(t, want, added)
	open := func() []ledger.Intent {
		return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Intent, error) { return tx.OpenIntents(ids) })
	}
	require.Equal(t, want, open(), "oldest first")

	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.SettleIntents([]int64{want[0].ID}, "created 2095") })
	require.Equal(t, want[1:], open())
	require.ErrorIs(t, b.Update(t.Context(), func(tx ledger.Tx) error {
		return tx.SettleIntents([]int64{want[1].ID, 999}, "")
	}), ledger.ErrNotFound)
	require.Len(t, open(), 1)
}

func testRuns(t *testing.T, b *bundle) {
	in := addIncidents(t, b.Ledger, "k")[0]
	run := ledger.Run{Incident: in, Key: "scan", Run: incident.Run{Action: "scan_endpoints", Input: map[string]string{"hash": "警"}}}
	put := func(runs ...ledger.Run) {
		do(t, b.Ledger, func(tx ledger.Tx) error { return tx.PutRuns(runs) })
	}
	put(run, run)
	tasks := update(t, b.Ledger, claim(ledger.TaskRespond, 9, "a"))
	require.Len(t, tasks, 1)
	id := tasks[0].Key
	get := func() []ledger.Run {
		return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Run, error) { return tx.Runs([]int64{id, 999}) })
	}
	run.ID, run.Status = id, ledger.RunWaiting
	require.Equal(t, []ledger.Run{run}, get())

	done := run
	done.Answers = []incident.Answer{{Call: incident.Call{Operation: "scan"}, Body: json.RawMessage(`{"id":1}`), At: b.clock.Now()}}
	done.Status, done.Error = ledger.RunFailed, "SEPM said no"
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.SetRuns([]ledger.Run{done}) })
	require.Equal(t, []ledger.Run{done}, get())

	put(run)
	require.Equal(t, []ledger.Run{done}, get(), "a run that is there is left alone")
	require.ErrorIs(t, b.Update(t.Context(), func(tx ledger.Tx) error {
		return tx.SetRuns([]ledger.Run{{ID: 999}})
	}), ledger.ErrNotFound)
}

// testLongKeys holds keys that begin alike apart, at lengths that no index of
// PostgreSQL takes.
func testLongKeys(t *testing.T, b *bundle) {
	noise := make([]byte, 20_000)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	long := fmt.Sprintf("%x", noise) // does not compress
	ids := addIncidents(t, b.Ledger, long+"a", long+"b")
	open := view(t, b.Ledger, func(tx ledger.Tx) (map[string]int64, error) {
		return tx.OpenIncidentIDs([]string{long + "b", long})
	})
	require.Equal(t, map[string]int64{long + "b": ids[1]}, open)
	require.Equal(t, long+"b", incidents(t, b, ids[1])[0].Key)

	for range 2 {
		putPieces(t, b, piece(ids[0], ledger.PieceArtifact, long+"a", `1`), piece(ids[0], ledger.PieceArtifact, long+"b", `1`))
		do(t, b.Ledger, func(tx ledger.Tx) error {
			return tx.PutRuns([]ledger.Run{{Incident: ids[0], Key: long + "a"}, {Incident: ids[0], Key: long + "b"}})
		})
	}
	require.Len(t, pieces(t, b, ids[0]), 2)
	require.Equal(t, int64(2), view(t, b.Ledger, ledger.Tx.Counts).RunsWaiting)
}

// testRetryPieces has a delivery that is retried take up its parked pieces.
func testRetryPieces(t *testing.T, b *bundle) {
	ids := addIncidents(t, b.Ledger, "k", "l")
	putPieces(t, b, piece(ids[0], ledger.PieceArtifact, "a", `1`), piece(ids[1], ledger.PieceArtifact, "a", `1`))
	want(t, b.Ledger, ids[0])
	task := claimOne(t, b.Ledger)
	do(t, b.Ledger, func(tx ledger.Tx) error {
		var parked []ledger.PieceResult
		found, err := tx.Pieces(ids)
		for _, p := range found {
			parked = append(parked, ledger.PieceResult{ID: p.ID, Parked: true, Error: "400"})
		}
		return errors.Join(err, tx.SetPieces(parked))
	})
	require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: task, Done: true}))
	require.Equal(t, int64(2), view(t, b.Ledger, ledger.Tx.Counts).PiecesParked)

	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.RetryTask(task.ID) })
	require.Equal(t, ids[0], claimOne(t, b.Ledger).Key, "it is due, though it was done")
	require.False(t, pieces(t, b, ids[0])[0].Parked)
	require.Empty(t, pieces(t, b, ids[0])[0].Error)
	require.True(t, pieces(t, b, ids[1])[0].Parked, "that of another incident")
}
