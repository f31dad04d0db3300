package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// notified is a service manager that has started the program.
type notified struct {
	t      *testing.T
	cmd    *exec.Cmd
	socket *net.UnixConn
	log    strings.Builder
}

// startNotified runs the daemon as systemd does.
func startNotified(t *testing.T, config string) *notified {
	t.Helper()
	dir, err := os.MkdirTemp("", "sepwatch") // t.TempDir's path may be too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	n := &notified{t: t, cmd: exec.CommandContext(t.Context(), "sepwatch", "run", "-c", config)}
	path := filepath.Join(dir, "notify")
	n.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.socket.Close()) })
	n.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=20000")
	n.cmd.Stderr = &n.log
	require.NoError(t, n.cmd.Start())
	return n
}

// expect waits for the next notice, pings to the watchdog apart.
func (n *notified) expect(pattern string) {
	n.t.Helper()
	require.Regexp(n.t, "^(?s:"+pattern+")$", n.next())
}

func (n *notified) next() string {
	n.t.Helper()
	for {
		if notice := n.read(); notice != "WATCHDOG=1" {
			return notice
		}
	}
}

func (n *notified) read() string {
	n.t.Helper()
	require.NoError(n.t, n.socket.SetReadDeadline(time.Now().Add(soon)))
	buffer := make([]byte, 1<<16)
	size, err := n.socket.Read(buffer)
	require.NoError(n.t, err)
	return string(buffer[:size])
}

func (n *notified) signal(s os.Signal) {
	n.t.Helper()
	require.NoError(n.t, n.cmd.Process.Signal(s))
}

func TestNotices(t *testing.T) {
	t.Parallel()
	config := writeConfig(t, "ledger.db")
	n := startNotified(t, config)
	n.expect(`READY=1\nSTATUS=runs; mailboxes: 1`)
	require.Equal(t, "WATCHDOG=1", n.read())

	good, err := os.ReadFile(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, []byte("mailboxes: [{poll: 1}]\nnonsense: 1"), 0o600))
	n.signal(syscall.SIGHUP)
	const reloading = `RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\nSTATUS=reloads the configuration`
	n.expect(reloading)
	n.expect(`READY=1\nSTATUS=runs with the old configuration; the new one: [^\n]*sepwatch\.yaml:1:[^\n]*`)

	more := strings.Replace(string(good), "mailboxes: [", `mailboxes: [{name: other, url: "imap://b@127.0.0.1:1/INBOX", password: y}, `, 1)
	require.NoError(t, os.WriteFile(config, []byte(more), 0o600))
	n.signal(syscall.SIGHUP)
	n.expect(reloading)
	n.expect(`READY=1\nSTATUS=runs; mailboxes: 2`)

	n.signal(syscall.SIGTERM)
	n.expect(`STOPPING=1\nSTATUS=stops[^\n]*`)
	require.NoError(t, n.cmd.Wait(), n.log.String())
}

// TestWatchdogIsNotFed: a daemon that is stuck says nothing, and the service
// manager starts it anew.
func TestWatchdogIsNotFed(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	t.Setenv("WATCHDOG_USEC", "60000000")
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		asked := 0
		manager{slog.New(slog.NewTextHandler(&log, nil))}.watchdog(ctx, func() error {
			asked++
			if asked <= 5 {
				return nil
			}
			return errors.New("the read stage has not turned")
		})
		require.GreaterOrEqual(t, asked, 19, "twice a minute")
		require.Equal(t, 5, strings.Count(log.String(), "did not take a notice"), "there is no socket: each attempt fails")
		require.Contains(t, log.String(), "the read stage has not turned")
	})
}

// A status is one line: another one would be a notice of its own.
func TestStatusLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "STATUS=a READY=1  b", statusLine("a\nREADY=1\r\x00b"))
}
