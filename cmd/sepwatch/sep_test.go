package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// sepBench is a stand-in for SEPM, and a configuration that names it.
type sepBench struct {
	*sepm.Server
	t      *testing.T
	config string
	called map[string]bool
}

func newSEPBench(t *testing.T, o sepm.Options, settings string) *sepBench {
	t.Helper()
	b := &sepBench{Server: sepm.New(o), t: t, called: map[string]bool{}}
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	server, err := serve.Start("127.0.0.1:0", &cert, b.Server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600))
	b.config = filepath.Join(dir, "sepwatch.yaml")
	require.NoError(t, os.WriteFile(b.config, fmt.Appendf(nil, `mailboxes: [{name: soc, url: "imaps://a@127.0.0.1:1/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
sepm: [{name: main, url: %q, username: admin, password: admin, ca_file: ca.pem%s}]
resilient: {url: "https://127.0.0.1:1", org: Acme, api_key_id: a, api_key_secret: b}
ledger: {path: ledger.db}
`, server.URL(), settings), 0o600))
	return b
}

// run calls a function.
func (b *sepBench) run(function string, args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	b.called[function] = true
	var out, errs bytes.Buffer
	code = execute(append([]string{"sep", function, "-c", b.config}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// table is the words of each line that a function prints.
func (b *sepBench) table(function string, args ...string) (lines [][]string) {
	b.t.Helper()
	code, stdout, stderr := b.run(function, args...)
	require.Zero(b.t, code, stderr)
	for line := range strings.Lines(stdout) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// json is the array that a function prints, and nothing besides.
func (b *sepBench) json(function string, args ...string) (items []any) {
	b.t.Helper()
	code, stdout, stderr := b.run(function, append(args, "--json")...)
	require.Zero(b.t, code, stderr)
	require.NoError(b.t, json.Unmarshal([]byte(stdout), &items))
	return items
}

func (b *sepBench) object(function string, args ...string) map[string]any {
	b.t.Helper()
	items := b.json(function, args...)
	require.Len(b.t, items, 1)
	object, ok := items[0].(map[string]any)
	require.True(b.t, ok)
	return object
}

// TestFingerprintList reads a list that only v2 of SEPM's API gives, and logs
// out after it.
func TestFingerprintList(t *testing.T) {
	t.Parallel()
	md5, sha256 := strings.Repeat("AB", 16), strings.Repeat("CD", 32)
	b := newSEPBench(t, sepm.Options{}, "")
	id := b.AddList(sepm.List{Name: "Blacklist", Hashes: []sepm.Hashes{{MD5: md5}, {SHA256: sha256}}})
	require.Equal(t, [][]string{
		{"LIST", "ID", "MD5", "SHA-256"}, {"Blacklist", id, md5}, {"Blacklist", id, sha256},
	}, b.table("get-fingerprint-list", "--fingerprintlist-name", "Blacklist"))

	list := b.object("get-fingerprint-list", "--fingerprintlist-id", id)
	require.Equal(t, "Blacklist", list["name"])
	require.Equal(t, []any{map[string]any{"MD5": md5}, map[string]any{"SHA256": sha256}}, list["data"])
	require.Equal(t, 2, b.Calls()["POST /identity/logout"], "%v", b.Calls())
}

// TestFunctions calls every function as a person does.
func TestFunctions(t *testing.T) {
	t.Parallel()
	evil := []byte("evil")
	hash := fmt.Sprintf("%x", sha256.Sum256(evil))
	var passed atomic.Int64 // by SEPM's clock
	b := newSEPBench(t, sepm.Options{
		Computers: []sepm.Computer{
			{Name: "PC-1", Files: []sepm.File{{Path: `C:\evil.exe`, Content: evil}}, Integrity: sepm.IntegrityPassed, LastUpdate: time.Now()},
			{Name: "PC-2", LastUpdate: time.Now()},
		},
		Groups: []sepm.Group{{Name: `My Company\Lockdown`}},
		Now:    func() time.Time { return time.Now().Add(time.Duration(passed.Load())) },
	}, ", results_limit: 1")
	computers := b.Computers()
	ids := computers[0].ID + "," + computers[1].ID

	scan := b.object("scan-endpoints", "--computer-ids", ids, "--scan-type", "QUICK_SCAN", "--sha256", hash)["commandID_computer"].(string)
	passed.Add(int64(time.Minute))
	status := b.table("get-command-status", "--commandid", scan, "--status-type", "scan")
	require.Equal(t, []string{"COMPUTER", "ID", "STATE", "DETAIL", "MATCH", "PATH", "HASH", "REMEDIATION", "FILE", "ID"}, status[0])
	require.Contains(t, status, []string{"PC-1", computers[0].ID, "completed", "HASH_MATCH", `C:\evil.exe`, hash})
	require.Contains(t, status, []string{"PC-2", computers[1].ID, "completed"})
	_, _, note := b.run("get-command-status", "--commandid", scan, "--status-type", "scan")
	require.Equal(t, "sepwatch: Completed: completed on 2 of 2 computers; matches on 1\n", note)
	items := b.json("get-command-status", "--commandid", scan, "--status-type", "scan")
	require.Len(t, items, 3)
	require.Equal(t, "Completed", items[2].(map[string]any)["overall_command_state"], "the counts are the last")
	require.Equal(t, []any{computers[0].ID}, b.json("get-command-status", "--commandid", scan, "--status-type", "scan", "--matching-endpoint-ids"))

	upload := b.object("upload-file-to-sepm", "--computer-ids", computers[0].ID, "--file-path", `C:\evil.exe`, "--sha256", hash)["commandID"].(string)
	passed.Add(int64(time.Minute))
	file := b.json("get-command-status", "--commandid", upload, "--status-type", "upload")[0].(map[string]any)["binaryFileId"].(string)
	require.Equal(t, []any{base64.StdEncoding.EncodeToString(evil)}, b.json("get-file-content-as-base64", "--file-id", file))

	require.Equal(t, [][]string{{"TOTAL", "NON-COMPLIANT", "OFFLINE", "HI", "FAILED", "UP", "TO", "DATE", "OUT", "OF", "DATE", "DISABLED"}, {"2", "0", "0", "0", "2", "0", "0"}},
		b.table("get-computers", "--status"))
	require.EqualValues(t, 2, b.json("get-computers", "--status-details")[0].(map[string]any)["total"])
	require.ElementsMatch(t, []any{computers[0].ID, computers[1].ID}, b.json("get-computers", "--matching-endpoint-ids"))

	lockdown := b.object("get-groups", "--fullpathname", `My Company\Lockdown`)["id"].(string)
	require.Equal(t, "OK", b.json("move-endpoint", "--hardwarekey", computers[1].HardwareKey, "--groupid", lockdown)[0].([]any)[0].(map[string]any)["responseMessage"])
	require.Len(t, b.json("get-domains"), 1)

	code, stdout, stderr := b.run("quarantine-endpoints", "--computer-ids", computers[0].ID, "--group-ids", lockdown)
	require.Zero(t, code)
	require.Contains(t, stdout, "1 computer")
	require.Equal(t, "sepwatch: 1 computer addressed by id; 1 group beside left out\n", stderr)
	code, _, stderr = b.run("quarantine-endpoints", "--group-ids", lockdown)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "sepwatch: --group-ids would address all of a group, which the configuration does not allow: name computers in --computer-ids, ")
	b.object("quarantine-endpoints", "--computer-ids", computers[0].ID, "--undo")

	md5 := strings.Repeat("AB", 16)
	list := b.object("add-fingerprint-list", "--fingerprintlist-name", "L", "--hash-value", md5)["id"].(string)
	code, stdout, stderr = b.run("add-fingerprint-list", "--fingerprintlist-name", "L", "--hash-value", md5, "--json")
	require.Equal(t, 1, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, ": 409: ")
	require.Equal(t, []string{"L", list, "1", "1"}, b.table("update-fingerprint-list", "--fingerprintlist-id", list, "--hash-value", hash)[1])
	b.object("assign-fingerprint-list-to-group", "--groupid", lockdown, "--fingerprintlist-id", list)
	require.Equal(t, []any{lockdown}, b.object("get-fingerprint-list", "--fingerprintlist-id", list)["groupIds"])
	require.Equal(t, true, b.object("delete-fingerprint-list", "--fingerprintlist-id", list)["deleted"])

	b.object("cancel-a-command", "--command-id", scan)
	require.Len(t, b.json("get-critical-events-info", "--results-limit", "1"), 1)
	for _, policy := range b.json("get-policy-summary") {
		p := policy.(map[string]any)
		switch p["policytype"] {
		case "exceptions":
			require.Equal(t, p["name"], b.object("get-exceptions-policy", "--exceptions-id", p["id"].(string))["name"])
		case "fw":
			require.Equal(t, p["name"], b.object("get-firewall-policy", "--firewall-id", p["id"].(string))["name"])
			require.Equal(t, []string{"RULE", "LIST", "ACTION", "ENABLED"}, b.table("get-firewall-policy", "--firewall-id", p["id"].(string))[0])
		}
	}
	require.Len(t, b.called, len(enrich.Functions()), "each function was called")
}
