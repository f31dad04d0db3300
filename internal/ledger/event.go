package ledger

import (
	"encoding/json"
	"fmt"
)

// PutEvents stores events under their identity (mail, ordinal); one that is
// there already keeps its incident, if it has one. Each is given once.
func (tx Tx) PutEvents(events []Event) error {
	rows := make([]any, 0, 5*len(events))
	for _, e := range events {
		body, err := json.Marshal(e.Event)
		if err != nil {
			return fmt.Errorf("put event %d of mail %d: %w", e.Ordinal, e.Mail, err)
		}
		rows = append(rows, e.Mail, int64(e.Ordinal), reference(e.Incident), e.Digest, string(body))
	}
	err := tx.insert(`INSERT INTO event (mail, ordinal, incident, digest, body)`, `(?, ?, ?, ?, ?)`, `
		ON CONFLICT (mail, ordinal) DO UPDATE
		SET incident = COALESCE(event.incident, excluded.incident), digest = excluded.digest, body = excluded.body`,
		rows, nil)
	if err != nil {
		return fmt.Errorf("put events: %w", err)
	}
	return nil
}

const selectEvents = `SELECT mail, ordinal, COALESCE(incident, 0), digest, body FROM event`

// Events returns the events of the mails, by mail and ordinal.
func (tx Tx) Events(mails []int64) ([]Event, error) {
	events, err := selectByID(tx.transaction, selectEvents+" WHERE mail IN ", " ORDER BY mail, ordinal", mails, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("look up events: %w", err)
	}
	return events, nil
}

func scanEvent(row Row) (Event, error) {
	var e Event
	var body []byte
	if err := row.Scan(&e.Mail, &e.Ordinal, &e.Incident, &e.Digest, &body); err != nil {
		return e, err
	}
	return e, json.Unmarshal(body, &e.Event)
}
