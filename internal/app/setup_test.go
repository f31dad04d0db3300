package app

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// soon is less than the pause after a refused login, 15 s.
	soon  = 10 * time.Second
	often = 10 * time.Millisecond
)

// world is stand-ins on real sockets and the configuration of a daemon
// between them.
type world struct {
	t    *testing.T
	mail *mailbox.Server
	soar *soar.Server
	sepm *sepm.Server

	soarFaults, sepmFaults *fault.Set

	files map[string]string
	yaml  string
	log   *logged
	app   *App
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, soarFaults: fault.New(1), sepmFaults: fault.New(2), log: new(logged)}
	var err error
	w.mail, err = mailbox.New(mailbox.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.mail.Close()) })
	w.countLogins()
	w.soar = soar.New(soar.Options{KeyField: true})
	w.sepm = sepm.New(sepm.Options{Computers: []sepm.Computer{{Name: "HOST-1", ID: strings.Repeat("A", 32)}, {Name: "HOST-2", ID: strings.Repeat("B", 32)}}})
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	soarHTTP, err := serve.Start("127.0.0.1:0", &cert, w.soarFaults.Wrap(w.soar))
	require.NoError(t, err)
	sepmHTTP, err := serve.Start("127.0.0.1:0", &cert, w.sepmFaults.Wrap(w.sepm))
	require.NoError(t, err)
	t.Cleanup(func() {
		w.soarFaults.Close()
		w.sepmFaults.Close()
		require.NoError(t, soarHTTP.Close())
		require.NoError(t, sepmHTTP.Close())
	})
	w.files = map[string]string{"imap": "demo", "soar": "demo", "sepm": "admin", "mail.pem": string(w.mail.CAPEM()), "http.pem": string(ca)}
	w.yaml = fmt.Sprintf(`
mailboxes:
  - {name: soc, url: "imaps://demo@%[1]s/INBOX", password_file: imap, ca_file: mail.pem, start: all, poll: 1m}
  - {name: second, url: "imaps://demo@%[1]s/Processed", password_file: imap, ca_file: mail.pem, poll: 1m}
alerts: {from: [sepm@example.com]}
sepm: [{name: main, url: %[2]q, username: admin, password_file: sepm, ca_file: http.pem, timeout: 30s, requests_per_minute: 0}]
resilient: {url: %[3]q, org: Demo, api_key_id: demo, api_key_secret_file: soar, ca_file: http.pem, timeout: 30s}
ledger: {path: %[4]q}
node: one
`, w.mail.Address(), sepmHTTP.URL(), soarHTTP.URL(), filepath.Join(t.TempDir(), "ledger.db"))
	return w
}

// load reads the configuration, with texts in it replaced in pairs.
func (w *world) load(replace ...string) *config.Config {
	w.t.Helper()
	text := strings.NewReplacer(replace...).Replace(w.yaml)
	if len(replace) > 0 {
		require.NotEqual(w.t, w.yaml, text)
	}
	c, err := config.Parse("/sepwatch.yaml", []byte(text), config.LoadOptions{
		Getenv: func(string) (string, bool) { return "", false },
		ReadFile: func(path string) ([]byte, error) {
			content, ok := w.files[filepath.Base(path)]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(content), nil
		},
	})
	require.NoError(w.t, err)
	return c
}

// start starts a daemon, which the end of the test stops.
func (w *world) start(c *config.Config, clock Clock) {
	w.t.Helper()
	var err error
	w.app, err = New(w.t.Context(), Options{Config: c, Clock: clock, Logger: slog.New(slog.NewTextHandler(w.log, nil))})
	require.NoError(w.t, err)
	w.app.Start()
	w.t.Cleanup(func() {
		if w.app != nil {
			w.stop()
		}
		if w.t.Failed() {
			w.t.Log(w.log.String())
		}
	})
}

func (w *world) stop() {
	w.t.Helper()
	a := w.app
	w.app = nil
	require.NoError(w.t, a.Stop())
}

// countLogins makes the mailbox count logins as faults that do nothing.
func (w *world) countLogins() {
	w.mail.SetFaults(mailbox.Rule{Kind: mailbox.Delay, Command: "LOGIN"})
}

func (w *world) logins() int { return w.mail.Injected()[mailbox.Delay] }

// watched waits until both mailboxes have been opened so many times in all.
func (w *world) watched(times int) {
	w.t.Helper()
	w.eventually(func() bool { return strings.Count(w.log.String(), "msg=watching") == times }, "mailboxes watched")
}

func (w *world) eventually(ok func() bool, what string) {
	w.t.Helper()
	require.Eventually(w.t, ok, soon, often, what)
}

// send puts an alert about a computer into the mailbox.
func (w *world) send(from, computer string) {
	w.t.Helper()
	_, err := w.mail.Append(fmt.Appendf(nil, `From: %s
Subject: Single Risk Event: machine %[2]s infected with Trojan.Gen.NPE, action Left alone

At least one security risk found:
Risk name: Trojan.Gen.NPE
File path: C:\temp\%[2]s.exe
Event time: Feb 28, 2019 3:40:12 AM
User: Administrator
Computer: %[2]s
IP Address: 192.168.194.94
Action taken on risk: Left alone
`, from, computer), time.Now())
	require.NoError(w.t, err)
}

// delivered waits until so many incidents stand in Resilient, each with its row.
func (w *world) delivered(n int) {
	w.t.Helper()
	w.eventually(func() bool {
		rows := 0
		for _, inc := range w.soar.Incidents() {
			rows += len(inc.Rows)
		}
		return len(w.soar.Incidents()) == n && rows == n
	}, "incidents with their rows")
}

// leases counts the leases in the ledger, read from beside the daemon.
func (w *world) leases(table string) (n int) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.load().Ledger.Path+"?_pragma=busy_timeout(5000)")
	require.NoError(w.t, err)
	defer db.Close()
	require.NoError(w.t, db.QueryRowContext(w.t.Context(), "SELECT count(*) FROM "+table+" WHERE owner <> ''").Scan(&n))
	return n
}

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
