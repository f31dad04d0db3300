package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

const (
	// backlogFresh is how long one answer of the ledger serves.
	backlogFresh = 5 * time.Second
	// backlogTimeout is how long an answer is waited for.
	backlogTimeout = 2 * time.Second
)

// backlog asks the ledger what is left to do, for everybody who wants to know
// it now: one query at a time and no more often than each backlogFresh, so
// that no number of scrapes is a load on the ledger; and the answer to them
// comes in time even if the ledger hangs.
type backlog struct {
	ask   func(ctx context.Context) (ledger.Backlog, error)
	clock Clock

	mu     sync.Mutex
	latest *answer
	asking sync.WaitGroup
}

// answer is what one query gave, once done is closed.
type answer struct {
	asked   time.Time
	done    chan struct{}
	backlog ledger.Backlog
	err     error
}

func (b *backlog) get() (ledger.Backlog, error) {
	a := b.current()
	rest := a.asked.Add(backlogTimeout).Sub(b.clock.Now())
	select {
	case <-a.done:
		return a.backlog, a.err
	default:
	}
	select {
	case <-a.done:
		return a.backlog, a.err
	case <-b.clock.After(rest):
		return ledger.Backlog{}, fmt.Errorf("no answer within %v", backlogTimeout)
	}
}

// current is the latest answer if it is fresh or still awaited, or a new one.
func (b *backlog) current() *answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	if b.latest != nil {
		select {
		case <-b.latest.done:
			if now.Sub(b.latest.asked) < backlogFresh {
				return b.latest
			}
		default:
			return b.latest
		}
	}
	a := &answer{asked: now, done: make(chan struct{})}
	b.latest = a
	b.asking.Go(func() {
		defer close(a.done)
		ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
		defer cancel()
		a.backlog, a.err = b.ask(ctx)
	})
	return a
}

// wait waits for a query under way. Nobody asks any more.
func (b *backlog) wait() { b.asking.Wait() }
