package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/sepclient"
)

// exec runs sepwatch with the configuration, which is to exit so.
func (a *acting) exec(status int, args ...string) (stdout, stderr string) {
	a.t.Helper()
	var out, problems bytes.Buffer
	require.Equal(a.t, status, execute(append(args, "-c", a.config), strings.NewReader(""), &out, &problems), problems.String())
	return out.String(), problems.String()
}

// commands puts commands into the ledger, each with a run of its own.
func (a *acting) commands(commands ...ledger.Command) {
	a.t.Helper()
	a.update(func(tx ledger.Tx) error {
		for i := range commands {
			c := &commands[i]
			var err error
			if c.Run, err = tx.StartRun(ledger.Run{Incident: 1, Key: c.IDs[0], Run: incident.Run{Action: c.Action}, Status: ledger.RunDone}); err != nil {
				return err
			}
			c.Incident = 1
		}
		if err := tx.AddCommands(commands); err != nil {
			return err
		}
		ended := make([]ledger.Command, len(commands))
		for i, c := range commands {
			c.ID = int64(i + 1)
			ended[i] = c
		}
		return tx.SetCommands(ended)
	})
}

// scanned and isolated are commands: one that has timed out, and one that
// endpoints are at.
func scanned() ledger.Command {
	return ledger.Command{Open: true, Command: incident.Command{
		Kind: incident.Scanning, IDs: []string{"S1", "S2"}, Action: "scan_file", By: "cli:ada", Why: hostile, Started: filledAt,
		Groups: []incident.CommandTarget{{ID: "G1", Name: `My Company\Laptops`}},
		Row:    &incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{"scan_commandid": incident.Text("S1")}},
		Progress: incident.CommandProgress{State: incident.CommandTimedOut, Polled: filledAt.Add(time.Hour), Total: 400, Waiting: 30,
			Completed: 369, Failed: 1, Excluded: 2, Matches: 12, MatchedOn: 4},
	}}
}

func isolated(ids ...string) ledger.Command {
	return ledger.Command{Command: incident.Command{
		Kind: incident.Quarantining, IDs: ids, Action: "isolate", Started: filledAt.Add(time.Hour),
		Computers: []incident.CommandTarget{{ID: "E1", Name: "LAP-1"}, {ID: "E2", Name: "LAP-2"}},
		Progress: incident.CommandProgress{State: incident.CommandEnded, Polled: filledAt.Add(2 * time.Hour), Total: 2, Completed: 1, Rejected: 1,
			Ended: map[string]incident.EndpointResult{
				"E1": {State: "completed", At: filledAt.Add(90 * time.Minute)}, "E2": {State: "rejected", Detail: hostile},
			}},
	}}
}

// Commands can be listed and filtered, and one can be shown; with their
// incident and their task they are shown, too. What is hostile is shown, and
// never acted on.
func TestLookingAtCommands(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	out, _ := a.exec(0, "command", "list", "--json")
	require.Equal(t, "[]\n", out)
	_, stderr := a.exec(1, "command", "show", "1")
	require.Equal(t, "sepwatch: command 1 is not in the ledger, which has none yet\n", stderr)
	a.commands(scanned(), isolated("Q1"))
	listed := func(args ...string) (ids []int64) {
		out, _ := a.exec(0, append([]string{"command", "list", "--json"}, args...)...)
		var lines []commandLine
		require.NoError(t, json.Unmarshal([]byte(out), &lines), out)
		for _, line := range lines {
			ids = append(ids, line.ID)
		}
		return ids
	}
	for _, test := range []struct {
		args []string
		want []int64
	}{
		{nil, []int64{2, 1}},
		{[]string{"--limit", "1"}, []int64{2}},
		{[]string{"--kind", "scan"}, []int64{1}},
		{[]string{"--state", "completed"}, []int64{2}},
		{[]string{"--open"}, []int64{1}},
		{[]string{"--incident", "1", "--until", "2026-02-03T04:30:00Z"}, []int64{1}},
		{[]string{"--since", "2026-02-03T04:30:00Z"}, []int64{2}},
		{[]string{"--incident", "2"}, nil},
	} {
		require.Equal(t, test.want, listed(test.args...), "%v", test.args)
	}
	for flag, problem := range map[string]string{
		"--kind=scna":      `sepwatch: --kind "scna": write scan (all of them: scan, remediation, upload, quarantine, undo_quarantine, active_scan, full_scan, update_content)`,
		"--state=complete": `sepwatch: --state "complete": write completed (all of them: in progress, timed out, completed)`,
		"--incident=0":     "sepwatch: --incident 0: want 1 or more",
	} {
		_, stderr := a.exec(2, "command", "list", flag)
		require.Equal(t, problem+"\n", stderr)
	}

	list, _ := a.exec(0, "command", "list")
	require.Regexp(t, `(?m)^ 1  \S+ \S+  scan        timed out  369 of 400         1  cli:ada  \\x1b\]0;pwned`, list)
	scan, _ := a.exec(0, "command", "show", "1")
	for _, line := range []string{
		"Command 1: scan\n", "  state       timed out; answers that come late still count\n",
		"  endpoints   completed on 369 of 400; 30 have not received it; 1 failed; 2 others, not Windows, do not count\n",
		"  matches     12 on 4 endpoints\n", "  task        3, due since ", "  run         1, scan_file\n", "  sepm's ids  S1, S2\n",
		"  group       My Company\\Laptops G1\n", "  row         Symantec SEP - EOC scan results: S1\n",
	} {
		require.Contains(t, scan, line)
	}
	quarantine, _ := a.exec(0, "command", "show", "2")
	require.Regexp(t, `(?m)^  LAP-1  E1  completed  2026-\S+ \S+$`, quarantine)
	require.Regexp(t, `(?m)^  LAP-2  E2  rejected .* \\x1b\]0;pwned`, quarantine)
	shown, _ := a.exec(0, "command", "show", "2", "--json")
	for _, text := range []string{list, scan, quarantine, shown} {
		require.NotRegexp(t, "[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e]", text)
	}
	require.True(t, strings.HasPrefix(shown, `{"id":2,"incident":1,"run":2,"kind":"quarantine","state":"completed","open":false,"command_ids":["Q1"],`+
		`"server":"","action":"isolate","by":"","why":"","started":"2026-02-03T05:05:06.789Z","polled":"2026-02-03T06:05:06.789Z","total":2,"waiting":0,`+
		`"running":0,"completed":1,"rejected":1,"cancelled":0,"failed":0,"excluded":0,"matches":0,"matched_on":0,"endpoints":[{"id":"E1","name":"LAP-1",`+
		`"state":"completed","detail":"","updated":"2026-02-03T05:35:06.789Z","as_of":"2026-02-03T06:05:06.789Z","ip":"","file_id":"","matches":null,"command_id":""},`), shown)
	require.Contains(t, shown, `"groups":[],"others":[],"row":null,"detail":{},"task":{"id":`)

	in, _ := a.exec(0, "incident", "show", "1")
	require.Regexp(t, `(?s)\nRuns\n.*\nCommands\n  ID  STARTED .*\n   2  .*\n   1  `, in)
	in, _ = a.exec(0, "incident", "show", "1", "--json")
	require.Contains(t, in, `"commands":[{"id":2,"incident":1,"run":2,"kind":"quarantine",`)
	tasks, _ := a.exec(0, "task", "list", "--kind", "follow", "--json", "--key", "1")
	require.Contains(t, tasks, `"kind":"follow","key":1,"incident":1,"state":"due"`)
}

// Endpoint by endpoint SEPM is asked; where it cannot be, the ledger is.
func TestEndpointsOfCommand(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	c, err := loadConfig(a.config)
	require.NoError(t, err)
	var targets []string
	for _, computer := range a.sepm.Computers() {
		targets = append(targets, computer.ID)
	}
	var ids []string
	for range 2 { // one command may have several ids
		require.NoError(t, app.WithSEPM(t.Context(), c, c.SEPM[0], func(error) {}, func(client *sepclient.Client) error {
			sent, err := client.Quarantine(t.Context(), sepclient.Targets{Computers: targets})
			ids = append(ids, sent.IDs()...)
			return err
		}))
	}
	a.commands(isolated(ids...))
	out, _ := a.exec(0, "command", "show", "1", "--endpoints")
	require.True(t, strings.HasPrefix(out, "Command 1: quarantine\n"), out)
	require.Regexp(t, `\nEndpoints\n  NAME +ID +STATE .*\n(  \S+ +[0-9A-F]{32} +\S.*\n){6}$`, out)
	require.NotContains(t, out, "LAP-2")
	out, _ = a.exec(0, "command", "show", "1", "--endpoints", "--json")
	var lines []endpointLine
	require.NoError(t, json.Unmarshal([]byte(out), &lines), out)
	require.Len(t, lines, 6)
	require.Equal(t, ids[0], lines[0].CommandID)
	require.Equal(t, ids[1], lines[5].CommandID)
	require.Contains(t, targets, lines[5].ID)
	require.WithinDuration(t, time.Now(), *lines[5].AsOf, time.Minute)

	require.NoError(t, a.server.Close())
	out, stderr := a.exec(1, "command", "show", "1", "--endpoints")
	require.Contains(t, out, "LAP-2")
	require.Contains(t, stderr, "sepwatch: SEPM cannot be asked, so this is what the ledger knows: sepm: ")
	out, stderr = a.exec(1, "command", "show", "1", "--endpoints", "--json")
	require.NoError(t, json.Unmarshal([]byte(out), &lines), out)
	require.Len(t, lines, 2)
	require.Equal(t, filledAt.Add(2*time.Hour), *lines[0].AsOf)
	require.Contains(t, stderr, "nothing listens there")
}
