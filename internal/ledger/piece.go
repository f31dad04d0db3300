package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// PutPieces adds pieces or raises the version of those whose body changed; a
// parked one stays parked. Of pieces with one identity the last is put. Only
// Incident, Kind, Key and Body are read. It does not want a task.
func (tx Tx) PutPieces(pieces []Piece) error {
	type identity struct {
		incident int64
		kind     PieceKind
		key      string
	}
	at := make(map[identity]int, len(pieces))
	const width = 5
	rows := make([]any, 0, width*len(pieces))
	for _, p := range pieces {
		if !json.Valid(p.Body) {
			return fmt.Errorf("put %s %q of incident %d: its body is not JSON", p.Kind, p.Key, p.Incident)
		}
		key := identity{p.Incident, p.Kind, storable(p.Key)}
		if i, twice := at[key]; twice {
			rows[i+width-1] = string(p.Body)
			continue
		}
		at[key] = len(rows)
		rows = append(rows, p.Incident, string(p.Kind), keyHash(p.Key), p.Key, string(p.Body))
	}
	err := tx.insert(`
		INSERT INTO piece (incident, kind, key_hash, version, delivered, remote_id, parked, key, error, body)`,
		`(?, ?, ?, 1, 0, 0, FALSE, ?, '', ?)`, `
		ON CONFLICT (incident, kind, key_hash) DO UPDATE
		SET body = excluded.body, version = piece.version + 1 WHERE piece.body <> excluded.body`,
		rows, nil)
	if err != nil {
		return fmt.Errorf("put pieces: %w", err)
	}
	return nil
}

const selectPieces = `
	SELECT id, incident, kind, key, body, version, delivered, remote_id, parked, error
	FROM piece WHERE incident IN `

// Pieces returns all pieces of the incidents in the order of delivery: by
// incident, kind (artifact, note, row, attachment) and id.
func (tx Tx) Pieces(incidents []int64) ([]Piece, error) {
	return tx.pieces("", incidents)
}

// PendingPieces is Pieces without those that are parked or whose delivered
// version is their version.
func (tx Tx) PendingPieces(incidents []int64) ([]Piece, error) {
	return tx.pieces(" AND delivered <> version AND NOT parked", incidents)
}

// PiecesOf is Pieces of some kinds, so that the bytes of attachments need not be
// read for the sake of rows.
func (tx Tx) PiecesOf(incidents []int64, kinds ...PieceKind) ([]Piece, error) {
	quoted := make([]string, len(kinds))
	for i, kind := range kinds {
		quoted[i] = "'" + string(kind) + "'"
	}
	return tx.pieces(" AND kind IN ("+strings.Join(quoted, ", ")+")", incidents)
}

func (tx Tx) pieces(which string, incidents []int64) ([]Piece, error) {
	pieces, err := selectByID(tx.transaction, selectPieces, which, incidents, func(row Row) (p Piece, err error) {
		var body []byte
		err = row.Scan(&p.ID, &p.Incident, &p.Kind, &p.Key, &body, &p.Version, &p.Delivered, &p.RemoteID, &p.Parked, &p.Error)
		p.Body = body
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("look up pieces: %w", err)
	}
	slices.SortFunc(pieces, func(a, b Piece) int {
		return cmp.Or(cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.Kind.rank(), b.Kind.rank()), cmp.Compare(a.ID, b.ID))
	})
	return pieces, nil
}

// SetPieces records what a delivery changed. Every field is written, so what
// did not change is given as it was.
func (tx Tx) SetPieces(results []PieceResult) error {
	lists := make([][]any, len(results))
	for i, r := range results {
		lists[i] = []any{r.ID, r.Delivered, r.RemoteID, r.Parked, r.Error}
	}
	err := tx.change(`
		UPDATE piece SET delivered = $2, remote_id = $3, parked = $4, error = $5 WHERE id = $1 RETURNING id`, lists)
	if err != nil {
		return fmt.Errorf("record deliveries: %w", err)
	}
	return nil
}
