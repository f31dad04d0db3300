package ledger

import (
	"fmt"
	"time"
)

// Remote is what a delivery changes about an incident. It is written apart
// from the rest, which others change at the same time.
type Remote struct {
	Incident int64
	// RemoteID, Told and Delivered are those of [Incident].
	RemoteID  int64
	Told      int
	Delivered time.Time
}

// SetRemotes records what deliveries changed about incidents.
func (tx Tx) SetRemotes(remotes []Remote) error {
	lists := make([][]any, len(remotes))
	for i, r := range remotes {
		lists[i] = []any{r.Incident, r.RemoteID, int64(r.Told), micros(r.Delivered)}
	}
	err := tx.change(`
		UPDATE incident SET remote_id = $2, told = $3, delivered = $4 WHERE id = $1 RETURNING id`, lists)
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
	values := make([]any, len(keys))
	byHash := make(map[string]string, len(keys))
	for i, key := range keys {
		hash := keyHash(key)
		values[i], byHash[string(hash)] = hash, key
	}
	open := make(map[string]int64)
	err := tx.selectIn(`SELECT key_hash, id FROM incident WHERE status = 'open' AND key_hash IN `, "", nil,
		values, func(row Row) error {
			var hash []byte
			var id int64
			if err := row.Scan(&hash, &id); err != nil {
				return err
			}
			open[byHash[string(hash)]] = id
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("look up open incidents: %w", err)
	}
	return open, nil
}
