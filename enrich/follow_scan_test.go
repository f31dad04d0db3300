package enrich_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// TestC09C10EveryMatchHasItsRow, C9 and C25: matches are there as soon as an
// endpoint reports them, all of each endpoint, once, however often SEPM is
// asked, and nobody asks but the follow-up.
func TestC09C10EveryMatchHasItsRow(t *testing.T) {
	t.Parallel()
	fleet := windows(4)
	for i := range 3 {
		fleet[i].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}, {Path: `C:\$Recycle.Bin\S-1\evil.exe`, Content: malware}}
	}
	fleet[2].Offline, fleet[3].Offline = true, true
	s := newSite(t, sepm.Options{Computers: fleet})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(malware))))
	require.Equal(t, s.clock().Add(10*time.Second), s.follow())
	require.Equal(t, "Waiting/Not received", s.find().Cells["scan_command_state"].String())

	s.wait(20 * time.Second)
	next := s.follow()
	require.Len(t, s.findAll("scan_result=Hash match"), 4)
	require.Equal(t, "In progress", s.find("computer_id=").Cells["scan_command_state"].String())
	require.Equal(t, "Query", s.find("computer_id=").Cells["scan_result"].String())
	require.Empty(t, s.attachments, "the end is reported once")

	// What others have put into a row stays.
	s.find("computer_name=PC-000", `file_path=C:\evil.exe`).Cells["remediation_status"] = incident.Text("Completed")
	for range 3 {
		s.wait(next.Sub(s.clock()))
		next = s.follow()
	}
	require.Len(t, s.rows, 5)
	require.Equal(t, "Completed", s.find("computer_name=PC-000", `file_path=C:\evil.exe`).Cells["remediation_status"].String())
	require.Len(t, s.notes, 1)

	for _, c := range fleet[2:] {
		s.sepm.ChangeComputer(c.ID, func(c *sepm.Computer) { c.Offline = false })
	}
	s.wait(time.Minute)
	require.Zero(t, s.follow())
	require.Len(t, s.findAll("scan_result=Hash match"), 6)
	require.Equal(t, "Completed", s.find("computer_id=").Cells["scan_command_state"].String())
	require.Contains(t, s.note("6 matches on 3 endpoints"), "completed on 4 of 4 endpoints. The table has 6 of 6 files")
	require.Len(t, s.lines("EOC_scan_results"), 7)
	require.Len(t, s.notes, 2)
}

// TestAskedForTwice: who asks while endpoints are still at it gets one file and
// one note for what has been found.
func TestAskedForTwice(t *testing.T) {
	t.Parallel()
	fleet := carriers(2)
	fleet[1].Offline = true
	s := newSite(t, sepm.Options{Computers: fleet})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(malware))))
	s.wait(20 * time.Second)
	require.NoError(t, s.start("get_scan_results", ofRow(s.find())))
	s.sepm.ChangeComputer(fleet[1].ID, func(c *sepm.Computer) { c.Offline = false })
	s.wait(7 * time.Second) // it has begun
	require.NoError(t, s.start("get_scan_results", ofRow(s.find("computer_id="))))
	require.Len(t, s.lines("EOC_scan_results"), 3)
	require.Len(t, s.notes, 2)
}

// TestC12ATimedOutScanGoesOn: after the time-out late results are taken, the
// row can still be asked for, and the end is told again.
func TestC12ATimedOutScanGoesOn(t *testing.T) {
	t.Parallel()
	fleet := windows(3)
	fleet[0].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}}
	fleet[0].Offline, fleet[1].Offline = true, true
	s := newSite(t, sepm.Options{Computers: fleet})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(malware))))
	s.wait(30 * time.Minute)
	require.Equal(t, s.clock().Add(30*time.Minute), s.follow())
	row := s.find()
	require.Equal(t, "Timedout", row.Cells["scan_command_state"].String())
	require.Equal(t, "Query", row.Cells["scan_result"].String(), "that nothing was found is not known")
	require.Contains(t, s.note("timed out"), "completed on 1 of 3 endpoints; 2 have not answered")

	s.sepm.ChangeComputer(fleet[0].ID, func(c *sepm.Computer) { c.Offline = false })
	s.wait(time.Minute)
	require.NoError(t, s.start("get_scan_results", ofRow(row)), "it is offered on a row that timed out")
	require.Equal(t, "Hash match", s.find("computer_name=PC-000").Cells["scan_result"].String())
	asked := s.last

	s.wait(29 * time.Minute)
	require.NotZero(t, s.follow())
	require.Equal(t, asked[:len(s.last)], s.last, "the rows are the same; the file and the note come with the end")
	s.wait(72 * time.Hour)
	require.Zero(t, s.follow(), "some time it ends")
	require.Equal(t, asked, s.last)
	require.Len(t, s.notes, 3)
	require.Equal(t, "Timedout", s.find("computer_id=").Cells["scan_command_state"].String())

	for state, offered := range map[string]bool{
		"Timeout": true, "Timedout": true, "In progress": true, "Waiting/Not received": true, "Received": true, "Completed": false, "": false,
	} {
		row.Cells["scan_command_state"] = incident.Text(state)
		action, err := enrich.ActionNamed("get_scan_results")
		require.NoError(t, err)
		require.Equal(t, offered, action.Offered(ofRow(row)) == nil, state)
	}
}

// TestC36HowEachEndpointEnded: rejected, cancelled and failed ones are told
// apart, and do not keep the scan from ending (C8).
func TestC36HowEachEndpointEnded(t *testing.T) {
	t.Parallel()
	fleet := windows(6)
	for i, state := range []int{4, 4, 5, 6} {
		fleet[i].Outcome = sepm.Outcome{State: state}
	}
	s := newSite(t, sepm.Options{Computers: fleet})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FileName, "evil.exe")))
	s.wait(time.Minute)
	require.Zero(t, s.follow())
	require.Equal(t, "Completed", s.find().Cells["scan_command_state"].String())
	require.Equal(t, "No match found on 2 of 6 endpoints", s.find().Cells["scan_result"].String())
	require.Contains(t, s.note("no match"), "completed on 2 of 6 endpoints; 2 rejected it; 1 were cancelled; 1 failed")
}

// TestC22ResultsThatSayNothing: an empty, missing or cut result is no match,
// and no word that nothing is there.
func TestC22ResultsThatSayNothing(t *testing.T) {
	t.Parallel()
	fleet := windows(4)
	for i := range fleet {
		fleet[i].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}}
	}
	fleet[0].EOCResult, fleet[1].EOCResult, fleet[2].EOCResult = sepm.EOCEmpty, sepm.EOCNull, sepm.EOCCut
	s := newSite(t, sepm.Options{Computers: fleet[:3]})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(malware))))
	s.wait(time.Minute)
	s.follow()
	require.Equal(t, "Query", s.find().Cells["scan_result"].String())
	require.Contains(t, s.note("no match"), "of those, 2 reported no result; the results of 1 are cut off and may lack matches")

	s.sepm.AddComputer(fleet[3])
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FileName, "other.exe")))
	s.wait(time.Minute)
	s.follow()
	require.Equal(t, "No match found on 1 of 4 endpoints", s.find("artifact_value=other.exe").Cells["scan_result"].String())
}

// TestC24TheFileHasAll: rows up to the limit, and all matches in a CSV file,
// also the partial ones, of a scan that addressed groups only.
func TestC24TheFileHasAll(t *testing.T) {
	t.Parallel()
	fleet := windows(5)
	for i := range fleet {
		fleet[i].Files = []sepm.File{{Path: `C:\a, b\evil.exe`, Content: malware}, {Path: `D:\evil.exe`, Content: []byte("another")}}
	}
	s := newSite(t, sepm.Options{Computers: fleet})
	s.limits.Results = 3
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FilePath, `C:\a, b\evil.exe`)))
	s.wait(time.Minute)
	s.follow()
	require.Len(t, s.rows, 4)
	require.Equal(t, "Query: Matches over limit see note/attachment.", s.find("computer_id=").Cells["scan_result"].String())
	require.Contains(t, s.note("10 matches on 5 endpoints"), "The table has 3 of 10 files; all matches are in EOC_scan_results_for_commandid_")
	lines := s.lines("EOC_scan_results")
	require.Equal(t, []string{"Computer name", "Computer id", "Artifact type", "Artifact value", "File path", "Hash value", "Match", "Reported"}, lines[0])
	require.Len(t, lines, 11)
	require.Equal(t, []string{"PC-000", fleet[0].ID, "File Path", `C:\a, b\evil.exe`, `C:\a, b\evil.exe`, sum(malware), "Full match", "2026-03-01 12:00:10"}, lines[1])
	require.Equal(t, []string{"PC-000", fleet[0].ID, "File Path", `C:\a, b\evil.exe`, `D:\evil.exe`, sum([]byte("another")), "Partial match", "2026-03-01 12:00:10"}, lines[2])

	s.limits.Results = 0
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FilePath, `D:\evil.exe`)))
	s.wait(time.Minute)
	s.follow()
	require.Len(t, s.findAll(`artifact_value=D:\evil.exe`), 11, "a limit of 0 is none")
}

// TestRowsStayWithinTheLimit: those that have rows keep them, and later
// endpoints get no others.
func TestRowsStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	fleet := windows(6)
	for i := range fleet {
		fleet[i].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}}
		fleet[i].Offline = i < 4 // they have the lower ids, and come later
	}
	s := newSite(t, sepm.Options{Computers: fleet})
	s.limits.Results = 2
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(malware))))
	s.wait(time.Minute)
	s.follow()
	for i := range 4 {
		s.sepm.ChangeComputer(fleet[i].ID, func(c *sepm.Computer) { c.Offline = false })
		s.wait(time.Minute)
		s.follow()
	}
	require.Len(t, s.rows, 3)
	s.find("computer_name=PC-004")
	s.find("computer_name=PC-005")
	require.Contains(t, s.note("6 matches"), "The table has 2 of 6 files")
}

// TestScanOfFnSEP: a row that fn_sep has made, and of which the ledger knows no
// command, is brought up to date by what stands in it.
func TestScanOfFnSEP(t *testing.T) {
	t.Parallel()
	fleet := windows(1)
	fleet[0].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}}
	s := newSite(t, sepm.Options{Computers: fleet})
	sent, err := s.client.Scan(t.Context(), sepclient.Targets{Computers: []string{fleet[0].ID}},
		sepclient.Scan{Evidence: []sepclient.Evidence{{Hash: sepclient.FileHash{Kind: sepclient.SHA256, Value: sum(malware)}}}})
	require.NoError(t, err)
	s.wait(time.Minute)
	row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{
		"scan_commandid": incident.Text(sent.IDs()[0]), "scan_command_state": incident.Text("In progress"), "scan_result": incident.Text("Query"),
		"artifact_type": incident.Text("Malware SHA-256 Hash"), "artifact_value": incident.Text(sum(malware)), "scan_type": incident.Text("QUICK"),
		"query_execution_date": incident.Text("2026-03-01 11:00:00"),
		// fn_sep's later rows of a query name a computer.
		"computer_id": incident.Text(fleet[0].ID), "computer_name": incident.Text("PC-000"),
	}}
	require.NoError(t, s.start("get_scan_results", ofRow(row)))
	require.Equal(t, map[string]string{
		"scan_commandid": sent.IDs()[0], "computer_id": fleet[0].ID, "scan_command_state": "Completed", "scan_result": "Query",
	}, cells(s.rows[row.Identity()]), "its own row, and no cell but those that change")
	require.Equal(t, "Malware SHA-256 Hash", s.find("scan_result=Hash match").Cells["artifact_type"].String())
	require.Len(t, s.lines("EOC_scan_results"), 2)
}

// statusesOnly is a SEPM that only tells how commands stand.
type statusesOnly struct {
	enrich.Reader
	statuses
}

func (s statusesOnly) CommandStatus(ctx context.Context, id string) iter.Seq2[sepclient.CommandStatus, error] {
	return s.statuses.CommandStatus(ctx, id)
}

// TestFollowSaysTheSameInAnyOrder: SEPM's list moves while it is read. The same
// endpoints in another order, some of them twice, leave the same effects.
func TestFollowSaysTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		list := []sepclient.CommandStatus{}
		for i := range rapid.IntRange(0, 8).Draw(t, "endpoints") {
			s := at(fmt.Sprint(i), sepclient.CommandState(rapid.IntRange(0, 6).Draw(t, "state")))
			s.Updated = start.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "updated")) * time.Second)
			if s.State == sepclient.CommandCompleted {
				s.Result = &sepclient.ScanResult{}
				for range rapid.IntRange(0, 3).Draw(t, "matches") {
					s.Result.Matches = append(s.Result.Matches, match(
						rapid.SampledFrom([]sepclient.MatchKind{sepclient.HashMatch, sepclient.FullMatch, sepclient.PartialMatch}).Draw(t, "kind"),
						rapid.SampledFrom([]string{`C:\a`, `C:\b`, ""}).Draw(t, "path"), ""))
				}
			}
			list = append(list, s)
		}
		moved := rapid.Permutation(list).Draw(t, "moved")
		if len(list) > 0 {
			moved = append(moved, rapid.SampledFrom(list).Draw(t, "again"))
		}
		c := incident.Command{
			Kind: incident.Scanning, IDs: []string{"A"}, Started: start, Detail: map[string]string{"artifact_type": "File Name", "artifact_value": "a"},
			Row: &incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{"scan_commandid": incident.Text("A")}},
		}
		limits := enrich.Limits{Results: rapid.IntRange(0, 4).Draw(t, "limit"), ScanTimeout: time.Minute}
		now := start.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
		ask := func(list []sepclient.CommandStatus) []incident.Effect {
			state, err := enrich.Follow(t.Context(), enrich.Server{Reader: statusesOnly{statuses: statuses{"A": list}}, Limits: limits}, c, now)
			require.NoError(t, err)
			return state.Effects
		}
		effects := ask(list)
		require.Equal(t, effects, ask(moved))
		seen := make(map[string]bool)
		for _, e := range effects {
			if e.Row != nil {
				require.False(t, seen[e.Row.Identity()], "one row twice")
				seen[e.Row.Identity()] = true
				require.NotContains(t, strings.Split(e.Row.Identity(), "\x1f")[1:], "B")
			}
		}
		if limits.Results > 0 {
			require.LessOrEqual(t, len(seen), limits.Results+1)
		}
	})
}

// TestListThatMovedIsReadAgain: the last endpoint to answer may be missed by the
// walk over SEPM's list, and the scan has not ended without it.
func TestListThatMovedIsReadAgain(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := incident.Command{Kind: incident.Scanning, IDs: []string{"A"}, Started: start,
		Row: &incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{"scan_commandid": incident.Text("A")}}}
	first, last := at("1", sepclient.CommandCompleted), at("2", sepclient.CommandInProgress)
	for i, poll := range []struct {
		list  []sepclient.CommandStatus
		state incident.CommandState
	}{
		{[]sepclient.CommandStatus{first, last}, incident.CommandFollowed},
		{[]sepclient.CommandStatus{first}, incident.CommandFollowed}, // missed
		{[]sepclient.CommandStatus{first}, incident.CommandEnded},    // gone
	} {
		state, err := enrich.Follow(t.Context(), enrich.Server{Reader: statusesOnly{statuses: statuses{"A": poll.list}}, Limits: enrich.Limits{ScanTimeout: time.Hour}},
			c, start.Add(time.Duration(i+1)*time.Minute))
		require.NoError(t, err)
		require.Equal(t, poll.state, state.Progress.State, i)
		require.Equal(t, poll.state == incident.CommandEnded, state.Next.IsZero())
		word := state.Effects[0].Row.Cells["scan_command_state"].String()
		require.Equal(t, poll.state == incident.CommandEnded, word == "Completed", word)
		c = state.Command
	}
}

// TestLongWordsOfAnEndpoint: what an endpoint says has an end in the note and in
// the ledger.
func TestLongWordsOfAnEndpoint(t *testing.T) {
	t.Parallel()
	s := at("1", sepclient.CommandRejected)
	s.Detail = strings.Repeat("no ", 1<<20)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := incident.Command{Kind: incident.FullScan, IDs: []string{"A"}, Started: start, Computers: []incident.CommandTarget{{ID: "1", Name: "PC-1"}}}
	state, err := enrich.Follow(t.Context(), enrich.Server{Reader: statusesOnly{statuses: statuses{"A": {s}}}}, c, start.Add(time.Minute))
	require.NoError(t, err)
	require.Less(t, len(state.Progress.Ended[s.ComputerID].Detail), 3000)
	require.Len(t, state.Effects, 1)
	require.Less(t, len(state.Effects[0].Note.Text), 4000)
}

// TestMatchOfNobody: one that no computer answers for, and that has neither path
// nor hash, is not taken for the scan's own row.
func TestMatchOfNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, sepm.Options{Computers: windows(1)})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FileName, "a.exe")))
	nobody := at("", sepclient.CommandCompleted, match(sepclient.HashMatch, "", ""))
	nobody.HardwareKey = "K"
	state, err := enrich.Follow(t.Context(), enrich.Server{Reader: statusesOnly{statuses: statuses{s.commands[0].IDs[0]: {nobody}}}, Limits: s.limits},
		*s.commands[0], s.clock())
	require.NoError(t, err)
	s.keep(state.Effects)
	require.Equal(t, "Query", s.find().Cells["scan_result"].String())
	require.Len(t, s.lines("EOC_scan_results"), 2, "it is in the file")
}

// TestLostScanShowsInItsRow: a row does not wait for ever for a command that
// SEPM has forgotten.
func TestLostScanShowsInItsRow(t *testing.T) {
	t.Parallel()
	s := newSite(t, sepm.Options{Computers: windows(1)})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FileName, "a.exe")))
	lost := enrich.Lost(*s.commands[0], context.Canceled, s.clock())
	require.NotZero(t, lost.Next, "SEPM may not know it yet")
	polled := *s.commands[0]
	polled.Progress.Polled = s.clock().Add(time.Hour)
	lost = enrich.Lost(polled, context.Canceled, polled.Progress.Polled.Add(30*time.Minute))
	require.NotZero(t, lost.Next, "SEPM may be starting")
	require.Empty(t, lost.Effects)
	lost = enrich.Lost(*s.commands[0], context.Canceled, s.clock().Add(time.Hour))
	require.Zero(t, lost.Next)
	s.keep(lost.Effects)
	require.Equal(t, "Unexpected status", s.find().Cells["scan_command_state"].String())
}

// TestForgottenCommand: what was known of a command that SEPM tells nothing
// about any more stays, and after a while its end is said to be unknown.
func TestForgottenCommand(t *testing.T) {
	t.Parallel()
	c := incident.Command{
		Kind: incident.Scanning, IDs: []string{"A"}, Action: "initiate_scan", Started: asked,
		Progress: incident.CommandProgress{State: incident.CommandFollowed, Polled: asked.Add(time.Minute), Total: 3, Completed: 2},
	}
	on := enrich.Server{Reader: forgetful{}}
	f, err := enrich.Follow(t.Context(), on, c, asked.Add(2*time.Minute))
	require.NoError(t, err)
	require.Equal(t, c, f.Command)
	require.Empty(t, f.Effects)
	require.False(t, f.Next.IsZero())
	f, err = enrich.Follow(t.Context(), on, c, asked.Add(2*time.Hour))
	require.NoError(t, err)
	require.True(t, f.Next.IsZero())
	require.Equal(t, 2, f.Progress.Completed)
	require.Contains(t, f.Effects[0].Note.Text, "SEPM lists none of the 3 endpoints of command A any more")
}

// forgetful is a SEPM that lists no endpoint of any command.
type forgetful struct{ enrich.Reader }

func (forgetful) CommandStatus(context.Context, string) iter.Seq2[sepclient.CommandStatus, error] {
	return func(func(sepclient.CommandStatus, error) bool) {}
}
