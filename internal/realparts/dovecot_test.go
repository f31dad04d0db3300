//go:build linux

package realparts_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/realparts"
)

func dialDovecot(t *testing.T, d *realparts.DovecotServer) (*imapclient.Client, *imap.SelectData) {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(d.CAPEM))
	c, err := imapclient.DialTLS(d.TLSAddress, &imapclient.Options{TLSConfig: &tls.Config{RootCAs: pool}})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(realparts.DovecotUser, realparts.DovecotPassword).Wait())
	selected, err := c.Select("INBOX", nil).Wait()
	require.NoError(t, err)
	return c, selected
}

func TestDovecotServesDeliveredMailInOrder(t *testing.T) {
	d := realparts.Dovecot(t)
	when := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	var mails [][]byte
	for i := 1; i <= 20; i++ {
		mails = append(mails, fmt.Appendf(nil, "Subject: mail %d\r\n\r\nbody\r\n", i))
	}
	d.Append(when, mails...)

	c, selected := dialDovecot(t, d)
	require.EqualValues(t, len(mails), selected.NumMessages)
	section := &imap.FetchItemBodySection{Peek: true}
	got, err := c.Fetch(imap.UIDSet{{Start: 1}}, &imap.FetchOptions{UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	require.NoError(t, err)
	require.Len(t, got, len(mails))
	for i, m := range got {
		require.EqualValues(t, i+1, m.UID)
		require.Equal(t, string(mails[i]), string(m.FindBodySection(section)))
		require.True(t, m.InternalDate.Equal(when))
	}
	folders, err := c.List("", "*", nil).Collect()
	require.NoError(t, err)
	require.Len(t, folders, 2)
}

func TestDovecotRestartKeepsAndRebuildRenumbers(t *testing.T) {
	d := realparts.Dovecot(t)
	d.Append(time.Time{}, []byte("Subject: a\r\n\r\n"), []byte("Subject: b\r\n\r\n"))
	_, before := dialDovecot(t, d)

	d.Restart()
	_, restarted := dialDovecot(t, d)
	require.Equal(t, before.UIDValidity, restarted.UIDValidity)
	require.Equal(t, before.UIDNext, restarted.UIDNext)

	d.Rebuild()
	_, rebuilt := dialDovecot(t, d)
	require.NotEqual(t, before.UIDValidity, rebuilt.UIDValidity)
	require.EqualValues(t, 2, rebuilt.NumMessages)
}

func TestDovecotLeavesNothingBehind(t *testing.T) {
	var folder string
	t.Run("one test", func(t *testing.T) {
		d := realparts.Dovecot(t)
		folder = filepath.Dir(filepath.Dir(d.Maildir))
		require.DirExists(t, folder)
		d.Stop()
		d.Stop() // harmless
	})
	if folder == "" {
		t.Skip("no Dovecot")
	}
	_, err := os.Stat(folder)
	require.ErrorIs(t, err, os.ErrNotExist)
}
