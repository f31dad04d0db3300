package ingest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	soon  = 20 * time.Second
	often = 2 * time.Millisecond
)

// mailServer is what the behaviour tests need of a server.
type mailServer interface {
	options() ingest.Options
	append(t *testing.T, mails ...[]byte)
	appendAt(t *testing.T, when time.Time, raw []byte)
	messages(t *testing.T, folder string) []mailbox.Message
	expunge(t *testing.T, uids ...uint32)
	rebuild(t *testing.T)
}

// onServers runs a test against the stand-in and against a real Dovecot.
func onServers(t *testing.T, test func(*testing.T, mailServer)) {
	t.Run("stand-in", func(t *testing.T) { test(t, standIn(t, mailbox.Options{})) })
	t.Run("dovecot", func(t *testing.T) { test(t, dovecot(t)) })
}

type standInServer struct{ *mailbox.Server }

func standIn(t *testing.T, o mailbox.Options) standInServer {
	t.Helper()
	s, err := mailbox.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return standInServer{s}
}

func (s standInServer) options() ingest.Options {
	o := testOptions(s.Address(), mailbox.Username, mailbox.Password, s.CAPEM())
	if s.CAPEM() == nil {
		o.TLS = ingest.None
	}
	if s.Address() == "" {
		o.Address, o.Dial = "localhost:143", s.Dial
	}
	return o
}

func (s standInServer) append(t *testing.T, mails ...[]byte) {
	t.Helper()
	for _, raw := range mails {
		_, err := s.Append(raw, arrival)
		require.NoError(t, err)
	}
}

func (s standInServer) appendAt(t *testing.T, when time.Time, raw []byte) {
	t.Helper()
	_, err := s.Append(raw, when)
	require.NoError(t, err)
}

func (s standInServer) messages(t *testing.T, folder string) []mailbox.Message {
	t.Helper()
	messages, err := s.Messages(folder)
	require.NoError(t, err)
	return messages
}

func (s standInServer) expunge(t *testing.T, uids ...uint32) {
	t.Helper()
	require.NoError(t, s.Expunge(mailbox.Inbox, uids...))
}

func (s standInServer) rebuild(t *testing.T) {
	t.Helper()
	require.NoError(t, s.Rebuild())
}

var arrival = time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)

// testOptions polls so rarely that only IDLE can be quick, and retries fast.
func testOptions(address, username, password string, caPEM []byte) ingest.Options {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caPEM)
	fast := ingest.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond}
	return ingest.Options{
		Name: "soc", Address: address, Username: username, Password: password, RootCAs: roots,
		Start: ingest.All, Poll: time.Hour, Reconnect: fast, LoginRetry: fast, HoleRetry: fast, Standby: time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// run runs a watcher until stop is called, or the test ends.
func run(t *testing.T, o ingest.Options, l *ledger) (w *ingest.Watcher, stop func()) {
	t.Helper()
	w, err := ingest.New(o, l)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return w, stop
}

func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, soon, often, what)
}

func committed(t *testing.T, l *ledger, n int) {
	t.Helper()
	if !waitFor(func() bool { return l.count() >= n }) {
		require.Equal(t, n, l.count(), "committed mails")
	}
	require.Equal(t, n, l.count(), "committed mails")
}

func waitFor(condition func() bool) bool {
	for deadline := time.Now().Add(soon); !condition(); time.Sleep(often) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func mail(n int) []byte {
	return fmt.Appendf(nil, "Message-ID: <%d@sepm.example.com>\r\nSubject: Single Risk Event: machine PC%d\r\n\r\nRisk name: EICAR\r\n%s\r\n",
		n, n, strings.Repeat("x", n%97))
}

func mails(from, to int) (all [][]byte) {
	for n := from; n <= to; n++ {
		all = append(all, mail(n))
	}
	return all
}

// flags returns the keywords and flags of a folder's mails by UID, without
// what the server sets by itself.
func flags(t *testing.T, s mailServer) map[uint32][]imap.Flag {
	t.Helper()
	all := map[uint32][]imap.Flag{}
	for _, m := range s.messages(t, mailbox.Inbox) {
		var own []imap.Flag
		for _, f := range m.Flags {
			switch {
			case strings.EqualFold(string(f), `\Recent`):
			case strings.EqualFold(string(f), ingest.Keyword):
				own = append(own, ingest.Keyword)
			default:
				own = append(own, imap.Flag(strings.ToLower(string(f))))
			}
		}
		all[m.UID] = own
	}
	return all
}

func raws(messages []mailbox.Message) (all []string) {
	for _, m := range messages {
		all = append(all, string(m.Raw))
	}
	slices.Sort(all)
	return all
}

// client is an IMAP client of the test's own, for servers that cannot be
// looked into otherwise.
func client(t *testing.T, address, username, password string, caPEM []byte, folder string, work func(*imapclient.Client) error) {
	t.Helper()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(caPEM))
	c, err := imapclient.DialTLS(address, &imapclient.Options{TLSConfig: &tls.Config{RootCAs: roots}})
	require.NoError(t, err)
	defer func() { c.Close(); <-c.Closed() }()
	require.NoError(t, c.Login(username, password).Wait())
	_, err = c.Select(folder, nil).Wait()
	require.NoError(t, err)
	require.NoError(t, work(c))
}

// logged collects log lines.
type logged struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logged) warnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for line := range strings.Lines(l.lines.String()) {
		if strings.Contains(line, "level=WARN") {
			all = append(all, line)
		}
	}
	return all
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
