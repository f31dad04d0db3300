// Package pipeline moves what is in the ledger along the data's way: receive
// commits mails, read makes incidents of them, respond looks their endpoints
// up in SEPM, deliver brings Resilient to what the ledger says.
//
// Each stage but receive works off the due tasks of its kind: see [stage].
package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/resilient"
	"github.com/sepwatch/sepwatch/rules"
)

// Clock is where all time comes from.
type Clock interface {
	Now() time.Time
	// After is time.After by this clock.
	After(d time.Duration) <-chan time.Time
}

// Resilient is the platform that incidents are delivered to.
// [resilient.Client] implements it.
type Resilient interface {
	Connect(ctx context.Context) (resilient.Platform, error)
	// Forget makes the next Connect ask anew.
	Forget()
	Timeout() time.Duration
	ServerNow() (time.Time, bool)
	CreateIncident(ctx context.Context, in resilient.NewIncident) (resilient.Ref, error)
	FindIncidents(ctx context.Context, l resilient.Lookup) ([]resilient.Ref, error)
	Incident(ctx context.Context, id int64) (resilient.Ref, error)
	CloseDuplicate(ctx context.Context, id, of int64) error
	AddArtifact(ctx context.Context, inc int64, a incident.Artifact) ([]int64, error)
	Artifacts(ctx context.Context, inc int64) ([]resilient.Artifact, error)
	AddNote(ctx context.Context, inc int64, n incident.Note) (int64, error)
	Notes(ctx context.Context, inc int64) ([]resilient.Note, error)
	AddRow(ctx context.Context, inc int64, r incident.Row) (int64, error)
	UpdateRow(ctx context.Context, inc, row int64, r incident.Row) error
	Rows(ctx context.Context, inc int64, table string) ([]resilient.Row, error)
}

// Settings are what one step works with. They are immutable; a step takes
// them once.
type Settings struct {
	Rules *rules.Rules
	// Read reads a mail's bytes. It may panic: the mail is quarantined.
	Read      func(raw []byte) parse.Alert
	Resilient Resilient
	// SEPM is nil where none is configured; then nothing is looked up.
	SEPM enrich.SEPM
}

// Options are what a pipeline is made of.
type Options struct {
	Ledger *ledger.Ledger
	// Settings gives the current snapshot.
	Settings func() *Settings
	Actions  map[string]enrich.Action
	Clock    Clock
	Logger   *slog.Logger
	// Node is this process's stable id, the owner of its leases.
	Node string
	// MailboxLease is how long a watcher holds a mailbox after its last
	// commit, which comes at least once a poll. Another node takes the
	// mailbox of a dead one after this; a node takes its own back at once.
	// 0 means 2 min.
	MailboxLease time.Duration
	// Observer, when set, is told what has happened.
	Observer Observer
	// Grace is how long requests under way may go on after the context of
	// Run has ended; 0 means 8 s.
	Grace time.Duration
}

// Pipeline runs the stages. It is also the sink that mailbox watchers commit
// to.
type Pipeline struct {
	Options
	// stages are there once Run has begun.
	stages atomic.Pointer[[]*stage]
}

// New makes a pipeline.
func New(opts Options) *Pipeline {
	if opts.MailboxLease == 0 {
		opts.MailboxLease = 2 * time.Minute
	}
	if opts.Grace == 0 {
		opts.Grace = 8 * time.Second
	}
	if opts.Observer == nil {
		opts.Observer = nobody{}
	}
	return &Pipeline{Options: opts}
}

// Run runs the stages until ctx ends, then waits for requests under way.
func (p *Pipeline) Run(ctx context.Context) {
	stages := []*stage{p.readStage(), p.deliverStage(), p.respondStage()}
	for _, s := range stages {
		s.turn()
	}
	p.stages.Store(&stages)
	var running sync.WaitGroup
	for _, s := range stages {
		running.Go(func() { s.run(ctx) })
	}
	running.Wait()
}
