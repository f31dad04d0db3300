package enrich_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// uploaded is a site on which the evil file of PC-000 was uploaded, and its row.
func uploaded(t *testing.T, content []byte) (*site, incident.Row) {
	t.Helper()
	fleet := windows(1)
	fleet[0].Files = []sepm.File{{Path: `C:\evil.exe`, Content: content}}
	s := newSite(t, sepm.Options{Computers: fleet})
	require.NoError(t, s.start("initiate_scan", foundOn(incident.SHA256Hash, sum(content))))
	s.wait(time.Minute)
	s.follow()
	require.NoError(t, s.start("upload_file", ofRow(s.find("computer_name=PC-000"))))
	row := s.find("computer_name=PC-000")
	require.Equal(t, "In progress", row.Cells["file_upload_status"].String())
	require.Equal(t, s.sepm.Commands()[1].ID, row.Cells["upload_commandid"].String())
	s.wait(time.Minute)
	s.follow()
	row = s.find("computer_name=PC-000")
	require.Equal(t, "Completed", row.Cells["file_upload_status"].String())
	require.Equal(t, s.sepm.Commands()[1].Targets[0].FileID, row.Cells["file_id"].String())
	require.Contains(t, s.note("Upload of", "SEPM has the file"), row.Cells["file_id"].String())
	return s, row
}

// TestC28FileContent: the file is on the incident, as a zip archive with a
// password and as base64.
func TestC28FileContent(t *testing.T) {
	t.Parallel()
	s, row := uploaded(t, malware)
	require.NoError(t, s.start("get_file_content", ofRow(row)))
	byName := make(map[string]incident.Attachment)
	for _, a := range s.attachments {
		byName[a.Name] = a
	}
	text := byName[sum(malware)+".base64.txt"]
	require.Equal(t, base64.StdEncoding.EncodeToString(malware), string(text.Content))
	archive := byName[sum(malware)+".zip"]
	require.Equal(t, "application/zip", archive.ContentType)
	require.False(t, bytes.Contains(archive.Content, malware))
	require.Contains(t, s.note("may be malware"), "password <b>infected</b>")
	require.Contains(t, s.note("may be malware"), `C:\evil.exe`)

	sevenZip, err := exec.LookPath("7z")
	if err != nil {
		return // the writer has its own tests
	}
	file := filepath.Join(t.TempDir(), "evil.zip")
	require.NoError(t, os.WriteFile(file, archive.Content, 0o600))
	out, err := exec.Command(sevenZip, "x", "-so", "-pinfected", file).Output()
	require.NoError(t, err)
	require.Equal(t, malware, out)
}

// TestFileThatIsTooLargeToAttach: what does not fit is said, not sent.
func TestFileThatIsTooLargeToAttach(t *testing.T) {
	t.Parallel()
	content := make([]byte, 20<<20)
	_, _ = rand.Read(content)
	s, row := uploaded(t, content)
	require.NoError(t, s.start("get_file_content", ofRow(row)))
	require.Contains(t, s.note("may be malware"), "as base64 text it is larger than the 24 MiB that can be attached")
	for _, a := range s.attachments {
		require.False(t, strings.HasSuffix(a.Name, ".txt"))
	}
}

// TestFileWithAnotherHash is not put on the incident.
func TestFileWithAnotherHash(t *testing.T) {
	t.Parallel()
	s, row := uploaded(t, malware)
	before := len(s.attachments)
	row.Cells["hash_value"] = incident.Text(sum([]byte("another")))
	require.ErrorContains(t, s.start("get_file_content", ofRow(row)), "in place of")
	require.Len(t, s.attachments, before)
}

// TestUploadOfWhatClientsDoNotGive: the row says how it ended, and may be tried
// again.
func TestUploadOfWhatClientsDoNotGive(t *testing.T) {
	t.Parallel()
	fleet := windows(1)
	fleet[0].Files = []sepm.File{{Path: `C:\evil.docx`, Content: malware}}
	s := scanned(t, fleet)
	require.NoError(t, s.start("upload_file", ofRow(s.find("computer_name=PC-000")), "source=BOTH"))
	s.only()
	s.wait(5 * time.Second)
	s.follow()
	require.NoError(t, s.start("get_upload_status", ofRow(s.find("computer_name=PC-000"))))
	require.Equal(t, "In progress", s.find("computer_name=PC-000").Cells["file_upload_status"].String())
	s.wait(time.Minute)
	require.Zero(t, s.follow())
	row := s.find("computer_name=PC-000")
	require.Equal(t, "Rejected", row.Cells["file_upload_status"].String())
	require.Empty(t, row.Cells["file_id"].String())
	text := s.note("SEPM does not have the file", "executable files only")
	require.Contains(t, text, "PC-000 rejected (the client did not execute the command: The file is not an executable.)")
	require.NoError(t, s.start("upload_file", ofRow(row)))
}

// TestUploadWithoutAFile: that the endpoint has completed is no file.
func TestUploadWithoutAFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, sepm.Options{})
	row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{"scan_commandid": incident.Text("A"), "computer_id": incident.Text("1")}}
	state, err := enrich.Follow(t.Context(), enrich.Server{Reader: statusesOnly{statuses: statuses{"U": {at("1", sepclient.CommandCompleted)}}}, Limits: s.limits},
		incident.Command{Kind: incident.Upload, IDs: []string{"U"}, Started: s.clock(), Row: &row, Computers: []incident.CommandTarget{{ID: "1", Name: "PC-1"}}}, s.clock())
	require.NoError(t, err)
	s.keep(state.Effects)
	require.Equal(t, "Unexpected status: SEPM names no file", s.find().Cells["file_upload_status"].String())
	require.Contains(t, s.note("Upload of"), "SEPM does not have the file")
}

// TestUploadFromQuarantine finds a file that was remediated.
func TestUploadFromQuarantine(t *testing.T) {
	t.Parallel()
	fleet := windows(1)
	fleet[0].Files = []sepm.File{{Path: `C:\evil.exe`, Content: malware}}
	s := scanned(t, fleet)
	require.NoError(t, s.start("remediate", ofRow(s.find("computer_name=PC-000"))))
	s.wait(time.Minute)
	s.follow()
	require.NoError(t, s.start("upload_file", ofRow(s.find("computer_name=PC-000")), "source=QUARANTINE"))
	s.only()
	s.wait(time.Minute)
	s.follow()
	require.Equal(t, "Completed", s.find("computer_name=PC-000").Cells["file_upload_status"].String())
	require.Contains(t, s.find("computer_name=PC-000").Cells["remediation_status"].String(), "Completed at")
}

func TestArtifactFromScanResult(t *testing.T) {
	t.Parallel()
	s := newSite(t, sepm.Options{})
	row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{
		"scan_commandid": incident.Text("A"), "scan_command_state": incident.Text("Completed"), "scan_result": incident.Text("Hash match"),
		"artifact_type": incident.Text("File Name"), "artifact_value": incident.Text("evil.exe"),
		"computer_name": incident.Text("PC"), "file_path": incident.Text(`C:\evil.exe`), "hash_value": incident.Text(strings.Repeat("AB", 32)),
	}}
	add := func(kind string) incident.Artifact {
		require.NoError(t, s.start("add_artifact_from_scan_result", ofRow(row), "artifact_type="+kind))
		a := s.artifacts[len(s.artifacts)-1]
		require.Equal(t, "Found by the SEP scan A for File Name evil.exe, on PC", a.Description)
		a.Description = ""
		return a
	}
	require.Equal(t, incident.Artifact{Type: incident.SystemName, Value: "PC"}, add("System Name"))
	require.Equal(t, incident.Artifact{Type: incident.FilePath, Value: `C:\evil.exe`}, add("File Path"))
	require.Equal(t, incident.Artifact{Type: incident.SHA256Hash, Value: strings.Repeat("ab", 32)}, add("Malware SHA-256 Hash"))
	row.Cells["hash_value"] = incident.Text(strings.Repeat("AB", 16))
	require.Equal(t, incident.Artifact{Type: incident.MD5Hash, Value: strings.Repeat("ab", 16)}, add("Malware SHA-256 Hash"), "by its real length")
	row.Cells["hash_value"] = incident.Text(strings.Repeat("AB", 20))
	require.Equal(t, incident.SHA1Hash, add("Malware SHA-256 Hash").Type)
	row.Cells["hash_value"] = incident.Text("x")
	require.ErrorContains(t, s.start("add_artifact_from_scan_result", ofRow(row), "artifact_type=Malware SHA-256 Hash"), "is no hash")
	require.ErrorContains(t, s.start("add_artifact_from_scan_result", ofRow(row)), "artifact_type is missing")
	require.Zero(t, s.sepm.Requests())
}

func TestEndpointDetailsOfAScanResult(t *testing.T) {
	t.Parallel()
	fleet := windows(2)
	s := newSite(t, sepm.Options{Computers: fleet})
	row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{"computer_name": incident.Text("pc-001")}}
	require.NoError(t, s.start("get_endpoint_details", ofRow(row)))
	require.Equal(t, fleet[1].ID, s.find("computerName=PC-001").Cells["uniqueId"].String())
}
