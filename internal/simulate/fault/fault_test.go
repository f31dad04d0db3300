package fault_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const soon = 10 * time.Second

// bench is a handler behind a fault set on a real TLS socket, and a client
// that never repeats a request by itself.
type bench struct {
	set    *fault.Set
	url    string
	client *http.Client

	mu   sync.Mutex
	done []string // what the handler did: method, path, body
}

func setup(t *testing.T, set *fault.Set) *bench {
	t.Helper()
	b := &bench{set: set}
	cert, _, err := serve.SelfSigned()
	require.NoError(t, err)
	srv, err := serve.Start("127.0.0.1:0", &cert, set.Wrap(http.HandlerFunc(b.handle)))
	require.NoError(t, err)
	b.url = srv.URL()
	// The certificate is not the subject here; broken connections are.
	b.client = &http.Client{Timeout: soon, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	t.Cleanup(func() {
		set.Close()
		require.NoError(t, srv.Close())
	})
	return b
}

func (b *bench) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.Context().Err() != nil {
		http.Error(w, "handled in a dead context", http.StatusInternalServerError)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = append(b.done, r.Method+" "+r.URL.Path+" "+string(body))
	_, _ = io.WriteString(w, "ok")
}

func (b *bench) handled() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.done...)
}

func (b *bench) post(path, body string) (status int, err error) {
	resp, err := b.client.Post(b.url+path, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func TestNothingOnChangesNothing(t *testing.T) {
	b := setup(t, fault.New(1))
	status, err := b.post("/a", "x")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, b.set.Counts())
	require.Empty(t, b.set.String())
}

func TestStatusDoesNotHandle(t *testing.T) {
	for code, want := range map[int]int{0: 503, 500: 500, 502: 502} {
		b := setup(t, fault.New(1))
		b.set.On(fault.Switch{Kind: fault.Status, Code: code, Remaining: 1})
		status, err := b.post("/a", "x")
		require.NoError(t, err)
		require.Equal(t, want, status)
		require.Empty(t, b.handled())
		status, err = b.post("/a", "again")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, map[fault.Kind]int{fault.Status: 1}, b.set.Counts())
	}
}

func TestLostReplyHandlesAndSaysNothing(t *testing.T) {
	b := setup(t, fault.New(1))
	b.set.On(fault.Switch{Kind: fault.LostReply, Method: "POST", Path: "/incidents", Remaining: 1})
	status, err := b.post("/rest/orgs/201/incidents/7/comments", "note")
	require.NoError(t, err, "another path")
	require.Equal(t, http.StatusOK, status)
	_, err = b.post("/rest/orgs/201/incidents", "create")
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, []string{"POST /rest/orgs/201/incidents/7/comments note", "POST /rest/orgs/201/incidents create"}, b.handled())
	_, err = b.post("/rest/orgs/201/incidents", "create")
	require.NoError(t, err, "only the next one")
}

func TestLateChangeLandsAfterTheClientGaveUp(t *testing.T) {
	b := setup(t, fault.New(1))
	b.set.On(fault.Switch{Kind: fault.LateChange, Late: time.Hour, Remaining: 1})
	b.client.Timeout = 100 * time.Millisecond
	_, err := b.post("/a", "late")
	require.Error(t, err)
	require.Empty(t, b.handled(), "not yet: its hour has not come")
	b.set.Flush()
	require.Equal(t, []string{"POST /a late"}, b.handled())
}

func TestLateChangeOfItsOwnAccord(t *testing.T) {
	b := setup(t, fault.New(1))
	b.set.On(fault.Switch{Kind: fault.LateChange, Late: time.Millisecond, Remaining: 1})
	b.client.Timeout = 100 * time.Millisecond
	_, err := b.post("/a", "late")
	require.Error(t, err)
	require.Eventually(t, func() bool { return len(b.handled()) == 1 }, soon, time.Millisecond)
}

func TestLateChangeCutsAPatientClient(t *testing.T) {
	b := setup(t, fault.New(1))
	b.set.On(fault.Switch{Kind: fault.LateChange, Hold: time.Millisecond, Late: time.Hour})
	_, err := b.post("/a", "late")
	require.ErrorIs(t, err, io.EOF)
	require.Empty(t, b.handled())
	b.set.Close()
	require.Equal(t, []string{"POST /a late"}, b.handled(), "Close leaves nothing undone")
	_, err = b.post("/a", "after")
	require.NoError(t, err, "Close turns everything off")
}

func TestResetHandlesNothing(t *testing.T) {
	b := setup(t, fault.New(1))
	b.set.On(fault.Switch{Kind: fault.Reset})
	_, err := b.post("/a", strings.Repeat("x", 100))
	require.Error(t, err)
	require.True(t, errors.Is(err, syscall.ECONNRESET), "%v", err)
	require.Empty(t, b.handled())
}

func TestDelayHandlesThoughTheClientLeft(t *testing.T) {
	b := setup(t, fault.New(1))
	b.set.On(fault.Switch{Kind: fault.Delay, Wait: time.Hour})
	b.client.Timeout = 50 * time.Millisecond
	_, err := b.post("/a", "slow")
	require.Error(t, err)
	require.Empty(t, b.handled())
	b.set.Off()
	b.set.Flush()
	require.Len(t, b.handled(), 1)
}

func TestPathMatching(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          bool
	}{
		{"incidents", "/rest/orgs/201/incidents", true},
		{"incidents", "/rest/orgs/201/incidents/5", false},
		{"incidents/*", "/rest/orgs/201/incidents/5", true},
		{"incidents/*/comments", "/rest/orgs/201/incidents/5/comments", true},
		{"incidents/*/comments", "/comments", false},
		{"*", "/anything", true},
		{"", "/", true},
	} {
		b := setup(t, fault.New(1))
		b.set.On(fault.Switch{Kind: fault.Status, Path: tt.pattern})
		status, err := b.post(tt.path, "")
		require.NoError(t, err)
		require.Equal(t, tt.want, status == http.StatusServiceUnavailable, "%s on %s", tt.pattern, tt.path)
	}
}

// chosen is which of n requests a fresh set picks.
func chosen(seed int64, oneIn, n int) (picked []int) {
	set := fault.New(seed)
	set.On(fault.Switch{Kind: fault.Delay, OneIn: oneIn})
	var last int
	h := set.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for i := range n {
		r, _ := http.NewRequest(http.MethodPost, "http://x/a", http.NoBody)
		h.ServeHTTP(nil, r)
		if now := set.Counts()[fault.Delay]; now > last {
			picked, last = append(picked, i), now
		}
	}
	return picked
}

func TestRateIsSeededAndFair(t *testing.T) {
	a := chosen(7, 10, 2000)
	require.Equal(t, a, chosen(7, 10, 2000), "the same seed picks the same requests")
	require.NotEqual(t, a, chosen(8, 10, 2000))
	require.InDelta(t, 200, len(a), 60)
	require.Len(t, chosen(7, 1, 50), 50)
	require.Len(t, chosen(7, 0, 50), 50)
}

func TestAllHasEveryKind(t *testing.T) {
	switches := fault.All()
	for i := range switches {
		switches[i].OneIn = 2
	}
	set := fault.New(3)
	set.On(switches...)
	b := setup(t, set)
	for _, kind := range []fault.Kind{fault.Delay, fault.Status, fault.LostReply, fault.LateChange, fault.Reset} {
		require.Contains(t, b.set.String(), string(kind)+" 1 in 2")
	}
	for range 60 {
		_, _ = b.post("/a", "x") // most of them fail, on purpose
	}
	b.set.Flush()
	counts := b.set.Counts()
	require.Len(t, counts, 5)
	want := 60 - counts[fault.Status] - counts[fault.Reset]
	require.Len(t, b.handled(), want, "everything else is handled, and once")
}

func TestConcurrentUse(t *testing.T) {
	set := fault.New(1)
	var handled atomic.Int64
	h := set.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled.Add(1) }))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				r, _ := http.NewRequest(http.MethodGet, "http://x/a", http.NoBody)
				h.ServeHTTP(nil, r)
				set.On(fault.Switch{Kind: fault.Delay, Wait: time.Microsecond, Remaining: 1})
				set.Flush()
				set.Off()
			}
		})
	}
	wg.Wait()
	set.Close()
	require.EqualValues(t, 800, handled.Load())
}

// own is a server that says no in its own form.
type own struct{ http.Handler }

func (own) Refuse(w http.ResponseWriter, code int) {
	w.WriteHeader(code)
	_, _ = io.WriteString(w, "no")
}

func TestWhoRefuses(t *testing.T) {
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, tt := range []struct {
		server     http.Handler
		fromServer bool
		want       string
	}{{own{h}, true, "no"}, {own{h}, false, "<html>"}, {h, true, "<html>"}} {
		set := fault.New(1)
		set.On(fault.Switch{Kind: fault.Status, FromServer: tt.fromServer, Code: 409})
		w := httptest.NewRecorder()
		set.Wrap(tt.server).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		require.Equal(t, 409, w.Code)
		require.True(t, strings.HasPrefix(w.Body.String(), tt.want), w.Body)
	}
}

func TestAfterSoMany(t *testing.T) {
	set := fault.New(1)
	set.On(fault.Switch{Kind: fault.Status, Path: "a", After: 2, Remaining: 2})
	h := set.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var codes []int
	for _, path := range []string{"/a", "/b", "/a", "/b", "/a", "/a", "/a"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		codes = append(codes, w.Code)
	}
	require.Equal(t, []int{200, 200, 200, 200, 503, 503, 200}, codes, "a burst that begins with the third")
}
