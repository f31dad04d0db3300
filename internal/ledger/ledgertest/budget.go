package ledgertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// spend takes a request and returns how long to wait where there is none.
func spend(t require.TestingT, b *bundle, budget ledger.Budget, first bool) time.Duration {
	var again time.Time
	require.NoError(t, b.Update(context.Background(), func(tx ledger.Tx) (err error) {
		again, err = tx.Spend(budget, first)
		return err
	}))
	if again.IsZero() {
		return 0
	}
	require.True(t, again.After(b.clock.Now()))
	return again.Sub(b.clock.Now())
}

func testBudget(t *testing.T, b *bundle) {
	budget := ledger.Budget{Server: "main", PerMinute: 45}
	taken := 0
	for spend(t, b, budget, false) == 0 {
		taken++
	}
	require.Equal(t, 6, taken, "three quarters of what may come at once")
	for range 3 {
		require.Zero(t, spend(t, b, budget, true), "what a person waits for has the rest")
	}
	require.Positive(t, spend(t, b, budget, true))
	require.Zero(t, spend(t, b, ledger.Budget{Server: "other", PerMinute: 45}, false), "each server has its own")

	// A thousand lookups wait, and take whatever there is for them.
	for range 1000 {
		b.clock.advance(100 * time.Millisecond)
		spend(t, b, budget, false)
	}
	require.Zero(t, spend(t, b, budget, true))

	b.clock.advance(-2 * time.Hour)
	require.Zero(t, spend(t, b, budget, true), "a clock that is put back keeps nobody waiting")
	require.Zero(t, spend(t, b, budget, false))
	b.clock.advance(2 * time.Hour)

	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Pause("main", time.Minute) })
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Pause("main", time.Second) })
	b.clock.advance(59 * time.Second)
	require.Equal(t, time.Second, spend(t, b, budget, true), "the server refused: nobody asks")
	b.clock.advance(time.Second)
	require.Zero(t, spend(t, b, budget, true))
}

// testBudgetHolds lets random requests come at random times: no minute has more
// than it may, and whoever waits as long as it was told gets one.
func testBudgetHolds(t *testing.T, b *bundle) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		budget := ledger.Budget{Server: string(rune(0x4e00 + runs)), PerMinute: rapid.IntRange(2, 90).Draw(rt, "per minute")}
		var sent []time.Time
		for range rapid.IntRange(1, 150).Draw(rt, "requests") {
			b.clock.advance(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "later")) * time.Millisecond)
			first := rapid.Bool().Draw(rt, "first")
			if wait := spend(rt, b, budget, first); wait > 0 {
				b.clock.advance(wait)
				require.Zero(rt, spend(rt, b, budget, first), "it was told to come now")
			}
			sent = append(sent, b.clock.Now())
			if n := len(sent) - 1 - budget.PerMinute; n >= 0 {
				require.GreaterOrEqual(rt, sent[len(sent)-1].Sub(sent[n]), time.Minute)
			}
		}
	})
}
