package ledger

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
)

// Position is where a mail stands in a mailbox, the first of its identities.
type Position struct {
	Mailbox     string
	UIDValidity uint32
	UID         uint32
}

// MailStatus says what became of a mail.
type MailStatus string

// The states of a mail: received until it was read, then one of what
// parse.Status says, or quarantined (not readable), or duplicate (the same
// message stands at another position).
const (
	MailReceived    MailStatus = "received"
	MailParsed      MailStatus = MailStatus(parse.Parsed)
	MailPartial     MailStatus = MailStatus(parse.Partial)
	MailUnparsed    MailStatus = MailStatus(parse.Unparsed)
	MailIgnored     MailStatus = MailStatus(parse.Ignored)
	MailRejected    MailStatus = MailStatus(parse.Rejected)
	MailQuarantined MailStatus = "quarantined"
	MailDuplicate   MailStatus = "duplicate"
)

// Mail is one message as the ledger holds it, without its bytes.
type Mail struct {
	ID int64
	Position
	MessageID string
	// SHA256 is the hex digest of the raw bytes; with MessageID it is the
	// message's identity.
	SHA256 string
	// Size is the number of raw bytes; of a duplicate, which holds none of
	// its own, too.
	Size int64
	// InternalDate is the mailbox server's time of arrival.
	InternalDate time.Time
	// Received is when the mail was committed here.
	Received time.Time
	Status   MailStatus
	// Reason explains ignored, rejected, quarantined and duplicate.
	Reason  string
	Kind    parse.Kind
	Subject string
	From    string
}

// NewMail is a mail to be added.
type NewMail struct {
	Position
	MessageID    string
	InternalDate time.Time
	Raw          []byte
	// Result is what reading the mail gave, where it was read before it is
	// added; its ID is not looked at. Nil leaves the mail to be read.
	Result *MailResult
}

// AddedMail is what became of a [NewMail].
type AddedMail struct {
	ID int64
	// New is false when the position was known already, or when the same
	// message stands at another position.
	New bool
	// Received is that of a new mail.
	Received time.Time
}

// MailResult is what reading a mail gave.
type MailResult struct {
	ID      int64
	Status  MailStatus
	Reason  string
	Kind    parse.Kind
	Subject string
	From    string
}

// Mailbox is the watcher's state of one mailbox.
type Mailbox struct {
	Name string
	// Epoch is raised each time the mailbox is taken; a commit with an old
	// epoch changes nothing.
	Epoch int64
	// UIDValidity is 0 until the mailbox was first opened.
	UIDValidity uint32
	// Mark is the UID up to which every mail was committed, except Holes.
	Mark uint32
	// Holes are UIDs up to Mark that are still to be fetched, ascending.
	Holes []uint32
}

// Event is one detection of a mail, which keeps its identity (mail,
// ordinal) for life.
type Event struct {
	Mail    int64
	Ordinal int
	// Digest identifies what the event says, see parse.Event.ContentDigest.
	Digest string
	// Incident is the one that the event joined, 0 for none.
	Incident int64
	Event    parse.Event
}

// Incident is an incident as the ledger holds it.
type Incident struct {
	ID int64
	incident.Incident
	Status incident.Status
	// RemoteID is Resilient's id, 0 until it is known.
	RemoteID int64
	// Seen counts the events, LastSeen is when the last one was read.
	Seen     int
	LastSeen time.Time
	// Told is how many of them came while the incident was known to be open in
	// Resilient.
	Told int
	// Created is when the mail that opened it was received.
	Created time.Time
	// Delivered is when Resilient first held the incident; zero before.
	Delivered time.Time
}

// PieceKind is what a piece is.
type PieceKind string

// The kinds of piece, in the order in which they are delivered.
const (
	PieceArtifact PieceKind = "artifact"
	PieceNote     PieceKind = "note"
	PieceRow      PieceKind = "row"
	// PieceAttachment comes last, since it may be large.
	PieceAttachment PieceKind = "attachment"
)

// rank is the kind's place in the order of delivery.
func (k PieceKind) rank() int {
	return slices.Index([]PieceKind{PieceArtifact, PieceNote, PieceRow, PieceAttachment}, k)
}

// Piece is one thing that belongs on an incident in Resilient. (Incident,
// Kind, Key) is its identity; putting it again with another body raises
// Version, with the same body changes nothing.
type Piece struct {
	ID       int64
	Incident int64
	Kind     PieceKind
	Key      string
	// Body is the incident.Artifact, Note, Row or Attachment.
	Body json.RawMessage
	// Version counts the bodies, Delivered is the version that Resilient has.
	Version   int64
	Delivered int64
	// RemoteID is Resilient's id of it, 0 until it is known.
	RemoteID int64
	// Parked is set when delivery was given up, with Error as the reason.
	Parked bool
	Error  string
}

// PieceResult is what a delivery changed about a piece.
type PieceResult struct {
	ID        int64
	Delivered int64 // the version that Resilient now has
	RemoteID  int64
	Parked    bool
	Error     string
}

// Intent is recorded before a request that changes something, so that a lost
// answer can be settled by looking, or for a look that is still owed. It is
// open until its outcome is known.
type Intent struct {
	ID       int64
	Incident int64
	// Piece is the piece to be delivered, 0 for the incident itself.
	Piece int64
	// Operation names the request, such as "create".
	Operation string
	// At is when it was recorded, by the ledger's clock.
	At time.Time
	// Detail is the operation's own, such as which identity was sent and the
	// server's clock.
	Detail json.RawMessage
}

// Run is one action on an incident, as far as it has come.
type Run struct {
	ID       int64
	Incident int64
	// Key is the run's identity on its incident.
	Key string
	incident.Run
	Status RunStatus
	Error  string
}

// RunStatus is where a run stands.
type RunStatus string

// The states of a run.
const (
	RunWaiting RunStatus = "waiting"
	RunDone    RunStatus = "done"
	RunFailed  RunStatus = "failed"
)

// TaskKind names the stage that a task is for.
type TaskKind string

// The kinds of task.
const (
	TaskRead    TaskKind = "read"    // key: mail id
	TaskDeliver TaskKind = "deliver" // key: incident id
	TaskRespond TaskKind = "respond" // key: run id
	TaskFollow  TaskKind = "follow"  // key: command id
)

// Task is a due piece of work. Wanted is raised by every change and Done is
// the number reached, so a wake-up during work is never lost.
type Task struct {
	ID       int64
	Kind     TaskKind
	Key      int64
	Wanted   int64
	Done     int64
	Due      time.Time
	Attempts int
	Epoch    int64
	Parked   bool
	Error    string
}

// Outcome is how work on a claimed task ended.
type Outcome struct {
	// Task is the task as it was claimed.
	Task Task
	// Done: the task reached the Wanted it was claimed with. It resets
	// Attempts and Error.
	Done bool
	// Again is when to try again if it is not done; zero is now.
	Again time.Time
	// Progress: something got through, so the attempts start again. Done
	// implies it.
	Progress bool
	// Failed counts an attempt and keeps Error.
	Failed bool
	// Park gives up until a person retries, and keeps Error.
	Park  bool
	Error string
}

// Counts are totals for a summary.
type Counts struct {
	Mails, Events, Incidents     int64
	Pieces, PiecesPending        int64
	PiecesParked                 int64
	TasksPending, TasksParked    int64
	RunsWaiting, MailsQuarantine int64
	// MailsUnread were received and are not read yet.
	MailsUnread int64
}
