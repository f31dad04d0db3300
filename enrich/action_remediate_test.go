package enrich_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// scanned is a site on which a scan for the evil file has ended.
func scanned(t *testing.T, fleet []sepm.Computer) *site {
	t.Helper()
	s := newSite(t, sepm.Options{Computers: fleet})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(malware))))
	s.wait(time.Minute)
	require.Zero(t, s.follow())
	s.commands[0].Progress.State = incident.CommandEnded
	return s
}

// only leaves the newest command to be followed.
func (s *site) only() { s.commands = s.commands[len(s.commands)-1:] }

func carriers(n int) []sepm.Computer {
	fleet := windows(n)
	for i := range fleet {
		fleet[i].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}, {Path: `C:\copy, of.exe`, Content: malware}}
	}
	return fleet
}

// TestC21RemediationIsByHash: the path stays at home, so that nothing is
// UNSUPPORTED, and all copies on the endpoint of the row go, there alone.
func TestC21RemediationIsByHash(t *testing.T) {
	t.Parallel()
	fleet := carriers(2)
	s := scanned(t, fleet)
	row := s.find("computer_name=PC-000", `file_path=C:\evil.exe`)
	require.NoError(t, s.start("remediate", ofRow(row)))
	sent := s.sepm.Commands()[1]
	require.Contains(t, sent.Body, "<RemediationAction>REMEDIATE</RemediationAction>")
	require.Contains(t, sent.Body, `<File name="" action="create"><Hash name="SHA256" value="`+sum(malware)+`"></Hash></File>`)
	require.Len(t, sent.Targets, 1)
	require.Equal(t, fleet[0].ID, sent.Targets[0].ComputerID)
	row = s.find("computer_name=PC-000", `file_path=C:\evil.exe`)
	require.Equal(t, sent.ID, row.Cells["remediation_commandid"].String())
	require.Equal(t, "In progress", row.Cells["remediation_status"].String())
	require.ErrorContains(t, s.start("remediate", ofRow(row)), "not offered", "one at a time")

	s.wait(time.Minute)
	s.follow()
	for _, row := range s.findAll("computer_name=PC-000") {
		require.Equal(t, "Completed at 2026-03-01 12:01:10. See note/attachment.", row.Cells["remediation_status"].String(), "each row of the file on that endpoint")
	}
	require.Empty(t, s.find("computer_name=PC-001", `file_path=C:\evil.exe`).Cells["remediation_status"].String())
	require.Contains(t, s.note("Remediation of", "remediated"), "2 files remediated on 1 endpoint; completed on 1 of 1 endpoint")
	lines := s.lines("Remediation_results_for_commandid_" + sent.ID + "_20260301120110.csv")
	require.Equal(t, []string{"PC-000", "SHA256", sum(malware), `C:\copy, of.exe`, fleet[0].ID, "Succeeded", "2026-03-01 12:01:10"}, lines[1])
	require.Len(t, lines, 3)
	require.Len(t, s.sepm.Contained(fleet[0].ID), 2)
	require.Empty(t, s.sepm.Contained(fleet[1].ID))
}

// TestRemediateAllMatching: those whose rows the table has no room for, too,
// but not those that have remediated already. Each row shows its own end.
func TestRemediateAllMatching(t *testing.T) {
	t.Parallel()
	fleet := carriers(5)
	for i := range fleet {
		fleet[i].Files = fleet[i].Files[:1]
	}
	fleet[1].Files[0].Stuck = true
	s := newSite(t, sepm.Options{Computers: fleet})
	s.limits.Results = 4
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(malware))))
	s.wait(time.Minute)
	s.follow()
	require.NoError(t, s.start("remediate", ofRow(s.find("computer_name=PC-003"))))
	s.wait(time.Minute)
	s.follow()
	done := s.find("computer_name=PC-003").Cells["remediation_status"].String()
	require.Contains(t, done, "Completed at")

	s.sepm.ChangeComputer(fleet[2].ID, func(c *sepm.Computer) { c.Outcome = sepm.Outcome{State: 4, Text: "<b>Completed</b> busy"} })
	require.NoError(t, s.start("remediate", ofRow(s.find("computer_name=PC-000")), "target=All matching endpoints"))
	require.Len(t, s.sepm.Commands()[2].Targets, 4, "all that matched but the one that is done")
	s.only()
	s.wait(time.Minute)
	require.Zero(t, s.follow())
	require.Contains(t, s.find("computer_name=PC-000").Cells["remediation_status"].String(), "Completed at")
	require.Equal(t, "Failed", s.find("computer_name=PC-001").Cells["remediation_status"].String())
	require.Equal(t, "Rejected", s.find("computer_name=PC-002").Cells["remediation_status"].String(), "an endpoint's words choose no state")
	require.Equal(t, done, s.find("computer_name=PC-003").Cells["remediation_status"].String())
	require.Empty(t, s.findAll("computer_name=PC-004"), "no row is made for it")
	require.Len(t, s.sepm.Contained(fleet[4].ID), 1, "but it is remediated")
	text := s.note("2 files remediated on 2 endpoints")
	require.Contains(t, text, `Not remediated: C:\evil.exe on PC-001`)
	require.Contains(t, text, "Not completed: PC-002 rejected (&lt;b&gt;Completed&lt;/b&gt; busy)")

	require.NoError(t, s.start("remediate", ofRow(s.find("computer_name=PC-001"))), "what failed may be tried again")
}

// TestRemediationOfOneCopy: of two copies on an endpoint one is stuck. Each row
// tells of its own, and the second try does not touch the row that is done.
func TestRemediationOfOneCopy(t *testing.T) {
	t.Parallel()
	fleet := carriers(1)
	fleet[0].Files[1].Stuck = true
	s := scanned(t, fleet)
	for range 2 {
		require.NoError(t, s.start("remediate", ofRow(s.find(`file_path=C:\copy, of.exe`))))
		s.only()
		s.wait(time.Minute)
		s.follow()
		require.Equal(t, "Failed", s.find(`file_path=C:\copy, of.exe`).Cells["remediation_status"].String())
		require.Equal(t, "Completed at 2026-03-01 12:01:10. See note/attachment.", s.find(`file_path=C:\evil.exe`).Cells["remediation_status"].String())
	}
}

// TestRemediationTakenInPart: the row of an endpoint for which SEPM refused it
// does not wait.
func TestRemediationTakenInPart(t *testing.T) {
	t.Parallel()
	s := newSite(t, sepm.Options{})
	row := func(id string) incident.Row {
		r := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{
			"scan_commandid": incident.Text("A"), "computer_id": incident.Text(id), "computer_name": incident.Text("PC-" + id), "hash_value": incident.Text(sum(malware))}}
		s.rows[r.Identity()] = r
		return r
	}
	one, _ := row("1"), row("2")
	call := func(id string) incident.Call {
		return incident.Call{Operation: incident.OpRemediate, Target: incident.Target{Computers: []string{id}},
			Body: []byte(`{"evidence":[{"hash_kind":"SHA256","hash":"` + sum(malware) + `"}],"reach":{"names":{"1":"PC-1","2":"PC-2"}}}`)}
	}
	action, err := enrich.ActionNamed("remediate")
	require.NoError(t, err)
	step, err := action.Next(t.Context(), s.plan(incident.Run{Subject: ofRow(one), Answers: []incident.Answer{
		{Call: call("2"), Body: []byte(`{"ids":["C"]}`), At: s.clock()}, {Call: call("1"), Error: "<gone>", Status: 404, At: s.clock()},
	}}))
	require.NoError(t, err)
	s.keep(step.Effects)
	require.Empty(t, s.find("computer_id=1").Cells["remediation_status"].String())
	require.Equal(t, "In progress", s.find("computer_id=2").Cells["remediation_status"].String())
	require.Equal(t, []incident.CommandTarget{{ID: "2", Name: "PC-2"}}, s.commands[0].Computers)
	require.Contains(t, s.note("was started"), "on 1 endpoint: PC-2. SEPM refused it for PC-1: &lt;gone&gt;")
}

// TestRemediationFindsNothing: the file has gone since the scan.
func TestRemediationFindsNothing(t *testing.T) {
	t.Parallel()
	fleet := carriers(1)
	s := scanned(t, fleet)
	s.sepm.ChangeComputer(fleet[0].ID, func(c *sepm.Computer) { c.Files = nil })
	row := s.find(`file_path=C:\evil.exe`)
	require.NoError(t, s.start("remediate", ofRow(row)))
	s.only()
	s.wait(time.Minute)
	s.follow()
	require.Equal(t, "No match found", s.find(`file_path=C:\evil.exe`).Cells["remediation_status"].String())

	s.sepm.ChangeComputer(fleet[0].ID, func(c *sepm.Computer) { c.EOCResult = sepm.EOCNull })
	require.NoError(t, s.start("remediate", ofRow(s.find(`file_path=C:\evil.exe`))))
	s.only()
	s.wait(time.Minute)
	s.follow()
	require.Contains(t, s.find(`file_path=C:\evil.exe`).Cells["remediation_status"].String(), "Unexpected status")
}

// TestRemediationOfAnOfflineEndpoint: its row times out, can be asked for by
// hand, and gets the end that comes late.
func TestRemediationOfAnOfflineEndpoint(t *testing.T) {
	t.Parallel()
	fleet := carriers(1)
	s := scanned(t, fleet)
	s.sepm.ChangeComputer(fleet[0].ID, func(c *sepm.Computer) { c.Offline = true })
	require.NoError(t, s.start("remediate", ofRow(s.find(`file_path=C:\evil.exe`))))
	s.only()
	s.wait(10 * time.Minute)
	s.follow()
	require.NoError(t, s.start("get_remediation_status", ofRow(s.find(`file_path=C:\evil.exe`))))
	require.Equal(t, "In progress", s.find(`file_path=C:\evil.exe`).Cells["remediation_status"].String())
	s.wait(20 * time.Minute)
	s.follow()
	require.Equal(t, "Timedout", s.find(`file_path=C:\evil.exe`).Cells["remediation_status"].String())
	s.sepm.ChangeComputer(fleet[0].ID, func(c *sepm.Computer) { c.Offline = false })
	s.wait(time.Minute)
	require.NoError(t, s.start("get_remediation_status", ofRow(s.find(`file_path=C:\evil.exe`))))
	require.Contains(t, s.find(`file_path=C:\evil.exe`).Cells["remediation_status"].String(), "Completed at")
	require.Len(t, s.lines("Remediation_results"), 3)
	require.Zero(t, s.follow())
	require.Len(t, s.lines("Remediation_results"), 3, "the follow-up says the same")
}

// TestWindowsOnly: a row may be of any endpoint, and not each can do this.
func TestWindowsOnly(t *testing.T) {
	t.Parallel()
	fleet := carriers(1)
	fleet[0].OS = "Ubuntu"
	s := newSite(t, sepm.Options{Computers: fleet})
	row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{
		"scan_commandid": incident.Text("A"), "scan_command_state": incident.Text("Completed"), "scan_result": incident.Text("HASH_MATCH"),
		"computer_id": incident.Text(fleet[0].ID), "computer_name": incident.Text("PC-000"), "file_path": incident.Text("/evil"), "hash_value": incident.Text(sum(malware)),
	}}
	for _, action := range []string{"remediate", "upload_file"} {
		require.ErrorContains(t, s.start(action, ofRow(row)), "PC-000 runs Ubuntu 22.04, and this is for Windows endpoints only")
		s.sepm.DeleteComputer(fleet[0].ID)
		require.ErrorContains(t, s.start(action, ofRow(row)), "SEPM knows no endpoint PC-000")
		s.sepm.AddComputer(fleet[0])
	}
	require.Empty(t, s.sepm.Commands())
}

// TestC11ConditionsKnowAllSpellings: whoever wrote the row, its actions stay.
func TestC11ConditionsKnowAllSpellings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		action string
		result string
		cells  map[string]string
		want   bool
	}{
		{"remediate", "Hash match", nil, true},
		{"remediate", "HASH_MATCH", nil, true},
		{"remediate", "FULL_MATCH", nil, true},
		{"remediate", "PARTIAL_MATCH", nil, true},
		{"remediate", "Query", nil, false},
		{"remediate", "No match found", nil, false},
		{"remediate", "Hash match", map[string]string{"remediation_status": "Waiting/Not received"}, false},
		{"remediate", "Hash match", map[string]string{"remediation_status": "Completed at 2026-03-01"}, false},
		{"remediate", "Hash match", map[string]string{"scan_command_state": "In progress"}, false},
		{"remediate", "Hash match", map[string]string{"hash_value": ""}, false},
		{"upload_file", "Partial match", nil, true},
		{"upload_file", "HASH_MATCH", nil, true},
		{"upload_file", "HASH_MATCH", map[string]string{"file_upload_status": "In progress"}, false},
		{"upload_file", "HASH_MATCH", map[string]string{"file_upload_status": "Rejected"}, true},
		{"add_artifact_from_scan_result", "HASH_MATCH", nil, true},
		{"add_artifact_from_scan_result", "Full match", nil, true},
		{"add_artifact_from_scan_result", "Partial match", nil, false},
		{"add_artifact_from_scan_result", "PARTIAL_MATCH", nil, false},
		{"get_remediation_status", "Hash match", nil, false},
		{"get_remediation_status", "Hash match", map[string]string{"remediation_commandid": "A", "remediation_status": "Timeout"}, true},
		{"get_upload_status", "Hash match", map[string]string{"upload_commandid": "A", "file_upload_status": "Initial / Not received"}, true},
		{"get_upload_status", "Hash match", map[string]string{"upload_commandid": "A", "file_upload_status": "Completed"}, false},
		{"get_file_content", "Hash match", map[string]string{"file_id": "A", "file_upload_status": "Completed"}, true},
		{"get_file_content", "Hash match", map[string]string{"file_upload_status": "Completed"}, false},
		{"get_endpoint_details", "Query", nil, true},
		{"get_endpoint_details", "Query", map[string]string{"computer_name": " "}, false},
	} {
		row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{
			"scan_commandid": incident.Text("A"), "scan_command_state": incident.Text("Completed"), "scan_result": incident.Text(tt.result),
			"computer_id": incident.Text("C"), "computer_name": incident.Text("PC"), "file_path": incident.Text(`C:\a`), "hash_value": incident.Text(sum(malware)),
		}}
		for column, text := range tt.cells {
			row.Cells[column] = incident.Text(text)
		}
		action, err := enrich.ActionNamed(tt.action)
		require.NoError(t, err)
		require.Equal(t, tt.want, action.Offered(ofRow(row)) == nil, "%s on %s %v", tt.action, tt.result, tt.cells)
	}
}

// TestRemediationOfFnSEPsRow: the hash goes by its length, whatever wrote it.
func TestRemediationOfFnSEPsRow(t *testing.T) {
	t.Parallel()
	fleet := carriers(1)
	s := newSite(t, sepm.Options{Computers: fleet})
	row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{
		"scan_commandid": incident.Text("ABCD"), "scan_command_state": incident.Text("Completed"), "scan_result": incident.Text("FULL_MATCH"),
		"computer_id": incident.Text(fleet[0].ID), "computer_name": incident.Text("PC-000"), "file_path": incident.Text(`C:\evil.exe`),
		"hash_value": incident.Text(" " + strings.Repeat("Ab", 16)), "scan_type": incident.Text("FULL"),
	}}
	require.NoError(t, s.start("remediate", ofRow(row)))
	require.Contains(t, s.sepm.Commands()[0].Body, `<Hash name="MD5" value="`+strings.Repeat("ab", 16)+`">`)
	require.Contains(t, s.sepm.Commands()[0].Body, "FULL_SCAN")
	row.Cells["hash_value"] = incident.Text("42")
	require.ErrorContains(t, s.start("remediate", ofRow(row)), "is no hash")

	// One whose command is not in the ledger is asked for by the row.
	sent, err := s.client.Scan(t.Context(), sepclient.Targets{Computers: []string{fleet[0].ID}},
		sepclient.Scan{Remediate: true, Evidence: []sepclient.Evidence{{Hash: sepclient.FileHash{Kind: sepclient.SHA256, Value: sum(malware)}}}})
	require.NoError(t, err)
	s.wait(time.Minute)
	row.Cells["remediation_commandid"], row.Cells["remediation_status"] = incident.Text(sent.IDs()[0]), incident.Text("Waiting/Not received")
	require.NoError(t, s.start("get_remediation_status", ofRow(row)))
	require.Contains(t, s.rows[row.Identity()].Cells["remediation_status"].String(), "Completed at")
}
