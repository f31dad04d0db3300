package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Want raises the wanted number of the tasks, each as often as its key is
// given, and makes them due now; a parked task stays parked.
func (tx Tx) Want(kind TaskKind, keys ...int64) error {
	if len(keys) == 0 {
		return nil
	}
	times := make(map[int64]int, len(keys))
	for _, key := range keys {
		times[key]++
	}
	rows := make([]any, 0, 4*len(times))
	for _, key := range keys {
		if n := times[key]; n > 0 {
			rows = append(rows, string(kind), key, int64(n), micros(tx.now))
			times[key] = 0
		}
	}
	// A task that waits already keeps its place: otherwise one that is
	// wanted again and again would never be the oldest.
	err := tx.insert(`
		INSERT INTO task (kind, key, wanted, done, due_at, attempts, owner, node, lease_until, epoch, parked, urgent, error)`,
		`(?, ?, ?, 0, ?, 0, '', '', 0, 0, FALSE, FALSE, '')`, `
		ON CONFLICT (kind, key) DO UPDATE
		SET wanted = task.wanted + excluded.wanted,
			due_at = CASE WHEN task.wanted > task.done AND task.due_at < excluded.due_at
				THEN task.due_at ELSE excluded.due_at END`,
		rows, nil)
	if err != nil {
		return fmt.Errorf("want %s tasks: %w", kind, err)
	}
	tx.due[kind] = true
	return nil
}

// A claim is claimSelect, onlyUrgent for what comes first, oldestFirst,
// skipLocked where other nodes claim too, and claimUpdate. It is MATERIALIZED because PostgreSQL might otherwise run the
// inner query, with its LIMIT, more than once.
const (
	claimSelect = `
	WITH claimed AS MATERIALIZED (
		SELECT id FROM task
		WHERE kind = $1 AND wanted > done AND NOT parked AND due_at <= $2 AND lease_until <= $2`
	onlyUrgent  = " AND urgent"
	oldestFirst = " ORDER BY due_at, id LIMIT $3"
	skipLocked  = " FOR UPDATE SKIP LOCKED"
	claimUpdate = `)
	UPDATE task SET owner = $4, node = $5, lease_until = $6, epoch = epoch + 1
	WHERE id IN (SELECT id FROM claimed)
	RETURNING id, key, wanted, done, due_at, attempts, epoch, error`
)

// Claim leases up to n due tasks of the kind to owner: those that a person
// waits for, and then the others, oldest first. A task whose lease ran out is
// due again; its epoch rises with every claim.
func (tx Tx) Claim(kind TaskKind, n int, owner string, lease time.Duration) ([]Task, error) {
	if owner == "" || lease <= 0 {
		return nil, fmt.Errorf("claim %s tasks: %w", kind, errNoOwner)
	}
	var claimed []Task
	for _, which := range []string{onlyUrgent, ""} {
		tasks, err := tx.claim(which, kind, n-len(claimed), owner, lease)
		if err != nil {
			return nil, fmt.Errorf("claim %s tasks: %w", kind, err)
		}
		claimed = append(claimed, tasks...)
	}
	return claimed, nil
}

func (tx Tx) claim(which string, kind TaskKind, n int, owner string, lease time.Duration) ([]Task, error) {
	if n <= 0 {
		return nil, nil
	}
	claim := claimSelect + which + oldestFirst
	if tx.shared {
		claim += skipLocked
	}
	var tasks []Task
	err := tx.query(claim+claimUpdate,
		[][]any{{string(kind), micros(tx.now), int64(n), owner, tx.node, micros(tx.now.Add(lease))}},
		func(_ int, row Row) error {
			task, err := scanTask(kind, row)
			tasks = append(tasks, task)
			return err
		})
	// RETURNING promises no order.
	slices.SortFunc(tasks, func(a, b Task) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	return tasks, err
}

// scanTask reads a claimed task as RETURNING gives it.
func scanTask(kind TaskKind, row Row) (Task, error) {
	task := Task{Kind: kind}
	var due int64
	err := row.Scan(&task.ID, &task.Key, &task.Wanted, &task.Done, &due, &task.Attempts, &task.Epoch, &task.Error)
	task.Due = timeOf(due)
	return task, err
}

// Finish records outcomes of claimed tasks and ends their leases. A task that
// was wanted again since it was claimed is left due now, unless it is parked.
//
// It returns the ids of tasks whose lease was lost: another claim, a later
// start or an earlier Finish came first. Their outcome was not recorded, and
// nothing else may be written for them. Call it first in the commit. A lease
// that ran out without another claim is not lost.
func (tx Tx) Finish(outcomes []Outcome) (lost map[int64]bool, err error) {
	lists := make([][]any, len(outcomes))
	lost = make(map[int64]bool)
	for i, o := range outcomes {
		lists[i] = []any{o.Task.ID, o.Task.Epoch, o.Done, o.Task.Wanted, micros(o.Again), micros(tx.now), o.Failed, o.Park, o.Error, o.Progress}
		lost[o.Task.ID] = true
	}
	err = tx.query(`
		UPDATE task SET
			done = CASE WHEN $3 THEN $4 ELSE done END,
			due_at = CASE WHEN $3 THEN due_at WHEN wanted > $4 THEN $6 ELSE $5 END,
			attempts = CASE WHEN $3 THEN 0 ELSE CASE WHEN $10 THEN 0 ELSE attempts END + CASE WHEN $7 THEN 1 ELSE 0 END END,
			error = CASE WHEN $3 THEN '' WHEN $7 OR $8 THEN $9 ELSE error END,
			parked = $8, urgent = urgent AND NOT ($3 AND wanted <= $4),
			owner = '', node = '', lease_until = 0
		WHERE id = $1 AND epoch = $2 AND owner <> ''
		RETURNING kind, wanted > done AND NOT parked AND due_at <= $6`,
		lists, func(i int, row Row) error {
			delete(lost, outcomes[i].Task.ID)
			var kind string
			var due bool
			if err := row.Scan(&kind, &due); err != nil {
				return err
			}
			if due {
				tx.due[TaskKind(kind)] = true
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("finish tasks: %w", err)
	}
	return lost, nil
}

// RetryTask makes a task due now as if it had never failed, parked or not:
// the way back for a person who has removed the cause, and who waits for it
// now, so it comes before others. Retrying a delivery takes up the incident's
// parked pieces too.
func (tx Tx) RetryTask(id int64) error {
	found := false
	err := tx.query(`
		UPDATE task SET parked = FALSE, urgent = TRUE, attempts = 0, error = '', wanted = wanted + 1, due_at = $2
		WHERE id = $1 RETURNING kind`,
		[][]any{{id, micros(tx.now)}}, func(_ int, row Row) error {
			found = true
			var kind string
			err := row.Scan(&kind)
			tx.due[TaskKind(kind)] = true
			return err
		})
	if err == nil && found {
		err = tx.query(`
			UPDATE piece SET parked = FALSE, error = ''
			WHERE parked AND incident = (SELECT key FROM task WHERE id = $1 AND kind = $2)`,
			[][]any{{id, string(TaskDeliver)}}, nil)
	}
	if err != nil {
		return fmt.Errorf("retry task %d: %w", id, err)
	}
	if !found {
		return fmt.Errorf("retry task %d: %w", id, ErrNotFound)
	}
	return nil
}

// Counts returns totals. It counts rows, so it is for a summary and not for
// a hot path.
func (tx Tx) Counts() (Counts, error) {
	var c Counts
	err := tx.query(`SELECT
		(SELECT count(*) FROM mail), (SELECT count(*) FROM event), (SELECT count(*) FROM incident),
		(SELECT count(*) FROM piece), (SELECT count(*) FROM piece WHERE delivered <> version AND NOT parked),
		(SELECT count(*) FROM piece WHERE parked),
		(SELECT count(*) FROM task WHERE wanted > done AND NOT parked), (SELECT count(*) FROM task WHERE parked),
		(SELECT count(*) FROM run WHERE status = 'waiting'), (SELECT count(*) FROM mail WHERE status = 'quarantined'),
		(SELECT count(*) FROM mail WHERE status = 'received')`,
		[][]any{{}}, func(_ int, row Row) error {
			return row.Scan(&c.Mails, &c.Events, &c.Incidents, &c.Pieces, &c.PiecesPending, &c.PiecesParked,
				&c.TasksPending, &c.TasksParked, &c.RunsWaiting, &c.MailsQuarantine, &c.MailsUnread)
		})
	if err != nil {
		return Counts{}, fmt.Errorf("count the ledger: %w", err)
	}
	return c, nil
}
