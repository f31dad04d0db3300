package ledgertest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// ExerciseShared runs the contract of an engine that several nodes share.
func ExerciseShared(t *testing.T, fresh func(t *testing.T) Place) {
	for name, test := range map[string]func(t *testing.T, b *bundle, beta *ledger.Ledger){
		"every task once":          testSharedTasks,
		"one open incident a key":  testSharedIncident,
		"update run again":         testSharedUpdates,
		"due":                      testSharedDue,
		"mails":                    testSharedMails,
		"a start leaves others be": testSharedRestart,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, fresh(t))
			test(t, b, b.open(t, "beta"))
		})
	}
	t.Run("nodes start together", func(t *testing.T) { testSharedStart(t, fresh(t)) })
}

func testSharedTasks(t *testing.T, b *bundle, beta *ledger.Ledger) {
	everyTaskOnce(t, b.Ledger, b.Ledger, beta, beta)
}

func testSharedUpdates(t *testing.T, b *bundle, beta *ledger.Ledger) {
	concurrentUpdates(t, addIncidents(t, b.Ledger, "k")[0], b.Ledger, beta, b.Ledger, beta)
}

// testSharedIncident has nodes correlate events of one key at the same time.
func testSharedIncident(t *testing.T, b *bundle, beta *ledger.Ledger) {
	correlate := func(tx ledger.Tx) error {
		open, err := tx.OpenIncidentIDs([]string{"k"})
		if err != nil {
			return err
		}
		if id, ok := open["k"]; ok {
			return tx.AddSightings([]ledger.Sighting{{Incident: id, Events: 1}})
		}
		_, err = tx.AddIncidents([]ledger.Incident{{Incident: incident.Incident{Key: "k"}, Seen: 1}})
		return err
	}
	const each = 10
	errs := make([]error, 4)
	var nodes sync.WaitGroup
	for i := range errs {
		l := []*ledger.Ledger{b.Ledger, beta}[i%2]
		nodes.Go(func() {
			for range each {
				errs[i] = errors.Join(errs[i], l.Update(t.Context(), correlate))
			}
		})
	}
	nodes.Wait()
	require.NoError(t, errors.Join(errs...))
	open := view(t, beta, func(tx ledger.Tx) (map[string]int64, error) { return tx.OpenIncidentIDs([]string{"k"}) })
	require.Equal(t, each*len(errs), incidents(t, b, open["k"])[0].Seen)
	require.Equal(t, int64(1), view(t, beta, ledger.Tx.Counts).Incidents)
}

func testSharedDue(t *testing.T, b *bundle, beta *ledger.Ledger) {
	// A node listens soon after it is open, and not before: so it may need
	// telling again.
	require.Eventually(t, func() bool {
		want(t, b.Ledger, 1)
		return len(beta.Due(ledger.TaskDeliver)) == 1
	}, 20*time.Second, 20*time.Millisecond)
	require.Empty(t, beta.Due(ledger.TaskRead))
	drain(b.Due(ledger.TaskDeliver))
	require.Eventually(t, func() bool {
		want(t, beta, 1)
		return len(b.Due(ledger.TaskDeliver)) == 1
	}, 20*time.Second, 20*time.Millisecond)
}

// testSharedMails has two nodes store the same mails, which the mailbox's
// epoch prevents unless somebody names one mailbox twice.
func testSharedMails(t *testing.T, b *bundle, beta *ledger.Ledger) {
	ledgers := []*ledger.Ledger{b.Ledger, beta}
	added := make([][]ledger.AddedMail, len(ledgers))
	errs := make([]error, len(ledgers))
	var nodes sync.WaitGroup
	for i, l := range ledgers {
		nodes.Go(func() {
			errs[i] = l.Update(t.Context(), func(tx ledger.Tx) (err error) {
				added[i], err = tx.AddMails(mails("one", "two", "three"))
				return err
			})
		})
	}
	nodes.Wait()
	require.NoError(t, errors.Join(errs...))
	for i := range 3 {
		require.Equal(t, added[0][i].ID, added[1][i].ID)
		require.NotEqual(t, added[0][i].New, added[1][i].New)
	}
}

func testSharedRestart(t *testing.T, b *bundle, beta *ledger.Ledger) {
	want(t, b.Ledger, 1, 2)
	alphas := update(t, b.Ledger, claim(ledger.TaskDeliver, 1, "a"))[0]
	betas := update(t, beta, claim(ledger.TaskDeliver, 1, "a"))[0]
	mailbox := update(t, beta, take("b"))
	require.NoError(t, b.Close())

	b.Ledger = b.open(t, "alpha")
	require.Equal(t, alphas.ID, claimOne(t, b.Ledger).ID)
	require.Empty(t, finish(t, beta, ledger.Outcome{Task: betas, Done: true}))
	require.ErrorIs(t, takeError(t, b, "a"), ledger.ErrLeaseLost)
	require.NoError(t, saveError(t, b, mailbox))
}

// testSharedStart has nodes find an empty database at the same time.
func testSharedStart(t *testing.T, place Place) {
	errs := make([]error, 3)
	var nodes sync.WaitGroup
	for i, node := range []string{"alpha", "beta", "gamma"} {
		nodes.Go(func() {
			l, err := place(ledger.Options{Node: node})
			if err == nil {
				err = errors.Join(l.Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, int64(i)) }), l.Close())
			}
			errs[i] = err
		})
	}
	nodes.Wait()
	require.NoError(t, errors.Join(errs...))
}
