package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sepwatch/sepwatch/incident"
)

// runBody is what a run was started with.
type runBody struct {
	Server  string            `json:"server,omitempty"`
	By      string            `json:"by,omitempty"`
	Subject incident.Subject  `json:"subject,omitzero"`
	Input   map[string]string `json:"input,omitempty"`
}

// PutRuns adds runs and wants a respond task for each new one; a run whose
// (incident, key) is there already is left alone. A run without a status is
// waiting.
func (tx Tx) PutRuns(runs []Run) error {
	_, err := tx.putRuns(runs)
	return err
}

// StartRun is PutRuns for a run that a person waits for, so its task comes
// before others. It returns the run's id, 0 for one that is there already.
func (tx Tx) StartRun(r Run) (id int64, err error) {
	added, err := tx.putRuns([]Run{r})
	if err != nil || len(added) == 0 {
		return 0, err
	}
	err = tx.query(`UPDATE task SET urgent = TRUE WHERE kind = $1 AND key = $2`, [][]any{{string(TaskRespond), added[0]}}, nil)
	if err != nil {
		return 0, fmt.Errorf("start %s on incident %d: %w", r.Action, r.Incident, err)
	}
	return added[0], nil
}

func (tx Tx) putRuns(runs []Run) (added []int64, err error) {
	rows := make([]any, 0, 9*len(runs))
	for _, r := range runs {
		body, err := json.Marshal(runBody{r.Server, r.By, r.Subject, r.Input})
		if err != nil {
			return nil, fmt.Errorf("put run %q of incident %d: %w", r.Key, r.Incident, err)
		}
		pending, answers, err := encodeCalls(r)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r.Incident, keyHash(r.Key), string(cmp.Or(r.Status, RunWaiting)), r.Action, r.Key, r.Error,
			string(body), pending, answers)
	}
	err = tx.insert(`INSERT INTO run (incident, key_hash, status, action, key, error, body, pending, answers)`,
		`(?, ?, ?, ?, ?, ?, ?, ?, ?)`, ` ON CONFLICT (incident, key_hash) DO NOTHING RETURNING id`,
		rows, func(row Row) error {
			var id int64
			err := row.Scan(&id)
			added = append(added, id)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("put runs: %w", err)
	}
	slices.Sort(added) // RETURNING promises no order
	return added, tx.Want(TaskRespond, added...)
}

// encodeCalls encodes the calls that a run has made and is about to make; both
// are empty for none.
func encodeCalls(r Run) (pending, answers string, err error) {
	if r.Pending != nil {
		data, err := json.Marshal(r.Pending)
		if err != nil {
			return "", "", fmt.Errorf("encode the pending call of run %d: %w", r.ID, err)
		}
		pending = string(data)
	}
	if len(r.Answers) > 0 {
		data, err := json.Marshal(r.Answers)
		if err != nil {
			return "", "", fmt.Errorf("encode the answers of run %d: %w", r.ID, err)
		}
		answers = string(data)
	}
	return pending, answers, nil
}

const selectRuns = `SELECT id, incident, status, action, key, error, body, pending, answers FROM run`

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
	var body, pending, answers []byte
	if err := row.Scan(&r.ID, &r.Incident, &r.Status, &r.Action, &r.Key, &r.Error, &body, &pending, &answers); err != nil {
		return r, err
	}
	var b runBody
	for _, part := range []struct {
		data []byte
		into any
	}{{body, &b}, {pending, &r.Pending}, {answers, &r.Answers}} {
		if len(part.data) == 0 {
			continue
		}
		if err := json.Unmarshal(part.data, part.into); err != nil {
			return r, fmt.Errorf("read run %d: %w", r.ID, err)
		}
	}
	r.Server, r.By, r.Subject, r.Input = b.Server, b.By, b.Subject, b.Input
	return r, nil
}

// SetRuns writes Pending, Answers, Status and Error, by id.
func (tx Tx) SetRuns(runs []Run) error {
	lists := make([][]any, len(runs))
	for i, r := range runs {
		pending, answers, err := encodeCalls(r)
		if err != nil {
			return err
		}
		lists[i] = []any{r.ID, pending, answers, string(r.Status), r.Error}
	}
	err := tx.change(`UPDATE run SET pending = $2, answers = $3, status = $4, error = $5 WHERE id = $1 RETURNING id`, lists)
	if err != nil {
		return fmt.Errorf("set runs: %w", err)
	}
	return nil
}
