package acceptance

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/proxy"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// The whole job where every server is behind a proxy and known by its pin
// alone, the mailbox offers STARTTLS, and old mail lies in it.
func TestProxiesPinsStartTLSAndAStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, true, "path: ledger.db")
	p, err := proxy.Start(proxy.Options{Username: "u", Password: "hunter2"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	data, err := os.ReadFile(w.config)
	require.NoError(t, err)
	web, err := os.ReadFile(filepath.Join(filepath.Dir(w.config), "http.pem"))
	require.NoError(t, err)
	known := func(ca []byte, scheme string) string {
		block, _ := pem.Decode(ca)
		cert, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		return fmt.Sprintf(`fingerprints: ["%s"], proxy: "%s://u:hunter2@%s"`, connect.FingerprintOf(cert), scheme, p.Address())
	}
	text := strings.NewReplacer(
		"imaps://"+realparts.DovecotUser+"@"+w.mail.TLSAddress, "imap://"+realparts.DovecotUser+"@"+w.mail.Address,
		"ca_file: mail.pem, start: all", known(w.mail.CAPEM, "socks5")+", start: 14d",
		"ca_file: http.pem", known(web, "http"),
	).Replace(string(data))
	require.NoError(t, os.WriteFile(w.config, []byte(text), 0o600))

	w.mail.Append(time.Now().AddDate(0, 0, -15), alert(sepm.Computer{Name: "TOO-OLD"}))
	for i, c := range w.fleet {
		w.mail.Append(time.Now().AddDate(0, 0, -i*6), alert(c))
	}
	w.finish()
	w.requireEachOnce()
	require.Contains(t, p.Targets(), w.mail.Address)
	for _, server := range p.Targets() {
		require.Contains(t, text, server)
	}
	require.GreaterOrEqual(t, len(p.Targets()), 3)
}
