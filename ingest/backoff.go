package ingest

import (
	"math/rand/v2"
	"time"
)

// after returns the pause after n earlier ones, without jitter.
func (b Backoff) after(n int) time.Duration {
	d := b.Min
	for ; n > 0 && d < b.Max; n-- {
		d *= 2
	}
	return min(d, b.Max)
}

// lane counts the failures of one kind in a row.
type lane struct {
	pace     Backoff
	failures int
}

// next returns the pause before the next attempt.
func (l *lane) next() time.Duration {
	d := l.pace.after(l.failures)
	l.failures++
	return jitter(d)
}

func (l *lane) reset() { l.failures = 0 }

// jitter returns between half of d and all of it, so that watchers do not
// return in step.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
