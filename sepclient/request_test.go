package sepclient

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/remote"
)

func TestErrorsOfAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		class  Class
		is     error
		text   string
		code   string
	}{
		{"SEPM's own", 400, `{"errorCode":"400","appErrorCode":"","errorMessage":"The policy type argument is invalid."}`,
			Permanent, nil, `sepm: read "X" (GET /thing): 400: The policy type argument is invalid.`, "400"},
		{"code of its own", 400, `{"errorCode":4104,"errorMessage":"notification not found"}`, Permanent, nil, "notification not found", "4104"},
		{"OAuth", 403, `{"error":"access_denied","error_description":"Access is denied"}`, Permanent, nil, ": 403: Access is denied", "access_denied"},
		{"message", 404, `{"message":"no such thing"}`, NotFound, ErrNotFound, ": 404: no such thing", ""},
		{"gone", 410, `{"errorCode":"410","errorMessage":"do not exist"}`, NotFound, ErrNotFound, ": 410: do not exist", "410"},
		{"conflict", 409, ``, Conflict, ErrConflict, ": 409: Conflict", ""},
		{"locked", 423, ``, Temporary, nil, ": 423: Locked", ""},
		{"throttled", 429, `{"errorCode":"429","errorMessage":"Too many"}`, Throttled, ErrThrottled, ": 429: Too many", "429"},
		{"HTML", 500, "<html><head><style>p{}</style><title>HTTP Status 500</title></head><body><p>Bad&nbsp;request</p><script>x()</script></body></html>",
			Temporary, nil, ": 500: HTTP Status 500 Bad request", ""},
		{"hostile text", 500, "one\r\nlevel=INFO \x1b[31mtwo\u202e\xff", Temporary, nil, ": 500: one level=INFO [31mtwo �", ""},
		{"redirect", 302, ``, Permanent, nil, ": 302: Found", ""},
		{"unexpected success", 202, `{}`, Temporary, nil, ": 202: Accepted", ""},
		{"not JSON", 200, `<html>log in</html>`, Temporary, nil, "not what SEPM's API promises", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.status == 302 {
					w.Header().Set("Location", "/elsewhere")
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			var into struct{}
			err := s.client(t).do(t.Context(), request{op: "read", subject: "X", method: "GET", path: "/thing", read: true, into: &into})
			e := requireError(t, err, tt.class, tt.text)
			require.Equal(t, tt.code, e.Code)
			require.Equal(t, tt.class, classOf(err))
			for _, sentinel := range []error{ErrNotFound, ErrConflict, ErrUnauthorized, ErrThrottled} {
				require.Equal(t, sentinel == tt.is, errors.Is(err, sentinel), "%v", sentinel)
			}
		})
	}
}

func TestEmptyBodyWhereAllowed(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
	require.NoError(t, s.client(t).do(t.Context(), request{op: "assign", method: "PUT", path: "/thing"}))
}

// A connection that dies under a request: a read is sent again, a write never.
func TestLostConnection(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method string
		read   bool
		class  Class
		sent   int32
	}{
		{"GET", http.MethodGet, true, "", 2},
		{"POST that reads", http.MethodPost, true, "", 2},
		{"POST that writes", http.MethodPost, false, Ambiguous, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent atomic.Int32
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if sent.Add(1) == 1 {
					panic(http.ErrAbortHandler)
				}
			})
			// The login before it leaves a kept-alive connection.
			err := s.client(t).do(t.Context(), request{op: "do", method: tt.method, path: "/thing", read: tt.read, body: "x"})
			require.Equal(t, tt.class, classOf(err))
			require.Equal(t, tt.sent, sent.Load())
		})
	}
}

func TestHalfAnAnswer(t *testing.T) {
	for read, class := range map[bool]Class{true: Temporary, false: Ambiguous} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"con`)
		})
		err := s.client(t).do(t.Context(), request{op: "do", method: http.MethodPut, path: "/thing", read: read})
		requireError(t, err, class, "read the answer: unexpected EOF")
	}
}

func FuzzReadErrorBody(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"errorCode":4104,"errorMessage":["x"]}`, `{"error":{"a":1}}`, "<script><p>", "a\x00\nb", `{"message":"` + strings.Repeat("x", 2000) + `"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, message := readErrorBody(body)
		for _, s := range []string{code, message} {
			require.Equal(t, s, remote.Printable(s), "printable text stays what it is")
			require.NotContains(t, s, "\n")
		}
	})
}
