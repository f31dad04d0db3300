package ingest

import (
	"context"
	"errors"
	"time"
)

// ErrFenced is returned by a [Sink] when another watcher holds the mailbox.
// Nothing was changed. The watcher then stops and asks for the mailbox again
// after a pause.
var ErrFenced = errors.New("another watcher holds the mailbox")

// Sink is where mails go and where the watcher's place in the mailbox is
// kept. It is the only truth about what was read: flags in the mailbox are
// not. Its methods are never called concurrently by one watcher.
type Sink interface {
	// Take leases the mailbox to this watcher and returns its state, with an
	// Epoch newer than any before. It returns [ErrFenced] while another
	// watcher's lease runs.
	Take(ctx context.Context, mailbox string) (State, error)
	// Commit stores the mails and the state in one commit, sees to it that the
	// mails are read, and renews the lease. It is called without mails when only the
	// state changed, and at least once each Poll. A mail may come again with
	// a position that is known already; storing it once is enough. It must
	// not keep the mails' bytes after it returned.
	Commit(ctx context.Context, s State, mails []Mail) error
	// Release ends the lease, so that another watcher need not wait for it.
	Release(ctx context.Context, s State) error
}

// State is a watcher's place in a mailbox.
type State struct {
	// Mailbox is the name that was given to Take.
	Mailbox string
	// Epoch belongs to the lease and is not changed by the watcher.
	Epoch int64
	// UIDValidity is 0 until the mailbox was first opened. UIDs of another
	// validity mean nothing (RFC 9051 §2.3.1.1).
	UIDValidity uint32
	// Mark is the UID up to which every mail was committed, except Holes.
	Mark uint32
	// Holes are UIDs up to Mark that are in the mailbox and still to be
	// fetched, ascending.
	Holes []uint32
}

// Mail is one message as the mailbox gave it.
type Mail struct {
	UIDValidity, UID uint32
	// InternalDate is the server's time of arrival, zero if it gave none.
	InternalDate time.Time
	// MessageID is the first Message-ID header without its brackets, empty if
	// there is none.
	MessageID string
	Raw       []byte
	// Truncated is set when Raw is only the beginning of the mail, as the rest
	// went over Options.MaxSize.
	Truncated bool
	// Reading is what [Options.Read] made of the mail, if it is set.
	Reading any
	// Size is the mail's whole size in bytes, as the server announced it.
	Size int64
}
