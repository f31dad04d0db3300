package pipeline

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// A loop is alive while it turns, whatever its jobs, its remote system or its
// tasks do, and not while it is stuck in its own work.
func TestAlive(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) { <-ctx.Done() }
	for name, tt := range map[string]struct {
		do    func(ctx context.Context)
		ready func(ctx context.Context) error
		// prepare runs in the claim's transaction.
		prepare func(ctx context.Context)
		after   time.Duration
		want    string
	}{
		"idle after its work":      {after: time.Hour},
		"jobs that hang":           {do: hang, after: time.Hour},
		"remote system that hangs": {ready: func(ctx context.Context) error { hang(ctx); return ctx.Err() }, after: 50 * time.Second},
		"remote system away":       {ready: func(context.Context) error { return context.DeadlineExceeded }, after: time.Hour},
		"slow commit":              {prepare: hang, after: stuckAfter},
		"stuck in the ledger":      {prepare: hang, after: stuckAfter + time.Second, want: "the respond stage has not turned for 1m1s"},
		"stuck in a connect": {ready: func(ctx context.Context) error { hang(ctx); return ctx.Err() }, after: 2 * time.Minute,
			want: "the respond stage has not turned for 2m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := setupStage(t, func(jobCtx context.Context, task ledger.Task) change {
					if tt.do != nil {
						tt.do(jobCtx)
					}
					return change{outcome: ledger.Outcome{Task: task, Done: true}}
				}, 1, 2, 3, 4, 5)
				if tt.ready != nil {
					s.ready = func(ctx context.Context, _ *step) error { return tt.ready(ctx) }
				}
				if prepare := s.prepare; tt.prepare != nil {
					s.prepare = func(st *step, tx ledger.Tx, tasks []ledger.Task) ([]job, error) {
						tt.prepare(ctx)
						return prepare(st, tx, tasks)
					}
				}
				s.Pipeline.stages = []*stage{s}
				require.NoError(t, s.Alive(time.Now()), "it has not begun")
				var running sync.WaitGroup
				running.Go(func() { s.run(ctx) })
				time.Sleep(tt.after)
				synctest.Wait()
				err := s.Alive(time.Now())
				cancel()
				running.Wait()
				if tt.want == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, tt.want)
				}
			})
		})
	}
}

// A stop cuts jobs off after the grace time and gives the ledger one second
// more, also where it is busy for ever.
func TestStopEndsInTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		busy bool
		// before is how long the ledger hangs before the stop.
		before, want time.Duration
	}{
		"the ledger answers":           {false, 0, 8 * time.Second},
		"the ledger hangs":             {true, 0, 9 * time.Second},
		"the loop waits for it":        {true, 5 * time.Second, 9 * time.Second},
		"a commit has failed just now": {true, commitTimeout + 1500*time.Millisecond, 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				started := make(chan struct{}, 1)
				s := setupStage(t, func(ctx context.Context, task ledger.Task) change {
					started <- struct{}{}
					<-ctx.Done()
					return change{outcome: ledger.Outcome{Task: task, Done: true}}
				}, 1)
				s.Grace = 8 * time.Second
				ctx, cancel := context.WithCancel(t.Context())
				var running, holding sync.WaitGroup
				running.Go(func() { s.run(ctx) })
				<-started
				release := make(chan struct{})
				if tt.busy {
					holding.Go(func() {
						_ = s.Ledger.Update(ctx, func(ledger.Tx) error { <-release; return nil })
					})
					synctest.Wait()
				}
				time.Sleep(tt.before)
				stopped := time.Now()
				cancel()
				running.Wait()
				require.Equal(t, tt.want, time.Since(stopped))
				close(release)
				holding.Wait()
				require.Equal(t, tt.busy, s.counts(t).TasksPending > 0)
			})
		})
	}
}
