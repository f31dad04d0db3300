package enrich_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

func TestBulkShowsBeforeItDoes(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{
		{Name: "SRV-1", ID: hex("1")}, {Name: "SRV-2", ID: hex("2")}, {Name: "srv-<3>", ID: hex("3")}, {Name: "WKS-1", ID: hex("4")}, {Name: "SRV-9", ID: hex("9"), OS: "Ubuntu"},
	}})
	b.endpoints("SRV-1", "SRV-2", "srv-<3>", "WKS-1", "SRV-9")
	all := incident.Subject{}
	b.start("quarantine_endpoints", all, map[string]string{"filter": "srv-*"})
	require.Contains(t, b.last(), "nothing was sent yet. It would be for 3 endpoints: <b>SRV-1</b>, <b>SRV-2</b>, <b>srv-&lt;3&gt;</b>.")
	require.Contains(t, b.last(), "1 endpoint left out: <b>SRV-9</b> (")
	require.Contains(t, b.last(), "with the count 3")

	for _, count := range []string{"2", "4", "0", "-1", "three"} {
		require.Error(t, b.try("quarantine_endpoints", all, map[string]string{"filter": "srv-*", "count": count}), count)
	}
	require.Error(t, b.try("quarantine_endpoints", all, map[string]string{"filter": "none", "count": "0"}))
	require.ErrorContains(t, b.try("quarantine_endpoints", all, map[string]string{"filter": "SRV", "count": "3"}), "0 endpoints", "a name without * is all of it")
	require.Empty(t, b.Commands())

	b.start("quarantine_endpoints", all, map[string]string{"filter": "srv-*", "count": "3", "reason": "worm"})
	require.Len(t, b.Commands(), 1)
	require.Contains(t, b.last(), "Quarantine</b> of 3 endpoints")
	require.Equal(t, "In progress", b.cell(hex("3"), "quarantine_command_state"))
	require.Empty(t, b.cell(hex("4"), "quarantine_command_state"))
	require.ErrorContains(t, b.try("quarantine_endpoints", all, map[string]string{"filter": "srv-*", "count": "3"}), "0 endpoints", "they are under way")
}

func TestBulkTellsOfEachEndpoint(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{
		{Name: "A", ID: hex("A")}, {Name: "B", ID: hex("B"), Outcome: sepm.Outcome{State: 4, SubState: 3}}, {Name: "C", ID: hex("C"), Offline: true},
	}})
	b.endpoints("A", "B", "C")
	b.start("quarantine_endpoints", incident.Subject{}, map[string]string{"count": "3"})
	b.pass(10 * time.Minute)
	for id, want := range map[string][2]string{
		hex("A"): {"Completed", "Quarantined"}, hex("B"): {"Rejected", ""}, hex("C"): {"Not received", ""},
	} {
		require.Equal(t, want[0], b.cell(id, "quarantine_command_state"))
		require.Equal(t, want[1], b.cell(id, "endpoint_quarantine_status"))
	}
	require.Empty(t, b.files, "it has not ended")
	b.start(statusNow, b.onRow(hex("B")), nil)
	require.Contains(t, b.last(), "Quarantine status of <b>B</b>")
	require.Contains(t, b.last(), "Rejected")

	b.pass(time.Hour)
	require.Equal(t, "Timedout", b.cell(hex("C"), "quarantine_command_state"))
	require.Contains(t, b.last(), "completed on 1 of 3 endpoints; 1 have not answered; 1 rejected it")
	file := b.file("Quarantine_results_for_commandid_" + b.Commands()[0].ID)
	lines := strings.Split(strings.TrimSpace(file), "\r\n")
	require.Equal(t, "Computer name,Computer id,State,Detail,Last update,Confirmed by SEPM", lines[0])
	require.Len(t, lines, 4)
	require.Contains(t, file, "A,"+hex("A")+",Completed,,2024-08-21 12:00:10,Yes")
	require.Contains(t, file, "B,"+hex("B")+`,Rejected,"a duplicate, not executed",`)
	require.Contains(t, file, "C,"+hex("C")+",Timedout,,Never,No")
}

// A command for many goes out in parts, each with an id of its own.
func TestBulkInSeveralParts(t *testing.T) {
	t.Parallel()
	const fleet = 450
	opt := sepm.Options{UnknownTarget404: true}
	for i := range fleet {
		opt.Computers = append(opt.Computers, sepm.Computer{Name: fmt.Sprintf("H%03d", i), ID: hex(fmt.Sprintf("%03d", i))})
	}
	b := newCase(t, opt)
	for i := range fleet {
		b.endpoints(fmt.Sprintf("H%03d", i))
	}
	b.start("active_scan_endpoints", incident.Subject{}, map[string]string{"count": "450"})
	require.Greater(t, len(b.Commands()), 1)
	b.pass(time.Minute)
	require.Contains(t, b.last(), "completed on 450 of 450 endpoints")
	require.Equal(t, fleet+1, strings.Count(b.file("Active_scan_results_"), "\r\n"))

	// SEPM refuses the part that has the last one.
	b.DeleteComputer(hex("449"))
	b.start("quarantine_endpoints", incident.Subject{}, map[string]string{"count": "450"})
	refused := 0
	for i := range fleet {
		if b.cell(hex(fmt.Sprintf("%03d", i)), "quarantine_command_state") == "" {
			refused++
		}
	}
	require.Positive(t, refused)
	require.Contains(t, b.last(), fmt.Sprintf("of %d endpoints: SEPM has the command", fleet-refused))
	require.Contains(t, b.last(), fmt.Sprintf("SEPM refused it for %d endpoints: ", refused))
	require.Contains(t, b.last(), "<b>H449</b>")
	command := b.commands[len(b.commands)-1]
	require.Len(t, command.Computers, fleet-refused)
	b.pass(time.Minute)
	require.Len(t, b.Quarantined(), fleet-refused)
	require.Contains(t, b.last(), fmt.Sprintf("completed on %d of %d endpoints", fleet-refused, fleet-refused))
	require.Equal(t, "Quarantined", b.cell(hex("000"), "endpoint_quarantine_status"))

	b.start(statusNow, b.onRow(hex("000")), nil)
	require.Contains(t, b.last(), "Quarantined")
}

func TestScanAndUpdateOfAnEndpoint(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: hex("A"), Infected: true, OS: "MacOSX"}}})
	b.endpoints("A")
	for action, want := range map[string]struct{ kind, end string }{
		"active_scan":    {"activescan", "<b>Active scan</b> of <b>A</b>: Completed: risk found."},
		"full_scan":      {"fullscan", "<b>Full scan</b> of <b>A</b>: Completed: risk found."},
		"update_content": {"updatecontent", "<b>Content update</b> of <b>A</b>: Completed."},
	} {
		b.start(action, b.onRow(hex("A")), nil)
		commands := b.Commands()
		require.Equal(t, want.kind, commands[len(commands)-1].Kind)
		b.pass(time.Minute)
		require.Equal(t, want.end, b.last())
	}
	require.Empty(t, b.cell(hex("A"), "quarantine_command_state"))
}
