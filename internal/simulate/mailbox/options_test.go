package mailbox_test

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

func TestStartTLS(t *testing.T) {
	s := start(t, mailbox.Options{StartTLS: true})
	c, err := imapclient.DialInsecure(s.Address(), nil)
	require.NoError(t, err)
	defer func() { c.Close(); <-c.Closed() }()
	require.True(t, c.Caps().Has(imap.CapStartTLS))
	require.True(t, c.Caps().Has(imap.CapLoginDisabled))
	var refusal *imap.Error
	require.ErrorAs(t, c.Login(mailbox.Username, mailbox.Password).Wait(), &refusal)
	require.Equal(t, imap.ResponseCodePrivacyRequired, refusal.Code)

	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(s.CAPEM()))
	upgraded, err := imapclient.DialStartTLS(s.Address(), &imapclient.Options{TLSConfig: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}})
	require.NoError(t, err)
	defer func() { upgraded.Close(); <-upgraded.Closed() }()
	require.NoError(t, upgraded.Login(mailbox.Username, mailbox.Password).Wait())
	appendMails(t, s, 1)
	_, err = upgraded.Select(mailbox.Inbox, nil).Wait()
	require.NoError(t, err)

	// The faults of a stream strike under TLS too.
	s.SetFaults(mailbox.Rule{Kind: mailbox.Garble, Command: "FETCH", Limit: 1})
	_, err = upgraded.Fetch(uids(1), &imap.FetchOptions{UID: true}).Collect()
	require.ErrorContains(t, err, "expected atom")
	require.Equal(t, map[mailbox.Kind]int{mailbox.Garble: 1}, s.Injected())
}

func TestOptionsThatDoNotGoTogether(t *testing.T) {
	for _, o := range []mailbox.Options{{StartTLS: true, Plain: true}, {StartTLS: true, NoIdle: true}} {
		_, err := mailbox.New(o)
		require.Error(t, err, "%+v", o)
	}
}

func TestAccountCertificateAndUIDValidity(t *testing.T) {
	cert, _, err := serve.SelfSigned()
	require.NoError(t, err)
	s := start(t, mailbox.Options{Username: "soc", Password: "pass word", UIDValidity: 4711, Certificate: &cert})
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	c, err := imapclient.DialTLS(s.Address(), &imapclient.Options{TLSConfig: &tls.Config{RootCAs: pool}})
	require.NoError(t, err)
	defer func() { c.Close(); <-c.Closed() }()
	require.Error(t, c.Login(mailbox.Username, mailbox.Password).Wait())
	require.NoError(t, c.Login("soc", "pass word").Wait())
	selected, err := c.Select(mailbox.Inbox, nil).Wait()
	require.NoError(t, err)
	require.EqualValues(t, 4711, selected.UIDValidity)
	messages, err := s.Messages(mailbox.Inbox)
	require.NoError(t, err, "the server looks into itself with that account")
	require.Empty(t, messages)
	folders, err := c.List("", "*", nil).Collect()
	require.NoError(t, err)
	require.Len(t, folders, 2, "counting up leaves no folder behind")
}

func TestLogTellsEachCommandOnOnePrintableLine(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	s := start(t, mailbox.Options{Log: func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}})
	c, _ := dial(t, s)
	appendMails(t, s, 2)
	s.SetFaults(mailbox.Rule{Kind: mailbox.Status, Command: "STORE"}, mailbox.Rule{Kind: mailbox.Delay, Command: "SEARCH"})
	_, err := c.Select("a\x1b[2J", nil).Wait()
	require.Error(t, err)
	_, err = c.Select(mailbox.Inbox, nil).Wait()
	require.NoError(t, err)
	_, err = c.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
	require.NoError(t, err)
	require.Error(t, c.Store(uids(1, 2), seen, nil).Close())
	appending := c.Append(mailbox.Inbox, int64(len(mail(3))), nil)
	_, err = appending.Write(mail(3))
	require.NoError(t, err)
	require.NoError(t, appending.Close())
	_, err = appending.Wait()
	require.NoError(t, err)
	_, err = s.Messages(mailbox.Inbox)
	require.NoError(t, err)

	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{
		"LOGIN: OK",
		`SELECT "a\x1b[2J": NO No such mailbox`,
		`SELECT "INBOX": OK`,
		"SEARCH: OK, fault delay",
		"STORE 1:2: NO injected fault, fault status",
		`APPEND "INBOX": OK`,
	}, slices.Clone(lines), "and nothing of the server's own looking")
}
