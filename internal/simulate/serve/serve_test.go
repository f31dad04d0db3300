package serve_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trusting returns a client that trusts only the PEM given and opens a new
// connection for each request.
func trusting(t *testing.T, caPEM []byte) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(caPEM))
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true, ForceAttemptHTTP2: true},
	}
}

func TestSelfSignedIsTrustedByItsOwnPEM(t *testing.T) {
	cert, caPEM, err := serve.SelfSigned("sepm.example.com", "192.0.2.7")
	require.NoError(t, err)
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "sepm.example.com", "192.0.2.7"} {
		require.NoError(t, cert.Leaf.VerifyHostname(host), host)
	}
	require.Error(t, cert.Leaf.VerifyHostname("soar.example.com"))

	srv, err := serve.Start("127.0.0.1:0", &cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	require.NoError(t, err)
	defer func() { require.NoError(t, srv.Close()) }()
	require.True(t, strings.HasPrefix(srv.URL(), "https://127.0.0.1:"), srv.URL())

	resp, err := trusting(t, caPEM).Get(srv.URL())
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "HTTP/1.1", string(body), "a client that offers HTTP/2 must still get 1.1")

	_, otherPEM, err := serve.SelfSigned()
	require.NoError(t, err)
	_, err = trusting(t, otherPEM).Get(srv.URL()) //nolint:bodyclose // there is no response
	require.ErrorContains(t, err, "certificate")
}

func TestCloseWaitsForHandlers(t *testing.T) {
	for name, takeOver := range map[string]bool{"ordinary": false, "connection taken over": true} {
		t.Run(name, func(t *testing.T) {
			entered, left := make(chan struct{}), atomic.Bool{}
			release := make(chan struct{})
			srv, err := serve.Start("127.0.0.1:0", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if takeOver {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err == nil {
						defer conn.Close()
					}
				}
				close(entered)
				<-release
				left.Store(true)
			}))
			require.NoError(t, err)
			conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://"))
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			<-entered
			closed := make(chan error)
			go func() { closed <- srv.Close() }()
			select {
			case <-closed:
				t.Fatal("closed while a handler was running")
			default:
			}
			close(release)
			require.NoError(t, <-closed)
			require.True(t, left.Load())
			require.NoError(t, srv.Close(), "a second Close does no harm")
		})
	}
}

func TestBoundedBody(t *testing.T) {
	srv, err := serve.Start("127.0.0.1:0", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		}
	}))
	require.NoError(t, err)
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(srv.URL(), "text/plain", io.LimitReader(zeros{}, 33<<20))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestStartOnATakenAddress(t *testing.T) {
	srv, err := serve.Start("127.0.0.1:0", nil, http.NotFoundHandler())
	require.NoError(t, err)
	defer srv.Close()
	_, err = serve.Start(strings.TrimPrefix(srv.URL(), "http://"), nil, http.NotFoundHandler())
	require.ErrorContains(t, err, "listen on")
}

func TestMutual(t *testing.T) {
	cert, caPEM, err := serve.SelfSigned()
	require.NoError(t, err)
	shown, clients := clientCertificate(t)
	srv, err := serve.StartMutual("127.0.0.1:0", cert, clients, http.NotFoundHandler())
	require.NoError(t, err)
	defer func() { require.NoError(t, srv.Close()) }()

	other, _ := clientCertificate(t)
	for name, tt := range map[string]struct {
		shown []tls.Certificate
		ok    bool
	}{"its own": {[]tls.Certificate{shown}, true}, "none": {nil, false}, "another's": {[]tls.Certificate{other}, false}} {
		client := trusting(t, caPEM)
		transport, _ := client.Transport.(*http.Transport)
		transport.TLSClientConfig.Certificates = tt.shown
		resp, err := client.Get(srv.URL())
		if !tt.ok {
			require.ErrorContains(t, err, "certificate", name)
			continue
		}
		require.NoError(t, err, name)
		require.NoError(t, resp.Body.Close())
	}
}

// clientCertificate is a client's certificate, which signs itself.
func clientCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, pool
}
