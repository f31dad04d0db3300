package pipeline_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/sepclient"
)

// sepmBudget is a budget of 45 requests a minute in a ledger of its own.
func sepmBudget(t *testing.T) *pipeline.Budget {
	t.Helper()
	l, err := sqlite.Open(t.Context(), ledgerPath(t), ledger.Options{Node: "test"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return &pipeline.Budget{
		Ledger: l, Clock: systemClock{}, Logger: slog.New(slog.DiscardHandler),
		Budget: ledger.Budget{Server: "main", PerMinute: 45},
	}
}

// With a thousand lookups waiting, what a person asks for leaves within 5 s.
func TestPersonComesFirst(t *testing.T) {
	b := sepmBudget(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		var mu sync.Mutex
		var left []time.Time
		for range 1000 {
			waiting.Go(func() {
				if b.Take(ctx, sepclient.Routine) == nil {
					mu.Lock()
					left = append(left, time.Now())
					mu.Unlock()
				}
			})
		}
		for range 20 {
			time.Sleep(7 * time.Second)
			asked := time.Now()
			require.NoError(t, b.Take(ctx, sepclient.Urgent))
			require.LessOrEqual(t, time.Since(asked), 5*time.Second)
		}
		asked := time.Now()
		require.NoError(t, b.Take(ctx, sepclient.Following))
		require.LessOrEqual(t, time.Since(asked), 5*time.Second, "the state of commands comes before lookups")
		cancel()
		waiting.Wait()
		require.Greater(t, len(left), 50, "the lookups go on")
		for i := 45; i < len(left); i++ {
			require.GreaterOrEqual(t, left[i].Sub(left[i-45]), time.Minute)
		}
	})
}

// Whoever gives up waiting keeps no other from its turn.
func TestGivingUpLeavesTheLine(t *testing.T) {
	b := sepmBudget(t)
	synctest.Test(t, func(t *testing.T) {
		var waiting sync.WaitGroup
		ended := make(chan error, 100)
		for i := range 100 {
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%7)*time.Second)
				defer cancel()
				ended <- b.Take(ctx, sepclient.Routine)
			})
		}
		waiting.Wait()
		close(ended)
		taken := 0
		for err := range ended {
			if err == nil {
				taken++
				continue
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Greater(t, taken, 5)
		require.NoError(t, b.Take(t.Context(), sepclient.Routine))
	})
}

// A SEPM that throttles is left alone until its window has passed, and the
// request that it refused is sent then.
func TestThrottleIsWaitedOut(t *testing.T) {
	t.Parallel()
	clock := newClock(500)
	l, err := sqlite.Open(t.Context(), ledgerPath(t), ledger.Options{Node: "test", Now: clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	stand := fleet("HOST-1")
	stand.Throttle, stand.Now = 3, clock.Now
	server := sepm.New(stand)
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	h, err := serve.Start("127.0.0.1:0", &cert, server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	manager, err := sepclient.New(sepclient.Options{
		URL: h.URL(), Username: "admin", Password: "admin", Domain: "Default", RootCAs: pool, Now: clock.Now,
		Budget: &pipeline.Budget{
			Ledger: l, Clock: clock, Logger: slog.New(slog.DiscardHandler),
			Budget: ledger.Budget{Server: "main", PerMinute: 600},
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, manager.Close(context.Background())) })
	began := clock.Now()
	const lookups = 8
	for range lookups {
		for _, err := range manager.Computers(t.Context(), sepclient.ComputerQuery{Name: "HOST-1"}) {
			require.NoError(t, err)
		}
	}
	require.GreaterOrEqual(t, clock.Now().Sub(began), 2*time.Minute, "nine requests in three windows")
	calls := 0
	for _, n := range server.Calls() {
		calls += n
	}
	require.LessOrEqual(t, calls, lookups+1+2, "one refusal a window")
}
