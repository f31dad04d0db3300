package enrich_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// site is a SEPM on a socket, and an incident on which actions and what
// follows them leave their effects, as the pipeline has it.
type site struct {
	t      *testing.T
	sepm   *sepm.Server
	client *sepclient.Client
	limits enrich.Limits

	mu  sync.Mutex
	now time.Time

	known       enrich.Case
	rows        map[string]incident.Row
	notes       map[string]string
	attachments map[string]incident.Attachment
	artifacts   []incident.Artifact
	commands    []*incident.Command
	// last are the effects that came last.
	last []incident.Effect
}

// newSite is a site whose clients take some seconds for a command; the zero
// limits are the defaults of the configuration.
func newSite(t *testing.T, opt sepm.Options) *site {
	t.Helper()
	s := &site{
		t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		limits: enrich.Limits{Results: 200, ScanTimeout: 30 * time.Minute, Heartbeat: 5 * time.Minute},
		rows:   make(map[string]incident.Row), notes: make(map[string]string), attachments: make(map[string]incident.Attachment),
	}
	opt.Now = s.clock
	s.sepm = sepm.New(opt)
	socket := httptest.NewUnstartedServer(s.sepm)
	socket.Config.ErrorLog = log.New(io.Discard, "", 0)
	socket.StartTLS()
	t.Cleanup(socket.Close)
	pool := x509.NewCertPool()
	pool.AddCert(socket.Certificate())
	var err error
	s.client, err = sepclient.New(sepclient.Options{URL: socket.URL, Username: "admin", Password: "admin", RootCAs: pool, Now: s.clock})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.client.Close(context.Background()) })
	return s
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *site) server() enrich.Server { return enrich.Server{Reader: s.client, Limits: s.limits} }

// plan is a run as its action gets to see it.
func (s *site) plan(run incident.Run) enrich.Plan {
	return enrich.Plan{Server: s.server(), Run: run, Now: s.clock(), Case: func(context.Context) (enrich.Case, error) {
		c := s.known
		for _, row := range s.rows {
			c.Rows = append(c.Rows, row)
		}
		for _, command := range s.commands {
			c.Commands = append(c.Commands, *command)
		}
		return c, nil
	}}
}

// start runs an action to its end and keeps its effects.
func (s *site) start(name string, on incident.Subject, input ...string) error {
	s.t.Helper()
	action, err := enrich.ActionNamed(name)
	require.NoError(s.t, err)
	run := incident.Run{Action: name, By: "ann", Subject: on, Input: make(map[string]string)}
	for _, field := range input {
		key, value, _ := strings.Cut(field, "=")
		run.Input[key] = value
	}
	if err := action.Check(run); err != nil {
		return err
	}
	for {
		step, err := action.Next(s.t.Context(), s.plan(run))
		if err != nil {
			return err
		}
		if step.Call == nil {
			s.keep(step.Effects)
			return nil
		}
		require.True(s.t, action.Changes)
		for call := step.Call; call != nil; {
			body, left, err := enrich.Send(s.t.Context(), s.client, *call, false)
			answer := incident.Answer{Call: *call, Body: body, At: s.clock()}
			if left != nil {
				answer.Call.Target.Computers = except(call.Target.Computers, left.Target.Computers)
				answer.Call.Target.Groups = except(call.Target.Groups, left.Target.Groups)
				run.Answers = append(run.Answers, answer)
				answer = incident.Answer{Call: *left, At: s.clock()}
			}
			if err != nil {
				answer.Error = err.Error()
				var refusal *sepclient.Error
				if errors.As(err, &refusal) {
					answer.Status = refusal.Status
				}
			}
			run.Answers, call = append(run.Answers, answer), nil
		}
	}
}

func except(ids, others []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(others, id) })
}

// keep puts effects on the incident. Every cell has to be one of its table, and
// one key of an attachment one content.
func (s *site) keep(effects []incident.Effect) {
	s.t.Helper()
	s.last = effects
	for _, e := range effects {
		switch {
		case e.Row != nil:
			table, ok := incident.TableByName(e.Row.Table)
			require.True(s.t, ok)
			row, known := s.rows[e.Row.Identity()]
			if !known {
				row = incident.Row{Table: e.Row.Table, Cells: make(map[string]incident.Cell)}
				s.rows[e.Row.Identity()] = row
			}
			for column, cell := range e.Row.Cells {
				require.True(s.t, slices.ContainsFunc(table.Columns, func(c incident.Column) bool { return c.Name == column }), column)
				row.Cells[column] = cell
			}
		case e.Note != nil:
			s.notes[e.Note.Key] = e.Note.Text
		case e.Attachment != nil:
			if before, known := s.attachments[e.Attachment.Key]; known {
				require.Equal(s.t, before, *e.Attachment)
			}
			s.attachments[e.Attachment.Key] = *e.Attachment
		case e.Artifact != nil:
			s.artifacts = append(s.artifacts, *e.Artifact)
		case e.Follow != nil:
			s.commands = append(s.commands, e.Follow)
		}
	}
}

// follow asks once how each command stands, and that the same is said however
// often it is asked. It returns when to ask next, of the first command.
func (s *site) follow() time.Time {
	s.t.Helper()
	var next time.Time
	for i, c := range s.commands {
		state, err := enrich.Follow(s.t.Context(), s.server(), *c, s.clock())
		require.NoError(s.t, err)
		again, err := enrich.Follow(s.t.Context(), s.server(), *c, s.clock())
		require.NoError(s.t, err)
		require.Equal(s.t, state, again)
		*c = state.Command
		s.keep(state.Effects)
		if i == 0 {
			next = state.Next
		}
	}
	return next
}

// find is the only row that has the words in its cells, parted as column=words.
func (s *site) find(cells ...string) incident.Row {
	s.t.Helper()
	found := s.findAll(cells...)
	require.Len(s.t, found, 1, "%v", cells)
	return found[0]
}

func (s *site) findAll(cells ...string) []incident.Row {
	var found []incident.Row
	for _, row := range s.rows {
		if !slices.ContainsFunc(cells, func(cell string) bool {
			column, words, _ := strings.Cut(cell, "=")
			return row.Cells[column].String() != words
		}) {
			found = append(found, row)
		}
	}
	slices.SortFunc(found, func(a, b incident.Row) int { return cmp.Compare(a.Identity(), b.Identity()) })
	return found
}

// note is the only note that has the words.
func (s *site) note(words ...string) string {
	s.t.Helper()
	var found []string
	for _, text := range s.notes {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
			found = append(found, text)
		}
	}
	require.Len(s.t, found, 1, "%v in %v", words, s.notes)
	return found[0]
}

// lines are those of the only CSV file whose name begins so.
func (s *site) lines(prefix string) [][]string {
	s.t.Helper()
	var found []incident.Attachment
	for _, a := range s.attachments {
		if strings.HasPrefix(a.Name, prefix) {
			found = append(found, a)
		}
	}
	require.Len(s.t, found, 1)
	require.Equal(s.t, "text/csv", found[0].ContentType)
	lines, err := csv.NewReader(strings.NewReader(string(found[0].Content))).ReadAll()
	require.NoError(s.t, err)
	return lines
}

func cells(row incident.Row) map[string]string {
	texts := make(map[string]string)
	for column, cell := range row.Cells {
		texts[column] = cell.String()
	}
	return texts
}

func foundOn(kind incident.ArtifactType, value string) incident.Subject {
	return incident.Subject{Artifact: &incident.Artifact{Type: kind, Value: value, ID: 7}}
}

func ofRow(row incident.Row) incident.Subject { return incident.Subject{Row: &row} }

// windows are so many Windows computers with ids of their own.
func windows(n int) []sepm.Computer {
	list := make([]sepm.Computer, n)
	for i := range list {
		list[i] = sepm.Computer{Name: fmt.Sprintf("PC-%03d", i), ID: fmt.Sprintf("%032X", i+1), OS: "Win10", Group: sepm.Group{Name: `My Company\Office`}}
	}
	return list
}

var malware = []byte("MZ evil")

func sum(content []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(content))
}
