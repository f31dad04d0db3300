package pipeline

import (
	"fmt"
	"sync"
	"time"
)

// stuckAfter is how long a stage's loop may take for a turn: it waits for a
// commit that hangs, and otherwise no longer than a poll.
const stuckAfter = commitTimeout + 30*time.Second

// Alive returns nil while the loops of all stages turn, or an error that names
// one that has not turned for more than a minute: it is stuck, in the ledger
// or in a deadlock. An idle loop asks the ledger for work in each turn, about
// once a second. A remote system that hangs or fails holds up no loop, and a
// ledger that answers with errors is tried again.
func (p *Pipeline) Alive(now time.Time) error {
	for _, s := range p.stages {
		if err := s.pulse.check(now); err != nil {
			return fmt.Errorf("the %s stage %w", s.kind, err)
		}
	}
	return nil
}

// pulse is when a loop last turned, and when it has to again.
type pulse struct {
	mu       sync.Mutex
	at, next time.Time // zero before the first turn
}

// turned notes a turn, after which the next one comes within most.
func (p *pulse) turned(now time.Time, most time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.next = now, now.Add(most)
}

func (p *pulse) check(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.IsZero() || !now.After(p.next) {
		return nil
	}
	return fmt.Errorf("has not turned for %v", now.Sub(p.at).Round(time.Second))
}
