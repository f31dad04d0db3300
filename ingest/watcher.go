// Package ingest watches a mailbox over IMAP and hands its mails to a [Sink],
// each exactly once in its place, and touches the mailbox only after the
// sink's commit.
//
// A [Watcher] works in sessions. A session takes the mailbox from the sink,
// connects, catches up from the stored place, and then waits for the server
// to announce mail (IDLE) or for the next poll. Anything that goes wrong ends
// the session; the next one starts from what the sink holds, so there is one
// way back and it is used every day.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// stable is how long a session must have lasted for the next failure to count
// as the first one.
const stable = time.Minute

// releaseTimeout bounds the release of the lease at the end.
const releaseTimeout = 5 * time.Second

// Watcher watches one mailbox. Make one with [New].
type Watcher struct {
	o      Options
	sink   Sink
	cursor cursor
	// unmarked are UIDs that were committed and not yet flagged or moved. They
	// outlive a connection, but not the process: marks are a courtesy.
	unmarked []uint32

	mu     sync.Mutex
	health Health
}

// Health is the state of a watcher, for probes and metrics.
type Health struct {
	// Connected is set while the folder is open. A dead connection may go
	// unnoticed for a while, so judge by LastRoundTrip.
	Connected bool
	// LastRoundTrip is when the server last answered a command in the open
	// folder. While all is well it is no older than Options.Poll.
	LastRoundTrip time.Time
	// Standby is set while another watcher holds the mailbox.
	Standby bool
	// LastError is why the watcher is not connected, empty while it is.
	LastError string
	// Holes is the number of mails that the server has not given so far.
	Holes int
}

// New makes a watcher. It does no I/O; every mistake in the options is
// reported at once.
func New(o Options, sink Sink) (*Watcher, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("mailbox %q: %w", o.Name, err)
	}
	o.Logger = o.Logger.With("mailbox", o.Name, "host", o.Address)
	return &Watcher{o: o, sink: sink, cursor: cursor{pace: o.HoleRetry}}, nil
}

// Health returns the watcher's state. It may be called at any time.
func (w *Watcher) Health() Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.health
}

func (w *Watcher) setHealth(change func(*Health)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.health)
}

// Run watches until ctx ends, and returns when everything it started has
// ended and the lease is released. It returns an error only if the release
// failed: everything else is logged, shown in Health and tried again. Run is
// called once.
func (w *Watcher) Run(ctx context.Context) error {
	reconnect, login := lane{pace: w.o.Reconnect}, lane{pace: w.o.LoginRetry}
	standby := false
	for ctx.Err() == nil {
		s := &session{w: w}
		err := w.runSession(ctx, s)
		if ctx.Err() != nil {
			break
		}
		if !s.loggedIn.IsZero() {
			login.reset()
		}
		if !s.opened.IsZero() {
			standby = false
			if s.committed || w.o.Clock.Now().Sub(s.opened) >= stable {
				reconnect.reset()
			}
		}
		var failure *Error
		if !errors.As(err, &failure) {
			failure = w.fail("watch", err)
		}
		w.setHealth(func(h *Health) {
			h.Connected, h.Standby, h.LastError = false, failure.lane == laneStandby, failure.Error()
		})

		var pause time.Duration
		switch failure.lane {
		case laneStandby:
			pause = jitter(w.o.Standby)
			if !standby {
				w.o.Logger.Info("standing by: another watcher holds the mailbox")
			}
			standby = true
		case laneLogin:
			pause = login.next()
		default:
			pause = reconnect.next()
			if s.caughtUp {
				// The server works and only the connection does not last, so
				// the mailbox is looked into as often as the poll promises.
				pause = min(pause, w.o.Poll)
			}
		}
		if failure.lane != laneStandby {
			w.o.Logger.Warn("mailbox cannot be watched", "doing", failure.Doing, "error", failure.Err,
				"hint", failure.Hint, "retry_in", pause.Round(time.Millisecond))
		}
		select {
		case <-ctx.Done():
		case <-w.o.Clock.After(pause):
		}
	}
	w.setHealth(func(h *Health) { h.Connected = false })
	return w.release(ctx)
}

// runSession takes the mailbox, opens it and watches it until something
// fails. It always returns an error.
func (w *Watcher) runSession(ctx context.Context, s *session) error {
	state, err := w.sink.Take(ctx, w.o.Name)
	if err != nil {
		return w.failSink("take the mailbox", err)
	}
	state.Mailbox = w.o.Name
	w.cursor.take(state)
	defer s.close()
	selected, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := s.place(ctx, selected); err != nil {
		return err
	}
	w.setHealth(func(h *Health) { h.Connected, h.Standby, h.LastError = true, false, "" })
	w.o.Logger.Info("watching", "folder", w.o.Folder, "uidvalidity", w.cursor.state.UIDValidity,
		"mark", w.cursor.state.Mark, "idle", s.canIdle)
	return s.watch(ctx)
}

func (w *Watcher) release(ctx context.Context) error {
	if w.cursor.state.Mailbox == "" {
		return nil // never taken
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := w.sink.Release(ctx, w.cursor.snapshot()); err != nil && !errors.Is(err, ErrFenced) {
		return fmt.Errorf("release mailbox %s: %w", w.o.Name, err)
	}
	return nil
}
