package sepm

import (
	"net/http"
	"strings"
	"time"
)

// Event is a critical event (contract: A17).
type Event struct {
	ID               string // default made from the rest
	Time             time.Time
	Subject, Message string // may hold HTML
	Acknowledged     bool
	// Acknowledgeable is an event of a kind that can be acknowledged; others
	// give the code 4104.
	Acknowledgeable bool
}

func (e Event) id() string {
	if e.ID != "" {
		return strings.ToUpper(e.ID)
	}
	return hexID("event", e.Subject+e.Time.String())
}

// sampleEvents are a few as SEPM has them: not in order, with HTML, and with
// HTML that is escaped once more.
func sampleEvents() []Event {
	return []Event{
		{Time: fleetEpoch.Add(-time.Hour), Subject: "CRITICAL: SERVER HEALTH", Acknowledgeable: true,
			Message: "The health state of the following server is poor:\r\n\tServer: <b>SEPM-SERVER</b><br>Reason: The available disk space is low."},
		{Time: fleetEpoch, Subject: "CRITICAL: CLIENT SECURITY ALERT",
			Message: "Message from: Server name: SEPM-SERVER&lt;br&gt;Computer: LAP-00002&lt;br&gt;\tThe number of client security events is above the threshold."},
		{Time: fleetEpoch.Add(-48 * time.Hour), Subject: "CRITICAL: VIRUS DEFINITIONS OUT-OF-DATE", Acknowledged: true, Acknowledgeable: true,
			Message: "3 computers have virus definitions older than 5 days."},
	}
}

// criticalEvents is GET /events/critical. It has no pages: pageIndex and
// pageSize are read by nobody.
func (s *Server) criticalEvents(c *call) error {
	all, err := flag(c.r.URL.Query(), "includeAcknowledged")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shown, open := []object{}, 0
	for _, e := range s.events {
		if !e.Acknowledged {
			open++
		}
		if all || !e.Acknowledged {
			shown = append(shown, object{"eventId": e.id(), "eventDateTime": e.Time.UTC().Format("2006-01-02 15:04:05.0"),
				"subject": e.Subject, "message": e.Message, "acknowledged": number(e.Acknowledged)})
		}
	}
	return c.ok(object{"criticalEventsInfoList": shown, "lastUpdated": s.opt.Now().UnixMilli(), "totalUnacknowledgedMessages": open})
}

// acknowledge is POST /events/acknowledge/{id}.
func (s *Server) acknowledge(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range s.events {
		if e.id() == strings.ToUpper(c.r.PathValue("id")) && e.Acknowledgeable {
			s.events[i].Acknowledged = true
			return c.done(http.StatusOK)
		}
	}
	return failCode(http.StatusBadRequest, "4104", "Failed to update the event, summary:Could not find notification")
}

// AddEvent puts one more critical event into the list.
func (s *Server) AddEvent(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// Events are copies of the critical events.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event{}, s.events...)
}

// onlineStatus is GET /stats/client/onlinestatus (contract: A17).
func (s *Server) onlineStatus(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	online, offline := 0, 0
	for _, r := range s.fleet.byID {
		switch {
		case r.Deleted:
		case r.Offline:
			offline++
		default:
			online++
		}
	}
	return c.ok(object{"lastUpdated": s.opt.Now().UnixMilli(), "clientCountStatsList": []object{
		{"status": "ONLINE", "clientsCount": online}, {"status": "OFFLINE", "clientsCount": offline}}})
}
