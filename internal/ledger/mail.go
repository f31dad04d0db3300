package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// chunkSize is how many bytes of a mail one row holds: small enough that a
// big mail never needs one allocation of its size in the database.
const chunkSize = 1 << 20

// arrival is a mail on its way through AddMails.
type arrival struct {
	NewMail
	sha256 string
	// duplicateOf is the id of the mail that is the same message, or 0.
	duplicateOf int64
	added       AddedMail
}

// content is the identity of a message: equal bytes with an equal Message-ID.
// It is hashed, and short, because its index is written at random places.
type content [16]byte

func (a *arrival) content() content {
	sum := sha256.Sum256([]byte(a.sha256 + storable(a.MessageID)))
	return content(sum[:16])
}

// AddMails stores the mails, bytes in chunks of 1 MiB, with what reading them
// gave or to be read: who adds them reads them, and [Tx.WantUnread] is the way
// back where that did not come to pass. The result has one entry a mail, in order. A position already held
// adds nothing; a message already held (equal SHA-256 and Message-ID) is added
// as a duplicate without its bytes, with a reason that names the first one.
func (tx Tx) AddMails(mails []NewMail) ([]AddedMail, error) {
	arrivals := make([]arrival, len(mails))
	for i, m := range mails {
		sum := sha256.Sum256(m.Raw)
		arrivals[i] = arrival{NewMail: m, sha256: hex.EncodeToString(sum[:])}
	}
	if err := tx.addArrivals(arrivals); err != nil {
		return nil, fmt.Errorf("add %d mails: %w", len(mails), err)
	}
	added := make([]AddedMail, len(arrivals))
	for i := range arrivals {
		added[i] = arrivals[i].added
	}
	return added, nil
}

func (tx Tx) addArrivals(arrivals []arrival) error {
	if err := tx.findPositions(arrivals); err != nil {
		return err
	}
	held, err := tx.findContents(arrivals)
	if err != nil {
		return err
	}

	// One batch may hold a position or a message twice, so the first of each
	// goes in before those that refer to it.
	var first, doubles []*arrival
	positions := make(map[Position]*arrival)
	contents := make(map[content]*arrival)
	for i := range arrivals {
		a := &arrivals[i]
		if a.added.ID != 0 || positions[a.Position] != nil {
			continue
		}
		positions[a.Position] = a
		identity := a.content()
		a.duplicateOf = held[identity]
		if a.duplicateOf == 0 && contents[identity] != nil {
			doubles = append(doubles, a)
			continue
		}
		contents[identity] = a
		first = append(first, a)
	}
	if err := tx.insertMails(first); err != nil {
		return err
	}
	for _, a := range doubles {
		a.duplicateOf = contents[a.content()].added.ID
	}
	if err := tx.insertMails(doubles); err != nil {
		return err
	}
	for i := range arrivals {
		a := &arrivals[i]
		if holder := positions[a.Position]; holder != nil && holder != a {
			a.added.ID = holder.added.ID
		}
	}
	return nil
}

// findPositions fills added for mails whose position is held.
func (tx Tx) findPositions(arrivals []arrival) error {
	type folder struct {
		mailbox  string
		validity uint32
	}
	uids := make(map[folder][]any)
	at := make(map[Position][]*arrival)
	for i := range arrivals {
		a := &arrivals[i]
		f := folder{a.Mailbox, a.UIDValidity}
		uids[f] = append(uids[f], int64(a.UID))
		at[a.Position] = append(at[a.Position], a)
	}
	for f, list := range uids {
		err := tx.selectIn(`SELECT uid, id FROM mail WHERE mailbox = $1 AND uid_validity = $2 AND uid IN `, "",
			[]any{f.mailbox, int64(f.validity)}, list, func(row Row) error {
				var uid uint32
				var id int64
				if err := row.Scan(&uid, &id); err != nil {
					return err
				}
				for _, a := range at[Position{f.mailbox, f.validity, uid}] {
					a.added.ID = id
				}
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// findContents returns the mails that are held of the messages.
func (tx Tx) findContents(arrivals []arrival) (map[content]int64, error) {
	values := make([]any, len(arrivals))
	for i := range arrivals {
		identity := arrivals[i].content()
		values[i] = identity[:]
	}
	held := make(map[content]int64)
	err := tx.selectIn(`SELECT content, min(id) FROM mail WHERE duplicate_of IS NULL AND content IN `, ` GROUP BY content`,
		nil, values, func(row Row) error {
			var identity []byte
			var id int64
			if err := row.Scan(&identity, &id); err != nil {
				return err
			}
			held[content(identity)] = id
			return nil
		})
	return held, err
}

// insertMails adds the mails and, unless they are duplicates, their bytes.
func (tx Tx) insertMails(arrivals []*arrival) error {
	rows := make([]any, 0, 15*len(arrivals))
	at := make(map[Position]*arrival, len(arrivals))
	for _, a := range arrivals {
		result := MailResult{Status: MailReceived}
		if a.duplicateOf != 0 {
			result = MailResult{Status: MailDuplicate, Reason: fmt.Sprintf("same message as mail %d", a.duplicateOf)}
		} else if a.Result != nil {
			result = *a.Result
		}
		identity := a.content()
		rows = append(rows, a.Mailbox, int64(a.UIDValidity), int64(a.UID), reference(a.duplicateOf), identity[:], a.sha256,
			int64(len(a.Raw)), micros(a.InternalDate), micros(tx.now), string(result.Status), string(result.Kind),
			a.MessageID, result.Reason, result.Subject, result.From)
		at[a.Position] = a
	}
	err := tx.insert(`
		INSERT INTO mail (mailbox, uid_validity, uid, duplicate_of, content, sha256, size, internal_date, received, status, kind, message_id, reason, subject, sender)`,
		`(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, ` RETURNING id, mailbox, uid_validity, uid`,
		rows, func(row Row) error {
			var id int64
			var p Position
			if err := row.Scan(&id, &p.Mailbox, &p.UIDValidity, &p.UID); err != nil {
				return err
			}
			a := at[p]
			a.added = AddedMail{ID: id}
			if a.duplicateOf == 0 {
				a.added.New, a.added.Received = true, tx.now
			}
			return nil
		})
	if err != nil {
		return err
	}
	var chunks []any
	for _, a := range arrivals {
		if a.duplicateOf != 0 {
			continue
		}
		n := int64(0)
		for chunk := range slices.Chunk(a.Raw, chunkSize) {
			chunks = append(chunks, a.added.ID, n, chunk)
			n++
		}
	}
	return tx.insert(`INSERT INTO mail_chunk (mail, n, data)`, `(?, ?, ?)`, "", chunks, nil)
}

// WantUnread wants a read task for each mail that was added, is not read yet
// and has none. Whoever is to read them otherwise is gone: it is for a start,
// and for taking a mailbox.
func (tx Tx) WantUnread() error {
	var unread []int64
	err := tx.query(`
		SELECT id FROM mail WHERE status = 'received' AND NOT EXISTS (
			SELECT 1 FROM task WHERE kind = 'read' AND key = mail.id AND wanted > done)
		ORDER BY id`, [][]any{{}},
		func(_ int, row Row) error {
			var id int64
			err := row.Scan(&id)
			unread = append(unread, id)
			return err
		})
	if err != nil {
		return fmt.Errorf("look for unread mails: %w", err)
	}
	return tx.Want(TaskRead, unread...)
}

const selectMails = `
	SELECT id, mailbox, uid_validity, uid, message_id, sha256, size, internal_date, received, status, reason, kind, subject, sender
	FROM mail`

// Mails returns those of the ids that exist, by ascending id.
func (tx Tx) Mails(ids []int64) ([]Mail, error) {
	mails, err := selectByID(tx.transaction, selectMails+" WHERE id IN ", " ORDER BY id", ids, scanMail)
	if err != nil {
		return nil, fmt.Errorf("look up mails: %w", err)
	}
	return mails, nil
}

func scanMail(row Row) (Mail, error) {
	var m Mail
	var internalDate, received int64
	err := row.Scan(&m.ID, &m.Mailbox, &m.UIDValidity, &m.UID, &m.MessageID, &m.SHA256, &m.Size,
		&internalDate, &received, &m.Status, &m.Reason, &m.Kind, &m.Subject, &m.From)
	m.InternalDate, m.Received = timeOf(internalDate), timeOf(received)
	return m, err
}

// SetMails records what reading the mails gave.
func (tx Tx) SetMails(results []MailResult) error {
	lists := make([][]any, len(results))
	for i, r := range results {
		lists[i] = []any{r.ID, string(r.Status), r.Reason, string(r.Kind), r.Subject, r.From}
	}
	err := tx.change(`
		UPDATE mail SET status = $2, reason = $3, kind = $4, subject = $5, sender = $6 WHERE id = $1 RETURNING id`, lists)
	if err != nil {
		return fmt.Errorf("record what reading mails gave: %w", err)
	}
	return nil
}
