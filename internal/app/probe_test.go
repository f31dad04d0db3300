package app_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
)

// TestProbesAreHarmlessLines meets a server whose words would forge lines and
// steer a terminal.
func TestProbesAreHarmlessLines(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			_, _ = io.WriteString(conn, "* BYE \x1b]0;owned\a\u202ereversed\u2028ledger ok\r\n")
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	c, err := config.Parse("sepwatch.yaml", []byte(`mailboxes: [{name: soc, url: "imap+insecure://a@`+l.Addr().String()+`/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
resilient: {url: "http://127.0.0.1:1", org: Acme, api_key_id: a, api_key_secret: b}
ledger: {path: ledger.db}
`), config.LoadOptions{})
	require.NoError(t, err)

	var probes []app.Probe
	app.ProbeAll(t.Context(), c, 20*time.Second, func(p app.Probe) { probes = append(probes, p) })
	require.Len(t, probes, 3, "in the configuration's order")
	require.Equal(t, []string{"mailbox", "Resilient", "ledger"}, []string{probes[0].Name, probes[1].Name, probes[2].Name})
	require.False(t, probes[0].OK)
	require.Contains(t, probes[0].Problem, "]0;owned reversed ledger ok")
	require.NotContains(t, probes[0].Problem, "\x1b")
}
