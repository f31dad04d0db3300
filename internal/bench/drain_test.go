package bench

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// measureDrain lets the daemon and the references read one mailbox in turn,
// all over TLS, and compares the medians. Nothing is delivered meanwhile:
// what is measured is a mailbox that becomes events in the ledger.
func measureDrain(tb testing.TB, s scale, got figures) {
	mail := mailbox(tb, s.drain)
	mbsync := realparts.Need(tb, "isync", "mbsync")
	times := make(map[string][]float64)
	var ledger *sql.DB // of the last drain
	for range s.runs {
		for _, contender := range []struct {
			name  string
			drain func() time.Duration
		}{
			{"fetch", func() time.Duration { return fetchAll(tb, mail, s.drain) }},
			{"mbsync", func() time.Duration { return runMbsync(tb, mbsync, mail, s.drain) }},
			{"sqlite", func() (took time.Duration) {
				took, ledger = drain(tb, mail, s.drain, settings{})
				return took
			}},
			{"rows", func() time.Duration { return insertRows(tb, ledger, s.drain) }},
			{"postgres", func() (took time.Duration) {
				took, _ = drain(tb, mail, s.drain, settings{postgres: true})
				return took
			}},
		} {
			syscall.Sync() // what the one before left to be written is not this one's work
			times[contender.name] = append(times[contender.name], contender.drain().Seconds())
		}
	}
	fetch, sync, sqlite := median(times["fetch"]), median(times["mbsync"]), median(times["sqlite"])
	got["reference_fetch_seconds"], got["reference_mbsync_seconds"] = fetch, sync
	got["drain_over_fetch"], got["drain_over_mbsync"] = sqlite/fetch, sqlite/sync
	got["reference_rows_seconds"] = median(times["rows"])
	got["drain_over_rows"] = sqlite / got["reference_rows_seconds"]
	tb.Logf("seconds: %v", times)
	got["drain_over_fetch_postgres"] = median(times["postgres"]) / fetch
}

// mailbox starts a Dovecot with n alerts in INBOX, each about a computer of
// its own. They are in its index already, so that nobody pays for that.
func mailbox(tb testing.TB, n int) *realparts.DovecotServer {
	tb.Helper()
	mail := realparts.Dovecot(tb, "mail_max_userip_connections = 100")
	mail.Append(time.Time{}, alerts(n, sepm.Fleet(1, n))...)
	fetchAll(tb, mail, n)
	return mail
}

// drain runs a daemon until the mailbox is in its ledger, and takes its marks
// off the mails again.
func drain(tb testing.TB, mail *realparts.DovecotServer, n int, s settings) (took time.Duration, ledger *sql.DB) {
	tb.Helper()
	d := newDaemon(tb, mail, s)
	d.run()
	took = d.drained(n)
	d.stop()
	client := login(tb, mail, nil)
	defer client.Close()
	require.NoError(tb, client.Store(imap.SeqSet{{Start: 1}}, &imap.StoreFlags{
		Op: imap.StoreFlagsSet, Silent: true,
	}, nil).Close())
	return took, d.ledger
}

// login connects over TLS, logs in and opens INBOX.
func login(tb testing.TB, mail *realparts.DovecotServer, handler *imapclient.UnilateralDataHandler) *imapclient.Client {
	tb.Helper()
	pool := x509.NewCertPool()
	require.True(tb, pool.AppendCertsFromPEM(mail.CAPEM))
	client, err := imapclient.DialTLS(mail.TLSAddress, &imapclient.Options{
		TLSConfig: &tls.Config{RootCAs: pool}, UnilateralDataHandler: handler,
	})
	require.NoError(tb, err)
	require.NoError(tb, client.Login(realparts.DovecotUser, realparts.DovecotPassword).Wait())
	_, err = client.Select("INBOX", nil).Wait()
	require.NoError(tb, err)
	return client
}

// fetchAll is the reference: go-imap alone fetches every mail and throws it
// away.
func fetchAll(tb testing.TB, mail *realparts.DovecotServer, n int) time.Duration {
	tb.Helper()
	start := time.Now()
	client := login(tb, mail, nil)
	defer client.Close()
	fetched, err := discardMails(client, imap.UIDSet{{Start: 1}})
	require.NoError(tb, err)
	require.Equal(tb, n, fetched)
	return time.Since(start)
}

// discardMails fetches mails, reads their bodies and returns their number.
func discardMails(client *imapclient.Client, set imap.UIDSet) (n int, err error) {
	cmd := client.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		n++
		for item := msg.Next(); item != nil; item = msg.Next() {
			if body, ok := item.(imapclient.FetchItemDataBodySection); ok {
				_, copied := io.Copy(io.Discard, body.Literal)
				err = errors.Join(err, copied)
			}
		}
	}
	return n, errors.Join(err, cmd.Close())
}

// runMbsync is the reference: isync copies the mailbox into a Maildir.
func runMbsync(tb testing.TB, program string, mail *realparts.DovecotServer, n int) time.Duration {
	tb.Helper()
	dir := tb.TempDir()
	_, port, _ := strings.Cut(mail.TLSAddress, ":")
	config := fmt.Sprintf(`FSync no
SyncState *

IMAPStore far
Host localhost
Port %s
User %s
Pass %s
SSLType IMAPS
CertificateFile %[4]s/mail.pem

MaildirStore near
Path %[4]s/
Inbox %[4]s/INBOX

Channel all
Far :far:INBOX
Near :near:INBOX
Create Near
Sync Pull New
`, port, realparts.DovecotUser, realparts.DovecotPassword, dir)
	require.NoError(tb, os.WriteFile(filepath.Join(dir, "mail.pem"), mail.CAPEM, 0o600))
	require.NoError(tb, os.WriteFile(filepath.Join(dir, "mbsyncrc"), []byte(config), 0o600))
	start := time.Now()
	text, err := exec.Command(program, "-c", filepath.Join(dir, "mbsyncrc"), "-q", "all").CombinedOutput()
	took := time.Since(start)
	require.NoError(tb, err, "%s", text)
	copied := 0
	for _, sub := range []string{"new", "cur"} {
		files, err := os.ReadDir(filepath.Join(dir, "INBOX", sub))
		require.NoError(tb, err)
		copied += len(files)
	}
	require.Equal(tb, n, copied, "mails that mbsync copied: %s", strconv.Quote(string(text)))
	return took
}
