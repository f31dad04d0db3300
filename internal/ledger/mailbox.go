package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// noHoles is an empty list as the mailbox table has it.
const noHoles = "[]"

var errNoOwner = errors.New("a lease needs an owner and a length above 0")

// TakeMailbox leases the mailbox to owner and raises its epoch, so that who
// held it before, the same owner included, can save no more. It returns
// ErrLeaseLost while another owner's lease runs. A mailbox not seen before is
// added.
func (tx Tx) TakeMailbox(name, owner string, lease time.Duration) (Mailbox, error) {
	if owner == "" || lease <= 0 {
		return Mailbox{}, fmt.Errorf("take mailbox %s: %w", name, errNoOwner)
	}
	taken := false
	m := Mailbox{Name: name}
	err := tx.query(`
		INSERT INTO mailbox (name, epoch, owner, node, lease_until, uid_validity, mark, holes)
		VALUES ($1, 1, $2, $3, $4, 0, 0, '[]')
		ON CONFLICT (name) DO UPDATE
		SET epoch = mailbox.epoch + 1, owner = excluded.owner, node = excluded.node, lease_until = excluded.lease_until
		WHERE mailbox.owner = excluded.owner OR mailbox.lease_until <= $5
		RETURNING epoch, uid_validity, mark, holes`,
		[][]any{{name, owner, tx.node, micros(tx.now.Add(lease)), micros(tx.now)}},
		func(_ int, row Row) error {
			taken = true
			var holes string
			if err := row.Scan(&m.Epoch, &m.UIDValidity, &m.Mark, &holes); err != nil {
				return err
			}
			if holes == noHoles {
				return nil
			}
			return json.Unmarshal([]byte(holes), &m.Holes)
		})
	if err != nil {
		return Mailbox{}, fmt.Errorf("take mailbox %s: %w", name, err)
	}
	if !taken {
		return Mailbox{}, fmt.Errorf("take mailbox %s: %w", name, ErrLeaseLost)
	}
	return m, nil
}

// SaveMailbox writes UIDValidity, Mark and Holes and renews the lease, where
// m is still held: its epoch is still m's and it was not released. Otherwise
// ErrLeaseLost.
func (tx Tx) SaveMailbox(m Mailbox, lease time.Duration) error {
	holes := []byte(noHoles)
	if len(m.Holes) > 0 {
		var err error
		if holes, err = json.Marshal(m.Holes); err != nil {
			return fmt.Errorf("save mailbox %s: %w", m.Name, err)
		}
	}
	held := false
	err := tx.query(`
		UPDATE mailbox SET uid_validity = $3, mark = $4, holes = $5, lease_until = $6
		WHERE name = $1 AND epoch = $2 AND owner <> ''
		RETURNING epoch`,
		[][]any{{m.Name, m.Epoch, int64(m.UIDValidity), int64(m.Mark), string(holes), micros(tx.now.Add(lease))}},
		func(int, Row) error {
			held = true
			return nil
		})
	if err != nil {
		return fmt.Errorf("save mailbox %s: %w", m.Name, err)
	}
	if !held {
		return fmt.Errorf("save mailbox %s: %w", m.Name, ErrLeaseLost)
	}
	return nil
}

// ReleaseMailbox ends the lease if the epoch still is m's.
func (tx Tx) ReleaseMailbox(m Mailbox) error {
	err := tx.query(`
		UPDATE mailbox SET owner = '', node = '', lease_until = 0 WHERE name = $1 AND epoch = $2`,
		[][]any{{m.Name, m.Epoch}}, nil)
	if err != nil {
		return fmt.Errorf("release mailbox %s: %w", m.Name, err)
	}
	return nil
}
