package pipeline

import (
	"fmt"
	"sync"
	"time"

	"github.com/sepwatch/sepwatch/internal/ledger"
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
	for _, l := range p.Loops(now) {
		if l.Stuck != nil {
			return fmt.Errorf("the %s stage %w", l.Stage, l.Stuck)
		}
	}
	return nil
}

// Loop is one stage's loop.
type Loop struct {
	// Stage is the kind of task that it works off.
	Stage ledger.TaskKind
	// Stuck says that it has not turned for too long; nil while it is alive,
	// or has not begun.
	Stuck error
}

// Loops are the loops of all stages.
func (p *Pipeline) Loops(now time.Time) []Loop {
	loops := make([]Loop, len(p.stages))
	for i, s := range p.stages {
		loops[i] = Loop{s.kind, s.pulse.check(now)}
	}
	return loops
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
