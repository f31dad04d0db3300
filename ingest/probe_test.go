package ingest_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

func TestProbeSaysWhatTheMailboxOffers(t *testing.T) {
	onServers(t, func(t *testing.T, s mailServer) {
		s.append(t, mails(1, 3)...)
		o := s.options()
		o.Move = mailbox.Processed
		got, err := ingest.Probe(t.Context(), o)
		require.NoError(t, err)
		if got.Flag != "" { // Dovecot keeps that to itself in a folder that is opened read-only
			require.Equal(t, ingest.Keyword, got.Flag)
			got.Flag = ""
		}
		require.Equal(t, ingest.Found{Mails: 3, Idle: true, Moves: true}, got)
		if _, simulated := s.(standInServer); !simulated {
			for _, m := range s.messages(t, mailbox.Inbox) {
				require.Equal(t, []imap.Flag{`\Recent`}, m.Flags, "nothing is changed, not even that it is new")
			}
		}

		o.Move = "Archive"
		_, err = ingest.Probe(t.Context(), o)
		var failure *ingest.Error
		require.ErrorAs(t, err, &failure)
		require.Contains(t, failure.Hint, mailbox.Processed)

		o.Move, o.Folder = "", "Inbix"
		_, err = ingest.Probe(t.Context(), o)
		require.ErrorAs(t, err, &failure)
		require.Equal(t, `open folder "Inbix"`, failure.Doing)
		require.Contains(t, failure.Hint, `there is no folder "Inbix"; this user has "`)
		require.False(t, ingest.LoginRefused(err))

		o.Password = "wrong"
		_, err = ingest.Probe(t.Context(), o)
		require.True(t, ingest.LoginRefused(err), err)
	})
	poor := standIn(t, mailbox.Options{NoIdle: true, NoMove: true, NoUIDPlus: true})
	o := poor.options()
	o.Flag, o.Move = ingest.FlagNone, mailbox.Processed
	got, err := ingest.Probe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, ingest.Found{}, got)
}

// TestProbeTellsServersApart meets what may listen where a mail server should.
func TestProbeTellsServersApart(t *testing.T) {
	const noIMAP = "what listens there does not greet as an IMAP server does: check host and port"
	secure, plain := standIn(t, mailbox.Options{}), standIn(t, mailbox.Options{Plain: true})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for _, tt := range []struct {
		name    string
		address string
		change  func(*ingest.Options)
		doing   string
		hint    string
	}{
		{"nothing", closed.Addr().String(), nil, "connect", "nothing listens there"},
		{"a host that is not", "nowhere.invalid:993", nil, "connect", "the host name cannot be resolved"},
		{"a host that is silent", "192.0.2.1:993", hangingDial, "connect", "the host does not answer"},
		{"no TLS", plain.Address(), nil, "start TLS", "the server does not speak TLS on this port"},
		{"TLS unexpected", secure.Address(), withoutTLS, "read the greeting", noIMAP + ", and whether TLS is spoken there from the start"},
		{"SMTP", greeter(t, "220 mx.example.com ESMTP\r\n"), withoutTLS, "read the greeting", noIMAP},
		{"a server that hangs up", greeter(t, ""), withoutTLS, "read the greeting", noIMAP},
		{"a server in trouble", greeter(t, "* BYE too many connections\r\n"), withoutTLS, "read the greeting", ""},
		{"an unknown certificate", secure.Address(), func(o *ingest.Options) { o.RootCAs = x509.NewCertPool() }, "start TLS", "set fingerprints: [sha256:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := secure.options()
			o.Address, o.CommandTimeout = tt.address, 2*time.Second
			if tt.change != nil {
				tt.change(&o)
			}
			_, err := ingest.Probe(t.Context(), o)
			var failure *ingest.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, tt.doing, failure.Doing, err)
			if tt.hint == "" {
				require.Empty(t, failure.Hint)
			}
			require.Contains(t, failure.Hint, tt.hint)
		})
	}
}

func withoutTLS(o *ingest.Options) { o.TLS = ingest.None }

// hangingDial is a network that drops what is sent.
func hangingDial(o *ingest.Options) {
	o.CommandTimeout = 50 * time.Millisecond
	o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

// greeter is a server that says one thing, and hangs up where it is nothing.
func greeter(t *testing.T, greeting string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, greeting); err == nil && greeting != "" {
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return l.Addr().String()
}
