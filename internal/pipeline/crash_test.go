package pipeline_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/resilient"
)

// crash ends the process at the n-th request to Resilient: the ledger is
// copied as a kill would leave it, no later request gets through, and of those
// under way nobody learns the answer.
type crash struct {
	pipeline.Resilient
	path, copy string
	t          *testing.T
	dead       chan struct{}
	// serial lets one request through at a time, so that what is under way
	// when it dies depends on nothing else.
	serial bool
	turn   sync.Mutex

	mu    sync.Mutex
	calls int64
	at    int64 // the n-th request, 0 for none
	after bool  // the server did what the n-th asked
}

var errDead = &resilient.Error{Class: resilient.Unreachable, Message: "the process is dead"}

// arm lets the n-th request from now be the last.
func (c *crash) arm(n int64, after bool) {
	if c.serial {
		c.turn.Lock()
		defer c.turn.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.after = c.calls+n, after
}

func (c *crash) point(do func() error) error {
	if c.serial {
		c.turn.Lock()
		defer c.turn.Unlock()
		select {
		case <-c.dead:
			return errDead
		default:
		}
	}
	c.mu.Lock()
	c.calls++
	n, at, after := c.calls, c.at, c.after
	c.mu.Unlock()
	last := n == at
	if at == 0 || n < at || last && after {
		if err := do(); !c.dying() {
			return err
		}
	}
	if last {
		tamper(c.t, c.path, "VACUUM INTO ?", c.copy)
		close(c.dead)
	}
	<-c.dead // what the old process records from here on is not in the copy
	return errDead
}

// dying reports whether the last request was begun: nobody learns an answer
// that comes after it.
func (c *crash) dying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at != 0 && c.calls >= c.at
}

func (c *crash) CreateIncident(ctx context.Context, in resilient.NewIncident) (ref resilient.Ref, err error) {
	err = c.point(func() error { ref, err = c.Resilient.CreateIncident(ctx, in); return err })
	return ref, err
}
func (c *crash) FindIncidents(ctx context.Context, l resilient.Lookup) (refs []resilient.Ref, err error) {
	err = c.point(func() error { refs, err = c.Resilient.FindIncidents(ctx, l); return err })
	return refs, err
}
func (c *crash) CloseDuplicate(ctx context.Context, id, of int64) (err error) {
	return c.point(func() error { return c.Resilient.CloseDuplicate(ctx, id, of) })
}
func (c *crash) AddArtifact(ctx context.Context, inc int64, a incident.Artifact) (ids []int64, err error) {
	err = c.point(func() error { ids, err = c.Resilient.AddArtifact(ctx, inc, a); return err })
	return ids, err
}
func (c *crash) Artifacts(ctx context.Context, inc int64) (list []resilient.Artifact, err error) {
	err = c.point(func() error { list, err = c.Resilient.Artifacts(ctx, inc); return err })
	return list, err
}
func (c *crash) AddNote(ctx context.Context, inc int64, n incident.Note) (id int64, err error) {
	err = c.point(func() error { id, err = c.Resilient.AddNote(ctx, inc, n); return err })
	return id, err
}
func (c *crash) Notes(ctx context.Context, inc int64) (list []resilient.Note, err error) {
	err = c.point(func() error { list, err = c.Resilient.Notes(ctx, inc); return err })
	return list, err
}
func (c *crash) AddRow(ctx context.Context, inc int64, r incident.Row) (id int64, err error) {
	err = c.point(func() error { id, err = c.Resilient.AddRow(ctx, inc, r); return err })
	return id, err
}
func (c *crash) UpdateRow(ctx context.Context, inc, row int64, r incident.Row) (err error) {
	return c.point(func() error { return c.Resilient.UpdateRow(ctx, inc, row, r) })
}
func (c *crash) Rows(ctx context.Context, inc int64, table string) (list []resilient.Row, err error) {
	err = c.point(func() error { list, err = c.Resilient.Rows(ctx, inc, table); return err })
	return list, err
}
func (c *crash) Incident(ctx context.Context, id int64) (d resilient.Details, err error) {
	err = c.point(func() error { d, err = c.Resilient.Incident(ctx, id); return err })
	return d, err
}
func (c *crash) AddAttachment(ctx context.Context, inc int64, f resilient.File) (id int64, err error) {
	err = c.point(func() error { id, err = c.Resilient.AddAttachment(ctx, inc, f); return err })
	return id, err
}
func (c *crash) Attachments(ctx context.Context, inc int64) (list []resilient.Attachment, err error) {
	err = c.point(func() error { list, err = c.Resilient.Attachments(ctx, inc); return err })
	return list, err
}

// A kill at each request, before or after the server did it, with a create
// that is lost, late or refused before: one incident, everything once.
func TestKillAtEveryRequest(t *testing.T) {
	t.Parallel()
	before := map[string]fault.Switch{
		"calm": {},
		"late": {Kind: fault.LateChange, Late: 4 * timeout},
	}
	for name, sw := range before {
		for _, field := range []bool{true, false} {
			for _, after := range []bool{false, true} {
				for _, at := range []int64{1, 2, 3, 5} {
					t.Run(fmt.Sprintf("%s/field=%v/after=%v/%d", name, field, after, at), func(t *testing.T) {
						t.Parallel()
						kill(t, sw, field, after, at)
					})
				}
			}
		}
	}
}

func kill(t *testing.T, sw fault.Switch, field, after bool, at int64) {
	b := setup(t, options{soar: soar.Options{KeyField: field}, sepm: fleet("HOST-1")})
	path := ledgerPath(t)
	real := b.settings
	dying := &crash{Resilient: real.Resilient, path: path, copy: ledgerPath(t), t: t, dead: make(chan struct{})}
	dying.arm(at, after)
	b.settings = &pipeline.Settings{Rules: real.Rules, Read: real.Read, SEPM: real.SEPM, Allow: real.Allow, Resilient: dying}
	b.onLedger(t, path, systemClock{})
	if sw.Kind != "" {
		sw.Method, sw.Path, sw.Remaining = "POST", "incidents", 1
		b.soarFaults.On(sw)
	}
	b.start()
	b.receive(alert("HOST-1"), alert("UNKNOWN"))
	settled := false
	for !settled {
		select {
		case <-dying.dead:
			settled = true
			b.stop()
			b.settings = real
			b.onLedger(t, dying.copy, systemClock{})
			b.start()
			b.settle()
		case <-time.After(20 * time.Millisecond):
			settled = b.counts().TasksPending == 0 // fewer requests than that
		}
	}
	b.soarFaults.Flush()
	open := b.open()
	require.Len(t, open, 2)
	rows, notes := 0, 0
	for _, inc := range open {
		require.Len(t, inc.Artifacts, alertArtifacts)
		rows, notes = rows+len(inc.Rows), notes+len(inc.Notes)
	}
	require.Equal(t, 1, rows)
	require.Equal(t, 1, notes)
	c := b.counts()
	require.Zero(t, c.PiecesPending)
	require.Zero(t, c.TasksParked)
}
