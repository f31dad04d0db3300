package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/metrics"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	h := newHandler(
		func() []check { return []check{fine("stage read"), fine("stage deliver")} },
		func() []check {
			return []check{fine("ledger"), wrong("mailbox soc", "a\r\nforged: ok\x1b[2J\u202e <b>%s", strings.Repeat("x", 5000))}
		},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") }))
	tests := map[string]struct {
		method, target, accept string
		status                 int
		kind, body             string // the type, and the beginning of the body
	}{
		"alive":             {"GET", "/healthz", "", 200, "text/plain", "stage read: ok\nstage deliver: ok\n"},
		"alive as JSON":     {"GET", "/healthz?format=json", "", 200, "application/json", `{"ok":true,"checks":[{"name":"stage read","ok":true},`},
		"not ready":         {"GET", "/readyz", "", 503, "text/plain", "ledger: ok\nmailbox soc: a forged: ok [2J <b>xxx"},
		"not ready as JSON": {"GET", "/readyz", "text/html, application/json;q=0.9", 503, "application/json", `{"ok":false,"checks":[{"name":"ledger","ok":true},{"name":"mailbox soc","ok":false,"why":"a forged: ok [2J \u003cb\u003exxx`},
		"text asked for":    {"GET", "/readyz?format=text", "application/json", 503, "text/plain", "ledger: ok\n"},
		"anything accepted": {"GET", "/healthz", "*/*", 200, "text/plain", "stage read: ok\n"},
		"no such format":    {"GET", "/healthz?format=xml", "", 400, "text/plain", "no such format; there are json and text\n"},
		"figures":           {"GET", "/metrics", "", 200, "text/plain", "figures"},
		"head":              {"HEAD", "/healthz", "", 200, "text/plain", ""},
		"no such page":      {"GET", "/debug/pprof", "", 404, "text/plain", "no such page; there are /healthz, /readyz, /metrics\n"},
		"root":              {"GET", "/", "", 404, "text/plain", "no such page"},
		"below a page":      {"GET", "/healthz/", "", 404, "text/plain", "no such page"},
		"post":              {"POST", "/healthz", "", 405, "text/plain", "only GET and HEAD\n"},
		"post nowhere":      {"POST", "/x", "", 405, "text/plain", "only GET and HEAD\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, tt.target, nil)
			r.Header.Set("Accept", tt.accept)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			body := w.Body.String()
			require.Equal(t, tt.status, w.Code, body)
			require.Contains(t, w.Header().Get("Content-Type"), tt.kind)
			if tt.method != http.MethodHead { // whose body net/http drops
				require.Equal(t, tt.body, body[:min(len(body), len(tt.body))])
			}
			require.Less(t, len(body), 2000)
			require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			require.Equal(t, tt.status == 405, w.Header().Get("Allow") != "")
		})
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, err = newServer(t.Context(), taken.Addr().String(), http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.EqualError(t, err, "listen: cannot serve at "+taken.Addr().String()+
		": bind: address already in use: give another address, or stop what has this one")
	_, err = newServer(t.Context(), "no-such-host.invalid:1", http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "listen: cannot serve at no-such-host.invalid:1: ")
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	s, err := newServer(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	runServer(t, s)
	conn, err := net.Dial("tcp", s.listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	go func() { // it may be cut off before all is written
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n")
	}()
	answer := make([]byte, 12)
	_, err = io.ReadFull(conn, answer)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 431", string(answer))
}

func TestMailboxCheck(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	tests := map[string]struct {
		health ingest.Health
		poll   time.Duration
		why    string
	}{
		"looked into":            {ingest.Health{Connected: true, LastRoundTrip: ago(59 * time.Second)}, time.Minute, ""},
		"within three polls":     {ingest.Health{Connected: true, LastRoundTrip: ago(3 * time.Minute)}, time.Minute, ""},
		"after three polls":      {ingest.Health{Connected: true, LastRoundTrip: ago(181 * time.Second)}, time.Minute, "has not answered for 3m1s"},
		"a short poll":           {ingest.Health{Connected: true, LastRoundTrip: ago(59 * time.Second)}, time.Second, ""},
		"a lost connection":      {ingest.Health{LastRoundTrip: ago(time.Minute), LastError: "reset"}, time.Minute, ""},
		"lost for long":          {ingest.Health{LastRoundTrip: ago(time.Hour), LastError: "reset\nby peer"}, time.Minute, "has not answered for 1h0m0s: reset by peer"},
		"not yet":                {ingest.Health{}, time.Minute, "has not answered yet"},
		"refused from the start": {ingest.Health{LastError: "log in: NO"}, time.Minute, "has not answered yet: log in: NO"},
		"another node has it":    {ingest.Health{Standby: true, LastError: "another watcher"}, time.Minute, ""},
	}
	for name, tt := range tests {
		got := watched{metrics.Mailbox{Name: "soc", Health: tt.health}, tt.poll}.check(now)
		require.Equal(t, check{Name: "mailbox soc", OK: tt.why == "", Why: tt.why}, got, name)
	}
}
