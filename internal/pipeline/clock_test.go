package pipeline_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/resilient"
)

// steppedClock is the system's clock, made faster by a factor and moved by
// jumps.
type steppedClock struct {
	start  time.Time
	factor time.Duration
	jumped atomic.Int64
}

func newClock(factor time.Duration) *steppedClock {
	return &steppedClock{start: time.Now(), factor: factor}
}

func (c *steppedClock) Now() time.Time {
	return c.start.Add(time.Since(c.start)*c.factor + time.Duration(c.jumped.Load()))
}
func (c *steppedClock) After(d time.Duration) <-chan time.Time { return time.After(d / c.factor) }
func (c *steppedClock) jump(d time.Duration)                   { c.jumped.Add(int64(d)) }

// slowed is Resilient as a clock that runs faster sees it.
type slowed struct {
	pipeline.Resilient
	factor time.Duration
}

func (s slowed) Timeout() time.Duration { return s.Resilient.Timeout() * s.factor }

// onLedger puts the bench's pipeline on another ledger and clock.
func (b *bench) onLedger(t *testing.T, path string, clock pipeline.Clock) {
	t.Helper()
	var err error
	b.ledger, err = sqlite.Open(t.Context(), path, ledger.Options{Node: "test", Now: clock.Now})
	require.NoError(t, err)
	l := b.ledger
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	opts := b.pipeline.Options
	opts.Ledger, opts.Clock, opts.Logger = b.ledger, clock, slog.New(slog.NewTextHandler(t.Output(), nil))
	settings := b.settings
	opts.Settings = func() *pipeline.Settings { return settings }
	b.pipeline = pipeline.New(opts)
	b.state, err = b.pipeline.Take(t.Context(), "soc")
	require.NoError(t, err)
	b.state.UIDValidity = 1
}

// tamper runs a statement on the ledger's file behind its back.
func tamper(t *testing.T, path, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(context.WithoutCancel(t.Context()), statement, args...)
	require.NoError(t, err)
}

// onCreate stands before Resilient's create and find.
type onCreate struct {
	pipeline.Resilient
	mu      sync.Mutex
	creates int
	create  func(n int, next func() (resilient.Ref, error)) (resilient.Ref, error)
	find    func(creates int, next func() ([]resilient.Ref, error)) ([]resilient.Ref, error)
}

func (o *onCreate) CreateIncident(ctx context.Context, in resilient.NewIncident) (resilient.Ref, error) {
	o.mu.Lock()
	o.creates++
	n := o.creates
	o.mu.Unlock()
	return o.create(n, func() (resilient.Ref, error) { return o.Resilient.CreateIncident(context.WithoutCancel(ctx), in) })
}

func (o *onCreate) FindIncidents(ctx context.Context, l resilient.Lookup) ([]resilient.Ref, error) {
	o.mu.Lock()
	n := o.creates
	o.mu.Unlock()
	next := func() ([]resilient.Ref, error) { return o.Resilient.FindIncidents(ctx, l) }
	if o.find == nil {
		return next()
	}
	return o.find(n, next)
}

func lostAnswer() error {
	return &resilient.Error{Op: "create incident", Class: resilient.Ambiguous, Message: "no answer in time"}
}

func ledgerPath(t *testing.T) string { return filepath.Join(t.TempDir(), "ledger.db") }
