package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

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
	p.proven.Delete(mailbox)
	if err != nil {
		return ingest.State{}, fenced(fmt.Errorf("take mailbox %q: %w", mailbox, err))
	}
	return ingest.State{
		Mailbox: m.Name, Epoch: m.Epoch, UIDValidity: m.UIDValidity, Mark: m.Mark, Holes: m.Holes,
	}, nil
}

// ReadAhead gives the watcher's [ingest.Options].Read: it reads a mail before
// its batch is committed, where the mailbox is known to be harmless.
func (p *Pipeline) ReadAhead(mailbox string) func(ingest.Mail) any {
	return func(m ingest.Mail) any {
		if _, proven := p.proven.Load(mailbox); !proven {
			return nil
		}
		settings := p.take()
		defer settings.release()
		return p.readNew(settings, mailbox, m)
	}
}

// Commit stores mails and their cursor, and reads the mails.
//
// Reading comes first, so that one commit takes the mails and what they say.
// The first mails after a Take are stored unread before they are read: where
// one of them ended the last session, or the process, it is in the ledger then,
// and the mailbox goes on after it. What could not be read or recorded ends the
// session with an error; the next one takes the mailbox anew, and the read
// stage gets what is unread.
func (p *Pipeline) Commit(ctx context.Context, s ingest.State, mails []ingest.Mail) error {
	settings := p.take()
	defer settings.release()
	_, readFirst := p.proven.Load(s.Mailbox)
	b := batch{Pipeline: p, settings: settings, state: s, mails: mails}
	if readFirst {
		b.read()
	}
	err := p.Ledger.Update(ctx, b.add)
	if err != nil {
		return fenced(fmt.Errorf("commit %d mails of mailbox %q: %w", len(mails), s.Mailbox, err))
	}
	for i, a := range b.added {
		if a.New {
			p.Observer.MailReceived(s.Mailbox, mails[i].InternalDate, a.Received)
		}
	}
	if !readFirst {
		b.read()
		b.sift()
		err := p.Ledger.Update(ctx, func(tx ledger.Tx) (err error) {
			b.opened, err = keep(tx, b.fresh)
			return err
		})
		if err != nil {
			return fmt.Errorf("record what %d mails say: %w", len(mails), err)
		}
	}
	p.tell(saved{mails: b.fresh, opened: b.opened})
	if len(mails) > 0 {
		p.proven.Store(s.Mailbox, true)
	}
	return nil
}

// batch is mails on their way into the ledger.
type batch struct {
	*Pipeline
	settings *Settings
	state    ingest.State
	mails    []ingest.Mail
	// reads are what the mails say, once they were read, and fresh those of
	// the mails that are new.
	reads  []*read
	fresh  []read
	added  []ledger.AddedMail
	opened int
}

// read reads the mails that were not read ahead.
func (b *batch) read() {
	b.reads = make([]*read, len(b.mails))
	for i, m := range b.mails {
		ahead, ok := m.Reading.(*read)
		if !ok {
			ahead = b.readNew(b.settings, b.state.Mailbox, m)
		}
		b.reads[i] = ahead
	}
}

// readNew reads a mail that the ledger does not have yet. One that is too large
// is set aside.
func (p *Pipeline) readNew(settings *Settings, mailbox string, m ingest.Mail) *read {
	if m.Truncated {
		reason := tooLarge(m)
		p.Logger.Warn("mail quarantined", "mailbox", mailbox, "uid", m.UID, "reason", reason)
		return &read{quarantine: reason, at: p.Clock.Now()}
	}
	r := p.readMail(settings, slog.Any("uid", m.UID), m.Raw)
	return &r
}

// add stores the cursor and the mails, and what they say where they were read.
func (b *batch) add(tx ledger.Tx) error {
	if err := tx.SaveMailbox(mailbox(b.state), b.settings.mailboxLease()); err != nil {
		return err
	}
	incoming := make([]ledger.NewMail, len(b.mails))
	for i, m := range b.mails {
		incoming[i] = ledger.NewMail{
			Position:     ledger.Position{Mailbox: b.state.Mailbox, UIDValidity: m.UIDValidity, UID: m.UID},
			MessageID:    m.MessageID,
			InternalDate: m.InternalDate,
			Raw:          m.Raw,
		}
		if b.reads != nil {
			result := b.reads[i].result()
			incoming[i].Result = &result
		}
	}
	var err error
	if b.added, err = tx.AddMails(incoming); err != nil || b.reads == nil {
		return err
	}
	b.sift()
	b.opened, err = correlate(tx, b.fresh, nil)
	return err
}

// sift picks the readings of the mails that were new.
func (b *batch) sift() {
	b.fresh = b.fresh[:0]
	for i, a := range b.added {
		if a.New {
			b.reads[i].mail, b.reads[i].received = a.ID, a.Received
			b.fresh = append(b.fresh, *b.reads[i])
		}
	}
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
