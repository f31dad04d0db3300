package acceptance

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// What a fleet of 25,000 is asked for by a hash: 400 endpoints have the file,
// some of them among the 30 that are away until the scan has timed out, of which
// 5 stay away.
const (
	scanned, matching, away, gone = 25_000, 400, 30, 5
	lateMatches                   = 10
	resultsLimit                  = 150
)

// TestScanOfAFleet starts a scan as a person does, kills the daemon with SIGKILL
// while it is followed, and holds what stands in Resilient against what the
// endpoints have.
func TestScanOfAFleet(t *testing.T) {
	content := []byte("MZ malware")
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	fleet := sepm.Fleet(7, scanned)
	var windows, late []int
	for i := range fleet {
		if strings.HasPrefix(fleet[i].OS, "Win") {
			fleet[i].Offline = false
			windows = append(windows, i)
		}
	}
	for n, i := range windows[:matching+away-lateMatches] {
		if n < away {
			fleet[i].Offline = true
			late = append(late, i)
		}
		if n >= away-lateMatches { // the last ones that are away, and others
			fleet[i].Files = []sepm.File{{Path: fmt.Sprintf(`C:\Temp\%d, "a".exe`, n), Content: content}}
		}
	}
	for i := range fleet {
		if !strings.HasPrefix(fleet[i].OS, "Win") {
			fleet[i].Offline = false
		}
	}
	w := newWorldAt(t, sepm.Options{
		Computers: fleet, ListedAfter: time.Millisecond, ReceivedAfter: 2 * time.Second, StartedAfter: 3 * time.Second, CompletedAfter: 5 * time.Second,
	}, fmt.Sprintf(", heartbeat: 5s, scan_timeout: 15s, results_limit: %d", resultsLimit), true, "path: ledger.db")
	first := fleet[windows[len(windows)-1]]
	w.run()
	w.mail.Append(time.Now(), alert(first))
	w.eventually(func() bool { return len(w.open()[first.Name]) == 1 && len(w.open()[first.Name][0].Rows) == 1 }, "the incident arrives")

	// The hash comes to the incident, and the scan is started by hand.
	w.inLedger(func(tx ledger.Tx) error {
		body, err := json.Marshal(incident.Artifact{Type: incident.SHA256Hash, Value: hash})
		if err != nil {
			return err
		}
		return tx.PutPieces([]ledger.Piece{{Incident: 1, Kind: ledger.PieceArtifact, Key: "hash", Body: body}})
	})
	w.act("initiate_scan", "--incident", "1", "--artifact", fmt.Sprint(w.piece("hash")))
	w.eventually(func() bool { return w.command().Progress.Polls > 0 }, "it is followed")
	w.kill()
	w.run()

	w.eventually(func() bool { return w.command().Progress.State == incident.CommandTimedOut }, "it times out")
	w.settled()
	w.requireScan(matching-lateMatches, away)
	back := make(map[string]bool)
	for _, i := range late[gone:] {
		back[fleet[i].ID] = true
		require.True(t, w.sepm.ChangeComputer(fleet[i].ID, func(c *sepm.Computer) { c.Offline = false }))
	}
	w.eventually(func() bool { return w.through(back) }, "the late ones answer")
	w.act("get_scan_results", "--incident", "1", "--row", fmt.Sprint(w.piece(w.query().Identity())))
	w.settled()
	w.requireScan(matching, gone)

	// One request for each poll and page: what the kill cut off counts as a poll.
	const page, byHand = 200, 1
	polls := w.command().Progress.Polls + 1 + byHand
	require.LessOrEqual(t, w.sepm.Calls()["GET /command-queue/{id}"], polls*(scanned/page+1))
	require.Len(t, w.sepm.Commands(), 1, "the scan was sent once")
}

// through reports whether computers are all through with the scan.
func (w *world) through(ids map[string]bool) bool {
	n := 0
	for _, t := range w.sepm.Commands()[0].Targets {
		if ids[t.ComputerID] && t.State == 3 {
			n++
		}
	}
	return n == len(ids)
}

// requireScan holds the incident against so many matches, while so many
// endpoints have not answered.
func (w *world) requireScan(matches, unanswered int) {
	w.t.Helper()
	inc := w.incident()
	var rows, queries int
	seen := make(map[string]bool)
	for _, r := range inc.Rows {
		switch {
		case r.Table != incident.TableScanResults:
		case r.Cells["computer_id"] == nil:
			queries++
			require.Equal(w.t, "Timedout", r.Cells["scan_command_state"])
			require.Equal(w.t, "Query: Matches over limit see note/attachment.", r.Cells["scan_result"])
		default:
			rows++
			require.Equal(w.t, "Hash match", r.Cells["scan_result"])
			seen[fmt.Sprint(r.Cells["computer_id"], r.Cells["file_path"])] = true
		}
	}
	require.Equal(w.t, []int{1, resultsLimit, resultsLimit}, []int{queries, rows, len(seen)}, "rows, once each")

	require.NotEmpty(w.t, inc.Attachments)
	newest := inc.Attachments[len(inc.Attachments)-1]
	lines, err := csv.NewReader(strings.NewReader(string(newest.Content))).ReadAll()
	require.NoError(w.t, err)
	require.Len(w.t, lines, 1+matches, "the CSV has all of them")
	require.Regexp(w.t, `^C:\\Temp\\\d+, "a"\.exe$`, lines[1][4])

	windows := 0
	for _, c := range w.fleet {
		if strings.HasPrefix(c.OS, "Win") {
			windows++
		}
	}
	note := inc.Notes[len(inc.Notes)-1].Text
	require.Contains(w.t, note, fmt.Sprintf("%d matches on %d endpoints", matches, matches))
	require.Contains(w.t, note, fmt.Sprintf("completed on %d of %d endpoints", windows-unanswered, windows))
	require.Contains(w.t, note, fmt.Sprintf("%d have not answered", unanswered))
	require.Contains(w.t, note, fmt.Sprintf("%d of %d files", resultsLimit, matches))
}

// incident is the only one there is.
func (w *world) incident() soar.Incident {
	w.t.Helper()
	all := w.soar.Incidents()
	require.Len(w.t, all, 1)
	return all[0]
}

// eventually waits for what the daemon is to bring about.
func (w *world) eventually(is func() bool, what string) {
	w.t.Helper()
	require.Eventually(w.t, is, 2*time.Minute, 100*time.Millisecond, what)
}

// act runs an action by the command line and waits for its end.
func (w *world) act(args ...string) {
	w.t.Helper()
	path, err := program()
	require.NoError(w.t, err)
	out, err := exec.Command(path, append([]string{"action", args[0], "-c", w.config}, args[1:]...)...).CombinedOutput()
	require.NoError(w.t, err, "%s", out)
}

// inLedger runs f in the ledger, beside the daemon.
func (w *world) inLedger(f func(ledger.Tx) error) {
	w.t.Helper()
	c, err := config.Load(w.config, config.LoadOptions{})
	require.NoError(w.t, err)
	l, err := app.AttachLedger(context.Background(), c, ledger.ReadWrite)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, l.Close()) }()
	require.NoError(w.t, l.Update(context.Background(), f))
}

// command is the only command in the ledger.
func (w *world) command() (c ledger.Command) {
	w.inLedger(func(tx ledger.Tx) error {
		commands, err := tx.ListCommands(ledger.CommandFilter{}, ledger.Page{Limit: 2})
		require.Len(w.t, commands, 1)
		c = commands[0]
		return err
	})
	return c
}

// piece is the id of the incident's piece with a key.
func (w *world) piece(key string) (id int64) {
	w.inLedger(func(tx ledger.Tx) error {
		pieces, err := tx.Pieces([]int64{1})
		for _, p := range pieces {
			if p.Key == key {
				id = p.ID
			}
		}
		return err
	})
	require.NotZero(w.t, id, "there is no piece %q", key)
	return id
}

// query is the row of the scan itself.
func (w *world) query() incident.Row {
	return incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{
		"scan_commandid": incident.Text(w.command().IDs[0]),
	}}
}

// settled waits until Resilient has all that the ledger has.
func (w *world) settled() {
	w.t.Helper()
	w.eventually(func() bool {
		done := false
		w.inLedger(func(tx ledger.Tx) error {
			counts, err := tx.Counts()
			done = counts.PiecesPending == 0 && counts.PiecesParked == 0 && counts.RunsWaiting == 0
			return err
		})
		return done
	}, "something is left to do")
}
