package remote

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server, and gives it as requests are sent to it.
func serve(t *testing.T, handle http.HandlerFunc) (Server, *httptest.Server) {
	t.Helper()
	h := httptest.NewUnstartedServer(handle)
	h.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are wanted here
	h.StartTLS()
	t.Cleanup(h.Close)
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	return connected(t, h, Connection{Trust: connect.Trust{RootCAs: roots}, Timeout: 10 * time.Second}), h
}

// connected gives a server as requests are sent to it over the connection.
func connected(t *testing.T, h *httptest.Server, c Connection) Server {
	t.Helper()
	return connectedTo(t, h.URL, c)
}

func connectedTo(t *testing.T, address string, c Connection) Server {
	t.Helper()
	u, err := System{Name: "sys"}.ParseURL(address, "")
	require.NoError(t, err)
	c.Idle = 1
	s := Server{URL: address, Timeout: c.Timeout, Logger: slog.New(slog.DiscardHandler)}
	s.HTTP, err = System{Name: "sys"}.NewHTTP(u, c)
	require.NoError(t, err)
	t.Cleanup(s.HTTP.GetClient().CloseIdleConnections)
	return s
}

func ask(s Server, read bool) Request {
	return Request{
		System: System{Name: "sys", Title: "Sys", TimeoutNote: " of patience"}, Op: "ask", Method: http.MethodPost,
		Path: "/x", Address: s.URL + "/x", Body: "b", Read: read, Success: []int{200},
	}
}

// hang keeps a request until its client leaves.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server sees the client leave only then
	<-r.Context().Done()
	panic(http.ErrAbortHandler) // an answer could still get through to a client that is just closing
}

func requireClass(t *testing.T, err error, class Class, text string) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, class, e.Class, e.Error())
	require.ErrorContains(t, err, text)
}

func TestSend(t *testing.T) {
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "Bearer T" || r.URL.RawQuery != "q=1" || string(body) != `"b"` {
			w.WriteHeader(400)
		}
		w.Header().Set("Date", "some day")
		io.WriteString(w, " yes\n")
	})
	var date string
	var status int
	s.OnHeader = func(h http.Header) { date = h.Get("Date") }
	s.OnRequest = func(_ string, got int, _ time.Duration) { status = got }
	r := ask(s, false)
	r.Token, r.Query = "T", map[string][]string{"q": {"1"}}
	a, err := s.Send(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, &Answer{Status: 200, Header: a.Header, Body: []byte("yes"), Success: true}, a)
	require.Equal(t, "some day", a.Header.Get("Date"))
	require.Equal(t, "some day", date)
	require.Equal(t, 200, status)

	r.Token = ""
	a, err = s.Send(t.Context(), r)
	require.NoError(t, err, "what a refusal means is its caller's to say")
	require.Equal(t, 400, a.Status)
	require.False(t, a.Success)
}

// A connection that dies under a request: a read is sent again, and only over
// a connection that had been used before; a write never.
func TestLostConnection(t *testing.T) {
	for _, tt := range []struct {
		name       string
		read, warm bool
		class      Class
		sent       int32
	}{
		{"read on a kept-alive connection", true, true, "", 2},
		{"read on a new connection", true, false, Temporary, 1},
		{"write on a kept-alive connection", false, true, Ambiguous, 1},
		{"write on a new connection", false, false, Ambiguous, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent atomic.Int32
			s, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if r.URL.Path == "/x" && sent.Add(1) == 1 {
					panic(http.ErrAbortHandler)
				}
			})
			if tt.warm {
				r := ask(s, true)
				r.Address = s.URL + "/warm"
				_, err := s.Send(t.Context(), r)
				require.NoError(t, err)
			}
			_, err := s.Send(t.Context(), ask(s, tt.read))
			if tt.class == "" {
				require.NoError(t, err)
			} else {
				requireClass(t, err, tt.class, "EOF")
			}
			require.Equal(t, tt.sent, sent.Load())
		})
	}
}

func TestNoAnswerInTime(t *testing.T) {
	for read, class := range map[bool]Class{true: Temporary, false: Ambiguous} {
		s, _ := serve(t, hang)
		s.Timeout = 300 * time.Millisecond
		_, err := s.Send(t.Context(), ask(s, read))
		requireClass(t, err, class, "sys: ask (POST /x): no answer in time (300ms of patience): ")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}

// What certainly was not sent is never in doubt, also of a write.
func TestNotSent(t *testing.T) {
	s, h := serve(t, func(http.ResponseWriter, *http.Request) {})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Send(ended, ask(s, false))
	requireClass(t, err, Unreachable, "context canceled")

	r := ask(s, false)
	r.Body = make(chan int)
	_, err = s.Send(t.Context(), r)
	requireClass(t, err, Permanent, "encode the request")

	stranger := connected(t, h, Connection{Trust: connect.Trust{RootCAs: x509.NewCertPool()}, Timeout: time.Second})
	_, err = stranger.Send(t.Context(), ask(s, false))
	requireClass(t, err, Untrusted, "Sys's certificate")

	h.Close()
	_, err = s.Send(t.Context(), ask(s, false))
	requireClass(t, err, Unreachable, s.URL+" cannot be reached: ")
}

// A body that is read as it is sent: with its length, not kept in memory, and
// not touched any more once the request has ended.
func TestContent(t *testing.T) {
	var length int64
	var kind, extra string
	var received int64
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		length, kind, extra = r.ContentLength, r.Header.Get("Content-Type"), r.Header.Get("X-Extra")
		received, _ = io.Copy(io.Discard, r.Body)
	})
	const size = 64 << 20
	body := NewContent("application/x", size, io.LimitReader(endless{}, size))
	r := ask(s, false)
	r.Header, r.Body = http.Header{"X-Extra": {"y"}}, body
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := s.Send(t.Context(), r)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Equal(t, []any{int64(size), "application/x", "y", int64(size)}, []any{length, kind, extra, received})
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
	_, err = body.Read(make([]byte, 1))
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)

	r.Body = NewContent("application/x", 9, strings.NewReader("short"))
	_, err = s.Send(t.Context(), r)
	requireClass(t, err, Ambiguous, "ContentLength=9 with Body length 5")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

func TestBodiesAreBounded(t *testing.T) {
	r := Request{System: System{TooLargeNote: ": ask for less"}}
	var a attempt
	require.NoError(t, a.read(endless{}, r))
	require.Len(t, a.Body, maxErrorBody)

	a.Success = true
	require.ErrorContains(t, a.read(endless{}, r), "larger than 64 MiB: ask for less")
	var decoded int64
	r.Decode = func(body io.Reader) (err error) {
		decoded, err = io.Copy(io.Discard, body)
		return err
	}
	require.ErrorContains(t, a.read(endless{}, r), "larger than 64 MiB: ask for less")
	require.EqualValues(t, maxBody, decoded)
	r.MaxBody = 3 << 20
	require.ErrorContains(t, a.read(endless{}, r), "larger than 3 MiB: ask for less")
	require.EqualValues(t, r.MaxBody, decoded)
}

// A request may have another time-out than its server.
func TestTimeoutOfRequest(t *testing.T) {
	s, _ := serve(t, hang)
	r := ask(s, true)
	r.Timeout = 200 * time.Millisecond
	_, err := s.Send(t.Context(), r)
	requireClass(t, err, Temporary, "no answer in time (200ms of patience)")
}

// What is decoded as it comes is told apart from what did not come, and leaves
// the connection for the next request.
func TestDecode(t *testing.T) {
	answer, cut := "yes and some more", false
	var from []string
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		from = append(from, r.RemoteAddr)
		if cut {
			w.Header().Set("Content-Length", "100")
		}
		io.WriteString(w, answer)
	})
	r := ask(s, true)
	r.Decode = func(body io.Reader) error {
		word := make([]byte, 3)
		if _, err := io.ReadFull(body, word); err != nil {
			return err
		}
		if string(word) != "yes" {
			return errors.New("no yes")
		}
		return nil
	}
	for range 2 {
		a, err := s.Send(t.Context(), r)
		require.NoError(t, err)
		require.Empty(t, a.Body)
	}
	require.Equal(t, from[0], from[1])

	answer = "no way"
	_, err := s.Send(t.Context(), r)
	requireClass(t, err, Temporary, "not what Sys's API promises: no yes")
	answer, cut = "ye", true
	_, err = s.Send(t.Context(), r)
	requireClass(t, err, Temporary, "read the answer: unexpected EOF")
}
