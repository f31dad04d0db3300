package ingest_test

import (
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

type dovecotServer struct{ *realparts.DovecotServer }

func dovecot(t *testing.T) mailServer { return dovecotServer{realparts.Dovecot(t)} }

func (d dovecotServer) options() ingest.Options {
	return testOptions(d.TLSAddress, realparts.DovecotUser, realparts.DovecotPassword, d.CAPEM)
}

// plainAddress is where a Dovecot offers STARTTLS.
func plainAddress(s mailServer) string { return s.(dovecotServer).Address }

func (d dovecotServer) append(t *testing.T, mails ...[]byte) {
	t.Helper()
	d.Append(arrival, mails...)
}

func (d dovecotServer) appendAt(t *testing.T, when time.Time, raw []byte) {
	t.Helper()
	d.Append(when, raw)
}

func (d dovecotServer) inspect(t *testing.T, folder string, work func(*imapclient.Client) error) {
	t.Helper()
	client(t, d.TLSAddress, realparts.DovecotUser, realparts.DovecotPassword, d.CAPEM, folder, work)
}

func (d dovecotServer) messages(t *testing.T, folder string) (messages []mailbox.Message) {
	t.Helper()
	d.inspect(t, folder, func(c *imapclient.Client) error {
		section := &imap.FetchItemBodySection{Peek: true}
		found, err := c.Fetch(imap.UIDSet{{Start: 1}}, &imap.FetchOptions{
			UID: true, Flags: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section},
		}).Collect()
		for _, m := range found {
			messages = append(messages, mailbox.Message{UID: uint32(m.UID), Flags: m.Flags, Date: m.InternalDate, Raw: m.FindBodySection(section)})
		}
		return err
	})
	return messages
}

func (d dovecotServer) expunge(t *testing.T, uids ...uint32) {
	t.Helper()
	d.inspect(t, mailbox.Inbox, func(c *imapclient.Client) error {
		var set imap.UIDSet
		for _, uid := range uids {
			set.AddNum(imap.UID(uid))
		}
		if err := c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
			return err
		}
		return c.UIDExpunge(set).Close()
	})
}

func (d dovecotServer) rebuild(t *testing.T) {
	t.Helper()
	d.Rebuild()
}
