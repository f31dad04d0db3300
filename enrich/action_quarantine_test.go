package enrich_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

const (
	quarantine   = "quarantine_endpoint"
	unquarantine = "unquarantine_endpoint"
	statusNow    = "quarantine_status"
)

// fn_sep names the endpoint's group, too, which puts all of it into quarantine.
func TestPartC01QuarantineNamesTheComputerOnly(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A")}, {Name: "B", ID: hex("B")}, {Name: "C", ID: hex("C")}}})
	b.endpoints("A", "B")
	require.NotEmpty(t, b.cell(hex("A"), "group_id"), "the row knows the group")

	b.start(quarantine, b.onRow(hex("A")), map[string]string{"reason": "beacon <to> C2"})
	require.Equal(t, "In progress", b.cell(hex("A"), "quarantine_command_state"))
	require.Equal(t, b.Commands()[0].ID, b.cell(hex("A"), "quarantine_commandid"))
	require.Contains(t, b.last(), "beacon &lt;to&gt; C2")
	b.pass(time.Hour)
	require.Equal(t, []string{hex("A")}, b.Quarantined())

	b.start("quarantine_endpoints", incident.Subject{}, map[string]string{"count": "1"})
	b.start(unquarantine, b.onRow(hex("A")), nil)
	b.pass(time.Hour)
	require.Equal(t, []string{hex("B")}, b.Quarantined())
	for _, c := range b.Commands() {
		require.Equal(t, "computer", c.By)
		require.Len(t, c.Targets, 1)
	}
	require.Equal(t, "beacon <to> C2", b.commands[0].Why)
	require.Equal(t, "analyst", b.commands[0].By)
}

func TestQuarantineIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{ReceivedAfter: time.Minute, StartedAfter: 10 * time.Minute, CompletedAfter: 20 * time.Minute,
		Computers: []sepm.Computer{{Name: "A", ID: hex("A")}}})
	b.endpoints("A")
	id := hex("A")
	require.Equal(t, []string{quarantine, unquarantine}, b.offered(id, quarantine, unquarantine), "nothing is known")

	b.start(quarantine, b.onRow(id), nil)
	require.Empty(t, b.offered(id, quarantine, unquarantine), "one is under way")
	for _, step := range []struct {
		after time.Duration
		word  string
	}{{30 * time.Second, "Not received"}, {5 * time.Minute, "Received"}, {8 * time.Minute, "In progress"}} {
		b.pass(step.after)
		require.Equal(t, step.word, b.cell(id, "quarantine_command_state"))
		require.Empty(t, b.offered(id, quarantine, unquarantine), step.word)
		require.Empty(t, b.cell(id, "endpoint_quarantine_status"))
	}
	b.pass(20 * time.Minute)
	require.Equal(t, "Completed", b.cell(id, "quarantine_command_state"))
	require.Equal(t, "Quarantined", b.cell(id, "endpoint_quarantine_status"))
	require.Contains(t, b.last(), "Quarantine</b> of <b>A</b>: Completed. SEPM confirms it: Quarantined.")
	require.Equal(t, []string{unquarantine}, b.offered(id, quarantine, unquarantine))
	require.True(t, b.next[b.commands[0]].IsZero(), "it is not followed any more")
	require.Len(t, b.told, 2, "a note at the start and one at the end")

	b.start(unquarantine, b.onRow(id), nil)
	b.pass(time.Hour)
	require.Empty(t, b.Quarantined())
	require.Equal(t, "Completed", b.cell(id, "quarantine_command_state"))
	require.Equal(t, "Completed, release not confirmed", b.cell(id, "endpoint_quarantine_status"), "Host Integrity is disabled")
	require.Equal(t, []string{quarantine, unquarantine}, b.offered(id, quarantine, unquarantine))
}

// fn_sep takes whatever is not "passed" for quarantined: with Host Integrity
// disabled, the common default, no endpoint can be put into quarantine.
func TestPartC13HostIntegrityProvesNothing(t *testing.T) {
	t.Parallel()
	for name, integrity := range map[string]sepm.Integrity{
		"disabled": sepm.IntegrityDisabled, "failed": sepm.IntegrityFailed, "pending": sepm.IntegrityPending, "ignored": sepm.IntegrityIgnored,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The words for a client in quarantine are not known, and may be these.
			b := newCase(t, sepm.Options{QuarantineText: "Host Integrity check is disabled.", Computers: []sepm.Computer{{Name: "A", ID: hex("A"), Integrity: integrity}}})
			b.endpoints("A")
			require.Empty(t, b.cell(hex("A"), "endpoint_quarantine_status"))
			require.Equal(t, []string{quarantine, unquarantine}, b.offered(hex("A"), quarantine, unquarantine))

			b.start(quarantine, b.onRow(hex("A")), nil)
			b.pass(time.Hour)
			require.Equal(t, "Completed", b.cell(hex("A"), "quarantine_command_state"))
			status := b.cell(hex("A"), "endpoint_quarantine_status")
			require.Equal(t, "Completed, isolation not confirmed", status)
			require.NotContains(t, status, "uarantined", "conditions look for the word")
			require.Equal(t, []string{quarantine, unquarantine}, b.offered(hex("A"), quarantine, unquarantine))
			require.Contains(t, b.last(), "isolation not confirmed")

			b.endpoints("A")
			require.Equal(t, status, b.cell(hex("A"), "endpoint_quarantine_status"), "looking it up does not forget it")
		})
	}
}

// Once a quarantine has completed, a check that passed is no sign that the
// endpoint is not in quarantine.
func TestPassedCheckDoesNotRefuteAQuarantine(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{QuarantineText: "Host Integrity check passed", Computers: []sepm.Computer{{Name: "A", ID: hex("A"), Integrity: sepm.IntegrityPassed}}})
	b.endpoints("A")
	require.Equal(t, "Un-Quarantined", b.cell(hex("A"), "endpoint_quarantine_status"))
	require.Equal(t, []string{quarantine}, b.offered(hex("A"), quarantine, unquarantine))

	b.start(quarantine, b.onRow(hex("A")), nil)
	b.pass(time.Hour)
	b.endpoints("A")
	require.Equal(t, "Completed, isolation not confirmed", b.cell(hex("A"), "endpoint_quarantine_status"))

	b.start(unquarantine, b.onRow(hex("A")), nil)
	b.pass(time.Hour)
	require.Equal(t, "Un-Quarantined", b.cell(hex("A"), "endpoint_quarantine_status"))
}

// SEPM hears of the quarantine with the next heartbeat.
func TestQuarantineIsConfirmedLater(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A")}}})
	b.endpoints("A")
	b.start(quarantine, b.onRow(hex("A")), nil)
	behind := true
	b.Before("GET /computers", func() {
		if integrity := sepm.Quarantined; len(b.Server.Commands()) > 0 {
			if behind {
				integrity = sepm.IntegrityDisabled
			}
			b.ChangeComputer(hex("A"), func(c *sepm.Computer) { c.Integrity = integrity })
		}
	})
	b.pass(time.Minute)
	require.Equal(t, "Completed, isolation not confirmed", b.cell(hex("A"), "endpoint_quarantine_status"))
	behind = false
	b.pass(20 * time.Minute)
	require.Equal(t, "Quarantined", b.cell(hex("A"), "endpoint_quarantine_status"))
	require.Contains(t, b.last(), "SEPM confirms it now")
	require.True(t, b.next[b.commands[0]].IsZero(), "it is not followed any more")
}

// Somebody who changes it in SEPM's console is seen, once the endpoint has
// been in touch since.
func TestWordsThatSayTheOppositeCountWhenTheyAreNewer(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{QuarantineText: "The client is quarantined", Computers: []sepm.Computer{{Name: "A", ID: hex("A"), LastUpdate: time.Date(2024, 8, 21, 11, 0, 0, 0, time.UTC)}}})
	b.endpoints("A")
	b.start(unquarantine, b.onRow(hex("A")), nil)
	b.pass(time.Hour)
	b.ChangeComputer(hex("A"), func(c *sepm.Computer) { c.Integrity = sepm.Quarantined })
	b.endpoints("A")
	require.Equal(t, "Completed, release not confirmed", b.cell(hex("A"), "endpoint_quarantine_status"), "the words may be older than the command")
	b.ChangeComputer(hex("A"), func(c *sepm.Computer) { c.LastUpdate = b.clock.Now() })
	b.pass(2 * time.Minute)
	b.endpoints("A")
	require.Equal(t, "Quarantined", b.cell(hex("A"), "endpoint_quarantine_status"))
}

func TestQuarantineThatEndsOtherwise(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		outcome     sepm.Outcome
		word, notes string
	}{
		{sepm.Outcome{State: 4, SubState: 3}, "Rejected", "a duplicate, not executed"},
		{sepm.Outcome{State: 4, SubState: 1, Text: "policy <forbids> it"}, "Rejected", "policy &lt;forbids&gt; it"},
		{sepm.Outcome{State: 5}, "Canceled", "Canceled."},
		{sepm.Outcome{State: 6, SubState: 6}, "Failed", "unexpected error"},
	} {
		t.Run(test.word, func(t *testing.T) {
			t.Parallel()
			b := newCase(t, sepm.Options{Outcome: test.outcome, Computers: []sepm.Computer{{Name: "A", ID: hex("A"), Integrity: sepm.IntegrityPassed}}})
			b.endpoints("A")
			b.start(quarantine, b.onRow(hex("A")), nil)
			b.pass(time.Hour)
			require.Equal(t, test.word, b.cell(hex("A"), "quarantine_command_state"))
			require.Contains(t, b.last(), test.word)
			require.Contains(t, b.last(), test.notes)
			require.Equal(t, "Un-Quarantined", b.cell(hex("A"), "endpoint_quarantine_status"), "nothing has changed")
			require.Equal(t, []string{quarantine}, b.offered(hex("A"), quarantine, unquarantine), "it can be tried again")
			require.Empty(t, b.Quarantined())
		})
	}
}

// fn_sep writes "Timeout", which its own conditions do not know, and asks only
// when somebody presses a button.
func TestPartC12And25OfflineEndpointAnswersLate(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A"), Offline: true}}})
	b.endpoints("A")
	b.start(quarantine, b.onRow(hex("A")), nil)
	b.pass(40 * time.Minute)
	require.Equal(t, "Not received", b.cell(hex("A"), "quarantine_command_state"))
	b.pass(10 * time.Minute)
	require.Equal(t, "Timedout", b.cell(hex("A"), "quarantine_command_state"), "after three heartbeats")
	require.Contains(t, b.last(), "no answer after 45m0s")
	require.Equal(t, []string{quarantine, unquarantine}, b.offered(hex("A"), quarantine, unquarantine))

	newer := endpointCell(hex("A"), "quarantine_command_state", "Received")
	b.keep([]incident.Effect{newer})
	b.pass(5 * time.Hour)
	require.Len(t, b.told, 2, "the time-out is told once")
	require.Equal(t, "Received", b.cell(hex("A"), "quarantine_command_state"), "and written once")
	b.ChangeComputer(hex("A"), func(c *sepm.Computer) { c.Offline = false })
	b.pass(40 * time.Minute)
	require.Equal(t, "Completed", b.cell(hex("A"), "quarantine_command_state"))
	require.Equal(t, "Quarantined", b.cell(hex("A"), "endpoint_quarantine_status"))
	require.Contains(t, b.last(), "SEPM confirms it: Quarantined")
}

// What an older command has to say late does not stand where a newer one has
// written.
func TestLateAnswerDoesNotWriteOverANewerCommand(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A"), Offline: true}}})
	b.endpoints("A")
	b.start(quarantine, b.onRow(hex("A")), nil)
	b.pass(50 * time.Minute)
	b.start(unquarantine, b.onRow(hex("A")), nil)
	newer := b.cell(hex("A"), "quarantine_commandid")
	b.ChangeComputer(hex("A"), func(c *sepm.Computer) { c.Offline = false })
	b.pass(3 * time.Hour)
	require.Equal(t, newer, b.cell(hex("A"), "quarantine_commandid"))
	require.Equal(t, "Completed", b.cell(hex("A"), "quarantine_command_state"))
	require.Equal(t, "Completed, release not confirmed", b.cell(hex("A"), "endpoint_quarantine_status"))
	require.Empty(t, b.Quarantined())
}

func TestQuarantineIsForWindowsOnly(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "LNX", ID: hex("A"), OS: "Ubuntu"}, {Name: "MAC", ID: hex("B"), OS: "MacOSX"}, {Name: "WIN", ID: hex("C")}}})
	b.endpoints("LNX", "MAC", "WIN")
	for _, id := range []string{hex("A"), hex("B")} {
		require.Empty(t, b.offered(id, quarantine, unquarantine))
		require.ErrorContains(t, b.try(quarantine, b.onRow(id), nil), "operatingSystem")
	}
	// Of a row that says otherwise, SEPM knows better.
	b.ChangeComputer(hex("C"), func(c *sepm.Computer) { c.OS = "RedHat" })
	var mistake *enrich.Mistake
	require.ErrorAs(t, b.try(quarantine, b.onRow(hex("C")), nil), &mistake)
	require.ErrorContains(t, mistake, "Red Hat")
	require.Empty(t, b.Commands())
}

func TestQuarantineOfAnEndpointThatIsGone(t *testing.T) {
	t.Parallel()
	for _, unknown404 := range []bool{false, true} {
		b := newCase(t, sepm.Options{UnknownComputer404: unknown404, Computers: []sepm.Computer{{Name: "A", ID: hex("A")}, {Name: "A", ID: hex("B")}}})
		b.endpoints("A")
		b.DeleteComputer(hex("A"))
		require.ErrorContains(t, b.try(quarantine, b.onRow(hex("A")), nil), "knows no endpoint A with the id "+hex("A"))
		require.Empty(t, b.Commands(), "and its namesake is left alone")
	}
}

// A SEPM before 14.3 does not filter by the id.
func TestQuarantineOnOlderSEPM(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Release: sepm.V142, Computers: []sepm.Computer{{Name: "A", ID: hex("A")}, {Name: "A", ID: hex("B")}, {Name: "C", ID: hex("C")}}})
	b.endpoints("A")
	b.start(quarantine, b.onRow(hex("B")), nil)
	b.pass(time.Hour)
	require.Equal(t, []string{hex("B")}, b.Quarantined())
	require.Equal(t, "Quarantined", b.cell(hex("B"), "endpoint_quarantine_status"))
	require.Empty(t, b.cell(hex("A"), "quarantine_command_state"))
}

func TestRefusedQuarantineFails(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{UnknownTarget404: true, Computers: []sepm.Computer{{Name: "A", ID: hex("A")}}})
	b.endpoints("A")
	b.Before("POST /command-queue/quarantine", func() { b.DeleteComputer(hex("A")) })
	var mistake *enrich.Mistake
	require.ErrorAs(t, b.try(quarantine, b.onRow(hex("A")), nil), &mistake)
	require.ErrorContains(t, mistake, "SEPM refused it")
	require.Empty(t, b.cell(hex("A"), "quarantine_command_state"))
}

func TestQuarantineStatusNow(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A")}}})
	b.endpoints("A")
	require.Empty(t, b.offered(hex("A"), statusNow), "there is no command")
	b.start(quarantine, b.onRow(hex("A")), nil)
	b.clock.pass(3 * time.Second)
	b.start(statusNow, b.onRow(hex("A")), nil)
	require.Equal(t, "Not received", b.cell(hex("A"), "quarantine_command_state"))
	told := len(b.told)
	b.start(statusNow, b.onRow(hex("A")), nil)
	require.Len(t, b.told, told, "the same state is not told twice")
	b.clock.pass(time.Minute)
	b.start(statusNow, b.onRow(hex("A")), nil)
	require.Equal(t, "Completed", b.cell(hex("A"), "quarantine_command_state"))
	require.Equal(t, "Quarantined", b.cell(hex("A"), "endpoint_quarantine_status"))
	require.Equal(t, "2024-08-21 12:01:03", b.cell(hex("A"), "query_execution_date"))
	require.Contains(t, b.last(), "Quarantine status of <b>A</b>")
	require.Len(t, b.commands, 1)
}

// The command of a row that fn_sep made is in no ledger.
func TestQuarantineStatusOfFnSepsRow(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A")}, {Name: "B", ID: hex("B")}}})
	b.endpoints("A", "B")
	b.start(quarantine, b.onRow(hex("A")), nil)
	b.start(unquarantine, b.onRow(hex("B")), nil)
	b.commands = nil
	b.clock.pass(time.Minute)
	for id, want := range map[string]string{hex("A"): "Quarantined", hex("B"): "Completed, not confirmed"} {
		b.start(statusNow, b.onRow(id), nil)
		require.Equal(t, "Completed", b.cell(id, "quarantine_command_state"))
		require.Equal(t, want, b.cell(id, "endpoint_quarantine_status"))
	}
	require.Empty(t, b.commands)
}

func TestQuarantineStatusOfACommandThatSEPMHasForgotten(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{UnknownCommand: sepm.Unknown410, Computers: []sepm.Computer{{Name: "A", ID: hex("A")}}})
	b.endpoints("A")
	row := b.row(hex("A"))
	row.Cells["quarantine_commandid"] = incident.Text(hex("DEAD"))
	require.ErrorContains(t, b.try(statusNow, incident.Subject{Row: &row}, nil), "does not know the command")

	lost := enrich.Lost(incident.Command{
		Kind: incident.Quarantining, IDs: []string{hex("DEAD")}, Started: b.clock.Now(),
		Computers: []incident.CommandTarget{{ID: hex("A"), Name: "A"}},
	}, sepclient.ErrNotFound, b.clock.Now().Add(time.Hour))
	b.keep(lost.Effects)
	require.Equal(t, "Timedout", b.cell(hex("A"), "quarantine_command_state"), "it does not say for ever that it is under way")
}

// Of two commands the one that completed last counts, not the one that was sent
// last.
func TestLastCompletedCommandCounts(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A")}}})
	command := func(kind incident.CommandKind, sent, completed time.Duration) *incident.Command {
		return &incident.Command{Kind: kind, Started: b.clock.Now().Add(sent), Progress: incident.CommandProgress{
			Ended: map[string]incident.EndpointResult{hex("A"): {State: "completed", At: b.clock.Now().Add(completed)}},
		}}
	}
	late, early := command(incident.Quarantining, 0, 9*time.Minute), command(incident.Unquarantining, time.Minute, 2*time.Minute)
	b.commands = []*incident.Command{late, early}
	b.endpoints("A")
	require.Equal(t, "Completed, isolation not confirmed", b.cell(hex("A"), "endpoint_quarantine_status"))
	b.commands = []*incident.Command{early, late}
	b.endpoints("A")
	require.Equal(t, "Completed, isolation not confirmed", b.cell(hex("A"), "endpoint_quarantine_status"))
}

// While a command for many goes on, SEPM is not asked again and again about
// those that have completed.
func TestCompletedEndpointsAreAskedAboutOnce(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{QuarantineText: "-", Computers: []sepm.Computer{{Name: "A", ID: hex("A")}, {Name: "B", ID: hex("B"), Offline: true}}})
	b.endpoints("A", "B")
	b.start("quarantine_endpoints", incident.Subject{}, map[string]string{"count": "2"})
	before := b.Calls()["GET /computers"]
	b.pass(40 * time.Minute)
	require.Equal(t, before+1, b.Calls()["GET /computers"])
	b.ChangeComputer(hex("B"), func(c *sepm.Computer) { c.Offline = false })
	b.pass(time.Hour)
	require.Equal(t, before+1+1+2, b.Calls()["GET /computers"], "B once, and both once more at the end")
	require.Contains(t, b.last(), "on 2 of these isolation not confirmed")
}

func endpointCell(id, column, text string) incident.Effect {
	return incident.Effect{Row: &incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
		"uniqueId": incident.Text(id), column: incident.Text(text),
	}}}
}
