package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// runServer runs the server until the end of the test.
func runServer(t *testing.T, s *server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// jumping is the system's clock, moved by jumps.
type jumping struct{ by atomic.Int64 }

func (c *jumping) Now() time.Time                         { return time.Now().Add(time.Duration(c.by.Load())) }
func (c *jumping) After(d time.Duration) <-chan time.Time { return time.After(d) }
func (c *jumping) jump(d time.Duration)                   { c.by.Add(int64(d)) }

// alone is an App whose servers are not there.
func alone(t *testing.T, listen string, clock Clock) (*App, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
mailboxes: [{name: soc, url: "imap://demo@127.0.0.1:1/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
resilient: {url: "http://127.0.0.1:1", org: Demo, api_key_id: demo, api_key_secret: demo}
ledger: {path: ledger.db}
listen: "`+listen+`"
`), 0o600))
	c, err := config.Load(path, config.LoadOptions{})
	require.NoError(t, err)
	return New(t.Context(), Options{Config: c, Clock: clock, Logger: slog.New(slog.DiscardHandler)})
}

func TestTakenPortKeepsTheDaemonFromStarting(t *testing.T) {
	t.Parallel()
	first, err := alone(t, "127.0.0.1:0", nil)
	require.NoError(t, err)
	_, err = alone(t, first.Addr(), nil)
	require.ErrorContains(t, err, "listen: cannot serve at "+first.Addr())
	require.NoError(t, first.Stop(), "it was not started")
	again, err := net.Listen("tcp", first.Addr())
	require.NoError(t, err, "the address is given back")
	require.NoError(t, again.Close())
}

func TestOffByDefault(t *testing.T) {
	t.Parallel()
	a, err := alone(t, "", nil)
	require.NoError(t, err)
	a.Start()
	require.Empty(t, a.Addr())
	require.NoError(t, a.Stop())
}

// A ledger that hangs is seen on every page, and none of them hangs with it.
func TestLedgerThatHangs(t *testing.T) {
	t.Parallel()
	clock := new(jumping)
	a, err := alone(t, "127.0.0.1:0", clock)
	require.NoError(t, err)
	a.Start()
	stopped := false
	defer func() {
		if !stopped {
			require.NoError(t, a.Stop())
		}
	}()
	requirePage(t, a, "/healthz", 200, "stage read: ok\nstage deliver: ok\nstage respond: ok\n")
	requirePage(t, a, "/readyz", 503, "ledger: ok\n")

	release := make(chan struct{})
	var held, holders sync.WaitGroup
	hold := func(transact func(context.Context, func(ledger.Tx) error) error) {
		held.Add(1)
		holders.Go(func() {
			err := transact(context.Background(), func(ledger.Tx) error {
				held.Done()
				<-release
				return nil
			})
			require.NoError(t, err)
		})
	}
	hold(a.ledger.Update)
	for range 4 { // all of SQLite's readers
		hold(a.ledger.View)
	}
	held.Wait()
	stuck := regexp.MustCompile(`(?s)stage read: its loop has not turned for \d+h0m.*stage deliver: its loop has not turned for \d+h0m`)
	require.Eventually(t, func() bool {
		clock.jump(time.Hour) // more than once: a loop may be about to turn
		status, body := page(t, a, "/healthz")
		return status == 500 && stuck.MatchString(body)
	}, time.Minute, 20*time.Millisecond)
	requirePage(t, a, "/readyz", 503, "ledger: no answer within 2s\n")
	requirePage(t, a, "/metrics", 200, "\nsepwatch_ledger_up 0\n")

	close(release)
	holders.Wait()
	requirePage(t, a, "/healthz", 200, "stage read: ok\n")
	clock.jump(time.Minute)
	requirePage(t, a, "/metrics", 200, "\nsepwatch_ledger_up 1\n")
	stopped = true
	require.NoError(t, a.Stop())
}

// page gets a page of a running App.
func page(t *testing.T, a *App, path string) (status int, body string) {
	t.Helper()
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + a.Addr() + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(data)
}

// requirePage waits until the page has the status and all the parts.
func requirePage(t *testing.T, a *App, path string, status int, parts ...string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		got, body := page(t, a, path)
		missing := slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return strings.Contains(body, part) })
		if got == status && len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			require.Failf(t, "the page did not come to this", "%s: want %d with %q, have %d:\n%s", path, status, parts, got, body)
		}
		<-time.After(20 * time.Millisecond)
	}
}
