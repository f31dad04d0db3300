package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// TestFingerprintList reads a list that only v2 of SEPM's API gives, and logs
// out after it.
func TestFingerprintList(t *testing.T) {
	t.Parallel()
	md5, sha256 := strings.Repeat("AB", 16), strings.Repeat("CD", 32)
	manager := sepm.New(sepm.Options{})
	id := manager.AddList(sepm.List{Name: "Blacklist", Hashes: []sepm.Hashes{{MD5: md5}, {SHA256: sha256}}})
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	server, err := serve.Start("127.0.0.1:0", &cert, manager)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600))
	config := filepath.Join(dir, "sepwatch.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `mailboxes: [{name: soc, url: "imaps://a@127.0.0.1:1/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
sepm: [{name: main, url: %q, username: admin, password: admin, ca_file: ca.pem}]
resilient: {url: "https://127.0.0.1:1", org: Acme, api_key_id: a, api_key_secret: b}
ledger: {path: ledger.db}
`, server.URL()), 0o600))

	run := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		args = append([]string{"sep", "get-fingerprint-list", "-c", config}, args...)
		require.Zero(t, execute(args, strings.NewReader(""), &stdout, &stderr), "%s", stderr.String())
		return stdout.String()
	}
	lines := strings.Split(run("--fingerprintlist-name", "Blacklist"), "\n")
	require.Equal(t, []string{"LIST", "ID", "MD5", "SHA-256"}, strings.Fields(lines[0]))
	require.Equal(t, []string{"Blacklist", id, md5}, strings.Fields(lines[1]))
	require.Equal(t, []string{"Blacklist", id, sha256}, strings.Fields(lines[2]))

	var lists []map[string]any
	require.NoError(t, json.Unmarshal([]byte(run("--fingerprintlist-id", id, "--json")), &lists))
	require.Len(t, lists, 1)
	require.Equal(t, "Blacklist", lists[0]["name"])
	require.Equal(t, []any{map[string]any{"MD5": md5}, map[string]any{"SHA256": sha256}}, lists[0]["data"])
	require.Equal(t, 2, manager.Calls()["POST /identity/logout"], "%v", manager.Calls())
}
