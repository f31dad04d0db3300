package connect_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/simulate/proxy"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// authority is the certificate of the one proxy that this machine trusts.
var authority, authorityPEM, authorityErr = serve.SelfSigned()

// TestMain makes the system's authorities: they are read once, at first use.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "authorities")
	if err := errors.Join(err, authorityErr); err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "ca.pem")
	if err := errors.Join(os.WriteFile(file, authorityPEM, 0o600), os.Setenv("SSL_CERT_FILE", file)); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// greeting is what the servers here say first, as IMAP's do.
const greeting = "* OK hello\r\n"

// greets starts a server that greets and gives back what it is sent.
func greets(t *testing.T) (address string) {
	t.Helper()
	return listens(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, greeting)
		_, _ = io.Copy(conn, conn)
	})
}

// listens starts a server that serves connections one by one.
func listens(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func stand(t *testing.T, o proxy.Options) *proxy.Server {
	t.Helper()
	p, err := proxy.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func through(t *testing.T, text string) connect.Dial {
	t.Helper()
	p, err := connect.ParseProxy(text)
	require.NoError(t, err)
	return p.Through(new(net.Dialer).DialContext)
}

func requireTunnel(t *testing.T, conn net.Conn) {
	t.Helper()
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, greeting, line, "nothing of what the server says first is lost")
	_, err = io.WriteString(conn, "echo\n")
	require.NoError(t, err)
	line, err = r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "echo\n", line)
	require.NoError(t, conn.Close())
}

func TestThroughAProxy(t *testing.T) {
	server := greets(t)
	for _, tt := range []struct {
		name, scheme, login string
		o                   proxy.Options
	}{
		{"CONNECT", "http", "", proxy.Options{}},
		{"CONNECT with a login", "http", "u:p%40ss@", proxy.Options{Username: "u", Password: "p@ss"}},
		{"SOCKS5", "socks5", "", proxy.Options{}},
		{"SOCKS5 with a login", "socks5", "u:p%40ss@", proxy.Options{Username: "u", Password: "p@ss"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := stand(t, tt.o)
			conn, err := through(t, tt.scheme+"://"+tt.login+p.Address())(t.Context(), "tcp", server)
			require.NoError(t, err)
			requireTunnel(t, conn)
			require.Equal(t, []string{server}, p.Targets())

			// The proxy resolves names.
			_, port, err := net.SplitHostPort(server)
			require.NoError(t, err)
			conn, err = through(t, tt.scheme+"://"+tt.login+p.Address())(t.Context(), "tcp", "localhost:"+port)
			require.NoError(t, err)
			requireTunnel(t, conn)
			require.Equal(t, "localhost:"+port, p.Targets()[1])
		})
	}
	for _, none := range []string{"none", ""} {
		conn, err := connect.Proxy{Scheme: none}.Through(new(net.Dialer).DialContext)(t.Context(), "tcp", server)
		require.NoError(t, err)
		requireTunnel(t, conn)
	}
}

// Whatever a proxy does, the error names it, not its login, and says what to do.
func TestProxyFails(t *testing.T) {
	server := greets(t)
	closed := listens(t, func(net.Conn) {})
	stranger, _, err := serve.SelfSigned()
	require.NoError(t, err)
	says := func(text string) string {
		return listens(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, text)
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	for _, tt := range []struct{ name, proxy, target, problem, advice string }{
		{"it wants a login", "http://" + stand(t, proxy.Options{Username: "u", Password: "p"}).Address(), server,
			"refused: 407 Proxy Authentication Required", "write the proxy's user and password"},
		{"its login is another", "http://u:hunter2@" + stand(t, proxy.Options{Username: "u", Password: "p"}).Address(), server,
			"refused: 407 Proxy Authentication Required", "write the proxy's user and password"},
		{"it forbids it", "http://" + stand(t, proxy.Options{Refuse: 403}).Address(), server,
			"refused: 403 Forbidden", "allow CONNECT"},
		{"it refuses with a status of its own", "http://" + stand(t, proxy.Options{Refuse: 499}).Address(), server,
			"refused: 499", "allow CONNECT"},
		{"it does not reach the server", "http://" + stand(t, proxy.Options{}).Address(), "127.0.0.1:1",
			"refused: 502 Bad Gateway", "does not reach the server"},
		{"it hangs up", "http://u:hunter2@" + closed, server, "gave no answer: ", "check proxy"},
		{"it is no proxy", "http://u:hunter2@" + says("220 smtp.example.com\r\nnever an empty line\r\n\r\n"), server,
			"gave no answer: what came is not HTTP", "check proxy"},
		{"it never ends", "http://u:hunter2@" + says("HTTP/1.1 200 OK\r\n"+strings.Repeat("X: y\r\n", 10_000)), server,
			"gave no answer: what came has no end within 16 KiB", "check proxy"},
		{"its certificate is a stranger's", "https://u:hunter2@" + stand(t, proxy.Options{Certificate: &stranger}).Address(), server,
			"cannot be spoken to over TLS: tls: failed to verify certificate", "check proxy"},
		{"it speaks no TLS", "https://u:hunter2@" + says("HTTP/1.1 400 Bad Request\r\n\r\n"), server,
			"cannot be spoken to over TLS: tls: first record does not look like a TLS handshake", "check proxy"},
		{"SOCKS5 wants a login", "socks5://" + stand(t, proxy.Options{Username: "u", Password: "p"}).Address(), server,
			"did not connect: ", "check proxy"},
		{"SOCKS5 has another login", "socks5://u:hunter2@" + stand(t, proxy.Options{Username: "u", Password: "p"}).Address(), server,
			"did not connect: username/password authentication failed", "check proxy"},
		{"SOCKS5 forbids it", "socks5://" + stand(t, proxy.Options{Refuse: 403}).Address(), server,
			"did not connect: unknown error connection not allowed by ruleset", "check proxy"},
		{"SOCKS5 hangs up", "socks5://u:hunter2@" + closed, server, "did not connect: ", "check proxy"},
		{"SOCKS5 is something else", "socks5://u:hunter2@" + says("220 smtp.example.com\r\n"), server,
			"did not connect: unexpected protocol version", "check proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := through(t, tt.proxy)(t.Context(), "tcp", tt.target)
			var failure *connect.ProxyError
			require.ErrorAs(t, err, &failure)
			require.ErrorContains(t, err, "proxy "+failure.Address+" "+tt.problem)
			require.True(t, strings.HasSuffix(tt.proxy, failure.Address))
			require.Contains(t, failure.Advice(), tt.advice)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	t.Run("nothing listens", func(t *testing.T) {
		for _, scheme := range []string{"http", "https", "socks5"} {
			_, err := through(t, scheme+"://127.0.0.1:1")(t.Context(), "tcp", server)
			require.ErrorContains(t, err, "proxy 127.0.0.1:1 cannot be reached: dial tcp 127.0.0.1:1: ")
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
	})
}

// A proxy that says nothing is left when the context ends.
func TestSilentProxy(t *testing.T) {
	silent := listens(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	for _, scheme := range []string{"http", "https", "socks5"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := through(t, scheme+"://"+silent)(ctx, "tcp", "server.example.com:993")
		cancel()
		require.ErrorContains(t, err, "proxy "+silent+" ")
		require.ErrorIs(t, err, context.DeadlineExceeded, scheme)
	}
}

// What a server sends in one piece with the proxy's answer belongs to the tunnel.
func TestEarlyGreeting(t *testing.T) {
	p := listens(t, func(conn net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.0 200 Connection established\r\nX: y\r\n\r\n"+greeting)
		_, _ = io.Copy(conn, conn)
	})
	conn, err := through(t, "http://"+p)(t.Context(), "tcp", "server.example.com:993")
	require.NoError(t, err)
	requireTunnel(t, conn)
}
