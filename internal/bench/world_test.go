package bench

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// program builds sepwatch once and returns its path.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sepwatch-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sepwatch")
	cmd := exec.Command("go", "build", "-o", path, "github.com/sepwatch/sepwatch/cmd/sepwatch")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build sepwatch: %w\n%s", err, text)
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

// patience bounds each wait; what is measured takes a small part of it.
const patience = 10 * time.Minute

// settings are what the daemons of the measurements differ in.
type settings struct {
	postgres bool
	// attach is whether the alerts' mails are attached, as by default.
	attach bool
	// sepm and soar are the stand-ins. Without sepm nothing is looked up;
	// without soar Resilient refuses connections, so nothing is delivered.
	sepm, soar http.Handler
}

// daemon is sepwatch as a process of its own, with an empty ledger.
type daemon struct {
	tb     testing.TB
	dir    string
	ledger *sql.DB
	cmd    *exec.Cmd
	log    bytes.Buffer
	start  time.Time
}

// newDaemon prepares one that drains INBOX of mail.
func newDaemon(tb testing.TB, mail *realparts.DovecotServer, s settings) *daemon {
	tb.Helper()
	d := &daemon{tb: tb, dir: tb.TempDir()}
	cert, ca, err := serve.SelfSigned()
	require.NoError(tb, err)
	listen := func(h http.Handler) string {
		server, err := serve.Start("127.0.0.1:0", &cert, h)
		require.NoError(tb, err)
		tb.Cleanup(func() { require.NoError(tb, server.Close()) })
		return server.URL()
	}

	inbox := url.URL{Scheme: "imaps", User: url.User(realparts.DovecotUser), Host: mail.TLSAddress, Path: "/INBOX"}
	config := []string{
		fmt.Sprintf("mailboxes: [{name: soc, url: %q, password: %s, ca_file: mail.pem, start: all}]", inbox.String(), realparts.DovecotPassword),
		fmt.Sprintf("alerts: {from: [%s]}", alert.Sender),
	}
	soarURL := "https://" + closedAddress(tb)
	if s.soar != nil {
		soarURL = listen(s.soar)
	}
	mails := "none"
	if s.attach {
		mails = "first"
	}
	config = append(config, fmt.Sprintf("resilient: {url: %q, org: Demo, api_key_id: demo, api_key_secret: demo, ca_file: http.pem, attach_mail: %s}", soarURL, mails))
	if s.sepm != nil {
		config = append(config, fmt.Sprintf("sepm: [{name: main, url: %q, username: admin, password: admin, ca_file: http.pem, requests_per_minute: 0}]", listen(s.sepm)))
	}
	if s.postgres {
		database := realparts.Postgres(tb)
		config = append(config, fmt.Sprintf("ledger: {postgres: %q}", database))
		d.ledger, err = sql.Open("pgx", database)
	} else {
		config = append(config, "ledger: {path: ledger.db}")
		d.ledger, err = sql.Open("sqlite", "file:"+filepath.Join(d.dir, "ledger.db")+"?mode=ro&_pragma=busy_timeout(1000)")
	}
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, d.ledger.Close()) })
	for name, data := range map[string][]byte{"sepwatch.yaml": []byte(strings.Join(config, "\n")), "mail.pem": mail.CAPEM, "http.pem": ca} {
		require.NoError(tb, os.WriteFile(filepath.Join(d.dir, name), data, 0o600))
	}
	return d
}

// run starts the process.
func (d *daemon) run() {
	d.tb.Helper()
	path, err := program()
	require.NoError(d.tb, err)
	d.cmd = exec.Command(path, "run", "-c", filepath.Join(d.dir, "sepwatch.yaml"))
	d.cmd.Stderr = &d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	d.start = time.Now()
	require.NoError(d.tb, d.cmd.Start())
	d.tb.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			_ = d.cmd.Process.Kill()
			_ = d.cmd.Wait()
		}
		if d.tb.Failed() {
			d.tb.Logf("the daemon's log:\n%s", d.log.String())
		}
	})
}

// drained waits until the events of the first n mails are in the ledger, and
// returns the time since the start of the process.
func (d *daemon) drained(n int) time.Duration {
	d.tb.Helper()
	took := d.until(func() bool {
		// Mails are numbered from 1 in their order; the index answers at once.
		var last sql.NullInt64
		err := d.ledger.QueryRow("SELECT max(mail) FROM event").Scan(&last)
		return err == nil && last.Int64 == int64(n) // before the first start there is no ledger
	})
	var events int
	require.NoError(d.tb, d.ledger.QueryRow("SELECT count(*) FROM event").Scan(&events))
	require.Equal(d.tb, n, events)
	return took
}

// until waits for done and returns the time since the start of the process.
func (d *daemon) until(done func() bool) time.Duration {
	d.tb.Helper()
	for !done() {
		require.Less(d.tb, time.Since(d.start), patience, "the daemon's log:\n%s", d.log.String())
		<-time.After(10 * time.Millisecond)
	}
	return time.Since(d.start)
}

// stop ends the process and returns the most memory that it held until then,
// in MB.
func (d *daemon) stop() float64 {
	d.tb.Helper()
	most := d.memory()
	require.NoError(d.tb, d.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(d.tb, d.cmd.Wait())
	return most
}

// memory is the most memory that the process held so far, in MB. It is not
// taken from what wait gives, which counts this process too, as it was when it
// started the other.
func (d *daemon) memory() float64 {
	d.tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	require.NoError(d.tb, err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	_, err = fmt.Sscan(rest, &kib)
	require.NoError(d.tb, err)
	return kib / 1024
}

// closedAddress is a loopback address that refuses connections.
func closedAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	require.NoError(tb, l.Close())
	return l.Addr().String()
}

// counter counts the requests that a stand-in gets.
type counter struct {
	http.Handler

	mu       sync.Mutex
	requests int
	answered map[string]int // by method and last segment of the path
	// arrived, when set, is told of each request before it is handled.
	arrived func(*http.Request)
}

func count(h http.Handler) *counter { return &counter{Handler: h, answered: make(map[string]int)} }

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.arrived != nil {
		c.arrived(r)
	}
	c.Handler.ServeHTTP(w, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.answered[r.Method+" "+r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]++
}

func (c *counter) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

func (c *counter) of(request string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered[request]
}
