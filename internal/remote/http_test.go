package remote

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/simulate/proxy"
)

func TestPinnedCertificate(t *testing.T) {
	_, h := serve(t, func(http.ResponseWriter, *http.Request) {})
	pin := connect.FingerprintOf(h.Certificate())
	pinned := func(pins ...connect.Fingerprint) error {
		s := connected(t, h, Connection{Trust: connect.Trust{Fingerprints: pins}, Timeout: 10 * time.Second})
		_, err := s.Send(t.Context(), ask(s, false))
		return err
	}
	require.NoError(t, pinned(pin))
	requireClass(t, pinned(connect.Fingerprint{}), Untrusted, "the certificate has the fingerprint "+pin.String())
	requireClass(t, pinned(), Untrusted, "if the certificate shown is Sys's own, set fingerprints: ["+pin.String()+"]")
}

func TestThroughAProxy(t *testing.T) {
	_, h := serve(t, func(http.ResponseWriter, *http.Request) {})
	stand := func(o proxy.Options) (*proxy.Server, Server) {
		p, err := proxy.Start(o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.Close()) })
		return p, over(t, h.URL, "http://"+p.Address(), 10*time.Second)
	}
	p, s := stand(proxy.Options{})
	_, err := s.Send(t.Context(), ask(s, false))
	// The certificate is the server's, not the proxy's.
	requireClass(t, err, Untrusted, "sys: ask (POST /x): tls: failed to verify")
	require.Equal(t, []string{h.Listener.Addr().String()}, p.Targets())

	// A proxy that fails leaves no doubt: nothing was sent.
	p, s = stand(proxy.Options{Username: "u"})
	_, err = s.Send(t.Context(), ask(s, false))
	requireClass(t, err, Unreachable, "sys: ask (POST /x): "+h.URL+" cannot be reached: proxy "+p.Address()+
		" refused: 407 Proxy Authentication Required: write the proxy's user and password into its URL")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	s = over(t, h.URL, "http://"+silent.Addr().String(), 2*time.Second)
	_, err = s.Send(t.Context(), ask(s, false))
	requireClass(t, err, Unreachable, "no answer in time (2s of patience): proxy "+silent.Addr().String()+" gave no answer")
}

// over gives a server behind a proxy.
func over(t *testing.T, address, text string, timeout time.Duration) Server {
	t.Helper()
	p, err := connect.ParseProxy(text)
	require.NoError(t, err)
	return connectedTo(t, address, Connection{Proxy: p, Timeout: timeout})
}

// The environment's proxy counts where no other is set, and never for this
// machine.
func TestProxyOfTheEnvironment(t *testing.T) {
	p, err := proxy.Start(proxy.Options{Refuse: 403})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	t.Setenv("HTTPS_PROXY", "http://"+p.Address())
	t.Setenv("NO_PROXY", "")
	s := connectedTo(t, "https://sepm.invalid", Connection{Timeout: 10 * time.Second})
	_, err = s.Send(t.Context(), ask(s, false))
	requireClass(t, err, Unreachable, "proxy "+p.Address()+" refused: 403")
	require.Equal(t, []string{"sepm.invalid:443"}, p.Targets())

	other, err := proxy.Start(proxy.Options{Refuse: 403})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	s = over(t, "https://sepm.invalid", "socks5://"+other.Address(), 10*time.Second)
	_, err = s.Send(t.Context(), ask(s, false))
	requireClass(t, err, Unreachable, "proxy "+other.Address()+" did not connect")

	local, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") })
	_, err = local.Send(t.Context(), ask(local, false))
	require.NoError(t, err)
	require.Len(t, p.Targets(), 1)

	t.Setenv("HTTPS_PROXY", "ftp://u:hunter2@proxy")
	u, err := System{}.ParseURL("https://sepm.invalid", "")
	require.NoError(t, err)
	_, err = System{Name: "sys"}.NewHTTP(u, Connection{Timeout: time.Second})
	require.ErrorContains(t, err, `sys: the environment's HTTPS_PROXY has the scheme "ftp"`)
	require.NotContains(t, err.Error(), "hunter2")
}
