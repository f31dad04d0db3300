package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
)

// IncidentRow is a row on an incident.
type IncidentRow struct {
	Incident int64
	incident.Row
}

// PutRows adds rows as pieces, or sets their cells on the row with the same
// identity: those that it does not give stay as they are. It does not want a
// task.
func (tx Tx) PutRows(rows []IncidentRow) error {
	type identity struct {
		incident int64
		key      string
	}
	at := make(map[identity]int, len(rows))
	merged := make([]IncidentRow, 0, len(rows))
	lists := make([][]any, 0, len(rows))
	for _, r := range rows {
		key := identity{r.Incident, r.Identity()}
		i, twice := at[key]
		if !twice {
			i = len(merged)
			at[key] = i
			merged = append(merged, IncidentRow{r.Incident, incident.Row{Table: r.Table, Cells: make(map[string]incident.Cell)}})
			lists = append(lists, []any{r.Incident, string(PieceRow), keyHash(key.key)})
		}
		for column, cell := range r.Cells {
			merged[i].Cells[column] = cell
		}
	}
	err := tx.query(`SELECT body FROM piece WHERE incident = $1 AND kind = $2 AND key_hash = $3`, lists, func(i int, row Row) error {
		var body []byte
		var before incident.Row
		if err := row.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &before); err != nil {
			return err
		}
		for column, cell := range before.Cells {
			if _, set := merged[i].Cells[column]; !set {
				merged[i].Cells[column] = cell
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up rows: %w", err)
	}
	pieces := make([]Piece, len(merged))
	for i, r := range merged {
		body, err := json.Marshal(r.Row)
		if err != nil {
			return fmt.Errorf("put row %q of incident %d: %w", r.Identity(), r.Incident, err)
		}
		pieces[i] = Piece{Incident: r.Incident, Kind: PieceRow, Key: r.Identity(), Body: body}
	}
	return tx.PutPieces(pieces)
}
