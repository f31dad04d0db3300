package sepm_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
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

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a SEPM on a socket and a plain client with a token.
type bench struct {
	*sepm.Server
	t     *testing.T
	url   string
	http  *http.Client
	token string
	clock *clock

	contentType string // of requests; empty is none
}

func setup(t *testing.T, opt sepm.Options) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)}}
	opt.Now = b.clock.Now
	b.Server = sepm.New(opt)
	srv := httptest.NewServer(b.Server)
	t.Cleanup(srv.Close)
	b.url, b.http = srv.URL, srv.Client()
	return b
}

// loggedIn is setup with a token.
func loggedIn(t *testing.T, opt sepm.Options) *bench {
	t.Helper()
	b := setup(t, opt)
	a := b.do(http.MethodPost, "/identity/authenticate", `{"username":"admin","password":"admin","domain":"Default"}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	b.token, _ = a.object(t)["token"].(string)
	require.NotEmpty(t, b.token)
	return b
}

type answer struct {
	status int
	header http.Header
	body   string
	closes bool // the server closes the connection
}

func (b *bench) do(method, path, body string) answer {
	b.t.Helper()
	return b.send(method, "/sepm/api/v1"+path, body)
}

// v2 is do of the second version.
func (b *bench) v2(method, path, body string) answer {
	b.t.Helper()
	return b.send(method, "/sepm/api/v2"+path, body)
}

func (b *bench) send(method, path, body string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	require.NoError(b.t, err)
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	if b.contentType != "" {
		r.Header.Set("Content-Type", b.contentType)
	}
	resp, err := b.http.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return answer{resp.StatusCode, resp.Header, string(data), resp.Close}
}

func (b *bench) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "")
}

func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &o), a.body)
	return o
}

// page is the envelope of A5.
type page struct {
	Content []map[string]any `json:"content"`
	Number  int              `json:"number"`
	Size    int              `json:"size"`
	Sort    []struct {
		Direction string `json:"direction"`
		Property  string `json:"property"`
		Ascending bool   `json:"ascending"`
	} `json:"sort"`
	NumberOfElements int  `json:"numberOfElements"`
	FirstPage        bool `json:"firstPage"`
	LastPage         bool `json:"lastPage"`
	TotalPages       int  `json:"totalPages"`
	TotalElements    int  `json:"totalElements"`
}

func (b *bench) list(query string) page {
	b.t.Helper()
	return b.page("/computers" + query)
}

func (b *bench) page(path string) page {
	b.t.Helper()
	a := b.get(path)
	require.Equal(b.t, http.StatusOK, a.status, a.body)
	var p page
	require.NoError(b.t, json.Unmarshal([]byte(a.body), &p))
	return p
}

func (p page) names() []string {
	names := []string{}
	for _, c := range p.Content {
		name, _ := c["computerName"].(string)
		names = append(names, name)
	}
	return names
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}
