package mailbox

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Message is a mail as it lies in a folder.
type Message struct {
	UID   uint32
	Flags []imap.Flag
	Date  time.Time
	Raw   []byte
}

// Messages returns the mails in a folder, by ascending UID.
func (s *Server) Messages(folder string) ([]Message, error) {
	var messages []Message
	err := s.inspect(folder, func(c *imapclient.Client) error {
		all := imap.UIDSet{{Start: 1}}
		found, err := c.Fetch(all, &imap.FetchOptions{
			UID: true, Flags: true, InternalDate: true,
			BodySection: []*imap.FetchItemBodySection{{Peek: true}},
		}).Collect()
		for _, m := range found {
			slices.Sort(m.Flags)
			messages = append(messages, Message{
				UID: uint32(m.UID), Flags: m.Flags, Date: m.InternalDate,
				Raw: m.FindBodySection(&imap.FetchItemBodySection{}),
			})
		}
		return err
	})
	return messages, err
}

// Expunge removes mails from a folder.
func (s *Server) Expunge(folder string, uids ...uint32) error {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	return s.inspect(folder, func(c *imapclient.Client) error {
		deleted := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
		if err := c.Store(set, deleted, nil).Close(); err != nil {
			return err
		}
		return c.UIDExpunge(set).Close()
	})
}

// inspect works on a folder over a connection of the server's own.
func (s *Server) inspect(folder string, work func(*imapclient.Client) error) error {
	conn, err := s.pipes.dial(context.Background(), func(c net.Conn) net.Conn { return inspection{c} })
	if err != nil {
		return fmt.Errorf("look into %s: %w", folder, err)
	}
	c := imapclient.New(conn, nil)
	defer func() { <-c.Closed() }()
	defer c.Close()
	err = c.Login(s.o.Username, s.o.Password).Wait()
	if err == nil {
		_, err = c.Select(folder, nil).Wait()
	}
	if err == nil {
		err = work(c)
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", folder, err)
	}
	return nil
}
