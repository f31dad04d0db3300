package ledger

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sepwatch/sepwatch/incident"
)

const incidentColumns = "id, status, remote_id, seen, told, last_seen, created, delivered, key, body"

// AddIncidents opens incidents and returns them with their ids, in order.
// Status is set to open, and Created, where it is zero, to the ledger's time.
// The keys must not be those of open incidents; where another node opens one
// at the same time, Update runs its function again, which then finds it.
func (tx Tx) AddIncidents(incidents []Incident) ([]Incident, error) {
	added := slices.Clone(incidents)
	rows := make([]any, 0, 10*len(added))
	at := make(map[string]int, len(added)) // by the hash of the key
	for i := range added {
		in := &added[i]
		in.Status = incident.Open
		if in.Created.IsZero() {
			in.Created = tx.now
		}
		in.LastSeen, in.Created, in.Delivered = stored(in.LastSeen), stored(in.Created), stored(in.Delivered)
		body, err := json.Marshal(in.Incident)
		if err != nil {
			return nil, fmt.Errorf("add incident %q: %w", in.Key, err)
		}
		hash := keyHash(in.Key)
		at[string(hash)] = i
		rows = append(rows, string(in.Status), in.RemoteID, int64(in.Seen), int64(in.Told), micros(in.LastSeen),
			micros(in.Created), micros(in.Delivered), hash, in.Key, string(body))
	}
	err := tx.insert(`INSERT INTO incident (status, remote_id, seen, told, last_seen, created, delivered, key_hash, key, body)`,
		`(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, ` RETURNING id, key_hash`, rows, func(row Row) error {
			var id int64
			var hash []byte
			if err := row.Scan(&id, &hash); err != nil {
				return err
			}
			added[at[string(hash)]].ID = id
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("add %d incidents: %w", len(incidents), err)
	}
	return added, nil
}

// Incidents returns those of the ids that exist, by ascending id.
func (tx Tx) Incidents(ids []int64) ([]Incident, error) {
	incidents, err := selectByID(tx.transaction, "SELECT "+incidentColumns+" FROM incident WHERE id IN ", " ORDER BY id", ids, scanIncident)
	if err != nil {
		return nil, fmt.Errorf("look up incidents: %w", err)
	}
	return incidents, nil
}

func scanIncident(row Row) (Incident, error) {
	var in Incident
	var lastSeen, created, delivered int64
	var key string
	var body []byte
	err := row.Scan(&in.ID, &in.Status, &in.RemoteID, &in.Seen, &in.Told, &lastSeen, &created, &delivered, &key, &body)
	if err != nil {
		return in, err
	}
	if err := json.Unmarshal(body, &in.Incident); err != nil {
		return in, fmt.Errorf("incident %d: %w", in.ID, err)
	}
	// The column is what the unique index holds, whatever the body says.
	in.Key = key
	in.LastSeen, in.Created, in.Delivered = timeOf(lastSeen), timeOf(created), timeOf(delivered)
	return in, nil
}
