package sepclient

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A request line leaves room for headers in the 8,192 bytes that Tomcat reads of
// both, and what is longer is not sent.
func TestRequestLine(t *testing.T) {
	var longest atomic.Int64
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		longest.Store(int64(len(r.Method + " " + r.RequestURI + " " + r.Proto)))
	})
	c := s.client(t)
	line := func(value string) request {
		return request{op: "read", method: http.MethodGet, path: "/x", read: true, query: url.Values{"a": {"short"}, "many_ids": {value}}}
	}
	room := maxRequestLine - len("GET /sepm/api/v1/x?a=short&many_ids= HTTP/1.1")
	require.NoError(t, c.do(t.Context(), line(strings.Repeat("x", room))))
	require.EqualValues(t, maxRequestLine, longest.Load())

	longest.Store(0)
	requireError(t, c.do(t.Context(), line(strings.Repeat("x", room+1))), Permanent, "many_ids is too long")
	requireError(t, c.do(t.Context(), line(strings.Repeat("é", room/6+1))), Permanent, "many_ids is too long")
	_, err := c.Group(t.Context(), strings.Repeat("G", maxRequestLine), "")
	requireError(t, err, Permanent, "the path is too long")
	_, err = list(t, c, ComputerQuery{Name: strings.Repeat("*", maxRequestLine)})
	requireError(t, err, Permanent, "computerName is too long")
	require.Zero(t, longest.Load(), "nothing was sent")
}

// SEPM answers 500 to an empty part of a path, and dots lead elsewhere.
func TestPathsOfIDs(t *testing.T) {
	var asked string
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked = r.RequestURI })
	c := s.client(t)
	for _, id := range []string{"", ".", ".."} {
		requireError(t, c.AssignLockdown(t.Context(), "G", id), Permanent, "is empty or no id")
	}
	require.Empty(t, asked)
	require.NoError(t, c.AssignLockdown(t.Context(), "a/../b", "?x=%2F#\n"))
	require.Equal(t, "/sepm/api/v1/groups/a%2F..%2Fb/system-lockdown/fingerprints/%3Fx=%252F%23%0A", asked)
}
