package app

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

// frozenClock runs as the system's until it is frozen; then it moves by hand,
// until it runs on from there.
type frozenClock struct {
	mu     sync.Mutex
	ahead  time.Duration // of the system's
	frozen time.Time     // zero while it runs
	timers []timer
}

type timer struct {
	at   time.Time
	fire chan time.Time
}

func (c *frozenClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen.IsZero() {
		return time.Now().Add(c.ahead)
	}
	return c.frozen
}

func (c *frozenClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen.IsZero() {
		return time.After(d)
	}
	t := timer{c.frozen.Add(d), make(chan time.Time, 1)}
	c.timers = append(c.timers, t)
	return t.fire
}

func (c *frozenClock) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = time.Now()
}

func (c *frozenClock) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.frozen = time.Until(c.frozen), time.Time{}
}

// move moves the clock.
func (c *frozenClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = c.frozen.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(t timer) bool {
		if t.at.After(c.frozen) {
			return false
		}
		t.fire <- c.frozen
		return true
	})
}

// pending counts the timers that fire d from now.
func (c *frozenClock) pending(d time.Duration) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.timers {
		if t.at.Equal(c.frozen.Add(d)) {
			n++
		}
	}
	return n
}

// stages is how many stages there are, each with its own grace.
const stages = 4

func (w *world) stopping(clock *frozenClock) <-chan error {
	clock.freeze()
	stopped := make(chan error, 1)
	a := w.app
	w.app = nil
	go func() { stopped <- a.Stop() }()
	w.eventually(func() bool { return clock.pending(8*time.Second) == stages && clock.pending(stopTimeout) == 1 }, "it stops")
	return stopped
}

// Everything that can hang hangs. Requests under way get 8 s, and the stop has
// then ended by itself; what hung is done after the next start.
func TestStopWhileEverythingHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clock := new(frozenClock)
	w.start(w.load(), clock)
	w.watched(2)
	// One create hangs at Resilient, and a lookup at SEPM; the other one waits for
	// its turn.
	w.soarFaults.On(fault.Switch{Kind: fault.LateChange, Method: "POST", Path: "incidents", Remaining: 1})
	w.sepmFaults.On(fault.Switch{Kind: fault.Delay, Path: "computers", Wait: time.Hour})
	w.sepmFaults.On(fault.Switch{Kind: fault.Delay, Path: "logout", Wait: time.Hour})
	w.send("sepm@example.com", "HOST-1")
	w.send("sepm@example.com", "HOST-2")
	w.eventually(func() bool {
		return w.soarFaults.Counts()[fault.LateChange] == 1 && w.sepmFaults.Counts()[fault.Delay] >= 1 && len(w.soar.Incidents()) == 1
	}, "requests hang")
	w.mail.SetFaults(mailbox.Rule{Kind: mailbox.Delay, Delay: time.Hour})
	w.send("sepm@example.com", "HOST-3")
	w.eventually(func() bool { return w.mail.Injected()[mailbox.Delay] > 2 }, "the mailbox hangs")

	w.eventually(func() bool { return w.leases("task") == 3 }, "two lookups and a delivery are under way")

	stopped := w.stopping(clock)
	clock.move(8*time.Second - 1)
	select {
	case err := <-stopped:
		t.Fatalf("requests under way did not get their 8 s: %v", err)
	default:
	}
	clock.move(1)
	require.NoError(t, <-stopped, "it has ended without another tick of the clock")
	require.Zero(t, w.leases("task"))
	require.Zero(t, w.leases("mailbox"))

	w.soarFaults.Off()
	w.sepmFaults.Off()
	w.mail.SetFaults()
	w.soarFaults.Flush() // the create that was cut off lands
	w.sepmFaults.Flush()
	require.Len(t, w.soar.Incidents(), 2)
	clock.thaw()
	w.start(w.load("soar, ca_file: http.pem, timeout: 30s", "soar, ca_file: http.pem, timeout: 1s"), clock)
	w.eventually(func() bool { return len(w.soar.Incidents()) == 3 }, "the third mail arrives")
	w.eventually(func() bool {
		rows := 0
		for _, inc := range w.soar.Incidents() {
			rows += len(inc.Rows)
		}
		return rows == 2
	}, "the lookups arrive")
}

// A ledger that hangs cannot record anything. The stop gives up in time.
func TestStopWhileTheLedgerHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clock := new(frozenClock)
	w.start(w.load(), clock)
	w.watched(2)
	held, release := make(chan struct{}), make(chan struct{})
	var holding sync.WaitGroup
	l := w.app.ledger
	holding.Go(func() {
		_ = l.Update(t.Context(), func(ledger.Tx) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held
	stopped := w.stopping(clock)
	clock.move(8 * time.Second)
	clock.move(time.Second)
	clock.move(stopTimeout - 9*time.Second)
	require.ErrorContains(t, <-stopped, "not all work has ended in 9.8s")
	close(release)
	holding.Wait()
	require.NoError(t, l.Close())
}
