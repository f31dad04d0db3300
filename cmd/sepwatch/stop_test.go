package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// TestStopLosesNothing stops the program while mailbox, SEPM and Resilient
// hang, and starts it again when they work. The reload during the stop is
// forgotten.
func TestStopLosesNothing(t *testing.T) {
	t.Parallel()
	const alerts = 5
	mail, err := mailbox.New(mailbox.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, mail.Close()) }()
	platform := soar.New(soar.Options{KeyField: true})
	fleet := sepm.Fleet(1, alerts)
	soarFaults, sepmFaults := fault.New(1), fault.New(2)
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	soarHTTP, err := serve.Start("127.0.0.1:0", &cert, soarFaults.Wrap(platform))
	require.NoError(t, err)
	defer func() { require.NoError(t, soarHTTP.Close()) }()
	defer soarFaults.Close()
	sepmHTTP, err := serve.Start("127.0.0.1:0", &cert, sepmFaults.Wrap(sepm.New(sepm.Options{Computers: fleet})))
	require.NoError(t, err)
	defer func() { require.NoError(t, sepmHTTP.Close()) }()
	defer sepmFaults.Close()

	dir := t.TempDir()
	config := func(timeout string) string {
		path := filepath.Join(dir, "sepwatch.yaml")
		for name, text := range map[string]string{"mail.pem": string(mail.CAPEM()), "http.pem": string(ca), "sepwatch.yaml": fmt.Sprintf(`
mailboxes: [{name: soc, url: "imaps://demo@%s/INBOX", password: demo, ca_file: mail.pem, start: all}]
alerts: {from: [sepm@demo.example]}
sepm: [{name: main, url: %q, username: admin, password: admin, ca_file: http.pem, timeout: %s, requests_per_minute: 0}]
resilient: {url: %q, org: Demo, api_key_id: demo, api_key_secret: demo, ca_file: http.pem, timeout: %[3]s}
ledger: {path: ledger.db}
`, mail.Address(), sepmHTTP.URL(), timeout, soarHTTP.URL())} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		return path
	}

	// Half of the creates and all lookups hang, far longer than a stop lasts.
	soarFaults.On(fault.Switch{Kind: fault.LateChange, Method: "POST", Path: "incidents", OneIn: 2})
	sepmFaults.On(fault.Switch{Kind: fault.Delay, Wait: time.Hour})
	n := startNotified(t, config("1m"))
	n.expect("READY=1.*")
	send := func(of []sepm.Computer) {
		for i, c := range of {
			now := time.Now()
			_, err := mail.Append(alert.About(i, c).Mail(now), now)
			require.NoError(t, err)
		}
	}
	send(fleet[:alerts-1])
	require.Eventually(t, func() bool {
		return len(platform.Incidents())+soarFaults.Counts()[fault.LateChange] == alerts-1 && sepmFaults.Counts()[fault.Delay] > 0
	}, soon, 10*time.Millisecond)
	mail.SetFaults(mailbox.Rule{Kind: mailbox.Delay, Delay: time.Hour})
	send(fleet[alerts-1:])

	n.signal(syscall.SIGTERM)
	n.expect("STOPPING=1.*")
	n.signal(syscall.SIGHUP)
	require.NoError(t, n.cmd.Wait(), n.log.String())
	require.NotContains(t, n.log.String(), "reloaded")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "ledger.db"))
	require.NoError(t, err)
	var leases int
	require.NoError(t, db.QueryRowContext(t.Context(),
		"SELECT (SELECT count(*) FROM task WHERE owner <> '') + (SELECT count(*) FROM mailbox WHERE owner <> '')").Scan(&leases))
	require.NoError(t, db.Close())
	require.Zero(t, leases)

	mail.SetFaults()
	soarFaults.Off()
	sepmFaults.Off()
	soarFaults.Flush()
	n = startNotified(t, config("1s"))
	n.expect("READY=1.*")
	complete := func() bool {
		rows := 0
		for _, inc := range platform.Incidents() {
			rows += len(inc.Rows)
		}
		return rows == alerts
	}
	require.Eventually(t, complete, soon, 20*time.Millisecond, "something is lost")
	require.Len(t, platform.Incidents(), alerts, "something is doubled")
	n.signal(syscall.SIGTERM)
	n.expect("STOPPING=1.*")
	require.NoError(t, n.cmd.Wait(), n.log.String())
}
