package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/resilient"
	"github.com/sepwatch/sepwatch/rules"
)

// pace is how much faster the pipeline's clock runs than the real one, and
// longest how long it thinks that a request takes. Nothing waits for a request
// to time out, so the load of the machine decides nothing.
const (
	pace    = 200
	longest = 12 * time.Second
)

// tester is a [testing.T] or a [rapid.T].
type tester interface {
	require.TestingT
	Helper()
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
}

// life is a pipeline and a Resilient of which a history is made.
type life struct {
	t    tester
	real *testing.T

	clock               *steppedClock
	soar                *soar.Server
	faults, lateCreates *fault.Set
	client              *resilient.Client
	logger              *slog.Logger

	// One life of the process.
	path     string
	ledger   *ledger.Ledger
	pipeline *pipeline.Pipeline
	dying    *crash
	state    ingest.State
	stop     func()

	lives, version int
	log
}

func newLife(real *testing.T, t tester, s site, o soar.Options) *life {
	w := &life{t: t, real: real, clock: newClock(pace), faults: fault.New(1), lateCreates: fault.New(2), log: newLog()}
	var text guarded
	w.logger = slog.New(slog.NewTextHandler(&text, nil))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", text.text.String())
		}
	})
	dir, err := os.MkdirTemp(real.TempDir(), "")
	require.NoError(t, err)
	o.Now = w.clock.Now
	w.soar = soar.New(o)
	h, err := serve.Start("127.0.0.1:0", &s.cert, w.faults.Wrap(w.lateCreates.Wrap(w.soar)))
	require.NoError(t, err)
	t.Cleanup(func() {
		w.faults.Close()
		w.lateCreates.Close()
		require.NoError(t, h.Close())
		require.NoError(t, os.RemoveAll(dir))
	})
	w.client, err = resilient.New(resilient.Options{
		URL: h.URL(), Org: "Demo", KeyID: "demo", KeySecret: "demo", RootCAs: s.pool, Timeout: time.Minute, Now: w.clock.Now,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.client.Close(context.Background())) })
	w.start(filepath.Join(dir, "ledger.db"))
	t.Cleanup(func() { w.stop() })
	return w
}

// start begins a life of the process on a ledger.
func (w *life) start(path string) {
	var err error
	w.path = path
	w.ledger, err = sqlite.Open(context.Background(), path, ledger.Options{Node: "test", Now: w.clock.Now})
	require.NoError(w.t, err)
	w.lives++
	w.dying = &crash{
		Resilient: &land{Resilient: w.client, life: w}, t: w.real, dead: make(chan struct{}), serial: true,
		path: path, copy: filepath.Join(filepath.Dir(path), fmt.Sprintf("ledger-%d.db", w.lives)),
	}
	settings := &pipeline.Settings{
		Rules: rules.New(rules.Options{Subjects: rules.DefaultSubjects()}), Read: parse.NewReader(parse.Options{}).Read,
		Resilient: w.dying, AttachMail: pipeline.AttachAll,
	}
	w.pipeline = pipeline.New(pipeline.Options{
		Ledger: w.ledger, Settings: func() *pipeline.Settings { return settings }, Clock: w.clock, Logger: w.logger,
		Node: "test", Grace: time.Hour,
	})
	w.state, err = w.pipeline.Take(context.Background(), "soc")
	require.NoError(w.t, err)
	w.state.UIDValidity = 1
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.pipeline.Run(ctx) })
	opened := w.ledger
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		require.NoError(w.t, opened.Close())
	})
}

// crash kills the process at the n-th request from now, before or after the
// server did it, or, where there is none, between two; it starts again on what
// was in the ledger at that moment.
func (w *life) crash(n int, after bool) {
	d := w.dying
	d.arm(1+int64(n), after)
	select {
	case <-d.dead:
	case <-time.After(50 * time.Millisecond):
		d.arm(1, after)
		_ = d.point(func() error { return nil })
		<-d.dead
	}
	w.stop()
	w.start(d.copy)
}

// land is Resilient as the pipeline's clock sees it. What a late change changes
// is there at the latest when it is looked for, which is when no request is
// under way any longer: a note, a file or a row that came after that would
// stand twice, since none carries a key of ours (§4.1, §4.2, §5.3). An incident
// does, so its create may land after that, while a second one is looked for.
type land struct {
	pipeline.Resilient
	life  *life
	mu    sync.Mutex
	finds int
	cut   time.Time // when an update of a row came to nothing
}

// UpdateRow is not looked for but sent again when the one before it is no
// longer under way.
func (l *land) UpdateRow(ctx context.Context, inc, id int64, r incident.Row) error {
	l.mu.Lock()
	waited := l.life.clock.Now().Sub(l.cut) > longest/2
	l.mu.Unlock()
	if waited {
		l.life.faults.Flush()
	}
	err := l.Resilient.UpdateRow(ctx, inc, id, r)
	if err != nil {
		l.mu.Lock()
		l.cut = l.life.clock.Now()
		l.mu.Unlock()
	}
	return err
}

func (l *land) Timeout() time.Duration { return longest }

func (l *land) FindIncidents(ctx context.Context, lookup resilient.Lookup) ([]resilient.Ref, error) {
	l.mu.Lock()
	l.finds++
	due := l.finds%3 == 0
	l.mu.Unlock()
	if due {
		l.life.lateCreates.Flush()
	}
	return l.Resilient.FindIncidents(ctx, lookup)
}

func (l *land) Artifacts(ctx context.Context, inc int64) ([]resilient.Artifact, error) {
	l.life.faults.Flush()
	return l.Resilient.Artifacts(ctx, inc)
}

func (l *land) Notes(ctx context.Context, inc int64) ([]resilient.Note, error) {
	l.life.faults.Flush()
	return l.Resilient.Notes(ctx, inc)
}

func (l *land) Rows(ctx context.Context, inc int64, table string) ([]resilient.Row, error) {
	l.life.faults.Flush()
	return l.Resilient.Rows(ctx, inc, table)
}

func (l *land) Attachments(ctx context.Context, inc int64) ([]resilient.Attachment, error) {
	l.life.faults.Flush()
	return l.Resilient.Attachments(ctx, inc)
}

// receive commits an alert about a computer, as the watcher does.
func (w *life) receive(computer string) {
	w.state.Mark++
	raw := again(computer, w.seq)
	w.alerts[int64(w.state.Mark)] = w.seq
	require.NoError(w.t, w.pipeline.Commit(context.Background(), w.state, []ingest.Mail{{
		UIDValidity: 1, UID: w.state.Mark, InternalDate: w.clock.Now(), MessageID: fmt.Sprintf("%d@example.com", w.state.Mark),
		Raw: raw, Size: int64(len(raw)),
	}}))
}

// keep commits what an action leaves on an incident.
func (w *life) keep(id int64, e incident.Effect) {
	p := ledger.Piece{Incident: id}
	var what any
	switch {
	case e.Artifact != nil:
		p.Kind, p.Key, what = ledger.PieceArtifact, e.Artifact.Identity(), e.Artifact
	case e.Note != nil:
		p.Kind, p.Key, what = ledger.PieceNote, e.Note.Key, e.Note
	case e.Row != nil:
		p.Kind, p.Key, what = ledger.PieceRow, e.Row.Identity(), e.Row
	case e.Attachment != nil:
		p.Kind, p.Key, what = ledger.PieceAttachment, e.Attachment.Key, e.Attachment
	}
	var err error
	p.Body, err = json.Marshal(what)
	require.NoError(w.t, err)
	if w.said[id] == nil {
		w.said[id] = map[string]bool{}
	}
	w.said[id][w.says(p)] = true
	require.NoError(w.t, w.ledger.Update(context.Background(), func(tx ledger.Tx) error {
		return errors.Join(tx.PutPieces([]ledger.Piece{p}), tx.Want(ledger.TaskDeliver, id))
	}))
}

// view reads the ledger.
func (w *life) view(f func(ledger.Tx) error) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.View(context.Background(), f))
}

// incidents are those of the ledger, the oldest first.
func (w *life) incidents() (all []ledger.Incident) {
	w.view(func(tx ledger.Tx) error {
		newest, err := tx.Newest()
		if err != nil {
			return err
		}
		ids := make([]int64, newest.Incident)
		for i := range ids {
			ids[i] = int64(i + 1)
		}
		all, err = tx.Incidents(ids)
		return err
	})
	return all
}

// idle waits until nothing is left to do, and reports whether that came.
func (w *life) idle(most time.Duration) bool {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
		var c ledger.Counts
		w.view(func(tx ledger.Tx) (err error) {
			c, err = tx.Counts()
			return err
		})
		if c.TasksPending == 0 && c.MailsUnread == 0 {
			return true
		}
	}
	return false
}

// finish ends all faults, has a person retry what was given up, and waits
// until nothing is left to do and nothing is under way.
func (w *life) finish() {
	w.calm()
	require.True(w.t, w.idle(time.Minute), "something is left to do")
	w.view(func(tx ledger.Tx) error {
		c, err := tx.Counts()
		if c.TasksParked == 0 { // an incident that was refused keeps all of its own
			require.Zero(w.t, c.PiecesPending, "a piece that is refused holds up nothing else")
		}
		return err
	})
	require.NoError(w.t, w.ledger.Update(context.Background(), func(tx ledger.Tx) error {
		parked, err := tx.ListTasks(ledger.TaskFilter{Parked: true}, ledger.Page{Limit: 100})
		for _, task := range parked {
			if err == nil {
				err = tx.RetryTask(task.ID)
			}
		}
		return err
	}))
	require.True(w.t, w.idle(time.Minute), "something is left to do after a retry")
	w.faults.Flush()
	w.lateCreates.Flush()
}

// guarded is a writer for many at once.
type guarded struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (g *guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(p)
}
