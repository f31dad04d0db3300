package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/sepclient"
)

// throttleWindow outlasts the minute for which SEPM refuses requests
// (contract: SEPM API A4).
const throttleWindow = 61 * time.Second

// Budget is a SEPM's budget of requests, kept in the ledger: so it outlives a
// restart, and several nodes share it. It implements [sepclient.Budget].
type Budget struct {
	Ledger *ledger.Ledger
	Clock  Clock
	Logger *slog.Logger
	ledger.Budget

	urgent, rest line
}

// Take implements [sepclient.Budget]. Of those that wait only the first of a
// line asks the ledger.
func (b *Budget) Take(ctx context.Context, lane sepclient.Lane) error {
	waiting := &b.rest
	if lane == sepclient.Urgent {
		waiting = &b.urgent
	}
	if err := waiting.enter(ctx, lane); err != nil {
		return err
	}
	defer waiting.leave()
	for {
		var again time.Time
		err := b.Ledger.Update(ctx, func(tx ledger.Tx) (err error) {
			again, err = tx.Spend(b.Budget, lane == sepclient.Urgent)
			return err
		})
		switch {
		case err != nil:
			return fmt.Errorf("take a request from the budget of %s: %w", b.Server, err)
		case again.IsZero():
			return nil
		}
		select {
		case <-b.Clock.After(again.Sub(b.Clock.Now())):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Refused implements [sepclient.Budget].
func (b *Budget) Refused(ctx context.Context) error {
	b.Logger.Warn("SEPM refuses requests as too many; set requests_per_minute below its throttle",
		"server", b.Server, "requests_per_minute", b.PerMinute, "pause", throttleWindow)
	err := b.Ledger.Update(ctx, func(tx ledger.Tx) error { return tx.Pause(b.Server, throttleWindow) })
	if err != nil {
		return fmt.Errorf("pause the requests to %s: %w", b.Server, err)
	}
	return nil
}

// line is where requests wait for each other: the highest lane first, and in a
// lane whoever came first.
type line struct {
	mu      sync.Mutex
	busy    bool
	waiting [sepclient.Urgent + 1][]chan struct{}
}

// enter waits until it is one's turn, which lasts until leave.
func (l *line) enter(ctx context.Context, lane sepclient.Lane) error {
	l.mu.Lock()
	if !l.busy {
		l.busy = true
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{}, 1)
	l.waiting[lane] = append(l.waiting[lane], turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	for i, other := range l.waiting[lane] {
		if other == turn {
			l.waiting[lane] = append(l.waiting[lane][:i:i], l.waiting[lane][i+1:]...)
			l.mu.Unlock()
			return ctx.Err()
		}
	}
	l.mu.Unlock()
	l.leave() // the turn has come at the same moment
	return ctx.Err()
}

// leave gives the turn to the next.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for lane := len(l.waiting) - 1; lane >= 0; lane-- {
		if len(l.waiting[lane]) > 0 {
			l.waiting[lane][0] <- struct{}{}
			l.waiting[lane] = l.waiting[lane][1:]
			return
		}
	}
	l.busy = false
}
