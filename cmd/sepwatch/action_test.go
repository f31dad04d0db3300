package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/parse"
)

// oneIncident opens an incident in a ledger: its pieces are the artifacts 1 to
// 3, and 4, the row of an endpoint.
func oneIncident(tx ledger.Tx) error {
	if _, err := tx.AddIncidents([]ledger.Incident{{Incident: incident.Incident{Key: "k", Name: "SEP: EICAR on LAP-00003"}, Seen: 1}}); err != nil {
		return err
	}
	var pieces []ledger.Piece
	for _, p := range []struct {
		kind ledger.PieceKind
		key  string
		body any
	}{
		{ledger.PieceArtifact, "path", incident.Artifact{Type: incident.FilePath, Value: `C:\eicar.com`}},
		{ledger.PieceArtifact, "name", incident.Artifact{Type: incident.SystemName, Value: "LAP-00003"}},
		{ledger.PieceArtifact, "other", incident.Artifact{Type: incident.SystemName, Value: "NO-SUCH"}},
		{ledger.PieceRow, "row", incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
			"uniqueId": incident.Text(strings.Repeat("A", 32)), "computerName": incident.Text("LAP-00003"),
		}}},
	} {
		body, err := json.Marshal(p.body)
		if err != nil {
			return err
		}
		pieces = append(pieces, ledger.Piece{Incident: 1, Kind: p.kind, Key: p.key, Body: body})
	}
	return tx.PutPieces(pieces)
}

// actionCommands are what scripts may do with a ledger: incident FILE makes one
// with [oneIncident], and awaitrun FILE ID waits until it has that run.
func actionCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"incident": func(ts *testscript.TestScript, _ bool, args []string) {
			l, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]), ledger.Options{})
			ts.Check(err)
			ts.Check(l.Update(context.Background(), oneIncident))
			ts.Check(l.Close())
		},
		"awaitrun": func(ts *testscript.TestScript, _ bool, args []string) {
			for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
				l, err := sqlite.Attach(context.Background(), ts.MkAbs(args[0]), ledger.ReadOnly, ledger.Options{})
				ts.Check(err)
				var runs []ledger.Run
				ts.Check(l.View(context.Background(), func(tx ledger.Tx) (err error) {
					runs, err = tx.RunsOf(1)
					return err
				}))
				ts.Check(l.Close())
				if len(runs) > 0 && fmt.Sprint(runs[len(runs)-1].ID) == args[1] {
					return
				}
				if time.Now().After(end) {
					ts.Fatalf("there is no run %s", args[1])
				}
			}
		},
	}
}

// isolate is an action on the row of an endpoint that quarantines it.
func isolate() enrich.Action {
	return enrich.Action{
		ActionDef: incident.ActionDef{
			Name: "isolate", Title: "Example: SEP - Isolate Endpoint", Help: "Cuts the endpoint off.", On: incident.OnRow,
			Table: incident.TableEndpoints, Changes: true,
			When: []incident.Condition{{Column: "endpoint_quarantine_status", Test: incident.IsNot, Values: []string{"Quarantined"}}},
			Form: []incident.InputDef{
				{Name: "reason", Type: incident.InputText, Required: true, Help: "Why."},
				{Name: "mode", Type: incident.InputSelect, Values: []string{"soft", "hard"}, Default: "soft", Help: "How."},
				{Name: "computers", Type: incident.InputText, Help: "Which."},
			},
		},
		Decide: func(_ context.Context, p enrich.Plan) (incident.Step, error) {
			targets := []string{p.Subject.Row.Cells["uniqueId"].String()}
			if names := p.Input["computers"]; names != "" {
				targets = strings.Split(names, "\n")
			}
			return incident.Step{Call: &incident.Call{Operation: incident.OpQuarantine, Target: incident.Target{Computers: targets}}}, nil
		},
	}
}

// acting is a ledger with [oneIncident], and a configuration with a SEPM.
type acting struct {
	t      *testing.T
	dir    string
	config string
	sepm   *sepm.Server
	server *serve.HTTP
	ledger *ledger.Ledger
}

func newActing(t *testing.T) *acting {
	a := &acting{t: t, dir: t.TempDir(), sepm: sepm.New(sepm.Options{Computers: sepm.Fleet(1, 3), ListedAfter: 1})}
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	a.server, err = serve.Start("127.0.0.1:0", &cert, a.sepm)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.server.Close()) })
	a.file("ca.pem", string(ca))
	a.config = a.file("sepwatch.yaml", fmt.Sprintf(`mailboxes: [{name: soc, url: "imaps://a@127.0.0.1:1/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
sepm:
  - {name: main, url: %q, username: admin, password: admin, ca_file: ca.pem}
  - {name: branch, url: %q, username: admin, password: admin, domain: Branch, ca_file: ca.pem}
resilient: {url: "https://127.0.0.1:1", org: Acme, api_key_id: a, api_key_secret: b}
ledger: {path: ledger.db}
`, a.server.URL(), a.server.URL()))
	a.ledger, err = sqlite.Open(t.Context(), filepath.Join(a.dir, "ledger.db"), ledger.Options{Node: "n"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.ledger.Close()) })
	a.update(oneIncident)
	return a
}

func (a *acting) file(name, content string) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	require.NoError(a.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (a *acting) update(f func(ledger.Tx) error) {
	a.t.Helper()
	require.NoError(a.t, a.ledger.Update(a.t.Context(), f))
}

// isolate runs the action by hand on the row.
func (a *acting) isolate(args ...string) (stdout, stderr string, err error) {
	var out, problems bytes.Buffer
	cmd := newAction([]enrich.Action{isolate()})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&problems)
	cmd.SetArgs(append([]string{"isolate", "-c", a.config, "--incident", "1", "--row", "4"}, args...))
	err = cmd.ExecuteContext(a.t.Context())
	return out.String(), problems.String(), err
}

// runs are the runs of the incident.
func (a *acting) runs() (runs []ledger.Run) {
	require.NoError(a.t, a.ledger.View(a.t.Context(), func(tx ledger.Tx) (err error) {
		runs, err = tx.RunsOf(1)
		return err
	}))
	return runs
}

// A dry run prints the request that the first call would send, and nothing is
// changed: neither at SEPM nor in the ledger.
func TestDryRunOfAction(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	out, _, err := a.isolate("--reason", "ransomware", "--dry-run")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^POST https://127\.0\.0\.1:\d+/sepm/api/v1/command-queue/quarantine\?computer_ids=A{32}$`, out)
	require.Contains(t, out, "What follows depends on SEPM's answer.\n")

	out, _, err = a.isolate("--reason", "ransomware", "--dry-run", "--json", "--computers", a.file("names", strings.Repeat("B", 32)+"\r\n\n "+strings.Repeat("C", 32)+"\n"))
	require.NoError(t, err)
	var shown struct {
		Input    map[string]string
		Server   string
		Call     incident.Call
		Requests []map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &shown))
	require.Equal(t, map[string]string{"reason": "ransomware", "computers": strings.Repeat("B", 32) + "\n" + strings.Repeat("C", 32)}, shown.Input)
	require.Equal(t, incident.OpQuarantine, shown.Call.Operation)
	require.Equal(t, "main", shown.Server)
	require.Len(t, shown.Requests, 1)
	require.Equal(t, "POST", shown.Requests[0]["method"])
	require.Contains(t, shown.Requests[0]["url"], "%2C"+strings.Repeat("C", 32))

	for call, times := range a.sepm.Calls() {
		require.True(t, strings.HasPrefix(call, "POST /identity/"), "%s was called %d times", call, times)
	}
	require.Empty(t, a.runs())
}

// What cannot be started says so, and nothing is in the ledger.
func TestActionRefused(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	for _, test := range []struct {
		args    []string
		problem string
		usage   bool
	}{
		{nil, "isolate: reason is missing: Why.", true},
		{[]string{"--set", "reason"}, `--set "reason": write FIELD=VALUE`, true},
		{[]string{"--set", "raeson=x"}, `--set: isolate has no field "raeson"; write reason (all of them: reason, mode, computers)`, true},
		{[]string{"--set", "computers= "}, "--set: computers is empty; leave it out where nothing is meant", true},
		{[]string{"--reason", "x", "--set", "mode=harsh"}, `isolate: mode is "harsh", which is none of soft, hard`, true},
		{[]string{"--reason", "x", "--computers", a.file("none", "\n \n")}, "--computers: " + filepath.Join(a.dir, "none") + " names no computer", true},
		{[]string{"--reason", "x", "--computers", a.file("large", strings.Repeat("A\n", maxNames))}, "--computers: " + filepath.Join(a.dir, "large") + " is larger than 4 MiB", true},
	} {
		_, _, err := a.isolate(test.args...)
		require.EqualError(t, err, test.problem)
		require.Equal(t, test.usage, errors.As(err, new(usageError)), test.problem)
	}
	a.update(func(tx ledger.Tx) error {
		return tx.PutPieces([]ledger.Piece{{Incident: 1, Kind: ledger.PieceRow, Key: "row", Body: json.RawMessage(
			`{"table":"sep_endpoint_details","cells":{"uniqueId":"A","endpoint_quarantine_status":"Quarantined"}}`)}})
	})
	for _, more := range [][]string{nil, {"--dry-run"}} {
		_, _, err := a.isolate(append(more, "--reason", "x")...)
		require.EqualError(t, err, `isolate is not offered on this row: its condition is that endpoint_quarantine_status is not "Quarantined", and there is "Quarantined"`)
		require.False(t, errors.As(err, new(usageError)))
	}
	require.Empty(t, a.runs())
}

// A run asks the SEPM that the incident's first event is from, as the rules' do.
func TestActionAsksSEPMOfIncident(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	a.update(func(tx ledger.Tx) error {
		added, err := tx.AddMails([]ledger.NewMail{{Position: ledger.Position{Mailbox: "soc", UIDValidity: 1, UID: 1}, Raw: []byte("x")}})
		if err != nil {
			return err
		}
		return tx.PutEvents([]ledger.Event{
			{Mail: added[0].ID, Incident: 1, Event: parse.Event{Domain: "branch"}}, {Mail: added[0].ID, Ordinal: 1, Incident: 1},
		})
	})
	_, _, err := a.isolate("--reason", "x", "--no-wait")
	require.NoError(t, err)
	_, _, err = a.isolate("--reason", "x", "--no-wait")
	require.NoError(t, err)
	runs := a.runs()
	require.Len(t, runs, 2, "every start is one of its own")
	require.Equal(t, "branch", runs[0].Server)
	require.Regexp(t, "^cli:.", runs[0].By)
}

// end works as the daemon does: it claims the next run and ends it so.
func (a *acting) end(run ledger.Run, outcome ledger.Outcome, more func(tx ledger.Tx, run ledger.Run) error) {
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		ended := false
		a.update(func(tx ledger.Tx) error {
			tasks, err := tx.Claim(ledger.TaskRespond, 1, "w", time.Minute)
			if err != nil || len(tasks) == 0 {
				return err
			}
			outcome.Task, run.ID, ended = tasks[0], tasks[0].Key, true
			if _, err := tx.Finish([]ledger.Outcome{outcome}); err != nil {
				return err
			}
			if err := tx.SetRuns([]ledger.Run{run}); err != nil {
				return err
			}
			return more(tx, run)
		})
		if ended {
			return
		}
	}
	a.t.Error("nothing was started")
}

// What a run has left is printed: notes as plain text that cannot act on the
// terminal, and commands; a run that failed or was given up fails.
func TestActionEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		run     ledger.Run
		outcome ledger.Outcome
		more    func(tx ledger.Tx, run ledger.Run) error
		prints  []string
		err     string
	}{
		"done": {
			ledger.Run{Status: ledger.RunDone}, ledger.Outcome{Done: true},
			func(tx ledger.Tx, run ledger.Run) error {
				note, err := json.Marshal(incident.Note{Key: "n", Text: "<b>Isolated</b>: 1 of 2<br>\u009b31m<i>&lt;LAP&gt;</i>"})
				if err != nil {
					return err
				}
				if err := tx.PutPieces([]ledger.Piece{{Incident: 1, Kind: ledger.PieceNote, Key: "n", Body: note},
					{Incident: 1, Kind: ledger.PieceAttachment, Key: "f", Body: json.RawMessage(`{"key":"f","name":"all.csv","content":"eA=="}`)}}); err != nil {
					return err
				}
				return tx.AddCommands([]ledger.Command{{Incident: 1, Run: run.ID, Command: incident.Command{
					Kind: incident.Quarantining, IDs: []string{"C1"}, Action: "isolate", By: "cli:ada", Why: "ransomware",
					Started: filledAt, Progress: incident.CommandProgress{State: incident.CommandFollowed},
				}}})
			},
			[]string{
				"  status      done\n", "\nNote\n  Isolated: 1 of 2\n  \\u009b31m<LAP>\n", "  attachment  all.csv, 1 bytes\n",
				"quarantine  in progress", "cli:ada  ransomware\n",
			}, "",
		},
		"failed": {
			ledger.Run{Status: ledger.RunFailed, Error: "SEPM has no such computer"}, ledger.Outcome{Done: true},
			func(ledger.Tx, ledger.Run) error { return nil },
			[]string{"  status      failed\n", "  error       SEPM has no such computer\n"}, "isolate failed: SEPM has no such computer",
		},
		"given up": {
			ledger.Run{Status: ledger.RunWaiting}, ledger.Outcome{Park: true, Failed: true, Error: "look in SEPM's console"},
			func(ledger.Tx, ledger.Run) error { return nil },
			[]string{"  status      waiting\n"}, "isolate was given up: look in SEPM's console",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newActing(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				a.end(test.run, test.outcome, test.more)
			}()
			out, stderr, err := a.isolate("--reason", "x")
			<-done
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.err)
			}
			for _, line := range test.prints {
				require.Contains(t, out, line)
			}
			require.NotContains(t, out, "eicar.com", "what was there before is not what it left")
			require.Empty(t, stderr)
		})
	}
}

// While nobody takes a run up, and while it fails, that is said once.
func TestAwaitEnd(t *testing.T) {
	t.Parallel()
	waiting := standing{run: ledger.Run{Status: ledger.RunWaiting}}
	failing := waiting
	failing.task = ledger.TaskView{Task: ledger.Task{Epoch: 1, Attempts: 1, Error: "SEPM: 503"}}
	held := waiting
	held.task = ledger.TaskView{Task: ledger.Task{Epoch: 1}}
	done := standing{run: ledger.Run{Status: ledger.RunDone}}
	after := func(d time.Duration, first standing, then standing) func(context.Context) (standing, error) {
		begin := time.Now()
		return func(context.Context) (standing, error) {
			if time.Since(begin) < d {
				return first, nil
			}
			return then, nil
		}
	}
	for _, test := range []struct {
		look func() func(context.Context) (standing, error)
		said []string
	}{
		{func() func(context.Context) (standing, error) { return after(9*time.Second, waiting, done) }, nil},
		{func() func(context.Context) (standing, error) { return after(time.Hour, waiting, done) }, []string{"nobody has taken it up yet"}},
		{func() func(context.Context) (standing, error) { return after(9*time.Second, held, done) }, nil},
		{func() func(context.Context) (standing, error) { return after(time.Hour, held, done) }, []string{"not yet: where SEPM cannot be used"}},
		{func() func(context.Context) (standing, error) { return after(time.Hour, failing, done) }, []string{"not yet, and it is tried again: SEPM: 503"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var said []string
			end, err := awaitEnd(t.Context(), test.look(), func(text string) { said = append(said, text) })
			require.NoError(t, err)
			require.Equal(t, ledger.RunDone, end.run.Status)
			require.Len(t, said, len(test.said))
			for i, text := range test.said {
				require.Contains(t, said[i], text)
			}
		})
	}
}
