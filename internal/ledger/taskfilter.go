package ledger

import (
	"fmt"
	"slices"
	"time"
)

// TaskKinds are all kinds of task, in the order of the work.
func TaskKinds() []TaskKind { return []TaskKind{TaskRead, TaskRespond, TaskFollow, TaskDeliver} }

// TaskView is a task as one sees it who does not work on it.
type TaskView struct {
	Task
	// Node and LeaseUntil say who works on it and until when at most; they are
	// zero where nobody does.
	Node       string
	LeaseUntil time.Time
	// ParkedPieces counts the pieces that a delivery has given up. Retrying
	// it takes them up again.
	ParkedPieces int
}

// TaskState is where a task stands.
type TaskState string

// The states of a task: parked where it or a piece of it was given up.
const (
	StateWorking TaskState = "working"
	StateDue     TaskState = "due"
	StateWaiting TaskState = "waiting" // until it is due
	StateParked  TaskState = "parked"
	StateDone    TaskState = "done"
)

// State is where the task stood at the time now.
func (t TaskView) State(now time.Time) TaskState {
	switch {
	case t.LeaseUntil.After(now):
		return StateWorking
	case t.Parked:
		return StateParked
	case t.Wanted > t.Done && t.Due.After(now):
		return StateWaiting
	case t.Wanted > t.Done:
		return StateDue
	case t.ParkedPieces > 0:
		return StateParked
	}
	return StateDone
}

// TaskFilter says which of the tasks that are not done are wanted; a field
// that is zero asks for nothing.
type TaskFilter struct {
	Kind TaskKind
	Key  int64
	// Due asks for tasks that are due now, those that are worked on included.
	Due bool
	// Parked asks for tasks that were given up, and for deliveries of which a
	// piece was.
	Parked bool
}

// ListTasks returns a page of the tasks that are not done, the newest first.
func (tx Tx) ListTasks(f TaskFilter, page Page) ([]TaskView, error) {
	var where filter
	asked := ""
	if f.Kind != "" {
		if !slices.Contains(TaskKinds(), f.Kind) {
			return nil, fmt.Errorf("list tasks: there is no kind %q", f.Kind)
		}
		asked += " AND kind = " + where.arg(string(f.Kind))
	}
	if f.Key != 0 {
		asked += " AND key = " + where.arg(f.Key)
	}
	// Each of these comes from an index that holds no task that is done, of
	// which there are many.
	open := "SELECT id FROM task WHERE wanted > done AND NOT parked" + asked
	parked := "SELECT id FROM task WHERE parked" + asked +
		" UNION ALL SELECT id FROM task WHERE kind = 'deliver' AND key IN (SELECT incident FROM piece WHERE parked)" + asked
	switch {
	case f.Due && f.Parked:
		return nil, nil // no task is both
	case f.Due:
		where.and("id IN (" + open + " AND due_at <= " + where.arg(micros(tx.now)) + ")")
	case f.Parked:
		where.and("id IN (" + parked + ")")
	default:
		where.and("id IN (" + open + " UNION ALL " + parked + ")")
	}
	tasks, err := list(tx, selectTasks, &where, page, scanTaskView)
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	return tasks, nil
}

const selectTasks = `
	SELECT id, kind, key, wanted, done, due_at, attempts, epoch, parked, error, node, lease_until,
		(SELECT count(*) FROM piece WHERE task.kind = 'deliver' AND piece.incident = task.key AND piece.parked)
	FROM task`

func scanTaskView(row Row) (TaskView, error) {
	var t TaskView
	var due, lease int64
	err := row.Scan(&t.ID, &t.Kind, &t.Key, &t.Wanted, &t.Done, &due, &t.Attempts, &t.Epoch, &t.Parked, &t.Error,
		&t.Node, &lease, &t.ParkedPieces)
	t.Due, t.LeaseUntil = timeOf(due), timeOf(lease)
	return t, err
}

// Tasks returns those of the ids that exist, by ascending id.
func (tx Tx) Tasks(ids []int64) ([]TaskView, error) {
	tasks, err := selectByID(tx.transaction, selectTasks+" WHERE id IN ", " ORDER BY id", ids, scanTaskView)
	if err != nil {
		return nil, fmt.Errorf("look up tasks: %w", err)
	}
	return tasks, nil
}

// TasksOf returns the tasks of the kind that these keys have, by key.
func (tx Tx) TasksOf(kind TaskKind, keys []int64) (map[int64]TaskView, error) {
	lists := make([][]any, len(keys))
	for i, key := range keys {
		lists[i] = []any{string(kind), key}
	}
	tasks := make(map[int64]TaskView)
	err := tx.query(selectTasks+` WHERE kind = $1 AND key = $2`, lists, func(i int, row Row) (err error) {
		tasks[keys[i]], err = scanTaskView(row)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up %s tasks: %w", kind, err)
	}
	return tasks, nil
}
