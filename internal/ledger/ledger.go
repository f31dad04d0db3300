// Package ledger is the durable record of everything that sepwatch knows and
// still has to do: mails, events, incidents with their pieces, runs, intents
// and tasks. What is due in it is the queue.
//
// Packages sqlite and postgres open one for a daemon, or attach to it beside
// one; the SQL here is the same for both.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// ErrLeaseLost means that another node or a later start took what this
// caller held; nothing was changed.
var ErrLeaseLost = errors.New("lease lost to another watcher")

// ErrNotFound means that no record has the id.
var ErrNotFound = errors.New("not in the ledger")

// ErrMissing means that there is no ledger to attach to.
var ErrMissing = errors.New("there is no such file")

// ErrReadOnly means that the ledger was attached for reading only.
var ErrReadOnly = errors.New("the ledger is open for reading only")

// ErrIncomplete means that the ledger holds a mail but not all its bytes:
// its database was damaged or meddled with, so asking again does not help.
var ErrIncomplete = errors.New("its bytes are not whole")

// Options are what every engine takes.
type Options struct {
	// Now is the clock of all leases, due times and records; time.Now where
	// it is nil.
	Now func() time.Time
	// Node names this node and stays the same from start to start, because a
	// start releases the leases that the node held before. PostgreSQL needs
	// it, and refuses one that another process has.
	Node string
	// Logger takes what no caller can be told; nothing is logged where it is
	// nil.
	Logger *slog.Logger
	// OnUpdate, when set, is told of every Update: the time it took, its wait
	// for its turn included, and its error.
	OnUpdate func(d time.Duration, err error)
}

// WithDefaults fills what was left out.
func (o Options) WithDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Access is what an attached ledger is for.
type Access int

// The kinds of access.
const (
	ReadOnly  Access = iota // Update fails with ErrReadOnly
	ReadWrite               // Update works too
)

// Ledger is an open ledger. It is safe for concurrent use.
type Ledger struct {
	engine  Engine
	options Options
	access  Access
	due     tokens
	texts   texts

	close func() error
}

// New makes a ledger of an engine whose schema is in place, releases the
// leases that this node left behind, and wants the mails that it did not read
// to be read. It is for the engines' Open; the ledger closes the engine, New's
// failure does not.
func New(ctx context.Context, engine Engine, options Options) (*Ledger, error) {
	l := &Ledger{engine: engine, options: options.WithDefaults(), access: ReadWrite}
	if err := l.releaseLeases(ctx); err != nil {
		return nil, fmt.Errorf("release the leases of the last run: %w", err)
	}
	if err := l.update(ctx, Tx.WantUnread); err != nil {
		return nil, fmt.Errorf("take up what the last run left: %w", err)
	}
	listen, stop := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() {
		engine.Listen(listen, func(payload string) { l.due.put(TaskKind(payload)) })
	})
	l.close = sync.OnceValue(func() error {
		stop()
		listening.Wait()
		return engine.Close()
	})
	return l, nil
}

// Attach makes a ledger of an engine whose schema is in place, beside the
// nodes that work on it: it takes nothing from them, and no channel of Due
// receives what they commit. It is for the engines' Attach.
func Attach(engine Engine, access Access, options Options) *Ledger {
	return &Ledger{engine: engine, options: options.WithDefaults(), access: access, close: sync.OnceValue(engine.Close)}
}

// Update runs f in one read-write transaction and commits it, or changes
// nothing and returns f's error. f may be run again, so it has no side
// effects but its Tx calls, and assigns (not appends to) what it returns. It
// must not call Update or View.
//
// An error that is not f's own can leave open whether PostgreSQL committed,
// where the connection broke in between: who repeats the work looks first.
func (l *Ledger) Update(ctx context.Context, f func(Tx) error) error {
	if l.access == ReadOnly {
		return ErrReadOnly
	}
	start := time.Now()
	err := l.update(ctx, f)
	if l.options.OnUpdate != nil {
		l.options.OnUpdate(time.Since(start), err)
	}
	return err
}

func (l *Ledger) update(ctx context.Context, f func(Tx) error) error {
	var due map[TaskKind]bool
	err := l.engine.Update(ctx, func(conn Conn) error {
		t := l.begin(conn)
		defer t.end()
		if err := t.call(f); err != nil {
			return err
		}
		due = t.due
		return t.notify()
	})
	if err != nil {
		return err
	}
	for kind := range due {
		l.due.put(kind)
	}
	return nil
}

// View runs f on one consistent snapshot. Writes fail.
func (l *Ledger) View(ctx context.Context, f func(Tx) error) error {
	return l.engine.View(ctx, func(conn Conn) error {
		t := l.begin(conn)
		defer t.end()
		return t.call(f)
	})
}

// Due gives a channel that receives after a commit, here or on another node,
// made a task of the kind due. One token may stand for many tasks, or for one
// that somebody else has claimed by now. A task that becomes due by the clock
// gives no token, so callers look every second too.
func (l *Ledger) Due(kind TaskKind) <-chan struct{} { return l.due.of(kind) }

// Close closes the ledger and lets its locks go. The caller's transactions
// have ended. Closing again does nothing.
func (l *Ledger) Close() error { return l.close() }

// releaseLeases ends the leases that an earlier run of this node holds, or,
// where there is no other node, all leases. Without an owner an epoch is worth
// nothing, so an earlier run that still lives finds its leases lost.
func (l *Ledger) releaseLeases(ctx context.Context) error {
	return l.engine.Update(ctx, func(conn Conn) error {
		for _, table := range []string{"mailbox", "task"} {
			release := "UPDATE " + table + " SET owner = '', node = '', lease_until = 0 WHERE owner <> ''"
			args := []any{}
			if l.engine.Shared() {
				release += " AND node = $1"
				args = append(args, l.options.Node)
			}
			if err := conn.Run(release, [][]any{args}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// tokens are the Due channels by kind.
type tokens struct {
	mu       sync.Mutex
	channels map[TaskKind]chan struct{}
}

func (d *tokens) of(kind TaskKind) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.channels == nil {
		d.channels = map[TaskKind]chan struct{}{}
	}
	if d.channels[kind] == nil {
		d.channels[kind] = make(chan struct{}, 1)
	}
	return d.channels[kind]
}

// put leaves a token unless one is there already: whoever takes that one
// looks after this commit.
func (d *tokens) put(kind TaskKind) {
	select {
	case d.of(kind) <- struct{}{}:
	default:
	}
}
