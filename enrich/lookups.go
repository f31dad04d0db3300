package enrich

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/sepwatch/sepwatch/sepclient"
)

// Source is the SEPM that [Lookups] ask. [sepclient.Client] implements it.
type Source interface {
	SEPM
	ComputerPages(ctx context.Context, q sepclient.ComputerQuery, size int, keep func(name string) bool) iter.Seq2[sepclient.ComputerPage, error]
}

// Clock is where the time of [Lookups] comes from.
type Clock interface {
	Now() time.Time
	// After is time.After by this clock.
	After(d time.Duration) <-chan time.Time
}

// Lookups is a SEPM whose answers are shared. Who asks for a computer by its
// name alone gets the computers of just that name, without regard to case,
// from an answer that came less than a minute ago, or from one that others
// wait for too. Every other query goes to the source as it is.
//
// A few names are asked for at once. When more come they are gathered for a
// round, which asks for each of them or walks over the whole fleet, whichever
// takes fewer requests.
//
// It is safe for concurrent use.
type Lookups struct {
	source Source
	clock  Clock
	// open ends with Close.
	open   context.Context
	close  context.CancelFunc
	rounds sync.WaitGroup
	// arrived tells the gathering that a name has come.
	arrived chan struct{}

	mu      sync.Mutex
	answers answers
	// pending are the lookups without an answer, by their key: those that
	// wait for the next round, in the order they came, and those of the round
	// under way.
	pending map[string]*lookup
	waiting []*lookup
	asked   []*lookup
	// abandon ends the round under way.
	abandon context.CancelFunc
	// working is whether there is a goroutine that works off what waits.
	working bool
	fleet   fleetSize
}

// lookup is one name, for all who wait for it.
type lookup struct {
	key, name string
	waiters   int
	done      chan struct{}
	// What follows is there when done is closed.
	computers []sepclient.Computer
	err       error
}

// NewLookups makes Lookups that ask the source.
func NewLookups(source Source, clock Clock) *Lookups {
	l := &Lookups{
		source: source, clock: clock,
		arrived: make(chan struct{}, 1), pending: make(map[string]*lookup),
	}
	l.open, l.close = context.WithCancel(context.Background())
	return l
}

// Close ends what is being asked. Whoever still waits, or asks later, gets an
// error.
func (l *Lookups) Close() {
	l.mu.Lock()
	l.close()
	l.mu.Unlock()
	l.rounds.Wait()
}

// Computers implements [SEPM]. Each computer's AsOf says when SEPM was asked.
// When ctx ends, those who wait for the same name go on waiting.
func (l *Lookups) Computers(ctx context.Context, q sepclient.ComputerQuery) iter.Seq2[sepclient.Computer, error] {
	if !q.ByNameAlone() || strings.Contains(q.Name, "*") {
		return l.source.Computers(ctx, q)
	}
	return func(yield func(sepclient.Computer, error) bool) {
		computers, err := l.find(ctx, q.Name)
		if err != nil {
			yield(sepclient.Computer{}, err)
			return
		}
		for _, c := range computers {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// find waits for the answer for a name.
func (l *Lookups) find(ctx context.Context, name string) ([]sepclient.Computer, error) {
	key := fold(name)
	l.mu.Lock()
	if computers, found := l.answers.get(key, l.clock.Now()); found {
		l.mu.Unlock()
		return computers, nil
	}
	if err := l.open.Err(); err != nil {
		l.mu.Unlock()
		return nil, fmt.Errorf("lookups have ended: %w", err)
	}
	p := l.join(key, name)
	l.mu.Unlock()
	select {
	case <-p.done:
		return p.computers, p.err
	case <-ctx.Done():
		l.leave(p)
		return nil, fmt.Errorf("wait for SEPM's answer: %w", context.Cause(ctx))
	}
}

// join gives the lookup of a name, which is a new one where nobody waits for
// it yet. Its caller holds the lock.
func (l *Lookups) join(key, name string) *lookup {
	p := l.pending[key]
	if p == nil {
		p = &lookup{key: key, name: name, done: make(chan struct{})}
		l.pending[key] = p
		l.waiting = append(l.waiting, p)
		if !l.working {
			l.working = true
			l.rounds.Go(l.work)
		}
		select {
		case l.arrived <- struct{}{}:
		default:
		}
	}
	p.waiters++
	return p
}

// leave ends one wait for a lookup. A round that nobody waits for any more
// ends.
func (l *Lookups) leave(p *lookup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.waiters--
	if p.waiters > 0 || l.pending[p.key] != p {
		return
	}
	if i := slices.Index(l.waiting, p); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		l.forget(p)
		return
	}
	for _, other := range l.asked {
		if other.waiters > 0 && l.pending[other.key] == other {
			return
		}
	}
	// Who asks for one of these names from now on starts anew.
	for _, other := range l.asked {
		l.forget(other)
	}
	l.abandon()
}

// forget takes a lookup out of those that can be joined.
func (l *Lookups) forget(p *lookup) {
	if l.pending[p.key] == p {
		delete(l.pending, p.key)
	}
}

// settle ends a lookup.
func (l *Lookups) settle(p *lookup, computers []sepclient.Computer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.computers, p.err = computers, err
	if err == nil {
		l.answers.put(p.key, computers, l.clock.Now())
	}
	l.forget(p)
	close(p.done)
}

// fold gives two names one key just if [sameComputer] takes them for one.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
}
