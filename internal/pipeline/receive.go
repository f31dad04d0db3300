package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// readLease is how long the live path may take to read what it committed
// before the read stage takes the mails over.
const readLease = time.Minute

// Take leases a mailbox for the watcher of this node (see [ingest.Sink]).
func (p *Pipeline) Take(ctx context.Context, mailbox string) (ingest.State, error) {
	lease := p.Settings().mailboxLease()
	var m ledger.Mailbox
	err := p.Ledger.Update(ctx, func(tx ledger.Tx) (err error) {
		m, err = tx.TakeMailbox(mailbox, p.Node, lease)
		return err
	})
	if err != nil {
		return ingest.State{}, fenced(fmt.Errorf("take mailbox %q: %w", mailbox, err))
	}
	return ingest.State{
		Mailbox: m.Name, Epoch: m.Epoch, UIDValidity: m.UIDValidity, Mark: m.Mark, Holes: m.Holes,
	}, nil
}

// Commit stores mails, their cursor and their read tasks in one commit, and
// then reads them at once. What was not read, because the process died or
// the reading failed, is read by the read stage later.
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
	var tasks []ledger.Task
	var unread map[int64]ingest.Mail // by ledger id
	var aside saved
	err := p.Ledger.Update(ctx, func(tx ledger.Tx) error {
		if err := tx.SaveMailbox(mailbox(s), settings.mailboxLease()); err != nil {
			return err
		}
		added, err := tx.AddMails(incoming)
		if err != nil {
			return err
		}
		unread = make(map[int64]ingest.Mail, len(added))
		var ids []int64
		for i, a := range added {
			if a.New {
				ids = append(ids, a.ID)
				unread[a.ID] = mails[i]
			}
		}
		if tasks, err = tx.ClaimKeys(ledger.TaskRead, ids, p.Node, readLease); err != nil {
			return err
		}
		aside, err = save(tx, p.setAside(tasks, unread))
		return err
	})
	if err != nil {
		return fenced(fmt.Errorf("commit %d mails of mailbox %q: %w", len(mails), s.Mailbox, err))
	}
	for _, t := range tasks {
		p.Observer.MailReceived(s.Mailbox, unread[t.Key].InternalDate, t.Due)
	}
	p.tell(aside)
	for id, m := range unread {
		if m.Truncated {
			p.Logger.Warn("mail quarantined", "mail", id, "mailbox", s.Mailbox, "uid", m.UID, "reason", tooLarge(m))
		}
	}
	p.readNow(ctx, settings, tasks, unread)
	return nil
}

// setAside quarantines mails that are too large to be read.
func (p *Pipeline) setAside(tasks []ledger.Task, mails map[int64]ingest.Mail) []change {
	var changes []change
	for _, t := range tasks {
		if m := mails[t.Key]; m.Truncated {
			changes = append(changes, quarantine(t, tooLarge(m)))
		}
	}
	return changes
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
