package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const soon = 20 * time.Second

// writeConfig writes a good configuration with this ledger, whose servers are
// not there.
func writeConfig(t *testing.T, ledger string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sepwatch.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`mailboxes: [{name: soc, url: "imap://a@127.0.0.1:1/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
resilient: {url: "http://127.0.0.1:1", org: Acme, api_key_id: a, api_key_secret: b}
ledger: {path: "`+ledger+`"}
`), 0o600))
	return path
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	good := writeConfig(t, "ledger.db")
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("nonsense: 1\n"), 0o600))
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"no command":        {nil, 0},
		"help":              {[]string{"help", "run"}, 0},
		"help flag":         {[]string{"run", "--help"}, 0},
		"version":           {[]string{"version"}, 0},
		"good config":       {[]string{"check", "-c", good}, 0},
		"standard input":    {[]string{"parse", "-"}, 0},
		"missing mail":      {[]string{"parse", "nowhere.eml"}, 1},
		"unwritable ledger": {[]string{"run", "-c", writeConfig(t, filepath.Join(good, "ledger.db"))}, 1},
		"patience ended":    {[]string{"demo", "--exit", "--alerts", "500", "--patience", "1ms"}, 1},
		"bad config":        {[]string{"check", "-c", bad}, 2},
		"run bad config":    {[]string{"run", "-c", bad}, 2},
		"parse bad config":  {[]string{"parse", "-c", bad, "-"}, 2},
		"missing config":    {[]string{"check", "-c", "nowhere.yaml"}, 2},
		"no config":         {[]string{"run"}, 2},
		"unknown command":   {[]string{"nosuch"}, 2},
		"unknown topic":     {[]string{"help", "nosuch"}, 2},
		"topic too long":    {[]string{"help", "run", "nosuch"}, 2},
		"unknown flag":      {[]string{"run", "--nosuch"}, 2},
		"flag of none":      {[]string{"--nosuch"}, 2},
		"bad value":         {[]string{"demo", "--alerts", "x"}, 2},
		"value too small":   {[]string{"demo", "--alerts", "0"}, 2},
		"no patience":       {[]string{"demo", "--patience", "-1s"}, 2},
		"argument too many": {[]string{"check", "-c", good, "nosuch"}, 2},
		"no mail":           {[]string{"parse"}, 2},
		"stand-ins":         {[]string{"simulate"}, 0},
		"alert mail":        {[]string{"simulate", "alert"}, 0},
		"unknown stand-in":  {[]string{"simulate", "soar"}, 2},
		"unknown fault":     {[]string{"simulate", "mailbox", "--fault", "nosuch"}, 2},
		"no address":        {[]string{"simulate", "sepm", "--listen", "127.0.0.1"}, 2},
		"another's address": {[]string{"simulate", "sepm", "--listen", "192.0.2.1:0"}, 1},
		"TLS and not":       {[]string{"simulate", "resilient", "--plain", "--certificate", "a.pem"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			got := execute(c.args, strings.NewReader(""), &stdout, &stderr)
			require.Equal(t, c.want, got, stderr.String())
			require.Equal(t, c.want != 0, stderr.Len() > 0, "an error, and nothing else, is on standard error: %s", stderr.String())
			require.NotContains(t, stderr.String(), "strconv")
		})
	}
}

func TestRunEndsWell(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "sepwatch", "run", "-c", writeConfig(t, "ledger.db"))
			log, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			watchdog := time.AfterFunc(soon, func() { _ = cmd.Process.Kill() })
			defer watchdog.Stop()

			var lines strings.Builder
			for scan := bufio.NewScanner(log); scan.Scan(); {
				lines.WriteString(scan.Text() + "\n")
				if strings.Contains(scan.Text(), "sepwatch runs") {
					require.NoError(t, cmd.Process.Signal(sig))
				}
			}
			require.NoError(t, cmd.Wait(), lines.String())
			require.Contains(t, lines.String(), "sepwatch stops")
		})
	}
}

// TestSecondSignal interrupts a command that does not end by the first
// signal, since it waits for its standard input.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sepwatch", "parse", "-")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	require.NoError(t, cmd.Start())
	// More than a pipe holds: when it is written the command is reading.
	_, err = stdin.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var got error
	require.Eventually(t, func() bool {
		select {
		case got = <-ended:
			return true
		default:
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended by now
			return false
		}
	}, soon, 20*time.Millisecond)
	var exit *exec.ExitError
	require.True(t, errors.As(got, &exit), "%v", got)
	require.True(t, exit.Sys().(syscall.WaitStatus).Signaled(), "%v", got)
}
