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
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/resilient"
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
	// Spare is how many requests may be sent now.
	Spare() int
	CreateIncident(ctx context.Context, in resilient.NewIncident) (resilient.Ref, error)
	FindIncidents(ctx context.Context, l resilient.Lookup) ([]resilient.Ref, error)
	Incident(ctx context.Context, id int64) (resilient.Details, error)
	CloseDuplicate(ctx context.Context, id, of int64) error
	AddArtifact(ctx context.Context, inc int64, a incident.Artifact) ([]int64, error)
	Artifacts(ctx context.Context, inc int64) ([]resilient.Artifact, error)
	AddNote(ctx context.Context, inc int64, n incident.Note) (int64, error)
	Notes(ctx context.Context, inc int64) ([]resilient.Note, error)
	AddRow(ctx context.Context, inc int64, r incident.Row) (int64, error)
	UpdateRow(ctx context.Context, inc, row int64, r incident.Row) error
	Rows(ctx context.Context, inc int64, table string) ([]resilient.Row, error)
	AddAttachment(ctx context.Context, inc int64, f resilient.File) (int64, error)
	Attachments(ctx context.Context, inc int64) ([]resilient.Attachment, error)
}

// Options are what a pipeline is made of.
type Options struct {
	Ledger *ledger.Ledger
	// Settings gives the current ones.
	Settings func() *Settings
	Actions  []enrich.Action
	Clock    Clock
	Logger   *slog.Logger
	// Node is this process's stable id, the owner of its leases.
	Node string
	// Observer, when set, is told what has happened.
	Observer Observer
	// Grace is how long requests under way may go on after the context of
	// Run has ended; 0 means 8 s. Within another second what they did is
	// recorded, as far as the ledger answers.
	Grace time.Duration
}

// Pipeline runs the stages. It is also the sink that mailbox watchers commit
// to.
type Pipeline struct {
	Options
	stages []*stage
	sepms  sepmGates
	// proven has the mailboxes, by name, of which mails were committed and
	// read since they were taken.
	proven sync.Map
}

// New makes a pipeline.
func New(opts Options) *Pipeline {
	if opts.Grace == 0 {
		opts.Grace = 8 * time.Second
	}
	if opts.Observer == nil {
		opts.Observer = nobody{}
	}
	p := &Pipeline{Options: opts}
	p.stages = []*stage{p.readStage(), p.deliverStage(), p.respondStage(), p.followStage()}
	return p
}

// Run runs the stages until ctx ends, then waits for requests under way. It
// is called once.
func (p *Pipeline) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, s := range p.stages {
		running.Go(func() { s.run(ctx) })
	}
	running.Wait()
}
