package ingest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/proxy"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// upgraded is a server that offers STARTTLS, and in the clear every capability
// there is; over TLS it is the stand-in behind it.
func upgraded(t *testing.T, behind standInServer) ingest.Options {
	t.Helper()
	cert, caPEM, err := serve.SelfSigned()
	require.NoError(t, err)
	f := fakeServer(t, func(c clientConn) {
		_, _ = io.WriteString(c, "* OK [CAPABILITY IMAP4rev1 STARTTLS IDLE MOVE UIDPLUS] hello\r\n")
		_, _ = c.r.ReadString('\n')
		_, _ = io.WriteString(c, "* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS\r\nT1 OK [CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS] begin\r\n")
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		server, err := net.Dial("tcp", behind.Address())
		if err != nil {
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			greeting := make([]byte, 1)
			for greeting[0] != '\n' { // there is none after STARTTLS
				if _, err := io.ReadFull(server, greeting); err != nil {
					return
				}
			}
			_, _ = io.Copy(secure, server)
		}()
		_, _ = io.Copy(server, secure)
		server.Close()
		<-done
	})
	o := startTLS(f.address, caPEM)
	o.Password = mailbox.Password
	return o
}

func TestStartTLSOnAServer(t *testing.T) {
	test := func(t *testing.T, s mailServer, o ingest.Options) {
		s.append(t, mails(1, 50)...)
		o.BatchMails = 8
		l := newLedger()
		w, stop := run(t, o, l)
		committed(t, l, 50)
		eventually(t, func() bool { return w.Health().Connected }, "connected")
		s.append(t, mail(51)) // found by IDLE alone
		committed(t, l, 51)
		stop()
		l.requireKept(t)
	}
	t.Run("stand-in", func(t *testing.T) {
		s := standIn(t, mailbox.Options{Plain: true})
		test(t, s, upgraded(t, s))
	})
	t.Run("dovecot", func(t *testing.T) {
		s := dovecot(t)
		o := s.options()
		o.Address, o.TLS = plainAddress(s), ingest.StartTLS
		test(t, s, o)
	})
}

func TestCapabilitiesBeforeTLSAreForgotten(t *testing.T) {
	s := standIn(t, mailbox.Options{Plain: true, NoIdle: true, NoMove: true, NoUIDPlus: true})
	o := upgraded(t, s)
	o.Move, o.Flag = mailbox.Processed, ingest.FlagNone
	got, err := ingest.Probe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, ingest.Found{}, got)
}

// Trust is the same with TLS from the start and after STARTTLS.
func TestPinnedCertificate(t *testing.T) {
	plain := standIn(t, mailbox.Options{Plain: true})
	for name, o := range map[string]ingest.Options{
		"implicit": standIn(t, mailbox.Options{}).options(),
		"starttls": upgraded(t, plain),
	} {
		t.Run(name, func(t *testing.T) {
			shown := shownBy(t, o)
			trust := func(pins ...connect.Fingerprint) ingest.Options {
				with := o
				with.RootCAs, with.Fingerprints = nil, pins
				return with
			}
			got := probed(t, trust())
			require.Contains(t, got, "start TLS: tls: failed to verify certificate")
			require.Contains(t, got, "if the certificate shown is the mail server's own, set fingerprints: ["+shown.String()+"]")

			_, err := ingest.Probe(t.Context(), trust(connect.Fingerprint{}, shown))
			require.NoError(t, err)

			got = probed(t, trust(connect.Fingerprint{}))
			require.Contains(t, got, "start TLS: the certificate has the fingerprint "+shown.String()+", which is none of fingerprints")
			require.Contains(t, got, "somebody may have come between, or the certificate was renewed")

			both := o
			both.Fingerprints = []connect.Fingerprint{shown}
			_, err = ingest.Probe(t.Context(), both)
			require.NoError(t, err)
			both.RootCAs = x509.NewCertPool()
			require.Contains(t, probed(t, both), "failed to verify certificate", "the authority must hold too")
		})
	}
}

// shownBy is the fingerprint that a server shows to whom does not trust it.
func shownBy(t *testing.T, o ingest.Options) connect.Fingerprint {
	t.Helper()
	o.RootCAs, o.Fingerprints = nil, nil
	_, err := ingest.Probe(t.Context(), o)
	var refused *tls.CertificateVerificationError
	require.ErrorAs(t, err, &refused)
	return connect.FingerprintOf(refused.UnverifiedCertificates[0])
}

func TestMailboxBehindAProxy(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		s.append(t, mails(1, 5)...)
		p, err := proxy.Start(proxy.Options{Username: "u", Password: "p"})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.Close()) })
		for _, scheme := range []string{"http", "socks5"} {
			o := s.options()
			o.Proxy, err = connect.ParseProxy(scheme + "://u:p@" + p.Address())
			require.NoError(t, err)
			l := newLedger()
			_, stop := run(t, o, l)
			committed(t, l, 5)
			stop()
			l.requireKept(t)
			require.Contains(t, p.Targets(), o.Address)
		}
	})
}

func TestProxyThatFails(t *testing.T) {
	s := standIn(t, mailbox.Options{})
	p, err := proxy.Start(proxy.Options{Username: "u", Password: "p"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	hangsUp := fakeServer(t, func(c clientConn) { _, _ = http.ReadRequest(c.r) })
	for text, want := range map[string]string{
		"http://" + p.Address():               "refused: 407 Proxy Authentication Required: write the proxy's user and password",
		"http://u:hunter2@" + p.Address():     "refused: 407 Proxy Authentication Required: write the proxy's user and password",
		"socks5://u:hunter2@" + p.Address():   "did not connect: username/password authentication failed: check proxy",
		"http://u:hunter2@127.0.0.1:1":        "cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused: check proxy",
		"https://u:hunter2@" + s.Address():    "cannot be spoken to over TLS: tls: failed to verify certificate",
		"http://u:hunter2@" + hangsUp.address: "gave no answer: EOF: check proxy",
	} {
		o := s.options()
		o.Proxy, err = connect.ParseProxy(text)
		require.NoError(t, err)
		got := probed(t, o)
		require.Contains(t, got, "mailbox soc at "+s.Address()+": connect: proxy "+o.Proxy.Address+" "+want)
		require.NotContains(t, got, "the server closed the connection", "it was the proxy")
		require.NotContains(t, got, "hunter2")
	}
}
