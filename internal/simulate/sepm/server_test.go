package sepm_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

func TestErrorsOfTheServer(t *testing.T) {
	for name, tt := range map[string]struct {
		method, path string
		want         int
		page         bool // not the API's own
	}{
		"unknown path":         {"GET", "/nothing", 404, false},
		"unknown method":       {"PUT", "/computers", 404, false},
		"empty id":             {"GET", "/computers//details", 500, true},
		"longest request line": {"GET", "/version?x=" + strings.Repeat("y", 8000-len("GET /sepm/api/v1/version?x= HTTP/1.1")), 200, false},
		"request line too long": {"GET",
			"/version?x=" + strings.Repeat("y", 8001-len("GET /sepm/api/v1/version?x= HTTP/1.1")), 400, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := loggedIn(t, sepm.Options{})
			a := b.do(tt.method, tt.path, "")
			require.Equal(t, tt.want, a.status)
			switch {
			case tt.page:
				require.Contains(t, a.header.Get("Content-Type"), "text/html")
				require.Contains(t, a.body, "<h1>")
			case tt.want != 200:
				e := a.object(t)
				require.Len(t, e, 3)
				for _, key := range []string{"errorCode", "appErrorCode", "errorMessage"} {
					require.IsType(t, "", e[key], key)
				}
			}
		})
	}
}

func TestHTMLErrors(t *testing.T) {
	b := loggedIn(t, sepm.Options{HTMLErrors: true})
	a := b.get("/nothing")
	require.Equal(t, 404, a.status)
	require.Contains(t, a.header.Get("Content-Type"), "text/html")
	require.Contains(t, a.body, "<h1>")
	require.Equal(t, 200, b.get("/computers").status)
}

func TestThrottle(t *testing.T) {
	b := loggedIn(t, sepm.Options{Throttle: 3}) // the login is the first
	require.Equal(t, 200, b.get("/version").status)
	require.Equal(t, 200, b.get("/computers").status)
	a := b.get("/computers")
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, "429", a.object(t)["errorCode"])
	require.Empty(t, a.header.Get("Retry-After"), "SEPM does not say how long")
	b.clock.advance(59 * time.Second)
	require.Equal(t, 429, b.get("/computers").status)
	b.clock.advance(time.Second)
	require.Equal(t, 200, b.get("/computers").status)
}

func TestCloseAfterPost(t *testing.T) {
	b := setup(t, sepm.Options{CloseAfterPost: true})
	a := b.do(http.MethodPost, "/identity/authenticate", `{"username":"admin","password":"admin"}`)
	require.True(t, a.closes)
	require.False(t, b.get("/version").closes)
}

func TestCallsAreCounted(t *testing.T) {
	b := loggedIn(t, sepm.Options{})
	b.get("/computers")
	b.get("/computers?pageIndex=2")
	b.get("/nothing")
	b.get("//")
	require.Equal(t, map[string]int{"POST /identity/authenticate": 1, "GET /computers": 2, "unknown": 1, "double slash": 1}, b.Calls())
	require.Equal(t, 5, b.Requests())
}
