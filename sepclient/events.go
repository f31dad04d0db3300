package sepclient

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// CriticalEvent is something that SEPM wants an administrator to see (A17).
type CriticalEvent struct {
	ID string
	// Time is in UTC, zero where it cannot be read; TimeText is as SEPM wrote
	// it.
	Time     time.Time
	TimeText string
	Subject  string
	// Message is text: what SEPM writes as HTML has a line for each block.
	Message      string
	Acknowledged bool
}

// CriticalEvents are the critical events of a moment.
type CriticalEvents struct {
	// Events are the newest first, each once.
	Events []CriticalEvent
	// Unacknowledged is how many nobody has acknowledged, those included that
	// are not listed; -1 where SEPM does not say.
	Unacknowledged int
	LastUpdated    time.Time
}

// CriticalEvents lists critical events, all of them at once: SEPM has no pages
// of them. Those that are acknowledged come when they are asked for.
func (c *Client) CriticalEvents(ctx context.Context, acknowledged bool) (CriticalEvents, error) {
	var answer struct {
		Events *[]struct {
			ID           text   `json:"eventId"`
			Time         text   `json:"eventDateTime"`
			Subject      text   `json:"subject"`
			Message      text   `json:"message"`
			Acknowledged number `json:"acknowledged"`
		} `json:"criticalEventsInfoList"`
		Updated        number `json:"lastUpdated"`
		Unacknowledged number `json:"totalUnacknowledgedMessages"`
	}
	r := request{op: "list critical events", method: http.MethodGet, path: "/events/critical", read: true, into: &answer}
	r.query = url.Values{"includeAcknowledged": {"false"}}
	if acknowledged {
		r.query.Set("includeAcknowledged", "true")
	}
	if err := c.do(ctx, r); err != nil {
		return CriticalEvents{}, err
	}
	if answer.Events == nil {
		return CriticalEvents{}, r.fail(Temporary, "the answer has no list of events", nil)
	}
	out := CriticalEvents{Unacknowledged: answer.Unacknowledged.or(-1), LastUpdated: answer.Updated.time()}
	seen := make(map[text]bool)
	for _, e := range *answer.Events {
		if e.ID != "" && seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		out.Events = append(out.Events, CriticalEvent{
			ID: string(e.ID), Time: eventTime(string(e.Time)), TimeText: string(e.Time),
			Subject: plainText(string(e.Subject)), Message: plainText(string(e.Message)), Acknowledged: e.Acknowledged.is(1),
		})
	}
	slices.SortStableFunc(out.Events, func(a, b CriticalEvent) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// CodeNotAcknowledgeable is the [Error.Code] of an event that SEPM does not
// let anybody acknowledge through the API.
const CodeNotAcknowledgeable = "4104"

// AcknowledgeEvent acknowledges a critical event. SEPM takes that for some
// kinds of events only, such as server health (A17).
func (c *Client) AcknowledgeEvent(ctx context.Context, id string) error {
	err := c.do(ctx, request{
		op: "acknowledge event", subject: id, method: http.MethodPost, path: "/events/acknowledge/" + segment(id),
	})
	var e *Error
	if errors.As(err, &e) && e.Code == CodeNotAcknowledgeable {
		e.Class = Permanent // whatever the status is, which is not known
		e.Hint = "SEPM lets events of this kind be acknowledged in its console only"
	}
	return err
}

// eventTime reads a time of an event, which SEPM writes in GMT without saying
// so.
func eventTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"2006-01-02 15:04:05", time.RFC3339} { // either with or without a fraction
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

var escapedTag = regexp.MustCompile(`(?i)</?(?:a|b|br|div|em|font|h[1-6]|i|li|ol|p|span|strong|table|tbody|td|th|tr|u|ul)(?:\s[^<>]*)?/?>`)

// plainText is what a text says that may be HTML, and HTML that was escaped
// once more.
func plainText(s string) string {
	s = remote.HTMLText(s)
	if escapedTag.MatchString(s) {
		s = remote.HTMLText(s)
	}
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(s, "\r", "\n")) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
