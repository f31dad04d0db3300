package pipeline

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// setupStage makes a stage of its own on an empty ledger, with tasks of the
// keys. do is the work on each.
func setupStage(t *testing.T, do func(ctx context.Context, task ledger.Task) change, keys ...int64) *stage {
	t.Helper()
	l, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Node: "test"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	p := New(Options{Ledger: l, Clock: systemClock{}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Node: "test", Grace: 50 * time.Millisecond})
	s := &stage{
		Pipeline: p, kind: ledger.TaskRespond, limit: 4, batch: 4, lease: time.Minute,
		gate: &gate{system: "test", logger: p.Logger},
		prepare: func(_ ledger.Tx, tasks []ledger.Task) ([]job, error) {
			jobs := make([]job, len(tasks))
			for i, task := range tasks {
				jobs[i] = job{task, func(ctx context.Context) change { return do(ctx, task) }}
			}
			return jobs, nil
		},
	}
	require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(s.kind, keys...) }))
	return s
}

func (s *stage) counts(t *testing.T) (c ledger.Counts) {
	t.Helper()
	require.NoError(t, s.Ledger.View(t.Context(), func(tx ledger.Tx) (err error) {
		c, err = tx.Counts()
		return err
	}))
	return c
}

// A result that the ledger refuses parks its task and holds up nothing else.
func TestRefusedResultParksAlone(t *testing.T) {
	t.Parallel()
	s := setupStage(t, func(_ context.Context, task ledger.Task) change {
		c := change{outcome: ledger.Outcome{Task: task, Done: true}}
		if task.Key == 2 {
			c.pieces = []ledger.PieceResult{{ID: 999}} // there is no such piece
		}
		return c
	}, 1, 2, 3, 4, 5, 6)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.run(ctx) })
	require.Eventually(t, func() bool {
		c := s.counts(t)
		return c.TasksPending == 0 && c.TasksParked == 1
	}, 30*time.Second, 20*time.Millisecond)
	cancel()
	running.Wait()
}

// A stop waits for jobs, cuts them off after the grace time, and records what
// they did.
func TestStopCutsOffAndRecords(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	s := setupStage(t, func(ctx context.Context, task ledger.Task) change {
		close(started)
		<-ctx.Done()
		return change{outcome: ledger.Outcome{Task: task, Done: true}}
	}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.run(ctx) })
	<-started
	cancel()
	running.Wait()
	require.Zero(t, s.counts(t).TasksPending)
}

// Work goes on beside a slow job, never above the limit, and everything is
// done once.
func TestStageWorksUpToItsLimit(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	done := make(map[int64]int)
	running, most := 0, 0
	slow := make(chan struct{})
	keys := make([]int64, 100)
	for i := range keys {
		keys[i] = int64(i + 1)
	}
	s := setupStage(t, func(_ context.Context, task ledger.Task) change {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		if task.Key == 1 {
			<-slow
		}
		mu.Lock()
		running--
		done[task.Key]++
		mu.Unlock()
		return change{outcome: ledger.Outcome{Task: task, Done: true}}
	}, keys...)
	ctx, cancel := context.WithCancel(t.Context())
	var stage sync.WaitGroup
	stage.Go(func() { s.run(ctx) })
	require.Eventually(t, func() bool { return s.counts(t).TasksPending == 1 }, 30*time.Second, 10*time.Millisecond)
	close(slow)
	require.Eventually(t, func() bool { return s.counts(t).TasksPending == 0 }, 30*time.Second, 10*time.Millisecond)
	cancel()
	stage.Wait()
	require.LessOrEqual(t, most, s.limit)
	require.Len(t, done, len(keys))
	for key, n := range done {
		require.Equal(t, 1, n, key)
	}
}

// A stage whose jobs are all under way is alive, however long they take.
func TestLoopTurnsWhileJobsAreSlow(t *testing.T) {
	t.Parallel()
	started, slow := make(chan struct{}, 4), make(chan struct{})
	s := setupStage(t, func(_ context.Context, task ledger.Task) change {
		started <- struct{}{}
		<-slow
		return change{outcome: ledger.Outcome{Task: task, Done: true}}
	}, 1, 2, 3, 4, 5)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.run(ctx) })
	for range s.limit {
		<-started
	}
	for range 3 {
		before := *s.turned.Load()
		require.Eventually(t, func() bool { return s.turned.Load().After(before) }, 30*time.Second, 10*time.Millisecond)
	}
	close(slow)
	require.Eventually(t, func() bool { return s.counts(t).TasksPending == 0 }, 30*time.Second, 10*time.Millisecond)
	cancel()
	running.Wait()
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for failures, most := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 9: 5 * time.Minute, 1000: 5 * time.Minute} {
		for range 50 {
			d := backoff(time.Second, 5*time.Minute, failures)
			require.GreaterOrEqual(t, d, most/2, failures)
			require.LessOrEqual(t, d, most, failures)
		}
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	g := &gate{system: "test", logger: slog.New(slog.DiscardHandler)}
	now := time.Now()
	require.False(t, g.closed(now))
	g.failed(context.DeadlineExceeded, unavailable, now)
	require.True(t, g.closed(now))
	require.False(t, g.closed(now.Add(time.Second)))
	g.failed(context.DeadlineExceeded, unavailable, now) // failed together with the first
	require.False(t, g.closed(now.Add(time.Second)))
	require.LessOrEqual(t, g.pause(now, time.Minute), time.Second)

	g.failed(context.DeadlineExceeded, refusedLogin, now.Add(time.Second))
	require.True(t, g.closed(now.Add(20*time.Second)), "a refused login waits longer")
	require.False(t, g.answering(now))
	g.passed(now)
	require.True(t, g.answering(now.Add(time.Minute)))
	require.False(t, g.answering(now.Add(time.Hour)))
	require.False(t, g.closed(now.Add(time.Second)))
	require.Equal(t, time.Minute, g.pause(now, time.Minute))
}
