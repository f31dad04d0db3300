package ledgertest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

const lease = time.Minute

func claim(kind ledger.TaskKind, n int, owner string) func(ledger.Tx) ([]ledger.Task, error) {
	return func(tx ledger.Tx) ([]ledger.Task, error) { return tx.Claim(kind, n, owner, lease) }
}

func want(t *testing.T, l *ledger.Ledger, keys ...int64) {
	t.Helper()
	do(t, l, func(tx ledger.Tx) error { return tx.Want(ledger.TaskDeliver, keys...) })
}

// claimOne claims the one task that is due.
func claimOne(t *testing.T, l *ledger.Ledger) ledger.Task {
	t.Helper()
	tasks := update(t, l, claim(ledger.TaskDeliver, 9, "a"))
	require.Len(t, tasks, 1)
	return tasks[0]
}

func requireNoneDue(t *testing.T, l *ledger.Ledger, why string) {
	t.Helper()
	require.Empty(t, update(t, l, claim(ledger.TaskDeliver, 9, "a")), why)
}

func finish(t *testing.T, l *ledger.Ledger, outcomes ...ledger.Outcome) map[int64]bool {
	t.Helper()
	return update(t, l, func(tx ledger.Tx) (map[int64]bool, error) { return tx.Finish(outcomes) })
}

func testClaim(t *testing.T, b *bundle) {
	want(t, b.Ledger, 5)
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 5) })
	task := claimOne(t, b.Ledger)
	require.Equal(t, ledger.Task{ID: task.ID, Kind: ledger.TaskDeliver, Key: 5, Wanted: 1, Due: b.clock.Now(), Epoch: 1}, task)
	requireNoneDue(t, b.Ledger, "it is leased")

	b.clock.advance(lease - time.Microsecond)
	requireNoneDue(t, b.Ledger, "the lease runs")
	b.clock.advance(time.Microsecond)
	again := claimOne(t, b.Ledger)
	require.Equal(t, task.ID, again.ID, "a lease that ran out is free")
	require.Equal(t, task.Epoch+1, again.Epoch)

	require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: again, Done: true}))
	b.clock.advance(24 * time.Hour)
	requireNoneDue(t, b.Ledger, "it is done")
	require.Empty(t, update(t, b.Ledger, claim(ledger.TaskRead, 0, "a")), "none asked for")
	for _, invalid := range []func(ledger.Tx) error{
		func(tx ledger.Tx) error { _, err := tx.Claim(ledger.TaskRead, 1, "", lease); return err },
		func(tx ledger.Tx) error { _, err := tx.Claim(ledger.TaskRead, 1, "a", 0); return err },
	} {
		require.Error(t, b.Update(t.Context(), invalid))
	}
}

func testClaimOrder(t *testing.T, b *bundle) {
	for _, key := range []int64{30, 10, 20, 40} {
		want(t, b.Ledger, key)
		b.clock.advance(time.Second)
	}
	want(t, b.Ledger, 30) // wanted again: it keeps its place
	require.Equal(t, []int64{30, 10, 20}, keysOf(update(t, b.Ledger, claim(ledger.TaskDeliver, 3, "a"))))
	require.Equal(t, []int64{40}, keysOf(update(t, b.Ledger, claim(ledger.TaskDeliver, 3, "a"))))
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 3, 1, 2) })
	read := update(t, b.Ledger, claim(ledger.TaskRead, 3, "a"))
	require.Equal(t, []int64{3, 1, 2}, keysOf(read), "in the order of wanting")

	b.clock.advance(lease)
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.RetryTask(read[2].ID) })
	require.Equal(t, []int64{2, 3}, keysOf(update(t, b.Ledger, claim(ledger.TaskRead, 2, "a"))), "what a person waits for comes first")
}

func testWantedWhileAtWork(t *testing.T, b *bundle) {
	for name, outcome := range map[string]ledger.Outcome{
		"done":   {Done: true},
		"failed": {Failed: true, Error: "e", Again: b.clock.Now().Add(time.Hour)},
		"later":  {Again: b.clock.Now().Add(time.Hour)},
	} {
		want(t, b.Ledger, 1)
		task := claimOne(t, b.Ledger)
		want(t, b.Ledger, 1, 1)
		requireNoneDue(t, b.Ledger, name+": it is leased all the same")
		outcome.Task = task
		drain(b.Due(ledger.TaskDeliver))
		require.Empty(t, finish(t, b.Ledger, outcome))
		require.Len(t, b.Due(ledger.TaskDeliver), 1, name)

		again := claimOne(t, b.Ledger)
		require.Equal(t, task.Wanted+2, again.Wanted, name)
		require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: again, Done: true}))
		requireNoneDue(t, b.Ledger, name)
	}
}

func testOutcomes(t *testing.T, b *bundle) {
	want(t, b.Ledger, 1)
	for attempt := range 3 {
		task := claimOne(t, b.Ledger)
		require.Equal(t, attempt, task.Attempts)
		require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: task, Failed: true, Error: "down", Again: b.clock.Now().Add(time.Minute)}))
		requireNoneDue(t, b.Ledger, "it is to be tried again later")
		b.clock.advance(time.Minute)
	}
	task := claimOne(t, b.Ledger)
	require.Equal(t, "down", task.Error)
	finish(t, b.Ledger, ledger.Outcome{Task: task, Again: b.clock.Now().Add(time.Second)})
	b.clock.advance(time.Second)
	task = claimOne(t, b.Ledger)
	require.Equal(t, 3, task.Attempts, "waiting is no attempt")
	require.Equal(t, "down", task.Error)

	finish(t, b.Ledger, ledger.Outcome{Task: task, Failed: true, Error: "down", Again: b.clock.Now().Add(time.Hour)})
	want(t, b.Ledger, 1)
	task = claimOne(t, b.Ledger)
	require.Equal(t, 4, task.Attempts, "wanting makes it due at once and forgets nothing")
	finish(t, b.Ledger, ledger.Outcome{Task: task, Progress: true, Failed: true, Error: "down", Again: b.clock.Now()})
	task = claimOne(t, b.Ledger)
	require.Equal(t, 1, task.Attempts, "after progress they start again")
	finish(t, b.Ledger, ledger.Outcome{Task: task, Done: true})
	want(t, b.Ledger, 1)
	task = claimOne(t, b.Ledger)
	require.Zero(t, task.Attempts)
	require.Empty(t, task.Error)
	require.Equal(t, [2]int64{3, 2}, [2]int64{task.Wanted, task.Done})
}

func testPark(t *testing.T, b *bundle) {
	want(t, b.Ledger, 1)
	task := claimOne(t, b.Ledger)
	want(t, b.Ledger, 1)
	finish(t, b.Ledger, ledger.Outcome{Task: task, Failed: true, Park: true, Error: "400"})
	want(t, b.Ledger, 1)
	b.clock.advance(24 * time.Hour)
	requireNoneDue(t, b.Ledger, "a parked task stays parked")
	require.Equal(t, int64(1), view(t, b.Ledger, ledger.Tx.Counts).TasksParked)

	drain(b.Due(ledger.TaskDeliver))
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.RetryTask(task.ID) })
	require.Len(t, b.Due(ledger.TaskDeliver), 1)
	again := claimOne(t, b.Ledger)
	require.Equal(t, ledger.Task{
		ID: task.ID, Kind: ledger.TaskDeliver, Key: 1, Wanted: 4, Due: b.clock.Now(), Epoch: task.Epoch + 1,
	}, again)
	require.ErrorIs(t, b.Update(t.Context(), func(tx ledger.Tx) error { return tx.RetryTask(999) }), ledger.ErrNotFound)
}

func testLostLease(t *testing.T, b *bundle) {
	want(t, b.Ledger, 1, 2)
	old := update(t, b.Ledger, claim(ledger.TaskDeliver, 2, "a"))
	b.clock.advance(lease)
	now := update(t, b.Ledger, claim(ledger.TaskDeliver, 1, "b"))
	require.Equal(t, old[0].ID, now[0].ID)

	lost := finish(t, b.Ledger,
		ledger.Outcome{Task: old[0], Done: true},
		ledger.Outcome{Task: old[1], Done: true},
		ledger.Outcome{Task: ledger.Task{ID: 999, Epoch: 1}, Done: true})
	require.Equal(t, map[int64]bool{old[0].ID: true, 999: true}, lost, "the second lease ran out too, but nobody took it")
	requireNoneDue(t, b.Ledger, "the first is b's")

	require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: now[0], Failed: true, Error: "e"}))
	again := claimOne(t, b.Ledger)
	require.Equal(t, 1, again.Attempts, "b's outcome counts and a's does not")
	require.Len(t, finish(t, b.Ledger, ledger.Outcome{Task: now[0], Done: true}), 1, "b has finished already")
	require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: again, Done: true}))
	require.Len(t, finish(t, b.Ledger, ledger.Outcome{Task: again, Done: true}), 1, "an outcome is recorded once")
}

func testEveryTaskOnce(t *testing.T, b *bundle) {
	everyTaskOnce(t, b.Ledger, b.Ledger, b.Ledger, b.Ledger)
}

// everyTaskOnce has a claimer on each of the ledgers, which are one.
func everyTaskOnce(t *testing.T, ledgers ...*ledger.Ledger) {
	const tasks = 300
	for key := range int64(tasks) {
		if key%50 == 0 {
			var keys []int64
			for k := key; k < key+50; k++ {
				keys = append(keys, k)
			}
			want(t, ledgers[0], keys...)
		}
	}
	worked := make([][]int64, len(ledgers))
	errs := make([]error, len(ledgers))
	var claimers sync.WaitGroup
	for i, l := range ledgers {
		claimers.Go(func() {
			for {
				var claimed []ledger.Task
				errs[i] = l.Update(t.Context(), func(tx ledger.Tx) (err error) {
					claimed, err = tx.Claim(ledger.TaskDeliver, 7, "a", lease)
					return err
				})
				if errs[i] != nil || len(claimed) == 0 {
					return
				}
				var outcomes []ledger.Outcome
				for _, task := range claimed {
					outcomes = append(outcomes, ledger.Outcome{Task: task, Done: true})
				}
				var lost map[int64]bool
				errs[i] = l.Update(t.Context(), func(tx ledger.Tx) (err error) {
					lost, err = tx.Finish(outcomes)
					return err
				})
				if errs[i] != nil {
					return
				}
				for _, task := range claimed {
					if !lost[task.ID] {
						worked[i] = append(worked[i], task.Key)
					}
				}
			}
		})
	}
	claimers.Wait()
	times := map[int64]int{}
	for i := range ledgers {
		require.NoError(t, errs[i])
		for _, key := range worked[i] {
			times[key]++
		}
	}
	require.Len(t, times, tasks)
	for key, n := range times {
		require.Equal(t, 1, n, "task %d", key)
	}
	require.Zero(t, view(t, ledgers[0], ledger.Tx.Counts).TasksPending)
}

func drain(due <-chan struct{}) {
	select {
	case <-due:
	default:
	}
}

func testDue(t *testing.T, b *bundle) {
	read, deliver, respond := b.Due(ledger.TaskRead), b.Due(ledger.TaskDeliver), b.Due(ledger.TaskRespond)
	require.Empty(t, deliver)
	want(t, b.Ledger, 1)
	want(t, b.Ledger, 2)
	require.Len(t, deliver, 1, "one token stands for many")
	require.Empty(t, read)
	drain(deliver)

	addMails(t, b.Ledger, mails("one"))
	do(t, b.Ledger, ledger.Tx.WantUnread)
	require.Len(t, read, 1)
	drain(read)
	do(t, b.Ledger, ledger.Tx.WantUnread)
	require.Empty(t, read, "nothing new")

	in := addIncidents(t, b.Ledger, "k")[0]
	runs := []ledger.Run{{Incident: in, Key: "r"}}
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.PutRuns(runs) })
	require.Len(t, respond, 1)
	drain(respond)
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.PutRuns(runs) })
	require.Empty(t, respond)

	tasks := update(t, b.Ledger, claim(ledger.TaskDeliver, 2, "a"))
	finish(t, b.Ledger, ledger.Outcome{Task: tasks[0], Done: true}, ledger.Outcome{Task: tasks[1], Again: b.clock.Now().Add(time.Second)})
	require.Empty(t, deliver, "done, and due by the clock")
	b.clock.advance(time.Second)
	task := claimOne(t, b.Ledger)
	finish(t, b.Ledger, ledger.Outcome{Task: task})
	require.Len(t, deliver, 1, "to be tried again at once")
}
