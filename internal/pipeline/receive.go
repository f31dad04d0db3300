package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// Take leases a mailbox for the watcher of this node (see [ingest.Sink]). What
// who held it before has committed and not read is read by the read stage.
func (p *Pipeline) Take(ctx context.Context, mailbox string) (ingest.State, error) {
	lease := p.Settings().mailboxLease()
	var m ledger.Mailbox
	err := p.Ledger.Update(ctx, func(tx ledger.Tx) (err error) {
		if m, err = tx.TakeMailbox(mailbox, p.Node, lease); err != nil {
			return err
		}
		return tx.WantUnread()
	})
	if err != nil {
		return ingest.State{}, fenced(fmt.Errorf("take mailbox %q: %w", mailbox, err))
	}
	return ingest.State{
		Mailbox: m.Name, Epoch: m.Epoch, UIDValidity: m.UIDValidity, Mark: m.Mark, Holes: m.Holes,
	}, nil
}

// Commit stores mails and their cursor in one commit, and then reads them at
// once. Where the reading cannot be recorded, the error ends the watcher's
// session; the next one takes the mailbox anew, and with it what is unread.
func (p *Pipeline) Commit(ctx context.Context, s ingest.State, mails []ingest.Mail) error {
	settings := p.take()
	defer settings.release()
	incoming := make([]ledger.NewMail, len(mails))
	for i, m := range mails {
		incoming[i] = ledger.NewMail{
			Position:     ledger.Position{Mailbox: s.Mailbox, UIDValidity: m.UIDValidity, UID: m.UID},
			MessageID:    m.MessageID,
			InternalDate: m.InternalDate,
			Raw:          m.Raw,
		}
	}
	var unread []received
	var large []read
	err := p.Ledger.Update(ctx, func(tx ledger.Tx) error {
		if err := tx.SaveMailbox(mailbox(s), settings.mailboxLease()); err != nil {
			return err
		}
		added, err := tx.AddMails(incoming)
		if err != nil {
			return err
		}
		unread, large = nil, nil
		for i, a := range added {
			switch {
			case !a.New:
			case mails[i].Truncated:
				large = append(large, read{mail: a.ID, quarantine: tooLarge(mails[i]), received: a.Received, at: a.Received})
			default:
				unread = append(unread, received{a.ID, mails[i].Raw, mails[i].InternalDate, a.Received})
			}
		}
		_, err = keep(tx, large)
		return err
	})
	if err != nil {
		return fenced(fmt.Errorf("commit %d mails of mailbox %q: %w", len(mails), s.Mailbox, err))
	}
	for _, m := range unread {
		p.Observer.MailReceived(s.Mailbox, m.arrived, m.at)
	}
	for _, m := range large {
		p.Observer.MailReceived(s.Mailbox, time.Time{}, m.received)
		p.Logger.Warn("mail quarantined", "mail", m.mail, "mailbox", s.Mailbox, "reason", m.quarantine)
	}
	p.tell(saved{mails: large})
	return p.readNow(ctx, settings, unread)
}

// received is a mail that was just committed.
type received struct {
	id  int64
	raw []byte
	// arrived is the mailbox server's time, at the ledger's.
	arrived, at time.Time
}

func tooLarge(m ingest.Mail) string {
	return fmt.Sprintf("larger than max_size: the first %d of its %d bytes are kept", len(m.Raw), m.Size)
}

// Release lets another watcher take the mailbox.
func (p *Pipeline) Release(ctx context.Context, s ingest.State) error {
	err := p.Ledger.Update(ctx, func(tx ledger.Tx) error { return tx.ReleaseMailbox(mailbox(s)) })
	if err != nil {
		return fmt.Errorf("release mailbox %q: %w", s.Mailbox, err)
	}
	return nil
}

func mailbox(s ingest.State) ledger.Mailbox {
	return ledger.Mailbox{
		Name: s.Mailbox, Epoch: s.Epoch, UIDValidity: s.UIDValidity, Mark: s.Mark, Holes: s.Holes,
	}
}

// fenced tells the watcher in its own words that the mailbox is not its own.
func fenced(err error) error {
	if errors.Is(err, ledger.ErrLeaseLost) {
		return errors.Join(ingest.ErrFenced, err)
	}
	return err
}
