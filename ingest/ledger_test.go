package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
)

// position is a mail's place.
type position struct{ validity, uid uint32 }

// ledger is a Sink in memory that holds the watcher to its promises.
type ledger struct {
	mu        sync.Mutex
	state     ingest.State
	held      bool
	mails     map[position]ingest.Mail
	order     []position
	commits   int
	doubles   int // mails that were committed again
	broken    []string
	failing   error // what Commit returns, if not nil
	takeError error
	onCommit  func([]ingest.Mail) // before the commit counts
}

func newLedger() *ledger { return &ledger{mails: map[position]ingest.Mail{}} }

func (l *ledger) Take(_ context.Context, mailbox string) (ingest.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.takeError != nil {
		return ingest.State{}, l.takeError
	}
	l.state.Mailbox, l.held = mailbox, true
	l.state.Epoch++
	s := l.state
	s.Holes = slices.Clone(s.Holes)
	return s, nil
}

func (l *ledger) Commit(ctx context.Context, s ingest.State, mails []ingest.Mail) error {
	l.mu.Lock()
	hook := l.onCommit
	l.mu.Unlock()
	if hook != nil {
		hook(mails)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case l.failing != nil:
		return l.failing
	case s.Epoch != l.state.Epoch:
		return fmt.Errorf("epoch %d, not %d: %w", s.Epoch, l.state.Epoch, ingest.ErrFenced)
	}
	l.check(s, mails)
	l.commits++
	s.Holes = slices.Clone(s.Holes)
	l.state = s
	for _, m := range mails {
		p := position{m.UIDValidity, m.UID}
		if _, ok := l.mails[p]; ok {
			l.doubles++
			continue
		}
		l.mails[p] = m
		l.order = append(l.order, p)
	}
	return nil
}

// check notes what no commit may contain.
func (l *ledger) check(s ingest.State, mails []ingest.Mail) {
	wrong := func(format string, args ...any) { l.broken = append(l.broken, fmt.Sprintf(format, args...)) }
	if !slices.IsSorted(s.Holes) || len(slices.Compact(slices.Clone(s.Holes))) != len(s.Holes) {
		wrong("holes are not a sorted set: %v", s.Holes)
	}
	if n := len(s.Holes); n > 0 && s.Holes[n-1] > s.Mark {
		wrong("hole %d above the mark %d", s.Holes[n-1], s.Mark)
	}
	if s.UIDValidity == l.state.UIDValidity && s.Mark < l.state.Mark {
		wrong("mark went back from %d to %d", l.state.Mark, s.Mark)
	}
	for _, m := range mails {
		if m.UIDValidity != s.UIDValidity || m.UID > s.Mark || slices.Contains(s.Holes, m.UID) {
			wrong("mail %d is not behind the cursor %+v", m.UID, s)
		}
	}
}

func (l *ledger) Release(_ context.Context, s ingest.State) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Epoch != l.state.Epoch {
		return ingest.ErrFenced
	}
	l.held = false
	return nil
}

// fence takes the mailbox for another watcher.
func (l *ledger) fence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Epoch++
	l.takeError = ingest.ErrFenced
}

func (l *ledger) set(change func(*ledger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.order)
}

// committed counts the commits, empty ones too.
func (l *ledger) committed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commits
}

func (l *ledger) now() ingest.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// has says whether exactly these UIDs of one validity were committed.
func (l *ledger) has(validity uint32, uids ...uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for p := range l.mails {
		if p.validity == validity {
			n++
		}
	}
	return n == len(uids) && !slices.ContainsFunc(uids, func(uid uint32) bool {
		_, ok := l.mails[position{validity, uid}]
		return !ok
	})
}

// requireKept fails when a promise was broken, or a mail came twice.
func (l *ledger) requireKept(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.broken)
	require.Zero(t, l.doubles, "mails that were committed twice")
}

var errDiskFull = errors.New("disk is full")
