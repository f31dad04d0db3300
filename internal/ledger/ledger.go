// Package ledger is the durable record of everything that sepwatch knows and
// still has to do: mails, events, incidents with their pieces, runs, intents
// and tasks. What is due in it is the queue.
package ledger

import (
	"context"
	"errors"
	"time"
)

// ErrLeaseLost means that another node or a later start took what this
// caller held; nothing was changed.
var ErrLeaseLost = errors.New("lease lost to another watcher")

// ErrNotFound means that no record has the id.
var ErrNotFound = errors.New("not in the ledger")

// Ledger is an open ledger. It is safe for concurrent use.
type Ledger struct{}

// Update runs f in one read-write transaction and commits it, or changes
// nothing and returns f's error. f may be run again, so it has no side
// effects but its Tx calls, and assigns (not appends to) what it returns.
func (l *Ledger) Update(ctx context.Context, f func(Tx) error) error { panic("stub") }

// View runs f on one consistent snapshot. Writes fail.
func (l *Ledger) View(ctx context.Context, f func(Tx) error) error { panic("stub") }

// Due gives a channel that receives after a commit, here or on another node,
// made a task of the kind due. One token may stand for many tasks.
func (l *Ledger) Due(kind TaskKind) <-chan struct{} { panic("stub") }

// Close closes the ledger and lets its locks go.
func (l *Ledger) Close() error { panic("stub") }

// Tx is one transaction. It is valid only inside the function it is given to.
type Tx struct{}

// TakeMailbox leases the mailbox to owner and raises its epoch. It returns
// ErrLeaseLost while another owner's lease runs. A mailbox not seen before is
// added.
func (tx Tx) TakeMailbox(name, owner string, lease time.Duration) (Mailbox, error) { panic("stub") }

// SaveMailbox writes UIDValidity, Mark and Holes and renews the lease, where
// the epoch still is m's; otherwise ErrLeaseLost.
func (tx Tx) SaveMailbox(m Mailbox, lease time.Duration) error { panic("stub") }

// ReleaseMailbox ends the lease if the epoch still is m's.
func (tx Tx) ReleaseMailbox(m Mailbox) error { panic("stub") }

// AddMails stores the mails, bytes in chunks of 1 MiB, and wants a read task
// for each new one. The result has one entry a mail, in order. A position
// already held adds nothing; a message already held (equal SHA-256 and
// Message-ID) is added as a duplicate without its bytes.
func (tx Tx) AddMails(mails []NewMail) ([]AddedMail, error) { panic("stub") }

// Mails returns those of the ids that exist, by ascending id.
func (tx Tx) Mails(ids []int64) ([]Mail, error) { panic("stub") }

// Raw returns the bytes of a mail; of a duplicate, those of the first one.
func (tx Tx) Raw(id int64) ([]byte, error) { panic("stub") }

// SetMails records what reading the mails gave.
func (tx Tx) SetMails(results []MailResult) error { panic("stub") }

// PutEvents stores events under their identity (mail, ordinal); one that is
// there already keeps its incident.
func (tx Tx) PutEvents(events []Event) error { panic("stub") }

// Events returns the events of the mails, by mail and ordinal.
func (tx Tx) Events(mails []int64) ([]Event, error) { panic("stub") }

// OpenIncidents returns the open incidents that have the keys, by key.
func (tx Tx) OpenIncidents(keys []string) (map[string]Incident, error) { panic("stub") }

// AddIncidents opens incidents and returns them with their ids, in order.
// The keys must not be those of open incidents.
func (tx Tx) AddIncidents(incidents []Incident) ([]Incident, error) { panic("stub") }

// Incidents returns those of the ids that exist, by ascending id.
func (tx Tx) Incidents(ids []int64) ([]Incident, error) { panic("stub") }

// SetIncidents writes every field but Key and Created, by id.
func (tx Tx) SetIncidents(incidents []Incident) error { panic("stub") }

// PutPieces adds pieces or raises the version of those whose body changed.
// Only Incident, Kind, Key and Body are read. It does not want a task.
func (tx Tx) PutPieces(pieces []Piece) error { panic("stub") }

// Pieces returns all pieces of the incidents in the order of delivery: by
// incident, kind (artifact, note, row, attachment) and id.
func (tx Tx) Pieces(incidents []int64) ([]Piece, error) { panic("stub") }

// PendingPieces is Pieces without those that are parked or whose delivered
// version is their version.
func (tx Tx) PendingPieces(incidents []int64) ([]Piece, error) { panic("stub") }

// SetPieces records what a delivery changed.
func (tx Tx) SetPieces(results []PieceResult) error { panic("stub") }

// AddIntents records intents and returns them with id and At, in order.
func (tx Tx) AddIntents(intents []Intent) ([]Intent, error) { panic("stub") }

// OpenIntents returns the open intents of the incidents, oldest first.
func (tx Tx) OpenIntents(incidents []int64) ([]Intent, error) { panic("stub") }

// SettleIntents closes intents with what came of them.
func (tx Tx) SettleIntents(ids []int64, outcome string) error { panic("stub") }

// PutRuns adds runs and wants a respond task for each new one; a run whose
// (incident, key) is there already is left alone.
func (tx Tx) PutRuns(runs []Run) error { panic("stub") }

// Runs returns those of the ids that exist, by ascending id.
func (tx Tx) Runs(ids []int64) ([]Run, error) { panic("stub") }

// SetRuns writes Answers, Status and Error, by id.
func (tx Tx) SetRuns(runs []Run) error { panic("stub") }

// Want raises the wanted number of the tasks and makes them due now; a
// parked task stays parked.
func (tx Tx) Want(kind TaskKind, keys ...int64) error { panic("stub") }

// Claim leases up to n due tasks of the kind to owner, oldest first.
func (tx Tx) Claim(kind TaskKind, n int, owner string, lease time.Duration) ([]Task, error) {
	panic("stub")
}

// Finish records outcomes of claimed tasks and ends their leases. It returns
// the ids of tasks whose lease was lost: their outcome was not recorded, and
// nothing else may be written for them. Call it first in the commit.
func (tx Tx) Finish(outcomes []Outcome) (lost map[int64]bool, err error) { panic("stub") }

// Counts returns totals.
func (tx Tx) Counts() (Counts, error) { panic("stub") }
