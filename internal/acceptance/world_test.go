// Package acceptance holds sepwatch to its promises as a whole: the program
// itself, on real servers, through whatever may happen to it.
package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// program builds sepwatch once and returns its path.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sepwatch-acceptance-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sepwatch")
	out, err := exec.Command("go", "build", "-o", path, "github.com/sepwatch/sepwatch/cmd/sepwatch").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build sepwatch: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if path, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(status)
}

// world is a real Dovecot and the stand-ins for SEPM and Resilient, with a
// configuration between them.
type world struct {
	t       *testing.T
	mail    *realparts.DovecotServer
	soar    *soar.Server
	sepm    *sepm.Server
	fleet   []sepm.Computer
	config  string
	log     bytes.Buffer
	daemon  *exec.Cmd
	randomS *rand.Rand
}

// newWorld makes a world of n computers. The ledger is a line of YAML.
func newWorld(t *testing.T, n int, keyField bool, ledger string) *world {
	t.Helper()
	return newWorldAt(t, sepm.Options{Computers: sepm.Fleet(7, n)}, "", keyField, ledger)
}

// newWorldAt makes a world around a SEPM, for whose entry settings are more
// YAML.
func newWorldAt(t *testing.T, o sepm.Options, settings string, keyField bool, ledger string) *world {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := &world{t: t, fleet: o.Computers, randomS: rand.New(rand.NewPCG(seed, seed))}
	w.mail = realparts.Dovecot(t)
	w.soar = soar.New(soar.Options{KeyField: keyField})
	w.sepm = sepm.New(o)
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	soarHTTP, err := serve.Start("127.0.0.1:0", &cert, w.soar)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, soarHTTP.Close()) })
	sepmHTTP, err := serve.Start("127.0.0.1:0", &cert, w.sepm)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sepmHTTP.Close()) })

	dir := t.TempDir()
	w.config = filepath.Join(dir, "sepwatch.yaml")
	inbox := url.URL{Scheme: "imaps", User: url.User(realparts.DovecotUser), Host: w.mail.TLSAddress, Path: "/INBOX"}
	files := map[string]string{
		"mail.pem": string(w.mail.CAPEM),
		"http.pem": string(ca),
		"sepwatch.yaml": fmt.Sprintf(`mailboxes: [{name: soc, url: %q, password: %s, ca_file: mail.pem, start: all}]
alerts: {from: [sepm@example.com]}
sepm: [{name: main, url: %q, username: admin, password: admin, ca_file: http.pem, timeout: 1s, requests_per_minute: 0%s}]
resilient: {url: %q, org: Demo, api_key_id: demo, api_key_secret: demo, ca_file: http.pem, timeout: 1s}
ledger: {%s}
log: {level: warn}
`, inbox.String(), realparts.DovecotPassword, sepmHTTP.URL(), settings, soarHTTP.URL(), ledger),
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	t.Cleanup(func() {
		if w.daemon != nil {
			w.kill()
		}
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", w.log.String())
		}
	})
	return w
}

// run starts the daemon as a process of its own.
func (w *world) run() {
	w.t.Helper()
	path, err := program()
	require.NoError(w.t, err)
	w.daemon = exec.Command(path, "run", "-c", w.config)
	w.daemon.Stderr = &w.log
	require.NoError(w.t, w.daemon.Start())
}

// kill ends the daemon with SIGKILL.
func (w *world) kill() {
	w.t.Helper()
	require.NoError(w.t, w.daemon.Process.Kill())
	_ = w.daemon.Wait() // it says that it was killed
	w.daemon = nil
}

// finish runs the daemon in this process until it has nothing left to do.
func (w *world) finish() {
	w.t.Helper()
	c, err := config.Load(w.config, config.LoadOptions{})
	require.NoError(w.t, err)
	logger := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.New(w.t.Context(), app.Options{Config: c, Logger: logger})
	require.NoError(w.t, err)
	a.Start()
	defer func() { require.NoError(w.t, a.Stop()) }()
	require.Eventually(w.t, func() bool {
		counts, err := a.Counts(context.Background())
		require.NoError(w.t, err)
		return len(w.open()) >= len(w.fleet) && counts.TasksPending == 0 && counts.MailsUnread == 0
	}, 3*time.Minute, 100*time.Millisecond, "something is left to do")
	counts, err := a.Counts(context.Background())
	require.NoError(w.t, err)
	require.Zero(w.t, counts.TasksParked)
	require.Zero(w.t, counts.MailsQuarantine)
}

// pause waits for a random time up to most.
func (w *world) pause(most time.Duration) {
	<-time.After(time.Duration(w.randomS.Int64N(int64(most))))
}

// open are the open incidents in Resilient, by computer.
func (w *world) open() map[string][]soar.Incident {
	byComputer := make(map[string][]soar.Incident)
	for _, inc := range w.soar.Incidents() {
		for _, a := range inc.Artifacts {
			if inc.Open && a.Type == "System Name" {
				byComputer[a.Value] = append(byComputer[a.Value], inc)
			}
		}
	}
	return byComputer
}

// alert writes the alert about a computer.
func alert(c sepm.Computer) []byte {
	return fmt.Appendf(nil, `From: SEPM <sepm@example.com>
Subject: Single Risk Event: machine %[1]s infected with Trojan.Gen.NPE, action Left alone
Message-ID: <%[1]s@example.com>

At least one security risk found:
Risk name: Trojan.Gen.NPE
File path: C:\temp\a.exe
Event time: Feb 28, 2026 3:40:12 AM
User: Administrator
Computer: %[1]s
IP Address: 192.168.194.94
Action taken on risk: Left alone

This alarm was generated at Feb 28, 2026 3:50:21 AM (Reporter host Time).
`, c.Name)
}

// requireEachOnce asserts that each computer's incident stands in Resilient
// with its artifacts and its row, once each.
func (w *world) requireEachOnce() {
	w.t.Helper()
	open := w.open()
	require.Len(w.t, open, len(w.fleet))
	for _, c := range w.fleet {
		require.Len(w.t, open[c.Name], 1, "incidents of %s", c.Name)
		inc := open[c.Name][0]
		kinds := make(map[string]int)
		for _, a := range inc.Artifacts {
			kinds[a.Type]++
		}
		require.Equal(w.t, map[string]int{
			"File Path": 1, "File Name": 1, "System Name": 1, "IP Address": 1, "User Account": 1, "Malware Family/Variant": 1,
		}, kinds, "artifacts of %s", c.Name)
		require.Len(w.t, inc.Rows, 1, "rows of %s", c.Name)
		require.Equal(w.t, c.ID, inc.Rows[0].Cells["uniqueId"])
		require.Empty(w.t, inc.Notes)
	}
}
