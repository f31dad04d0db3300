package enrich_test

import (
	"context"
	"crypto/x509"
	"maps"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// handClock is a clock that only a test moves.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// caseBench is an incident at a SEPM: it runs actions and follows commands as
// the pipeline does, and keeps what they leave as the ledger does.
type caseBench struct {
	*sepm.Server
	t      *testing.T
	clock  *handClock
	client enrich.Manager
	limits enrich.Limits

	rows     map[string]incident.Row // by identity
	notes    map[string]string       // by key
	files    map[string]incident.Attachment
	commands []*incident.Command
	next     map[*incident.Command]time.Time
	runs     []incident.Run
	told     []string // texts of notes, in order
}

func newCase(t *testing.T, opt sepm.Options) *caseBench {
	t.Helper()
	b := &caseBench{
		t: t, clock: &handClock{now: time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)},
		limits: enrich.Limits{Results: 200, ScanTimeout: 30 * time.Minute, Heartbeat: 15 * time.Minute},
		rows:   map[string]incident.Row{}, notes: map[string]string{}, files: map[string]incident.Attachment{},
		next: map[*incident.Command]time.Time{},
	}
	opt.Now = b.clock.Now
	b.Server = sepm.New(opt)
	web := httptest.NewTLSServer(b.Server)
	t.Cleanup(web.Close)
	pool := x509.NewCertPool()
	pool.AddCert(web.Certificate())
	client, err := sepclient.New(sepclient.Options{URL: web.URL, Username: "admin", Password: "admin", Domain: "Default", RootCAs: pool, Now: b.clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	b.client = client
	return b
}

func (b *caseBench) server() enrich.Server {
	return enrich.Server{Reader: b.client, Limits: b.limits}
}

// known is what the ledger holds.
func (b *caseBench) known(context.Context) (enrich.Case, error) {
	c := enrich.Case{ID: 1, Runs: slices.Clone(b.runs)}
	for _, identity := range slices.Sorted(maps.Keys(b.rows)) {
		c.Rows = append(c.Rows, b.rows[identity])
	}
	for _, command := range slices.Backward(b.commands) {
		c.Commands = append(c.Commands, *command)
	}
	return c, nil
}

// endpoints looks computers up, so that there are rows of them.
func (b *caseBench) endpoints(names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.start("endpoint_details", incident.Subject{Artifact: &incident.Artifact{Type: incident.SystemName, Value: name}}, nil)
	}
}

// row is the row of an endpoint.
func (b *caseBench) row(id string) incident.Row {
	b.t.Helper()
	row, ok := b.rows[incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{"uniqueId": incident.Text(id)}}.Identity()]
	require.True(b.t, ok, "there is no row of %s", id)
	return row
}

func (b *caseBench) cell(id, column string) string { return b.row(id).Cells[column].String() }

func (b *caseBench) onRow(id string) incident.Subject {
	row := b.row(id)
	return incident.Subject{Row: &row}
}

// offered are those of the actions that can be started on an endpoint's row.
func (b *caseBench) offered(id string, actions ...string) []string {
	b.t.Helper()
	var offered []string
	for _, name := range actions {
		action, err := enrich.ActionNamed(name)
		require.NoError(b.t, err)
		if action.Offered(b.onRow(id)) == nil {
			offered = append(offered, name)
		}
	}
	return offered
}

// try runs an action to its end, and gives its last error.
func (b *caseBench) try(name string, subject incident.Subject, input map[string]string) error {
	b.t.Helper()
	action, err := enrich.ActionNamed(name)
	require.NoError(b.t, err)
	run := incident.Run{Action: name, By: "analyst", Subject: subject, Input: input}
	if err := action.Check(run); err != nil {
		return err
	}
	defer func() { b.runs = append(b.runs, run) }()
	for {
		step, err := action.Next(b.t.Context(), enrich.Plan{Server: b.server(), Run: run, Case: b.known, Now: b.clock.Now()})
		if err != nil {
			return err
		}
		if step.Call == nil {
			b.keep(step.Effects)
			return nil
		}
		require.True(b.t, action.Changes, "%s makes a call and says that it changes nothing", name)
		run.Answers = append(run.Answers, b.send(*step.Call)...)
	}
}

func (b *caseBench) start(name string, subject incident.Subject, input map[string]string) {
	b.t.Helper()
	require.NoError(b.t, b.try(name, subject, input))
}

// send sends a call as the pipeline does: what was done and what was refused
// are answers of their own.
func (b *caseBench) send(call incident.Call) []incident.Answer {
	b.t.Helper()
	var answers []incident.Answer
	body, left, err := enrich.Send(b.t.Context(), b.client, call, false)
	if left != nil {
		done := call
		done.Target.Computers = slices.DeleteFunc(slices.Clone(done.Target.Computers), func(id string) bool {
			return slices.Contains(left.Target.Computers, id)
		})
		answers = append(answers, incident.Answer{Call: done, Body: body, At: b.clock.Now()})
		call, body = *left, nil
	}
	answer := incident.Answer{Call: call, Body: body, At: b.clock.Now()}
	if err != nil {
		answer.Error = err.Error()
	}
	return append(answers, answer)
}

// keep does with effects what the ledger does.
func (b *caseBench) keep(effects []incident.Effect) {
	b.t.Helper()
	for _, e := range effects {
		switch {
		case e.Row != nil:
			identity := e.Row.Identity()
			row, ok := b.rows[identity]
			if !ok {
				row = incident.Row{Table: e.Row.Table, Cells: map[string]incident.Cell{}}
			}
			row.Cells = maps.Clone(row.Cells)
			table, known := incident.TableByName(e.Row.Table)
			require.True(b.t, known)
			for column, cell := range e.Row.Cells {
				require.True(b.t, slices.ContainsFunc(table.Columns, func(c incident.Column) bool { return c.Name == column }), column)
				row.Cells[column] = cell
			}
			b.rows[identity] = row
		case e.Note != nil:
			require.Regexp(b.t, `^\S`, e.Note.Key)
			if b.notes[e.Note.Key] != e.Note.Text {
				b.told = append(b.told, e.Note.Text)
			}
			b.notes[e.Note.Key] = e.Note.Text
		case e.Attachment != nil:
			b.files[e.Attachment.Key] = *e.Attachment
		case e.Follow != nil:
			c := *e.Follow
			b.commands = append(b.commands, &c)
			b.next[&c] = b.clock.Now()
		default:
			b.t.Fatalf("an effect is empty or of no use here: %+v", e)
		}
	}
}

// pass lets time pass, and follows commands when they are due.
func (b *caseBench) pass(d time.Duration) {
	b.t.Helper()
	for end := b.clock.Now().Add(d); b.clock.Now().Before(end); {
		b.clock.pass(min(5*time.Second, end.Sub(b.clock.Now())))
		for _, c := range b.commands {
			if next := b.next[c]; next.IsZero() || b.clock.Now().Before(next) {
				continue
			}
			known, err := b.known(b.t.Context())
			require.NoError(b.t, err)
			state, err := enrich.Follow(b.t.Context(), b.server(), *c, b.clock.Now(), known.Commands...)
			require.NoError(b.t, err)
			*c, b.next[c] = state.Command, state.Next
			b.keep(state.Effects)
		}
	}
}

// last is the text of the last note.
func (b *caseBench) last() string {
	b.t.Helper()
	require.NotEmpty(b.t, b.told)
	return b.told[len(b.told)-1]
}

// file is the only file whose name begins so.
func (b *caseBench) file(begin string) string {
	b.t.Helper()
	var found []string
	for _, f := range b.files {
		if len(f.Name) >= len(begin) && f.Name[:len(begin)] == begin {
			require.Equal(b.t, "text/csv", f.ContentType)
			found = append(found, string(f.Content))
		}
	}
	require.Len(b.t, found, 1, begin)
	return found[0]
}

// hex is an id of SEPM's.
func hex(last string) string { return "00000000000000000000000000000000"[:32-len(last)] + last }
