package enrich_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// trial runs actions on an incident against the stand-in for SEPM, as the
// pipeline does: each call is sent, again where its answer was lost, and its
// answer recorded.
type trial struct {
	*sepm.Server
	t       *testing.T
	client  *sepclient.Client
	faults  *fault.Set
	results int // the limit
	now     time.Time

	// What stands on the incident.
	rows        map[string]incident.Row // by identity
	notes       []incident.Note
	attachments []incident.Attachment
	// calls are those that were sent, and beforeSend is asked before each.
	calls      []incident.Call
	beforeSend func(incident.Call)
}

func newTrial(t *testing.T, o sepm.Options) *trial {
	t.Helper()
	tr := &trial{
		Server: sepm.New(o), t: t, faults: fault.New(1), results: 200,
		now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), rows: map[string]incident.Row{},
	}
	socket := httptest.NewUnstartedServer(tr.faults.Wrap(tr.Server))
	socket.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that faults cut
	socket.StartTLS()
	t.Cleanup(socket.Close)
	t.Cleanup(tr.faults.Close)
	pool := x509.NewCertPool()
	pool.AddCert(socket.Certificate())
	var err error
	tr.client, err = sepclient.New(sepclient.Options{URL: socket.URL, Username: "admin", Password: "admin", Domain: "Default", RootCAs: pool})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tr.client.Close(context.WithoutCancel(t.Context())) })
	return tr
}

// on are subjects.
func onArtifact(kind incident.ArtifactType, value string) incident.Subject {
	return incident.Subject{Artifact: &incident.Artifact{Type: kind, Value: value}}
}

func (tr *trial) onRow(table, column, value string) incident.Subject {
	tr.t.Helper()
	return incident.Subject{Row: new(tr.row(table, column, value))}
}

// row is the row of a table with a value in a column.
func (tr *trial) row(table, column, value string) incident.Row {
	tr.t.Helper()
	for _, row := range tr.rows {
		if row.Table == table && row.Cells[column].String() == value {
			return row
		}
	}
	require.Failf(tr.t, "no such row", "%s with %s %q in %v", table, column, value, tr.rows)
	return incident.Row{}
}

// must is run of what has to succeed.
func (tr *trial) must(action string, on incident.Subject, input map[string]string) {
	tr.t.Helper()
	require.NoError(tr.t, tr.run(action, on, input))
}

// refused is run of what has to be refused, and the reason.
func (tr *trial) refused(action string, on incident.Subject, input map[string]string) string {
	tr.t.Helper()
	notes := len(tr.notes)
	err := tr.run(action, on, input)
	var mistake *enrich.Mistake
	require.ErrorAs(tr.t, err, &mistake)
	require.Len(tr.t, tr.notes, notes)
	return mistake.Problem
}

// run runs an action to its end. The run is kept as text between its steps, as
// in the ledger.
func (tr *trial) run(name string, on incident.Subject, input map[string]string) error {
	tr.t.Helper()
	tr.now = tr.now.Add(time.Minute)
	action, err := enrich.ActionNamed(name)
	require.NoError(tr.t, err)
	run := incident.Run{Action: name, By: "ana", Subject: on, Input: input}
	if err := action.Check(run); err != nil {
		return err
	}
	for range 10 {
		run = again(tr.t, run)
		step, err := action.Next(tr.t.Context(), enrich.Plan{
			Server: enrich.Server{Reader: tr.client, Limits: enrich.Limits{Results: tr.results}}, Run: run, Case: tr.incident, Now: tr.now,
		})
		if err != nil {
			return err
		}
		if step.Call == nil {
			tr.apply(step.Effects)
			return nil
		}
		require.Empty(tr.t, step.Effects)
		run.Answers = append(run.Answers, tr.send(again(tr.t, *step.Call)))
	}
	require.Fail(tr.t, "the run does not end")
	return nil
}

// send sends a call until it is answered.
func (tr *trial) send(c incident.Call) incident.Answer {
	tr.t.Helper()
	tr.calls = append(tr.calls, c)
	if tr.beforeSend != nil {
		tr.beforeSend(c)
	}
	for try := range 3 {
		body, left, err := enrich.Send(tr.t.Context(), tr.client, c, try > 0)
		require.Nil(tr.t, left)
		tr.now = tr.now.Add(time.Second)
		answer := incident.Answer{Call: c, Body: body, At: tr.now}
		var e *sepclient.Error
		switch {
		case err == nil:
			return answer
		case !errors.As(err, &e):
			require.NoError(tr.t, err)
		case e.Class == sepclient.Ambiguous:
			continue
		default:
			require.Contains(tr.t, []sepclient.Class{sepclient.Permanent, sepclient.NotFound, sepclient.Conflict}, e.Class, "%v", err)
			answer.Error, answer.Status = err.Error(), e.Status
			return answer
		}
	}
	require.Fail(tr.t, "no answer")
	return incident.Answer{}
}

// again is a value as the ledger gives it back.
func again[T any](t *testing.T, v T) (back T) {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &back))
	return back
}

func (tr *trial) incident(context.Context) (enrich.Case, error) {
	return enrich.Case{ID: 1, Rows: slices.Collect(maps.Values(tr.rows))}, nil
}

// apply puts effects on the incident. A row sets its cells on the one that is
// there, and has columns of its table only.
func (tr *trial) apply(effects []incident.Effect) {
	tr.t.Helper()
	require.NotEmpty(tr.t, effects)
	for _, e := range effects {
		e = again(tr.t, e)
		switch {
		case e.Row != nil:
			tr.requireColumns(*e.Row)
			row := incident.Row{Table: e.Row.Table, Cells: maps.Clone(tr.rows[e.Row.Identity()].Cells)}
			if row.Cells == nil {
				row.Cells = map[string]incident.Cell{}
			}
			maps.Copy(row.Cells, e.Row.Cells)
			tr.rows[row.Identity()] = row
		case e.Note != nil:
			require.False(tr.t, slices.ContainsFunc(tr.notes, func(n incident.Note) bool { return n.Key == e.Note.Key }), "two notes %q", e.Note.Key)
			tr.notes = append(tr.notes, *e.Note)
		case e.Attachment != nil:
			tr.attachments = append(tr.attachments, *e.Attachment)
		default:
			require.Failf(tr.t, "no such effect here", "%+v", e)
		}
	}
}

func (tr *trial) requireColumns(row incident.Row) {
	tr.t.Helper()
	table, ok := incident.TableByName(row.Table)
	require.True(tr.t, ok, row.Table)
	types := map[string]incident.ColumnType{}
	for _, c := range table.Columns {
		types[c.Name] = c.Type
	}
	for column, cell := range row.Cells {
		require.Contains(tr.t, types, column)
		switch cell.Value().(type) {
		case bool:
			require.Equal(tr.t, incident.ColumnBoolean, types[column], column)
		case int64:
			require.Contains(tr.t, []incident.ColumnType{incident.ColumnNumber, incident.ColumnDateTime}, types[column], column)
		case string:
			require.Contains(tr.t, []incident.ColumnType{incident.ColumnText, incident.ColumnTextArea}, types[column], column)
		}
	}
	for _, key := range table.Key {
		require.NotEmpty(tr.t, row.Cells[key].String(), key)
	}
}

// note is the last note.
func (tr *trial) note() string {
	tr.t.Helper()
	require.NotEmpty(tr.t, tr.notes)
	return tr.notes[len(tr.notes)-1].Text
}

// list is a fingerprint list as the stand-in has it.
func (tr *trial) list(name string) sepm.List {
	tr.t.Helper()
	for _, l := range tr.Lists() {
		if l.Name == name {
			return l
		}
	}
	require.Fail(tr.t, "no list", name)
	return sepm.List{}
}

func (tr *trial) hashes(name string) (all []string) {
	tr.t.Helper()
	for _, h := range tr.list(name).Hashes {
		all = append(all, strings.TrimSpace(h.MD5+" "+h.SHA256))
	}
	return all
}

// texts are the cells of a row as a person reads them.
func texts(row incident.Row) map[string]string {
	all := map[string]string{}
	for column, cell := range row.Cells {
		all[column] = cell.String()
	}
	return all
}

// operations are those of the calls that were sent.
func (tr *trial) operations() (all []incident.Operation) {
	for _, c := range tr.calls {
		all = append(all, c.Operation)
	}
	return all
}
