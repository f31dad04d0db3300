package ledgertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// Ways are the ways into one database, which is empty at first.
type Ways struct {
	Open   Place
	Attach func(access ledger.Access, options ledger.Options) (*ledger.Ledger, error)
	// Run runs a statement past the ledger.
	Run func(statement string)
}

// ExerciseAttach runs the contract of a ledger that is attached beside a
// daemon.
func ExerciseAttach(t *testing.T, fresh func(t *testing.T) Ways) {
	for name, test := range map[string]func(*testing.T, *bundle, Ways){
		"reads beside a daemon":  testAttachReads,
		"writes beside a daemon": testAttachWrites,
		"takes nothing":          testAttachTakesNothing,
		"without a daemon":       testAttachAlone,
		"another version":        testAttachVersion,
	} {
		t.Run(name, func(t *testing.T) {
			ways := fresh(t)
			test(t, newBundle(t, ways.Open), ways)
		})
	}
	t.Run("no ledger", func(t *testing.T) {
		ways := fresh(t)
		for _, access := range []ledger.Access{ledger.ReadOnly, ledger.ReadWrite} {
			_, err := ways.Attach(access, ledger.Options{})
			require.ErrorContains(t, err, "start the daemon once")
			require.NotContains(t, err.Error(), "\n")
		}
		l, err := ways.Open(ledger.Options{Node: "alpha"})
		require.NoError(t, err, "nothing is in the way of making it")
		require.NoError(t, l.Close())
	})
}

func attach(t *testing.T, b *bundle, ways Ways, access ledger.Access) *ledger.Ledger {
	t.Helper()
	l, err := ways.Attach(access, ledger.Options{Now: b.clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func testAttachReads(t *testing.T, b *bundle, ways Ways) {
	l := attach(t, b, ways, ledger.ReadOnly)
	require.Zero(t, view(t, l, ledger.Tx.Counts))
	do(t, b.Ledger, fill)
	require.Equal(t, filled, view(t, l, ledger.Tx.Counts), "it sees what is committed later")

	require.NoError(t, l.View(t.Context(), func(tx ledger.Tx) error {
		before, err := tx.Counts()
		require.NoError(t, err)
		want(t, b.Ledger, 5) // the daemon is not held up
		after, err := tx.Counts()
		require.Equal(t, before, after)
		return err
	}))

	never := func(ledger.Tx) error { t.Error("ran"); return nil }
	require.ErrorIs(t, l.Update(t.Context(), never), ledger.ErrReadOnly)
	require.Error(t, l.View(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) }))
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "closing twice is closing")
	want(t, b.Ledger, 6)
}

func testAttachWrites(t *testing.T, b *bundle, ways Ways) {
	want(t, b.Ledger, 1)
	finish(t, b.Ledger, ledger.Outcome{Task: claimOne(t, b.Ledger), Failed: true, Park: true, Error: "400"})
	requireNoneDue(t, b.Ledger, "it is parked")
	l := attach(t, b, ways, ledger.ReadWrite)
	do(t, l, func(tx ledger.Tx) error { return tx.RetryTask(1) })
	require.Empty(t, claimOne(t, b.Ledger).Error)
	require.NoError(t, l.Close())
	want(t, b.Ledger, 2)
}

func testAttachTakesNothing(t *testing.T, b *bundle, ways Ways) {
	want(t, b.Ledger, 1)
	task := claimOne(t, b.Ledger)
	mailbox := update(t, b.Ledger, take("a"))
	for _, access := range []ledger.Access{ledger.ReadOnly, ledger.ReadWrite} {
		require.NoError(t, attach(t, b, ways, access).Close())
	}
	require.NoError(t, saveError(t, b, mailbox))
	require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: task, Done: true}), "the lease is the daemon's still")
}

func testAttachAlone(t *testing.T, b *bundle, ways Ways) {
	do(t, b.Ledger, fill)
	require.NoError(t, b.Close())
	require.Equal(t, filled, view(t, attach(t, b, ways, ledger.ReadOnly), ledger.Tx.Counts))

	l := attach(t, b, ways, ledger.ReadWrite)
	want(t, l, 5)
	require.NoError(t, l.Close())
	counts := filled
	counts.TasksPending++
	require.Equal(t, counts, view(t, attach(t, b, ways, ledger.ReadOnly), ledger.Tx.Counts))

	// A daemon may start while somebody looks, and a look is no second daemon.
	attach(t, b, ways, ledger.ReadOnly)
	attach(t, b, ways, ledger.ReadWrite)
	b.Ledger = b.open(t, "alpha")
	counts.TasksPending++ // its start takes up the mail that is unread
	require.Equal(t, counts, view(t, b.Ledger, ledger.Tx.Counts))
}

func testAttachVersion(t *testing.T, b *bundle, ways Ways) {
	require.NoError(t, b.Close())
	for _, test := range []struct{ meddle, says string }{
		{"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, TRUE)", "start the newer sepwatch"},
		{"DELETE FROM goose_db_version WHERE version_id > 0", "start the daemon once, which makes the ledger"},
		{"DROP TABLE goose_db_version", "start the daemon once, which makes the ledger"},
	} {
		ways.Run(test.meddle)
		for _, access := range []ledger.Access{ledger.ReadOnly, ledger.ReadWrite} {
			_, err := ways.Attach(access, ledger.Options{})
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "\n")
		}
	}
}

// ExerciseAttachShared asks what the nodes of a shared ledger are told.
func ExerciseAttachShared(t *testing.T, fresh func(t *testing.T) Ways) {
	ways := fresh(t)
	b := newBundle(t, ways.Open)
	l := attach(t, b, ways, ledger.ReadWrite)
	require.Eventually(t, func() bool { // a node listens soon after it is open
		want(t, l, 1)
		return len(b.Due(ledger.TaskDeliver)) == 1
	}, 20*time.Second, 20*time.Millisecond)
}
