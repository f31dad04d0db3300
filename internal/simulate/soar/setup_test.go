package soar_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that only a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a Resilient on a socket and a plain client with the demo's key.
type bench struct {
	*soar.Server
	t     *testing.T
	url   string
	http  *http.Client
	clock *clock
}

func setup(t *testing.T, opt soar.Options) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: time.UnixMilli(1_700_000_000_000)}}
	opt.Now = b.clock.Now
	b.Server = soar.New(opt)
	srv := httptest.NewServer(b.Server)
	t.Cleanup(srv.Close)
	b.url, b.http = srv.URL, srv.Client()
	return b
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// send sends a request to a path under /rest as it is given.
func (b *bench) send(r *http.Request) answer {
	b.t.Helper()
	resp, err := b.http.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return answer{b.t, resp.StatusCode, resp.Header, string(data)}
}

func (b *bench) request(method, path, body string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequest(method, b.url+"/rest"+path, strings.NewReader(body))
	require.NoError(b.t, err)
	return r
}

// do sends a request with the API key to a path under the org.
func (b *bench) do(method, path, body string) answer {
	b.t.Helper()
	r := b.request(method, "/orgs/201"+path, body)
	r.SetBasicAuth("demo", "demo")
	return b.send(r)
}

func (b *bench) get(path string) answer { b.t.Helper(); return b.do(http.MethodGet, path, "") }
func (b *bench) post(path, body string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, body)
}

// is checks the status, and that an error is a StatusDTO.
func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	if status >= 400 {
		o := a.object()
		require.Equal(a.t, false, o["success"])
		require.NotEmpty(a.t, o["message"])
		require.Contains(a.t, o, "hints")
		require.Equal(a.t, "generic", o["error_code"])
	}
	return a
}

func (a answer) object() map[string]any {
	a.t.Helper()
	var o map[string]any
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &o), a.body)
	return o
}

func (a answer) list() []map[string]any {
	a.t.Helper()
	var l []map[string]any
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &l), a.body)
	return l
}

// dig follows keys into an object.
func dig(t *testing.T, v any, keys ...string) any {
	t.Helper()
	for _, key := range keys {
		o, ok := v.(map[string]any)
		require.True(t, ok, "%s of %v", key, v)
		v = o[key]
	}
	return v
}

// create makes an incident from the members of a JSON object and returns its
// id and path.
func (b *bench) create(members string) (id int, path string) {
	b.t.Helper()
	if members != "" {
		members = "," + members
	}
	o := b.post("/incidents", `{"name":"SEP: Trojan on HOST1","discovered_date":1700000000000`+members+`}`).is(200).object()
	number, ok := o["id"].(float64)
	require.True(b.t, ok)
	return int(number), fmt.Sprintf("/incidents/%d", int(number))
}

func (b *bench) incident(id int) soar.Incident {
	b.t.Helper()
	inc, ok := b.Incident(id)
	require.True(b.t, ok)
	return inc
}
