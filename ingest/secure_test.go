package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// fake is a mail server that does to a connection what a test wants, and
// keeps all that it was sent.
type fake struct {
	address string
	mu      sync.Mutex
	sent    bytes.Buffer
}

func (f *fake) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent.Write(p)
}

func (f *fake) heard() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent.String()
}

// clientConn is a connection as the server sees it: r has what comes in.
type clientConn struct {
	net.Conn
	r *bufio.Reader
}

func (c clientConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func fakeServer(t *testing.T, serve func(clientConn)) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fake{address: l.Addr().String()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(clientConn{conn, bufio.NewReader(io.TeeReader(conn, f))})
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return f
}

// says greets, and answers the first line with the text.
func says(greeting, answer string) func(clientConn) {
	return func(c clientConn) {
		_, _ = io.WriteString(c, greeting)
		if _, err := c.r.ReadString('\n'); err == nil {
			_, _ = io.WriteString(c, answer)
		}
		_, _ = io.Copy(io.Discard, c)
	}
}

func startTLS(address string, caPEM []byte) ingest.Options {
	o := testOptions(address, mailbox.Username, "hunter2", caPEM)
	o.TLS = ingest.StartTLS
	return o
}

// probed is the failure of a probe, all of it.
func probed(t *testing.T, o ingest.Options) string {
	t.Helper()
	_, err := ingest.Probe(t.Context(), o)
	var failure *ingest.Error
	require.ErrorAs(t, err, &failure)
	return err.Error()
}

// Whatever a server, or somebody between, says before TLS: no password is sent
// but over TLS, and the failure says what happened.
func TestNothingIsSentBeforeTLS(t *testing.T) {
	const ok, stripped = "* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n", "somebody may be taking it out of the connection"
	cert, caPEM, err := serve.SelfSigned()
	require.NoError(t, err)
	handshake := func(c clientConn) { _ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake() }
	for _, tt := range []struct {
		name  string
		serve func(clientConn)
		heard string // before TLS
		want  []string
	}{
		{"stripped", says("* OK hello\r\n", "T1 BAD unknown command \x1b[31m\r\n"), "T1 STARTTLS\r\n",
			[]string{`ask for TLS: the server does not start TLS: it answers "T1 BAD unknown command \x1b[31m"`, stripped}},
		{"refused", says(ok, "* NO later\r\nT1 NO not now\r\n"), "T1 STARTTLS\r\n",
			[]string{`it answers "T1 NO not now"`, stripped}},
		{"logged in already", says("* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n", ""), "",
			[]string{`it greets with "* PREAUTH [CAPABILITY IMAP4rev1] welcome"`, stripped}},
		{"no IMAP", says("220 smtp.example.com\r\n", ""), "",
			[]string{`it greets with "220 smtp.example.com"`}},
		{"busy", says("* BYE too many connections\r\n", ""), "",
			[]string{`the server refuses the connection: "* BYE too many connections"`}},
		{"goodbye", says(ok, "* BYE shutting down\r\n"), "T1 STARTTLS\r\n",
			[]string{`it answers "* BYE shutting down"`}},
		{"another tag", says(ok, "T2 OK begin\r\n"), "T1 STARTTLS\r\n",
			[]string{`it answers "T2 OK begin"`}},
		{"a text instead", says(ok, "+ go ahead\r\n"), "T1 STARTTLS\r\n",
			[]string{`it answers "+ go ahead"`}},
		{"an endless greeting", says("* OK "+strings.Repeat("x", 20_000), ""), "",
			[]string{"it says more than 16 KiB before it"}},
		{"endless notices", says(ok, strings.Repeat("* OK still here\r\n", 2_000)), "T1 STARTTLS\r\n",
			[]string{"it says more than 16 KiB before it"}},
		{"hangs up at once", func(clientConn) {}, "",
			[]string{"ask for TLS: the server closed the connection"}},
		{"hangs up within the answer", func(c clientConn) {
			_, _ = io.WriteString(c, ok)
			_, _ = c.r.ReadString('\n')
			_, _ = io.WriteString(c, "T1 OK begin\rx")
		}, "T1 STARTTLS\r\n", []string{"ask for TLS: the server closed the connection"}},
		{"words put behind the answer", func(c clientConn) {
			_, _ = io.WriteString(c, ok)
			_, _ = c.r.ReadString('\n')
			_, _ = io.WriteString(c, "T1 OK begin\r\n* OK [CAPABILITY IMAP4rev1 IDLE] yes\r\nT1 OK done\r\nT2 OK done\r\n")
			handshake(c)
		}, "T1 STARTTLS\r\n", []string{"start TLS: what follows the server's answer to STARTTLS is not TLS", "somebody may be putting words into the connection"}},
		{"a few bytes behind the answer", func(c clientConn) {
			_, _ = io.WriteString(c, ok)
			_, _ = c.r.ReadString('\n')
			_, _ = io.WriteString(c, "T1 OK begin\r\n\r\n")
			handshake(c)
		}, "T1 STARTTLS\r\n", []string{"is not TLS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := fakeServer(t, tt.serve)
			got := probed(t, startTLS(f.address, caPEM))
			for _, want := range tt.want {
				require.Contains(t, got, want)
			}
			require.NotContains(t, got, "hunter2")
			clear, rest := f.heard(), ""
			if n := len(tt.heard); len(clear) > n {
				clear, rest = clear[:n], clear[n:]
			}
			require.Equal(t, tt.heard, clear)
			require.True(t, rest == "" || rest[0] == 22 || rest[0] == 21, "TLS and nothing else: %q", rest)
			require.NotContains(t, f.heard(), "hunter2")
		})
	}
}

// A server that falls silent before TLS is left in time.
func TestSilenceBeforeTLS(t *testing.T) {
	for name, says := range map[string]string{"no greeting": "", "no answer": "* OK hello\r\n", "no end": "* OK hello\r\nT1 OK\r"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var serving sync.WaitGroup
				o := startTLS("mail.example.com:143", nil)
				o.Dial = func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					serving.Go(func() {
						first, rest, _ := strings.Cut(says, "\n")
						if rest != "" || first != "" {
							_, _ = io.WriteString(theirs, first+"\n")
							_, _ = io.ReadFull(theirs, make([]byte, len("T1 STARTTLS\r\n")))
							_, _ = io.WriteString(theirs, rest)
						}
						_, _ = io.Copy(io.Discard, theirs)
					})
					return ours, nil
				}
				began := time.Now()
				require.Contains(t, probed(t, o), "ask for TLS: no answer from the server for 1m0s")
				require.LessOrEqual(t, time.Since(began), 2*time.Minute)
				serving.Wait()
			})
		})
	}
}
