package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// AddIntents records intents and returns them with id and At, in order.
func (tx Tx) AddIntents(intents []Intent) ([]Intent, error) {
	added := slices.Clone(intents)
	lists := make([][]any, len(added))
	for i := range added {
		in := &added[i]
		if in.Detail != nil && !json.Valid(in.Detail) {
			return nil, fmt.Errorf("add the intent to %s on incident %d: its detail is not JSON", in.Operation, in.Incident)
		}
		in.At = tx.now
		lists[i] = []any{in.Incident, reference(in.Piece), in.Operation, micros(in.At), string(in.Detail)}
	}
	err := tx.query(`
		INSERT INTO intent (incident, piece, operation, at, settled, outcome, detail)
		VALUES ($1, $2, $3, $4, FALSE, '', $5) RETURNING id`,
		lists, func(i int, row Row) error { return row.Scan(&added[i].ID) })
	if err != nil {
		return nil, fmt.Errorf("add %d intents: %w", len(intents), err)
	}
	return added, nil
}

// OpenIntents returns the open intents of the incidents, oldest first.
func (tx Tx) OpenIntents(incidents []int64) ([]Intent, error) {
	intents, err := selectByID(tx.transaction, `
		SELECT id, incident, COALESCE(piece, 0), operation, at, detail FROM intent WHERE incident IN `, " AND NOT settled",
		incidents, func(row Row) (in Intent, err error) {
			var at int64
			var detail []byte
			err = row.Scan(&in.ID, &in.Incident, &in.Piece, &in.Operation, &at, &detail)
			in.At = timeOf(at)
			if len(detail) > 0 {
				in.Detail = detail
			}
			return in, err
		})
	if err != nil {
		return nil, fmt.Errorf("look up open intents: %w", err)
	}
	// Ids rise with time on a node, and its clock may not.
	slices.SortFunc(intents, func(a, b Intent) int { return cmp.Compare(a.ID, b.ID) })
	return intents, nil
}

// SettleIntents closes intents with what came of them.
func (tx Tx) SettleIntents(ids []int64, outcome string) error {
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id, outcome}
	}
	if err := tx.change(`UPDATE intent SET settled = TRUE, outcome = $2 WHERE id = $1 RETURNING id`, lists); err != nil {
		return fmt.Errorf("settle intents: %w", err)
	}
	return nil
}
