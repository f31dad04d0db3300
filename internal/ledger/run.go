package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// PutRuns adds runs and wants a respond task for each new one; a run whose
// (incident, key) is there already is left alone. A run without a status is
// waiting.
func (tx Tx) PutRuns(runs []Run) error {
	rows := make([]any, 0, 8*len(runs))
	for _, r := range runs {
		input, err := json.Marshal(r.Input)
		if err != nil {
			return fmt.Errorf("put run %q of incident %d: %w", r.Key, r.Incident, err)
		}
		answers, err := json.Marshal(r.Answers)
		if err != nil {
			return fmt.Errorf("put run %q of incident %d: %w", r.Key, r.Incident, err)
		}
		rows = append(rows, r.Incident, keyHash(r.Key), string(cmp.Or(r.Status, RunWaiting)), r.Action, r.Key, r.Error,
			string(input), string(answers))
	}
	var added []int64
	err := tx.insert(`INSERT INTO run (incident, key_hash, status, action, key, error, input, answers)`,
		`(?, ?, ?, ?, ?, ?, ?, ?)`, ` ON CONFLICT (incident, key_hash) DO NOTHING RETURNING id`,
		rows, func(row Row) error {
			var id int64
			err := row.Scan(&id)
			added = append(added, id)
			return err
		})
	if err != nil {
		return fmt.Errorf("put runs: %w", err)
	}
	slices.Sort(added) // RETURNING promises no order
	return tx.Want(TaskRespond, added...)
}

const selectRuns = `SELECT id, incident, status, action, key, error, input, answers FROM run`

// Runs returns those of the ids that exist, by ascending id.
func (tx Tx) Runs(ids []int64) ([]Run, error) {
	runs, err := selectByID(tx.transaction, selectRuns+" WHERE id IN ", " ORDER BY id", ids, scanRun)
	if err != nil {
		return nil, fmt.Errorf("look up runs: %w", err)
	}
	return runs, nil
}

func scanRun(row Row) (Run, error) {
	var r Run
	var input, answers []byte
	if err := row.Scan(&r.ID, &r.Incident, &r.Status, &r.Action, &r.Key, &r.Error, &input, &answers); err != nil {
		return r, err
	}
	if err := json.Unmarshal(input, &r.Input); err != nil {
		return r, fmt.Errorf("run %d: %w", r.ID, err)
	}
	return r, json.Unmarshal(answers, &r.Answers)
}

// SetRuns writes Answers, Status and Error, by id.
func (tx Tx) SetRuns(runs []Run) error {
	lists := make([][]any, len(runs))
	for i, r := range runs {
		answers, err := json.Marshal(r.Answers)
		if err != nil {
			return fmt.Errorf("set run %d: %w", r.ID, err)
		}
		lists[i] = []any{r.ID, string(answers), string(r.Status), r.Error}
	}
	err := tx.change(`UPDATE run SET answers = $2, status = $3, error = $4 WHERE id = $1 RETURNING id`, lists)
	if err != nil {
		return fmt.Errorf("set runs: %w", err)
	}
	return nil
}
