package ledger

import (
	"fmt"
	"time"
)

// Remote is what a delivery changes about an incident. It is written apart
// from the rest, which others change at the same time.
type Remote struct {
	Incident int64
	// RemoteID and Delivered are those of [Incident].
	RemoteID  int64
	Delivered time.Time
}

// SetRemotes records what deliveries changed about incidents.
func (tx Tx) SetRemotes(remotes []Remote) error {
	lists := make([][]any, len(remotes))
	for i, r := range remotes {
		lists[i] = []any{r.Incident, r.RemoteID, micros(r.Delivered)}
	}
	err := tx.change(`
		UPDATE incident SET remote_id = $2, delivered = $3 WHERE id = $1 RETURNING id`, lists)
	if err != nil {
		return fmt.Errorf("record deliveries of incidents: %w", err)
	}
	return nil
}

// Sighting is events that joined an incident.
type Sighting struct {
	Incident int64
	Events   int
	Last     time.Time
}

// AddSightings counts events on the incidents that they joined.
func (tx Tx) AddSightings(sightings []Sighting) error {
	lists := make([][]any, len(sightings))
	for i, s := range sightings {
		lists[i] = []any{s.Incident, int64(s.Events), micros(s.Last)}
	}
	err := tx.change(`
		UPDATE incident SET seen = seen + $2, last_seen = CASE WHEN last_seen > $3 THEN last_seen ELSE $3 END
		WHERE id = $1 RETURNING id`, lists)
	if err != nil {
		return fmt.Errorf("count events on incidents: %w", err)
	}
	return nil
}

// OpenIncidentIDs returns the ids of the open incidents that have the keys,
// by key.
func (tx Tx) OpenIncidentIDs(keys []string) (map[string]int64, error) {
	lists := make([][]any, len(keys))
	for i, key := range keys {
		lists[i] = []any{keyHash(key)}
	}
	open := make(map[string]int64)
	err := tx.query(`SELECT id FROM incident WHERE key_hash = $1 AND status = 'open'`,
		lists, func(i int, row Row) error {
			var id int64
			err := row.Scan(&id)
			open[keys[i]] = id
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("look up open incidents: %w", err)
	}
	return open, nil
}

// ClaimKeys leases the tasks of the kind with these keys to owner, as far as
// they are due and free.
func (tx Tx) ClaimKeys(kind TaskKind, keys []int64, owner string, lease time.Duration) ([]Task, error) {
	if owner == "" || lease <= 0 {
		return nil, fmt.Errorf("claim %s tasks: %w", kind, errNoOwner)
	}
	lists := make([][]any, len(keys))
	for i, key := range keys {
		lists[i] = []any{string(kind), key, micros(tx.now), owner, tx.node, micros(tx.now.Add(lease))}
	}
	var tasks []Task
	err := tx.query(`
		UPDATE task SET owner = $4, node = $5, lease_until = $6, epoch = epoch + 1
		WHERE kind = $1 AND key = $2 AND wanted > done AND NOT parked AND due_at <= $3 AND lease_until <= $3
		RETURNING id, key, wanted, done, due_at, attempts, epoch, error`,
		lists, func(_ int, row Row) error {
			task, err := scanTask(kind, row)
			tasks = append(tasks, task)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("claim %s tasks: %w", kind, err)
	}
	return tasks, nil
}
