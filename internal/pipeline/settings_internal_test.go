package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/remote"
)

func TestRetire(t *testing.T) {
	t.Parallel()
	unused := 0
	s := new(Settings)
	require.True(t, s.hold())
	require.True(t, s.hold())
	s.release()
	s.Retire(func() { unused++ })
	require.True(t, s.hold(), "a step may still come that has them already")
	s.release()
	require.Zero(t, unused, "a step works with them")
	s.release()
	require.Equal(t, 1, unused)
	require.False(t, s.hold(), "what they name is closed")

	s = new(Settings)
	s.Retire(func() { unused++ })
	require.Equal(t, 2, unused, "nobody worked with them")
	require.False(t, s.hold())
}

// named is a client that only has an identity.
type named struct{ Resilient }

// Whatever happens beside a change of settings, a step never works with
// settings that are closed, and none stay open.
func TestJobsHoldTheirSettings(t *testing.T) {
	t.Parallel()
	keys := make([]int64, 200)
	for i := range keys {
		keys[i] = int64(i + 1)
	}
	closed := new(sync.Map)
	var current atomic.Pointer[Settings]
	var used atomic.Int32
	s := setupStage(t, nil, keys...)
	s.Pipeline.Options.Settings = current.Load
	s.prepare = func(st *step, _ ledger.Tx, tasks []ledger.Task) ([]job, error) {
		jobs := make([]job, len(tasks))
		for i, task := range tasks {
			jobs[i] = job{task, func(context.Context) change {
				time.Sleep(time.Millisecond)
				if _, is := closed.Load(st.settings); !is {
					used.Add(1)
				}
				return change{outcome: ledger.Outcome{Task: task, Done: true}}
			}}
		}
		return jobs, nil
	}
	current.Store(new(Settings))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.run(ctx) })
	made := 0
	for s.counts(t).TasksPending > 0 {
		old := current.Swap(new(Settings))
		old.Retire(func() { closed.Store(old, true) })
		made++
	}
	cancel()
	running.Wait()
	require.EqualValues(t, len(keys), used.Load())
	n := 0
	closed.Range(func(any, any) bool { n++; return true })
	require.Equal(t, made, n, "all but the last are closed")
}

// A system that refuses our password is not asked for a while. Settings with
// another client of it are tried at once, and what the old client still fails
// at does not count for the new one.
func TestNewClientHasAGateOfItsOwn(t *testing.T) {
	t.Parallel()
	refused := &remote.Error{System: "resilient", Class: remote.Unauthorized, Message: "wrong password"}
	first, second := &Settings{Resilient: &named{}}, &Settings{Resilient: &named{}}
	current := first
	p := New(Options{Settings: func() *Settings { return current }, Clock: systemClock{}, Logger: slog.New(slog.DiscardHandler)})
	s := p.deliverStage()

	old := s.step()
	old.unavailable(ledger.Task{}, refused, refusedLogin)
	require.True(t, s.step().gate.closed(time.Now()))

	current = &Settings{Resilient: first.Resilient, MailboxLease: time.Hour}
	require.True(t, s.step().gate.closed(time.Now()), "the same client: nothing has changed for it")

	current = second
	require.False(t, s.step().gate.closed(time.Now()))
	old.unavailable(ledger.Task{}, refused, refusedLogin)
	require.False(t, s.step().gate.closed(time.Now()))
}
