package ledgertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// fill writes something of everything.
func fill(tx ledger.Tx) error {
	if _, err := tx.TakeMailbox("filled", "a", lease); err != nil {
		return err
	}
	if _, err := tx.AddMails(mails("one")); err != nil {
		return err
	}
	added, err := tx.AddIncidents([]ledger.Incident{{Incident: incident.Incident{Key: "k"}}})
	if err != nil {
		return err
	}
	in := added[0].ID
	return errors.Join(
		tx.PutPieces([]ledger.Piece{piece(in, ledger.PieceNote, "n", `1`)}),
		tx.PutRuns([]ledger.Run{{Incident: in, Key: "r"}}),
		tx.Want(ledger.TaskDeliver, in))
}

var filled = ledger.Counts{Mails: 1, Incidents: 1, Pieces: 1, PiecesPending: 1, TasksPending: 2, RunsWaiting: 1, MailsUnread: 1}

func testCounts(t *testing.T, b *bundle) {
	require.Zero(t, view(t, b.Ledger, ledger.Tx.Counts))
	do(t, b.Ledger, fill)
	require.Equal(t, filled, view(t, b.Ledger, ledger.Tx.Counts))
}

func testRollback(t *testing.T, b *bundle) {
	refused := errors.New("refused")
	require.ErrorIs(t, b.Update(t.Context(), func(tx ledger.Tx) error { return errors.Join(fill(tx), refused) }), refused)
	require.PanicsWithValue(t, "oh", func() {
		_ = b.Update(t.Context(), func(tx ledger.Tx) error {
			if err := fill(tx); err != nil {
				return err
			}
			panic("oh")
		})
	})
	require.Zero(t, view(t, b.Ledger, ledger.Tx.Counts))
	require.Empty(t, b.Due(ledger.TaskRead), "no commit, no token")
	do(t, b.Ledger, fill)
	require.Equal(t, int64(1), update(t, b.Ledger, func(tx ledger.Tx) (ledger.Mailbox, error) {
		return tx.TakeMailbox("other", "a", lease)
	}).Epoch, "the ledger is as usable as before")
}

func testSwallowedError(t *testing.T, b *bundle) {
	addIncidents(t, b.Ledger, "k")
	var swallowed, after error
	err := b.Update(t.Context(), func(tx ledger.Tx) error {
		_, swallowed = tx.AddIncidents([]ledger.Incident{{Incident: incident.Incident{Key: "k"}}})
		after = tx.Want(ledger.TaskDeliver, 1)
		return nil
	})
	require.Error(t, swallowed)
	require.Error(t, after, "the transaction is broken")
	require.Error(t, err, "and is not committed")
	require.Zero(t, view(t, b.Ledger, ledger.Tx.Counts).TasksPending)
}

// testConcurrentUpdates counts in a read and a write that other transactions
// come between unless the engine keeps them apart or runs one again.
func testConcurrentUpdates(t *testing.T, b *bundle) {
	id := addIncidents(t, b.Ledger, "k")[0]
	concurrentUpdates(t, id, b.Ledger, b.Ledger, b.Ledger, b.Ledger)
}

func concurrentUpdates(t *testing.T, id int64, ledgers ...*ledger.Ledger) {
	const each = 15
	errs := make([]error, len(ledgers))
	var workers sync.WaitGroup
	for i, l := range ledgers {
		workers.Go(func() {
			for range each {
				errs[i] = errors.Join(errs[i], l.Update(t.Context(), func(tx ledger.Tx) error {
					found, err := tx.Incidents([]int64{id})
					if err != nil {
						return err
					}
					return tx.SetRemotes([]ledger.Remote{{Incident: id, RemoteID: found[0].RemoteID + 1}})
				}))
			}
		})
	}
	workers.Wait()
	require.NoError(t, errors.Join(errs...))
	found := view(t, ledgers[0], func(tx ledger.Tx) ([]ledger.Incident, error) { return tx.Incidents([]int64{id}) })
	require.EqualValues(t, each*len(ledgers), found[0].RemoteID)
}

func testCancelled(t *testing.T, b *bundle) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(ledger.Tx) error { t.Error("ran"); return nil }
	require.ErrorIs(t, b.Update(ctx, never), context.Canceled)
	require.ErrorIs(t, b.View(ctx, never), context.Canceled)

	// While another update runs, a waiting one can be called off.
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	waiting := make(chan error)
	do(t, b.Ledger, func(tx ledger.Tx) error {
		go func() { waiting <- b.Update(ctx, func(ledger.Tx) error { return ctx.Err() }) }()
		cancel()
		select {
		case err := <-waiting:
			require.ErrorIs(t, err, context.Canceled)
		case <-time.After(10 * time.Second):
			t.Error("still waiting")
		}
		return nil
	})
	do(t, b.Ledger, fill)
}

func testViewIsReadOnly(t *testing.T, b *bundle) {
	for name, write := range map[string]func(ledger.Tx) error{
		"everything": fill,
		"want":       func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) },
		"claim":      func(tx ledger.Tx) error { _, err := tx.Claim(ledger.TaskRead, 1, "a", lease); return err },
	} {
		require.Error(t, b.View(t.Context(), write), name)
	}
	require.Zero(t, view(t, b.Ledger, ledger.Tx.Counts))
}

func testViewIsASnapshot(t *testing.T, b *bundle) {
	require.NoError(t, b.View(t.Context(), func(tx ledger.Tx) error {
		before, err := tx.Counts()
		require.NoError(t, err)
		do(t, b.Ledger, fill) // a view does not hold up a commit
		after, err := tx.Counts()
		require.Equal(t, before, after)
		return err
	}))
	require.Equal(t, filled, view(t, b.Ledger, ledger.Tx.Counts))
}

func testTxIsOver(t *testing.T, b *bundle) {
	var kept ledger.Tx
	do(t, b.Ledger, func(tx ledger.Tx) error { kept = tx; return nil })
	require.ErrorContains(t, kept.Want(ledger.TaskRead, 1), "over")
	require.Zero(t, view(t, b.Ledger, ledger.Tx.Counts))
}

func testReopenKeeps(t *testing.T, b *bundle) {
	do(t, b.Ledger, fill)
	id := addMails(t, b.Ledger, mails("one", "two"))[1].ID
	do(t, b.Ledger, ledger.Tx.WantUnread) // as the next start does
	counts := view(t, b.Ledger, ledger.Tx.Counts)
	mail := view(t, b.Ledger, look(id))
	require.NoError(t, b.Close())
	require.NoError(t, b.Close(), "closing twice is closing")
	require.Error(t, b.View(t.Context(), func(ledger.Tx) error { return nil }))

	b.Ledger = b.open(t, "alpha")
	require.Equal(t, counts, view(t, b.Ledger, ledger.Tx.Counts))
	require.Equal(t, mail, view(t, b.Ledger, look(id)))
	require.Equal(t, "two", string(view(t, b.Ledger, raw(id))))
}

func testReopenReleases(t *testing.T, b *bundle) {
	want(t, b.Ledger, 1)
	mailbox := update(t, b.Ledger, take("a"))
	task := claimOne(t, b.Ledger)
	require.NoError(t, b.Close())

	b.Ledger = b.open(t, "alpha")
	require.ErrorIs(t, saveError(t, b, mailbox), ledger.ErrLeaseLost)
	require.Len(t, finish(t, b.Ledger, ledger.Outcome{Task: task, Done: true}), 1, "a run that hung comes too late")
	again := claimOne(t, b.Ledger)
	require.Equal(t, task.ID, again.ID)
	require.Greater(t, again.Epoch, task.Epoch)
	require.NoError(t, takeError(t, b, "b"))
}
