package ledgertest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// ExerciseModel runs random histories of the task queue beside a model that
// is simple enough to be right by reading it.
func ExerciseModel(t *testing.T, fresh func(t *testing.T) Place) {
	b := newBundle(t, fresh(t))
	histories := 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		m := &model{
			bundle: b,
			kind:   ledger.TaskKind(fmt.Sprint("history ", histories)), // a queue of its own
			tasks:  map[int64]*modelTask{},
		}
		rt.Repeat(map[string]func(*rapid.T){
			"want":    m.want,
			"claim":   m.claim,
			"finish":  m.finish,
			"retry":   m.retry,
			"advance": m.advance,
		})
	})
}

type model struct {
	*bundle
	kind  ledger.TaskKind
	tasks map[int64]*modelTask // by key
	// claimed are all tasks that were ever claimed, so most are stale.
	claimed []ledger.Task
}

type modelTask struct {
	ledger.Task // its ID is 0 until it was claimed
	order       int
	leased      bool
	until       time.Time
	// urgent is set by a retry until the task is done.
	urgent bool
}

func (m *model) commit(t *rapid.T, f func(ledger.Tx) error) {
	require.NoError(t, m.Update(t.Context(), f))
}

func (m *model) want(t *rapid.T) {
	keys := rapid.SliceOfN(rapid.Int64Range(1, 6), 1, 3).Draw(t, "keys")
	for _, key := range keys {
		task := m.tasks[key]
		if task == nil {
			task = &modelTask{Task: ledger.Task{Kind: m.kind, Key: key}, order: len(m.tasks)}
			m.tasks[key] = task
		}
		if waits := task.Wanted > task.Done; !waits || task.Due.After(m.clock.Now()) {
			task.Due = m.clock.Now()
		}
		task.Wanted++
	}
	drain(m.Due(m.kind))
	m.commit(t, func(tx ledger.Tx) error { return tx.Want(m.kind, keys...) })
	require.Len(t, m.Due(m.kind), 1)
}

func (m *model) claim(t *rapid.T) {
	n := rapid.IntRange(1, 4).Draw(t, "n")
	now := m.clock.Now()
	due := slices.DeleteFunc(slices.Collect(maps.Values(m.tasks)), func(task *modelTask) bool {
		return task.Parked || task.Wanted == task.Done || task.Due.After(now) || task.leased && task.until.After(now)
	})
	slices.SortFunc(due, func(a, b *modelTask) int {
		switch {
		case a.urgent && !b.urgent:
			return -1
		case b.urgent && !a.urgent:
			return 1
		}
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.order, b.order))
	})
	var got []ledger.Task
	m.commit(t, func(tx ledger.Tx) (err error) {
		got, err = tx.Claim(m.kind, n, "owner", lease)
		return err
	})
	require.Len(t, got, min(n, len(due)))
	for i, claimed := range got {
		task := due[i]
		task.Epoch++
		task.leased, task.until = true, now.Add(lease)
		task.ID = claimed.ID
		require.Equal(t, task.Task, claimed)
	}
	m.claimed = append(m.claimed, got...)
}

func (m *model) finish(t *rapid.T) {
	if len(m.claimed) == 0 {
		t.Skip("nothing was claimed")
	}
	o := ledger.Outcome{
		Task:     rapid.SampledFrom(m.claimed).Draw(t, "task"),
		Failed:   rapid.Bool().Draw(t, "failed"),
		Progress: rapid.Bool().Draw(t, "progress"),
		Again:    m.clock.Now().Add(time.Duration(rapid.IntRange(-5, 90).Draw(t, "again")) * time.Second),
		Error:    rapid.SampledFrom([]string{"e1", "e2"}).Draw(t, "error"),
	}
	switch rapid.IntRange(0, 5).Draw(t, "end") {
	case 0:
		o.Park = true
	case 1, 2, 3:
		o.Done, o.Failed = true, false
	}
	task := m.tasks[o.Task.Key]
	held := task.leased && task.Epoch == o.Task.Epoch
	if held {
		task.leased = false
		task.Parked = o.Park
		switch {
		case o.Done:
			task.Done, task.Attempts, task.Error = o.Task.Wanted, 0, ""
			task.urgent = task.urgent && task.Wanted > o.Task.Wanted
		case task.Wanted > o.Task.Wanted:
			task.Due = m.clock.Now()
		default:
			task.Due = o.Again
		}
		if o.Progress {
			task.Attempts = 0
		}
		if o.Failed {
			task.Attempts++
		}
		if o.Failed || o.Park {
			task.Error = o.Error
		}
	}
	drain(m.Due(m.kind))
	var lost map[int64]bool
	m.commit(t, func(tx ledger.Tx) (err error) {
		lost, err = tx.Finish([]ledger.Outcome{o})
		return err
	})
	require.Equal(t, !held, lost[o.Task.ID])
	due := held && task.Wanted > task.Done && !task.Parked && !task.Due.After(m.clock.Now())
	require.Equal(t, due, len(m.Due(m.kind)) == 1, "a token")
}

func (m *model) retry(t *rapid.T) {
	if len(m.claimed) == 0 {
		t.Skip("no id is known")
	}
	claimed := rapid.SampledFrom(m.claimed).Draw(t, "task")
	task := m.tasks[claimed.Key]
	task.Parked, task.Attempts, task.Error, task.Due = false, 0, "", m.clock.Now()
	task.Wanted++
	task.urgent = true
	m.commit(t, func(tx ledger.Tx) error { return tx.RetryTask(claimed.ID) })
}

func (m *model) advance(t *rapid.T) {
	m.clock.advance(time.Duration(rapid.IntRange(1, 70).Draw(t, "seconds")) * time.Second)
}
