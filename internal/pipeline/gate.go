package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// gate keeps a stage from asking a remote system that cannot answer: nothing
// is claimed while it is closed, so an outage costs no task an attempt. It
// opens by itself after a back-off, which is slow where the system refused
// our login, since hammering it locks accounts.
type gate struct {
	system string
	logger *slog.Logger
	// unready is whether the stage's ready failed last; only its loop uses it.
	unready bool

	mu       sync.Mutex
	until    time.Time
	failures int
	problem  string // of the last failure
	// stumbles counts answers in a row that did not help.
	stumbles int
	answered time.Time // when the system last did what it was asked
}

// failed closes the gate for a while and says why, in one line.
func (g *gate) failed(err error, v verdict, now time.Time) {
	if errors.Is(err, context.Canceled) {
		return // we gave up, not the system
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		return // jobs that were under way together fail together
	}
	first, most := time.Second, time.Minute
	if v == refusedLogin {
		first, most = 30*time.Second, 15*time.Minute
	}
	pause := backoff(first, most, g.failures)
	g.failures++
	g.problem = err.Error()
	g.until = now.Add(pause)
	g.logger.Warn(g.system+" cannot be used",
		"error", err, "failures", g.failures, "retry_in", pause.Round(time.Millisecond))
}

// maxStumbles is how many requests in a row may come to nothing, with 5xx or
// a broken connection, before the system counts as one that cannot answer.
const maxStumbles = 10

// stumbled counts an answer that did not help, and closes the gate when there
// was nothing else for a while.
func (g *gate) stumbled(err error, now time.Time) {
	g.mu.Lock()
	g.stumbles++
	close := g.stumbles >= maxStumbles
	g.mu.Unlock()
	if close {
		g.failed(err, unavailable, now)
	}
}

// passed opens the gate: the system answered.
func (g *gate) passed(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures > 0 {
		g.logger.Info(g.system+" answers again", "failures", g.failures)
	}
	g.failures, g.problem, g.stumbles, g.until, g.answered = 0, "", 0, time.Time{}, now
}

// answering reports whether the system has answered lately.
func (g *gate) answering(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return now.Sub(g.answered) < 10*time.Minute
}

func (g *gate) closed(now time.Time) bool { return !g.closedUntil(now).IsZero() }

// closedUntil is when the gate opens, zero while it is open.
func (g *gate) closedUntil(now time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		return g.until
	}
	return time.Time{}
}

// pause is how long to wait before looking again, at most poll.
func (g *gate) pause(now time.Time, poll time.Duration) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if rest := g.until.Sub(now); rest > 0 {
		return min(rest, poll)
	}
	return poll
}

// backoff doubles first with each failure up to most, and takes between half
// and all of it, so that many who failed together do not come back together.
func backoff(first, most time.Duration, failures int) time.Duration {
	d := most
	if failures < 32 {
		if grown := first << failures; grown > 0 && grown < most {
			d = grown
		}
	}
	return d/2 + rand.N(d/2+1)
}
