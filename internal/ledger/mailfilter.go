package ledger

import (
	"fmt"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/parse"
)

// MailStatuses are all states of a mail, in the order in which it meets them.
func MailStatuses() []MailStatus {
	return []MailStatus{MailReceived, MailParsed, MailPartial, MailUnparsed, MailIgnored, MailRejected, MailQuarantined, MailDuplicate}
}

// MailFilter says which mails are wanted; a field that is zero asks for
// nothing.
type MailFilter struct {
	Status  MailStatus
	Mailbox string
	Kind    parse.Kind
	// Since and Until are the first moment of Mail.Received that is wanted
	// and the first that is not any more.
	Since, Until time.Time
	// From and Subject are part of the mail's, in upper or lower case.
	From, Subject string
}

// ListMails returns a page of the mails, the newest first.
func (tx Tx) ListMails(f MailFilter, page Page) ([]Mail, error) {
	var where filter
	if f.Status != "" {
		if !slices.Contains(MailStatuses(), f.Status) {
			return nil, fmt.Errorf("list mails: there is no status %q", f.Status)
		}
		// In the text, because an index of one status is of use only so.
		where.and("status = '" + string(f.Status) + "'")
	}
	if f.Mailbox != "" {
		where.and("mailbox = " + where.arg(f.Mailbox))
	}
	if f.Kind != "" {
		where.and("kind = " + where.arg(string(f.Kind)))
	}
	where.between("received", f.Since, f.Until)
	where.contains("sender", f.From)
	where.contains("subject", f.Subject)
	mails, err := list(tx, selectMails, &where, page, scanMail)
	if err != nil {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	return mails, nil
}

// MailboxNames returns the names of the mailboxes that were ever watched, in
// alphabetical order.
func (tx Tx) MailboxNames() ([]string, error) {
	var names []string
	err := tx.query(`SELECT name FROM mailbox ORDER BY name`, [][]any{{}}, func(_ int, row Row) error {
		var name string
		err := row.Scan(&name)
		names = append(names, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look mailboxes up: %w", err)
	}
	slices.Sort(names) // a database may sort by its own rules
	return names, nil
}
