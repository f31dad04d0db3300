package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// daemon is an App between stand-ins on real sockets.
type daemon struct {
	*App
	clock      *jumping
	inbox      *mailbox.Server
	soar       *soar.Server
	soarFaults *fault.Set
	sepmFaults *fault.Set
}

// start starts a daemon, with faults at Resilient from the beginning.
func start(t *testing.T, faults ...fault.Switch) *daemon {
	t.Helper()
	d := &daemon{clock: new(jumping), soarFaults: fault.New(1), sepmFaults: fault.New(2)}
	d.soarFaults.On(faults...)
	var err error
	d.inbox, err = mailbox.New(mailbox.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.inbox.Close()) })
	fleet := sepm.Options{Computers: []sepm.Computer{{Name: "HOST-1", ID: fmt.Sprintf("%032X", 1)}, {Name: "HOST-2", ID: fmt.Sprintf("%032X", 2)}}}
	d.soar = soar.New(soar.Options{KeyField: true})
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	urls := make([]string, 2)
	for i, server := range []http.Handler{d.soarFaults.Wrap(d.soar), d.sepmFaults.Wrap(sepm.New(fleet))} {
		h, err := serve.Start("127.0.0.1:0", &cert, server)
		require.NoError(t, err)
		urls[i] = h.URL()
		t.Cleanup(func() {
			d.soarFaults.Close()
			d.sepmFaults.Close()
			require.NoError(t, h.Close())
		})
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"mail.pem": string(d.inbox.CAPEM()), "http.pem": string(ca),
		"c.yaml": fmt.Sprintf(`
mailboxes: [{name: soc, url: "imaps://demo@%s/INBOX", password: demo, ca_file: mail.pem, start: all, poll: 1s}]
alerts: {from: [sepm@example.com]}
sepm: [{name: main, url: %q, username: admin, password: admin, ca_file: http.pem, timeout: 1s, requests_per_minute: 0}]
resilient: {url: %q, org: Demo, api_key_id: demo, api_key_secret: demo, ca_file: http.pem, timeout: 1s}
ledger: {path: ledger.db}
listen: "127.0.0.1:0"
`, d.inbox.Address(), urls[1], urls[0]),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	c, err := config.Load(filepath.Join(dir, "c.yaml"), config.LoadOptions{})
	require.NoError(t, err)
	d.App, err = New(t.Context(), Options{Config: c, Clock: d.clock, Logger: slog.New(slog.DiscardHandler), Version: "v1.2.3"})
	require.NoError(t, err)
	d.Start()
	t.Cleanup(func() { require.NoError(t, d.Stop()) })
	return d
}

// send puts an alert about a computer into the mailbox.
func (d *daemon) send(t *testing.T, computer string) {
	t.Helper()
	_, err := d.inbox.Append(fmt.Appendf(nil, `From: SEPM <sepm@example.com>
Subject: Single Risk Event: machine %[1]s infected with Trojan.Gen.NPE, action Left alone

At least one security risk found:
Risk name: Trojan.Gen.NPE
File path: C:\temp\a.exe
Event time: Feb 28, 2026 3:40:12 AM
User: Administrator
Computer: %[1]s
IP Address: 192.168.194.94
Action taken on risk: Left alone
`, computer), time.Now())
	require.NoError(t, err)
}

// arrived waits until so many incidents stand in Resilient with their rows.
func (d *daemon) arrived(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		rows := 0
		for _, inc := range d.soar.Incidents() {
			rows += len(inc.Rows)
		}
		return rows == n
	}, time.Minute, 20*time.Millisecond)
}

func TestMetricsOfADaemonAtWork(t *testing.T) {
	t.Parallel()
	d := start(t)
	d.send(t, "HOST-1")
	d.send(t, "HOST-2")
	d.arrived(t, 2)
	var parts []string
	for _, line := range []string{
		`sepwatch_build_info{goversion="GO",version="v1.2.3"} 1`,
		`sepwatch_mails_received_total{mailbox="soc"} 2`,
		`sepwatch_mail_lag_seconds_count{mailbox="soc"} 2`,
		`sepwatch_mails_read_total{kind="single_risk",status="parsed"} 2`,
		`sepwatch_incidents_opened_total 2`,
		`sepwatch_incident_lag_seconds_count 2`,
		`sepwatch_pieces_delivered_total{kind="artifact"} 12`,
		`sepwatch_pieces_delivered_total{kind="row"} 2`,
		`sepwatch_runs_total{action="endpoint_details",status="done"} 2`,
		`sepwatch_mailbox_connected{mailbox="soc"} 1`,
		`sepwatch_mailbox_holes{mailbox="soc"} 0`,
		`sepwatch_ledger_up 1`,
		`sepwatch_ledger_commit_failures_total 0`,
		`sepwatch_tasks{kind="deliver",state="due"} 0`,
		`sepwatch_tasks{kind="respond",state="parked"} 0`,
		`sepwatch_pieces_parked 0`,
		`sepwatch_requests_total{operation="connect",status="2xx",system="resilient"} 1`,
		`sepwatch_requests_total{operation="create incident",status="2xx",system="resilient"} 2`,
		`sepwatch_requests_total{operation="authenticate",status="2xx",system="sepm"} 1`,
		`sepwatch_gate_open{system="resilient"} 1`,
		`sepwatch_gate_open{system="sepm"} 1`,
		`sepwatch_config_last_reload_successful 1`,
	} {
		parts = append(parts, "\n"+strings.Replace(line, "GO", runtime.Version(), 1)+"\n")
	}
	requirePage(t, d.App, "/metrics", 200, append(parts, "\ngo_goroutines ", "\nprocess_start_time_seconds ")...)
	_, text := page(t, d.App, "/metrics")
	for _, said := range []string{"HOST-1", "Trojan", "Administrator", `C:\`, "sepm@example.com"} {
		require.NotContains(t, text, said, "a mail is in a label")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestReadyWhileResilientIsAway(t *testing.T) {
	t.Parallel()
	d := start(t, fault.Switch{Kind: fault.Status, Code: 503})
	requirePage(t, d.App, "/readyz", 503, "ledger: ok\nmailbox soc: ok\nresilient: cannot be used (failures: ", "503", "sepm: ok\n")
	requirePage(t, d.App, "/metrics", 200, `sepwatch_gate_open{system="resilient"} 0`)
	d.soarFaults.Off()
	requirePage(t, d.App, "/readyz", 200, "ledger: ok\nmailbox soc: ok\nresilient: ok\nsepm: ok\n")

	d.send(t, "HOST-1")
	d.arrived(t, 1)
	d.soarFaults.On(fault.Switch{Kind: fault.Status, Code: 503})
	d.send(t, "HOST-2")
	requirePage(t, d.App, "/metrics", 200, `sepwatch_requests_total{operation="create incident",status="5xx",system="resilient"}`)
	requirePage(t, d.App, "/healthz", 200, "stage deliver: ok\n")
	d.soarFaults.Off()
	d.arrived(t, 2)
	requirePage(t, d.App, "/readyz?format=json", 200, `{"ok":true,"checks":[{"name":"ledger","ok":true},{"name":"mailbox soc","ok":true},{"name":"resilient","ok":true},{"name":"sepm","ok":true}]}`)
}

func TestReadyWhileTheMailboxIsAway(t *testing.T) {
	t.Parallel()
	d := start(t)
	requirePage(t, d.App, "/readyz", 200, "mailbox soc: ok\n")
	d.inbox.SetFaults(mailbox.Rule{Kind: mailbox.Reset, Command: "LOGIN"})
	d.inbox.Disconnect()
	require.Eventually(t, func() bool { return !d.mailboxes()[0].Connected }, time.Minute, 10*time.Millisecond)
	requirePage(t, d.App, "/readyz", 200, "mailbox soc: ok\n") // it may be back before long
	d.clock.jump(10 * time.Minute)
	requirePage(t, d.App, "/readyz", 503, "mailbox soc: has not answered for 10m", "log in", "resilient: ok\n")
	requirePage(t, d.App, "/metrics", 200, `sepwatch_mailbox_connected{mailbox="soc"} 0`)
	requirePage(t, d.App, "/healthz", 200)
	d.inbox.SetFaults()
	requirePage(t, d.App, "/readyz", 200, "mailbox soc: ok\n")
	requirePage(t, d.App, "/metrics", 200, `sepwatch_mailbox_connected{mailbox="soc"} 1`)
}
