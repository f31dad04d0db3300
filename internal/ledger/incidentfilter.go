package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

// IncidentFilter says which incidents are wanted; a field that is zero asks
// for nothing.
type IncidentFilter struct {
	Status incident.Status
	// Since and Until are the first moment of Incident.Created that is wanted
	// and the first that is not any more.
	Since, Until time.Time
	// Computer and Risk are those of one of the incident's events, whole, in
	// upper or lower case.
	Computer, Risk string
	// RemoteID is Resilient's id.
	RemoteID int64
	// Undelivered asks for incidents of which Resilient does not hold all.
	Undelivered bool
	// Parked asks for incidents whose delivery was given up, or that of one
	// of their pieces.
	Parked bool
}

// ListIncidents returns a page of the incidents, the newest first.
func (tx Tx) ListIncidents(f IncidentFilter, page Page) ([]Incident, error) {
	var where filter
	switch f.Status {
	case "":
	case incident.Open, incident.Closed:
		where.and("status = " + where.arg(string(f.Status)))
	default:
		return nil, fmt.Errorf("list incidents: there is no status %q", f.Status)
	}
	where.between("created", f.Since, f.Until)
	where.anEvent(eventField{"computer", f.Computer}, eventField{"risk", f.Risk})
	if f.RemoteID != 0 {
		where.and("remote_id = " + where.arg(f.RemoteID))
	}
	if f.Undelivered {
		where.and(`(delivered = 0
			OR EXISTS (SELECT 1 FROM piece WHERE piece.incident = incident.id AND piece.delivered <> piece.version AND NOT piece.parked)
			OR EXISTS (SELECT 1 FROM piece WHERE piece.incident = incident.id AND piece.parked))`)
	}
	if f.Parked {
		where.and(`id IN (SELECT incident FROM piece WHERE parked UNION ALL SELECT key FROM task WHERE parked AND kind = 'deliver')`)
	}
	incidents, err := list(tx, "SELECT "+incidentColumns+" FROM incident", &where, page, scanIncident)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return incidents, nil
}

// eventField is a field of an event by its JSON name, and its value.
type eventField struct{ name, value string }

// anEvent keeps the incidents of which one event has all the values; an empty
// one asks for nothing.
func (f *filter) anEvent(fields ...eventField) {
	condition := ""
	for _, field := range fields {
		if field.value != "" {
			condition += " AND " + f.holds("event.body", field.json())
		}
	}
	if condition != "" {
		f.and("EXISTS (SELECT 1 FROM event WHERE event.incident = incident.id" + condition + ")")
	}
}

// json is the field as it stands in an event's JSON, and nowhere else there:
// in a value its quotes would be escaped.
func (f eventField) json() string {
	value, err := json.Marshal(storable(f.value))
	if err != nil {
		panic(err) // a string always encodes
	}
	return `"` + f.name + `":` + string(value)
}

// PieceCounts are the pieces of one incident.
type PieceCounts struct {
	// Pending are on their way to Resilient, Parked were given up.
	All, Pending, Parked int
}

// CountPieces counts the pieces of incidents, by incident.
func (tx Tx) CountPieces(incidents []int64) (map[int64]PieceCounts, error) {
	counts := make(map[int64]PieceCounts, len(incidents))
	lists := make([][]any, len(incidents))
	for i, id := range incidents {
		lists[i] = []any{id}
	}
	err := tx.query(`
		SELECT count(*), COALESCE(sum(CASE WHEN delivered <> version AND NOT parked THEN 1 ELSE 0 END), 0),
			COALESCE(sum(CASE WHEN parked THEN 1 ELSE 0 END), 0)
		FROM piece WHERE incident = $1`,
		lists, func(i int, row Row) error {
			var c PieceCounts
			err := row.Scan(&c.All, &c.Pending, &c.Parked)
			counts[incidents[i]] = c
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("count pieces: %w", err)
	}
	return counts, nil
}

// NewestEvents returns the newest events of an incident, at most so many of
// them, the newest first.
func (tx Tx) NewestEvents(incident int64, most int) ([]Event, error) {
	var events []Event
	err := tx.query(selectEvents+` WHERE incident = $1 ORDER BY mail DESC, ordinal DESC LIMIT $2`,
		[][]any{{incident, int64(most)}}, func(_ int, row Row) error {
			e, err := scanEvent(row)
			events = append(events, e)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("look up the events of incident %d: %w", incident, err)
	}
	return events, nil
}

// FirstEvent returns the event that opened an incident, the zero Event where
// none did.
func (tx Tx) FirstEvent(incident int64) (first Event, err error) {
	err = tx.query(selectEvents+` WHERE incident = $1 ORDER BY mail, ordinal LIMIT 1`, [][]any{{incident}},
		func(_ int, row Row) (err error) {
			first, err = scanEvent(row)
			return err
		})
	if err != nil {
		return Event{}, fmt.Errorf("look up the first event of incident %d: %w", incident, err)
	}
	return first, nil
}

// RunsOf returns the runs of an incident, the oldest first.
func (tx Tx) RunsOf(incident int64) ([]Run, error) {
	var runs []Run
	err := tx.query(selectRuns+` WHERE incident = $1 ORDER BY id`, [][]any{{incident}}, func(_ int, row Row) error {
		r, err := scanRun(row)
		runs = append(runs, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up the runs of incident %d: %w", incident, err)
	}
	return runs, nil
}
