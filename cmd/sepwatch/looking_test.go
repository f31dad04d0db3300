package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/postgres"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/parse"
)

// hostile is what somebody may put into a mail who wants the terminal of the
// one who looks at it.
const hostile = "\x1b]0;pwned\x07\u009b31m\u202egpj.exe\r\nfake line 警报"

// filledAt is the clock while fillLedger works.
var filledAt = time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.UTC)

// fillLedger writes what a daemon may leave: a mail of each fate, and an
// incident that is delivered but for a piece (1), one that Resilient refused
// (2), and one that waits (3).
func fillLedger(ctx context.Context, l *ledger.Ledger) error {
	steps := []func(ledger.Tx) error{
		func(tx ledger.Tx) error {
			if _, err := tx.TakeMailbox("soc", "w", time.Minute); err != nil {
				return err
			}
			var mails []ledger.NewMail
			for i, text := range []string{"one", "two", "three", "four", "one"} {
				mails = append(mails, ledger.NewMail{
					Position: ledger.Position{Mailbox: "soc", UIDValidity: 7, UID: uint32(i + 1)}, MessageID: text + "@example.com",
					InternalDate: filledAt.Add(-time.Minute), Raw: []byte(text),
				})
			}
			if _, err := tx.AddMails(mails); err != nil {
				return err
			}
			if err := tx.WantUnread(); err != nil { // as after a crash
				return err
			}
			return tx.SetMails([]ledger.MailResult{
				{ID: 1, Status: ledger.MailParsed, Kind: parse.SingleRisk, Subject: "Single Risk Event: machine TEST-ENDPOINT infected", From: "sepm@example.com"},
				{ID: 2, Status: ledger.MailUnparsed, Kind: parse.Unknown, Subject: hostile, From: "sepm@example.com"},
				{ID: 3, Status: ledger.MailIgnored, Reason: "alerts.subjects: none is in the subject", Kind: parse.Unknown, Subject: "lunch", From: "someone@example.com"},
				{ID: 4, Status: ledger.MailQuarantined, Reason: "the reader failed on this mail: " + hostile},
			})
		},
		func(tx ledger.Tx) error {
			_, err := tx.AddIncidents([]ledger.Incident{
				{Incident: incident.Incident{Key: "key 1", Name: "SEP: Trojan.Gen.NPE on TEST-ENDPOINT", Description: "<b>Risk</b>",
					Types: []string{"Malware"}, Severity: "High", Discovered: filledAt.Add(-time.Hour)}, Seen: 1, LastSeen: filledAt},
				{Incident: incident.Incident{Key: "key 2", Name: "SEP: " + hostile}, Seen: 1, LastSeen: filledAt},
				{Incident: incident.Incident{Key: "key 3", Name: "SEP: EICAR on OTHER"}, Seen: 1, LastSeen: filledAt},
			})
			return err
		},
		func(tx ledger.Tx) error {
			return tx.PutEvents([]ledger.Event{
				{Mail: 1, Incident: 1, Event: parse.Event{Risk: "Trojan.Gen.NPE", Computer: "TEST-ENDPOINT", FilePath: `C:\suspicious_exe.exe`, EventTime: "2026-02-03T03:05:06"}},
				{Mail: 1, Ordinal: 1, Incident: 3, Event: parse.Event{Risk: "EICAR", Computer: "OTHER"}},
				{Mail: 2, Incident: 2},
			})
		},
		func(tx ledger.Tx) error {
			return tx.PutPieces([]ledger.Piece{
				{Incident: 1, Kind: ledger.PieceArtifact, Key: "File Path\x1fC:\\suspicious_exe.exe", Body: json.RawMessage(`{"type":"File Path","value":"C:\\suspicious_exe.exe"}`)},
				{Incident: 1, Kind: ledger.PieceRow, Key: "sep_endpoint_details\x1f4B", Body: json.RawMessage(`{"table":"sep_endpoint_details","cells":{"uniqueId":"4B"}}`)},
				{Incident: 3, Kind: ledger.PieceNote, Key: "run failed", Body: json.RawMessage(`{"key":"run failed","text":"no"}`)},
			})
		},
		func(tx ledger.Tx) error {
			return tx.SetPieces([]ledger.PieceResult{
				{ID: 1, Delivered: 1, RemoteID: 31},
				{ID: 2, Parked: true, Error: "Resilient: 400 Bad Request: " + hostile},
			})
		},
		func(tx ledger.Tx) error {
			return tx.PutRuns([]ledger.Run{
				{Incident: 1, Key: "r", Run: incident.Run{Action: incident.EndpointDetails, Subject: incident.Subject{Artifact: &incident.Artifact{Type: incident.SystemName, Value: "TEST-ENDPOINT"}}}},
				{Incident: 3, Key: "r", Status: ledger.RunFailed, Error: "no computer is named OTHER", Run: incident.Run{Action: incident.EndpointDetails}},
			})
		},
		func(tx ledger.Tx) error {
			if _, err := tx.AddIntents([]ledger.Intent{{Incident: 2, Operation: "create"}}); err != nil {
				return err
			}
			return tx.SetRemotes([]ledger.Remote{{Incident: 1, RemoteID: 2101, Delivered: filledAt}})
		},
		func(tx ledger.Tx) error { return tx.Want(ledger.TaskDeliver, 1, 2, 3) },
		func(tx ledger.Tx) error {
			for kind, outcome := range map[ledger.TaskKind]func(ledger.Task) ledger.Outcome{
				ledger.TaskRead: func(t ledger.Task) ledger.Outcome { return ledger.Outcome{Task: t, Done: true} },
				ledger.TaskRespond: func(t ledger.Task) ledger.Outcome {
					if t.Key == 2 {
						return ledger.Outcome{Task: t, Done: true}
					}
					return ledger.Outcome{Task: t, Failed: true, Error: "SEPM: 503", Again: filledAt.AddDate(100, 0, 0)}
				},
				ledger.TaskDeliver: func(t ledger.Task) ledger.Outcome {
					switch t.Key {
					case 1:
						return ledger.Outcome{Task: t, Done: true}
					case 2:
						return ledger.Outcome{Task: t, Failed: true, Park: true, Error: "Resilient: 400: a field is required"}
					}
					return ledger.Outcome{Task: t, Failed: true, Error: "Resilient: 503", Again: filledAt}
				},
			} {
				tasks, err := tx.Claim(kind, 10, "w", time.Minute)
				if err != nil {
					return err
				}
				var outcomes []ledger.Outcome
				for _, t := range tasks {
					outcomes = append(outcomes, outcome(t))
				}
				if _, err := tx.Finish(outcomes); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for i, step := range steps {
		if err := l.Update(ctx, step); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// ledgerCommands are what scripts may do with a ledger: fill FILE; hold FILE,
// which has it open as a daemon has until the script ends; and claim KIND,
// which prints the keys of the tasks that the holder finds due.
func ledgerCommands() map[string]func(*testscript.TestScript, bool, []string) {
	options := ledger.Options{Now: func() time.Time { return filledAt }}
	return map[string]func(*testscript.TestScript, bool, []string){
		"fill": func(ts *testscript.TestScript, _ bool, args []string) {
			l, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]), options)
			ts.Check(err)
			ts.Check(fillLedger(context.Background(), l))
			ts.Check(l.Close())
		},
		"hold": func(ts *testscript.TestScript, _ bool, args []string) {
			l, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]), ledger.Options{})
			ts.Check(err)
			ts.Defer(func() { _ = l.Close() }) // the script has ended by then
			ts.Value(held{}).(*holder).ledger = l
		},
		"claim": func(ts *testscript.TestScript, _ bool, args []string) {
			var keys []string
			ts.Check(ts.Value(held{}).(*holder).ledger.Update(context.Background(), func(tx ledger.Tx) error {
				tasks, err := tx.Claim(ledger.TaskKind(args[0]), 100, "w", time.Minute)
				keys = nil
				for _, t := range tasks {
					keys = append(keys, fmt.Sprint(t.Key))
				}
				return err
			}))
			_, err := fmt.Fprintln(ts.Stdout(), "claimed", strings.Join(keys, " "))
			ts.Check(err)
		},
	}
}

// held is the key of a script's holder.
type held struct{}

type holder struct{ ledger *ledger.Ledger }

// TestLookingOnPostgres runs the commands once on the other engine, beside a
// node.
func TestLookingOnPostgres(t *testing.T) {
	t.Parallel()
	url := realparts.Postgres(t)
	l, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha", Now: func() time.Time { return filledAt }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	require.NoError(t, fillLedger(t.Context(), l))
	path := filepath.Join(t.TempDir(), "sepwatch.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`mailboxes: [{name: soc, url: "imap://a@127.0.0.1:1/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
resilient: {url: "http://127.0.0.1:1", org: Acme, api_key_id: a, api_key_secret: b}
ledger: {postgres: "`+url+`"}
node: alpha
`), 0o600))
	run := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		require.Zero(t, execute(append(args, "-c", path), strings.NewReader(""), &stdout, &stderr), stderr.String())
		return stdout.String()
	}
	require.Contains(t, run("incident", "list", "--computer", "test-endpoint"), "TEST-ENDPOINT")
	require.Contains(t, run("incident", "show", "1"), "incident 2101")
	require.Contains(t, run("mail", "list", "--subject", "LUNCH"), "ignored")
	require.Contains(t, run("mail", "show", "1"), "TEST-ENDPOINT")
	require.Equal(t, "[]\n", run("command", "list", "--json", "--open", "--since", "24h"))
	require.Equal(t, "[]\n", run("quarantined", "list", "--json"))
	require.Contains(t, run("task", "list", "--parked", "--json"), "a field is required")
	require.Contains(t, run("task", "retry", "--parked"), "a field is required")
	require.NotContains(t, run("task", "list", "--parked"), "deliver")
}

// TestLookingAtBigLists pages through a list that is longer than a page.
func TestLookingAtBigLists(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := sqlite.Open(t.Context(), path, ledger.Options{})
	require.NoError(t, err)
	const many = 2*pageSize + 1
	require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error {
		for key := range int64(many) {
			if err := tx.Want(ledger.TaskRead, key+1); err != nil {
				return err
			}
		}
		tasks, err := tx.Claim(ledger.TaskRead, many, "w", time.Minute)
		var outcomes []ledger.Outcome
		for _, task := range tasks {
			outcomes = append(outcomes, ledger.Outcome{Task: task, Failed: true, Park: true, Error: "no"})
		}
		if err == nil {
			_, err = tx.Finish(outcomes)
		}
		return err
	}))
	require.NoError(t, l.Close())
	config := writeConfig(t, path)
	run := func(args ...string) (ids []int, stderr string) {
		t.Helper()
		var stdout, errors bytes.Buffer
		require.Zero(t, execute(append(args, "-c", config, "--json"), strings.NewReader(""), &stdout, &errors), errors.String())
		var lines []taskLine
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &lines), stdout.String())
		for _, line := range lines {
			ids = append(ids, int(line.ID))
		}
		return ids, errors.String()
	}
	for _, test := range []struct {
		args []string
		want int
		more bool
	}{
		{nil, 50, true},
		{[]string{"--limit", "1"}, 1, false},
		{[]string{"--limit", fmt.Sprint(pageSize)}, pageSize, false},
		{[]string{"--limit", fmt.Sprint(pageSize + 1)}, pageSize + 1, false},
		{[]string{"--limit", fmt.Sprint(many + 1)}, many, false},
		{[]string{"--all"}, many, false},
	} {
		ids, stderr := run(append([]string{"task", "list"}, test.args...)...)
		require.Len(t, ids, test.want, "%v", test.args)
		for i, id := range ids {
			require.Equal(t, many-i, id, "each once, the newest first")
		}
		require.Equal(t, test.more, strings.Contains(stderr, "--all"), stderr)
	}
	ids, _ := run("task", "retry", "--parked")
	require.Len(t, ids, many)
	ids, stderr := run("task", "retry", "--parked")
	require.Empty(t, ids)
	require.Contains(t, stderr, "nothing was given up")
}
