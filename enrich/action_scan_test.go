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

// TestC2AllEndpointsAreScanned: a fleet larger than SEPM's page is scanned, by
// its groups, and what is not Windows is counted apart and named.
func TestC2AllEndpointsAreScanned(t *testing.T) {
	t.Parallel()
	fleet := windows(45)
	fleet[44].Group.Name = `My Company\Lab`
	fleet[44].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}}
	fleet = append(fleet,
		sepm.Computer{Name: "MAC<1>", OS: "MacOSX", Group: sepm.Group{Name: `My Company\Office`}, Files: []sepm.File{{Path: "/evil", Content: malware}}},
		sepm.Computer{Name: "LNX-1", OS: "Ubuntu", Group: sepm.Group{Name: `My Company\Linux`}})
	s := newSite(t, sepm.Options{Computers: fleet})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, strings.ToUpper(sum(malware)))))

	c := s.commands[0]
	require.Len(t, s.sepm.Commands(), 1, "one command for all")
	require.Equal(t, "group", s.sepm.Commands()[0].By)
	require.Len(t, s.sepm.Commands()[0].Targets, 46, "a group without Windows is left alone")
	require.Equal(t, []string{s.sepm.Commands()[0].ID}, c.IDs)
	require.Len(t, c.Groups, 2)
	require.Contains(t, []string{c.Groups[0].Name, c.Groups[1].Name}, `My Company\Lab`)
	require.Len(t, c.Others, 2)
	require.Equal(t, map[string]string{
		"scan_commandid": c.IDs[0], "artifact_id": "7", "artifact_type": "Malware SHA-256 Hash", "artifact_value": strings.ToUpper(sum(malware)),
		"scan_type": "QUICK", "query_execution_date": "2026-03-01 12:00:00", "scan_command_state": "In progress", "scan_result": "Query",
	}, cells(s.find("scan_commandid="+c.IDs[0])))
	text := s.note("was started")
	require.Contains(t, text, "45 Windows endpoints in 2 groups")
	require.Contains(t, text, "2 endpoints cannot be scanned")
	require.Contains(t, text, "MAC&lt;1&gt;")
	require.Contains(t, text, "LNX-1")

	s.wait(time.Minute)
	require.Zero(t, s.follow(), "it has ended")
	require.Len(t, s.rows, 2, "the match on the Mac does not count")
	require.Equal(t, map[string]string{
		"scan_commandid": c.IDs[0], "computer_id": fleet[44].ID, "computer_name": "PC-044", "file_path": `C:\evil.exe`, "hash_value": sum(malware),
		"artifact_id": "7", "artifact_type": "Malware SHA-256 Hash", "artifact_value": strings.ToUpper(sum(malware)),
		"scan_type": "QUICK", "query_execution_date": "2026-03-01 12:00:10", "scan_command_state": "Completed", "scan_result": "Hash match",
	}, cells(s.find("computer_name=PC-044")))
	require.Equal(t, "Completed", s.find("computer_id=").Cells["scan_command_state"].String())
	require.Equal(t, "Query", s.find("computer_id=").Cells["scan_result"].String())
	require.Contains(t, s.note("EOC scan for", "1 match on 1 endpoint"), "completed on 45 of 45 endpoints; 1 others, not Windows, were not counted")
	require.Len(t, s.lines("EOC_scan_results_for_commandid_"+c.IDs[0]+"_20260301120010.csv"), 2)
}

// TestScanOfTheIncidentsEndpoints addresses their ids, and Windows only.
func TestScanOfTheIncidentsEndpoints(t *testing.T) {
	t.Parallel()
	fleet := windows(3)
	s := newSite(t, sepm.Options{Computers: fleet})
	endpoint := func(id, name, os string) incident.Row {
		return incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
			"uniqueId": incident.Text(id), "computerName": incident.Text(name), "operatingSystem": incident.Text(os)}}
	}
	on := foundOn(incident.FileName, "evil.exe")
	require.ErrorContains(t, s.start("initiate_scan", on, "targets=Endpoints of this incident"), "no Windows endpoint")
	require.Empty(t, s.sepm.Commands())

	s.known.Rows = []incident.Row{endpoint(fleet[1].ID, "PC-001", "Windows 10"), endpoint("M", "MAC-1", "macOS"), endpoint(fleet[1].ID, "PC-001", "Windows 10")}
	require.NoError(t, s.start("initiate_scan", on, "targets=Endpoints of this incident", "scan_type=FULL_SCAN"))
	require.Equal(t, []incident.CommandTarget{{ID: fleet[1].ID, Name: "PC-001"}}, s.commands[0].Computers)
	require.Empty(t, s.commands[0].Groups)
	require.Len(t, s.sepm.Commands()[0].Targets, 1)
	require.Contains(t, s.sepm.Commands()[0].Body, "FULL_SCAN")
	require.Contains(t, s.note("was started"), "1 Windows endpoint; 1 endpoint cannot be scanned, not being Windows: MAC-1")
	require.Equal(t, "FULL", s.find("computer_id=").Cells["scan_type"].String())
	require.Zero(t, s.sepm.Calls()["GET /computers"], "the fleet is not walked for that")
}

// TestC23EvidenceOfTheWholeIncident: one command searches for all, and each
// match says which artifact it is for.
func TestC23EvidenceOfTheWholeIncident(t *testing.T) {
	t.Parallel()
	fleet := windows(1)
	fleet[0].Files = []sepm.File{
		{Path: `C:\a\one.exe`, Content: []byte("one")}, {Path: `C:\b\two.exe`, Content: []byte("two")}, {Path: `C:\c\three.dll`, Content: []byte("three")},
	}
	s := newSite(t, sepm.Options{Computers: fleet, PartialMatch: sepm.PartialNever})
	s.known.Artifacts = []incident.Artifact{
		{Type: incident.FileName, Value: "one.exe"}, // the same file as by its hash
		{Type: incident.SHA256Hash, Value: sum([]byte("one"))},
		{Type: incident.FilePath, Value: `C:\b\two.exe`},
		{Type: incident.FileName, Value: "three.dll"},
		{Type: incident.MD5Hash, Value: "not a hash"},
		{Type: incident.SystemName, Value: "PC-000"},
	}
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FileName, "three.dll"), "evidence=All of this incident"))
	require.Len(t, s.sepm.Commands(), 1)
	require.Equal(t, 4, strings.Count(s.sepm.Commands()[0].Body, "<File "))
	require.Contains(t, s.note("was started"), "and 3 other artifacts of the incident")
	require.Contains(t, s.note("was started"), "Not searched for: not a hash")

	s.wait(time.Minute)
	s.follow()
	got := make(map[string]string)
	for _, row := range s.findAll("computer_name=PC-000") {
		c := cells(row)
		got[c["file_path"]] = strings.Join([]string{c["artifact_type"], c["artifact_value"], c["artifact_id"], c["scan_result"]}, "|")
	}
	require.Equal(t, map[string]string{
		`C:\a\one.exe`:   "Malware SHA-256 Hash|" + sum([]byte("one")) + "||Hash match",
		`C:\b\two.exe`:   `File Path|C:\b\two.exe||Full match`,
		`C:\c\three.dll`: "File Name|three.dll|7|Full match",
	}, got)
	require.Len(t, s.lines("EOC_scan_results"), 5, "every match is in the file")
}

// TestC20HostileText: paths and descriptions reach the endpoints as they are,
// and leave no markup, formula or new direction of writing behind.
func TestC20HostileText(t *testing.T) {
	t.Parallel()
	paths := []string{
		`C:\a, "b" & <c>.exe`, `=cmd|'/C calc'!A0`, `C:\<img src=x onerror=alert(1)>.exe`, "C:\\invoice\u202egpj.exe", `C:\;=1+1;x`,
	}
	fleet := windows(1)
	for i, path := range paths {
		fleet[0].Files = append(fleet[0].Files, sepm.File{Path: path, Content: fmt.Append(nil, i)})
	}
	s := newSite(t, sepm.Options{Computers: fleet})
	for _, path := range paths {
		on := foundOn(incident.FilePath, path)
		on.Artifact.Description = `</Description><Attacker a="1">&`
		require.NoError(t, s.start("initiate_scan", on))
	}
	s.wait(time.Minute)
	s.follow()
	for _, path := range paths {
		row := s.find("file_path="+path, "scan_result=Full match")
		require.Equal(t, "PC-000", row.Cells["computer_name"].String())
	}
	for _, text := range s.notes {
		require.NotContains(t, text, "<img")
		require.NotContains(t, text, "<c>")
		require.NotContains(t, text, "\u202e")
	}
	for _, a := range s.attachments {
		require.NotContains(t, string(a.Content), "\u202e")
		require.NotContains(t, string(a.Content), ",=cmd")
		require.NotContains(t, string(a.Content), ";=1")
	}
}

// TestScanRefused: what SEPM does not take leaves no row that waits.
func TestScanRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, sepm.Options{Computers: windows(1), UnknownTarget404: true})
	s.known.Rows = []incident.Row{{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
		"uniqueId": incident.Text("FFFF"), "computerName": incident.Text("GONE"), "operatingSystem": incident.Text("Windows 10")}}}
	err := s.start("initiate_scan", foundOn(incident.FileName, "a.exe"), "targets=Endpoints of this incident")
	require.ErrorContains(t, err, "SEPM refused it")
	require.ErrorContains(t, err, "FFFF does not exist")
	require.Empty(t, s.rows)
	require.Empty(t, s.commands)
	require.ErrorContains(t, s.start("initiate_scan", foundOn(incident.MD5Hash, "x")), "cannot be searched for")
	require.ErrorContains(t, s.start("initiate_scan", foundOn(incident.SystemName, "x")), "not for an artifact")
	require.ErrorContains(t, s.start("initiate_scan", foundOn(incident.FileName, "x"), "scan_type=ALL"), "none of QUICK_SCAN, FULL_SCAN")
}

// TestScanOfSeveralParts is a scan that takes several commands, of which SEPM
// refuses one: one row shows all, and the note what is missing.
func TestScanOfSeveralParts(t *testing.T) {
	t.Parallel()
	fleet := windows(400) // two requests
	s := newSite(t, sepm.Options{Computers: fleet, UnknownTarget404: true})
	for _, c := range fleet {
		s.known.Rows = append(s.known.Rows, incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
			"uniqueId": incident.Text(c.ID), "computerName": incident.Text(c.Name), "operatingSystem": incident.Text("Windows 10")}})
	}
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FileName, "a.exe"), "targets=Endpoints of this incident"))
	require.Greater(t, len(s.commands[0].IDs), 1)
	require.Len(t, s.commands[0].Computers, 400)
	s.wait(time.Minute)
	require.NoError(t, s.start("get_scan_results", ofRow(s.find())))
	require.Contains(t, s.note("EOC scan for", "no match"), "completed on 400 of 400", "of all its commands")
	s.follow()
	require.Len(t, s.rows, 1)
	require.Equal(t, "No match found", s.find().Cells["scan_result"].String())
	require.Contains(t, s.note("EOC scan for", "no match"), "completed on 400 of 400")

	s.known.Rows[399].Cells["uniqueId"] = incident.Text("FFFF")
	require.NoError(t, s.start("initiate_scan", foundOn(incident.FileName, "b.exe"), "targets=Endpoints of this incident"))
	require.Contains(t, s.note("b.exe", "was started"), "SEPM refused it for")
	require.Less(t, len(s.commands[1].Computers), 399)
	require.NotEmpty(t, s.commands[1].Computers)
}
