package sepclient

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sepm is a SEPM that lets everybody in and answers with handle.
type sepm struct {
	*httptest.Server
	logins atomic.Int32
	// authenticate, when set, answers logins in place of the usual token.
	authenticate http.HandlerFunc
	handle       http.HandlerFunc
}

func serve(t *testing.T, handle http.HandlerFunc) *sepm {
	t.Helper()
	s := &sepm{handle: handle}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.route))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are wanted here
	s.StartTLS()
	t.Cleanup(s.Server.Close)
	return s
}

func (s *sepm) route(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/sepm/api/v1/identity/authenticate":
		n := s.logins.Add(1)
		if s.authenticate != nil {
			s.authenticate(w, r)
			return
		}
		write(w, 200, map[string]any{"token": "token-" + string('0'+n), "tokenExpiration": 3600, "adminId": "A1"})
	case "/sepm/api/v1/identity/logout":
		w.WriteHeader(http.StatusNoContent)
	default:
		s.handle(w, r)
	}
}

// client makes a client that trusts the server's own self-signed certificate.
func (s *sepm) client(t *testing.T, edit ...func(*Options)) *Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	o := Options{URL: s.URL, Username: "admin", Password: "secret", Domain: "Default", RootCAs: pool}
	for _, e := range edit {
		e(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(c.http.GetClient().CloseIdleConnections)
	return c
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// hang keeps a request until its client leaves.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server sees the client leave only then
	<-r.Context().Done()
	panic(http.ErrAbortHandler) // an answer could still get through to a client that is just closing
}

// classOf is the class of an error, "" of none.
func classOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

func requireError(t *testing.T, err error, class Class, text string) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, class, e.Class, e.Error())
	require.ErrorContains(t, err, text)
	return e
}

func TestNewTakesPlainHTTPOnThisMachineOnly(t *testing.T) {
	for url, ok := range map[string]bool{
		"http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost": true,
		"http://127.0.0.1.example.com": false, "http://10.0.0.1": false, "ftp://localhost": false,
	} {
		_, err := New(Options{URL: url, Username: "a", Password: "b"})
		require.Equal(t, ok, err == nil, url)
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	for url, want := range map[string]string{
		"http://sepm:8446":            "want https://",
		"sepm.example.com":            "want https://",
		"https://a:b@sepm":            "no login",
		"https://sepm?x=1":            "no login, query",
		"https://sepm:port":           "invalid port",
		"https://sepm.example.com:84": "username and password",
	} {
		_, err := New(Options{URL: url})
		require.ErrorContains(t, err, want, url)
		require.NotContains(t, err.Error(), "a:b@")
	}
}

func TestPathOfURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://sepm:8446":             "https://sepm:8446/sepm",
		"https://sepm:8446/":            "https://sepm:8446/sepm",
		"https://sepm:8446/sepm/":       "https://sepm:8446/sepm",
		"https://proxy.example.com/one": "https://proxy.example.com/one/sepm",
	} {
		c, err := New(Options{URL: url, Username: "u", Password: "p"})
		require.NoError(t, err)
		require.Equal(t, want, c.root)
	}
}

func TestVersion(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sepm/api/v1/version" || r.Header.Get("Authorization") != "" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `{"API_SEQUENCE":240604011,"API_VERSION":"14.3.9000","version":"14.3.25029.9000"}`)
	})
	v, err := s.client(t).Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, Version{Product: "14.3.25029.9000", API: "14.3.9000", Sequence: "240604011"}, v)
	require.Zero(t, s.logins.Load(), "the version needs no login")
}

func TestVersionOfSomethingElse(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{}`) })
	_, err := s.client(t).Version(t.Context())
	requireError(t, err, Permanent, "what answers there is not SEPM's REST API")
}

func TestUntrustedCertificate(t *testing.T) {
	s := serve(t, hang)
	_, err := s.client(t, func(o *Options) { o.RootCAs = nil }).Version(t.Context())
	requireError(t, err, Untrusted, "ca_file")
}

func TestCertificateOfAnotherName(t *testing.T) {
	s := serve(t, hang)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	_, err = s.client(t, func(o *Options) { o.URL = "https://localhost:" + port }).Version(t.Context())
	requireError(t, err, Untrusted, "use a name of the certificate")
}

func TestPinnedCertificateAndProxy(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"API_VERSION":"14.3.9000","version":"14.3.25029.9000"}`)
	})
	pin := connect.FingerprintOf(s.Certificate())
	pinned := func(o *Options) { o.RootCAs, o.Fingerprints = nil, []connect.Fingerprint{pin} }
	_, err := s.client(t, pinned).Version(t.Context())
	require.NoError(t, err)
	_, err = s.client(t, func(o *Options) { o.Fingerprints = []connect.Fingerprint{{}} }).Version(t.Context())
	requireError(t, err, Untrusted, pin.String())
	_, err = s.client(t, pinned, func(o *Options) { o.Proxy = connect.Proxy{Scheme: "http", Address: "127.0.0.1:1"} }).Version(t.Context())
	requireError(t, err, Unreachable, "proxy 127.0.0.1:1 cannot be reached")
}

func TestUnreachable(t *testing.T) {
	s := serve(t, hang)
	c := s.client(t)
	s.Close()
	_, err := c.Version(t.Context())
	e := requireError(t, err, Unreachable, "cannot be reached")
	require.Zero(t, e.Status)
}

func TestNoAnswerInTime(t *testing.T) {
	s := serve(t, hang)
	_, err := s.client(t, func(o *Options) { o.Timeout = 300 * time.Millisecond }).Version(t.Context())
	requireError(t, err, Temporary, "no answer in time (300ms a request)")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestObservesRequests(t *testing.T) {
	type seen struct {
		op     string
		status int
	}
	var got []seen
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c := s.client(t, func(o *Options) {
		o.OnRequest = func(op string, status int, _ time.Duration) { got = append(got, seen{op, status}) }
	})
	for _, err := range c.Computers(t.Context(), ComputerQuery{Name: "X"}) {
		require.Error(t, err)
	}
	require.Equal(t, []seen{{"authenticate", 200}, {"list computers", 500}}, got)
}
