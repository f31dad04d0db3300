package enrich

import (
	"context"
	"math"
	"time"
)

const (
	// few names are asked for one by one as they come: a page of a walk is
	// heavy, and nobody is to wait where there is no storm.
	few = 16
	// More are gathered until none has come for quiet, but no longer than
	// longestGather, and no more than fullRound.
	quiet         = 250 * time.Millisecond
	longestGather = 5 * time.Second
	fullRound     = 512

	// sizeAge is how long the size of the fleet is taken for known.
	sizeAge = 10 * time.Minute
)

// work settles what waits, round by round, until nothing has come for a
// while.
func (l *Lookups) work() {
	asked := 0
	for {
		ctx, round := l.next()
		if len(round) == 0 {
			return
		}
		l.round(ctx, round)
		asked += len(round)
		l.gather(asked)
	}
}

// next begins a round of all that wait. Where there are none it ends the work.
func (l *Lookups) next() (ctx context.Context, round []*lookup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.abandon != nil {
		l.abandon() // the round before has ended
	}
	l.asked, l.waiting = l.waiting, nil
	if len(l.asked) == 0 {
		l.working, l.abandon = false, nil
		return nil, nil
	}
	ctx, l.abandon = context.WithCancel(l.open)
	return ctx, l.asked
}

// gather waits for the names of the next round, after so many were asked for.
func (l *Lookups) gather(asked int) {
	enough := l.clock.After(longestGather)
	for !l.ready(asked) {
		select {
		case <-l.arrived:
		case <-l.clock.After(quiet):
			return
		case <-enough:
			return
		case <-l.open.Done():
			return
		}
	}
}

func (l *Lookups) ready(asked int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.waiting)
	return n >= fullRound || n > 0 && asked+n <= few
}

// fleetSize is how many requests a walk takes, as far as is known.
type fleetSize struct {
	pages int
	at    time.Time
}

// noWalk is the size of a fleet that cannot be walked over.
const noWalk = math.MaxInt

// round settles lookups.
func (l *Lookups) round(ctx context.Context, lookups []*lookup) {
	if l.walkPays(len(lookups)) {
		w, err := l.walk(ctx, lookups)
		if err != nil {
			for _, p := range lookups {
				l.settle(p, nil, err)
			}
			return
		}
		if w != nil {
			lookups = l.settleWalked(w, lookups)
		}
	}
	l.askEach(ctx, lookups)
}

// walkPays reports whether a walk is expected to take fewer requests than one
// for each name. An unknown size is worth finding out where there are many:
// the first page of a walk tells.
func (l *Lookups) walkPays(names int) bool {
	known := l.fleet.pages > 0 && l.clock.Now().Sub(l.fleet.at) < sizeAge
	return names > few && (!known || l.fleet.pages < names)
}

func (l *Lookups) learn(pages int) { l.fleet = fleetSize{pages, l.clock.Now()} }
