package resilient

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

// Lookup says which incidents to find.
type Lookup struct {
	// Key is the [incident.Incident] key.
	Key string
	// ByField looks in the custom field; else the descriptions of the
	// incidents created since Since are searched for the [Marker].
	ByField bool
	// Since is by the server's clock, see [Client.ServerNow]. The zero time
	// goes through every incident. It is not used with ByField.
	Since time.Time
}

// Sizes of a walk over incidents. The server's own limit of a page is 100
// (§1.10); the second ends a walk that the server never ends.
const (
	pageLength   = 100
	maxIncidents = 1_000_000
)

type query struct {
	Start   int      `json:"start"`
	Length  int      `json:"length"`
	Filters []filter `json:"filters,omitempty"`
	Sorts   []order  `json:"sorts"`
}

type filter struct {
	Conditions []condition `json:"conditions"`
}

type condition struct {
	Field  string `json:"field_name"`
	Method string `json:"method"`
	Value  any    `json:"value"`
}

type order struct {
	Field string `json:"field_name"`
	Type  string `json:"type"`
}

// FindIncidents finds the incidents with a key, open and closed ones, the
// oldest first. It changes nothing and may be repeated.
func (c *Client) FindIncidents(ctx context.Context, l Lookup) ([]Ref, error) {
	if oneLine(l.Key) == "" {
		// Every incident of somebody else's would match.
		return nil, findRequest("").fail(Permanent, "nothing can be found without a key", nil)
	}
	// Ascending, so that incidents opened meanwhile come last and shift nothing.
	q := query{Length: pageLength, Sorts: []order{{"create_date", "asc"}, {"id", "asc"}}}
	level := "normal"
	matches := func(d incidentDTO) bool { return markedKey(string(d.Description)) == oneLine(l.Key) }
	switch {
	case l.ByField:
		level = "full" // only then with custom fields
		field := "properties." + incident.KeyField
		q.Filters = []filter{{[]condition{{field, "equals", l.Key}}}}
		// Whether equals minds case is not known, nor whether every server puts
		// custom fields into the answer.
		matches = func(d incidentDTO) bool {
			key, there := d.Properties[incident.KeyField]
			return !there || string(key) == l.Key
		}
	case !l.Since.IsZero():
		q.Filters = []filter{{[]condition{{"create_date", "gte", l.Since.UnixMilli()}}}}
	}

	var found []Ref
	err := c.incidents(ctx, l.Key, level, q, func(d incidentDTO) {
		if matches(d) {
			found = append(found, d.ref())
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b Ref) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return slices.Compact(found), nil
}

func findRequest(key string) request {
	return request{
		op: "find incidents", subject: key, method: http.MethodPost, path: "/incidents/query_paged", read: true,
		permission: "Incidents: Read",
	}
}

// incidents walks all pages of a query (§2.4).
func (c *Client) incidents(ctx context.Context, subject, level string, q query, each func(incidentDTO)) error {
	for first := int64(-1); ; {
		var page struct {
			Filtered *int          `json:"recordsFiltered"`
			Data     []incidentDTO `json:"data"`
		}
		r := findRequest(subject)
		r.query = url.Values{"return_level": {level}, "handle_format": {"names"}}
		r.body, r.into = q, &page
		if err := c.do(ctx, r); err != nil {
			return err
		}
		if page.Data == nil {
			// {} must not pass for "there is no such incident".
			return r.fail(Temporary, "the answer has no data", nil)
		}
		for _, d := range page.Data {
			each(d)
		}
		q.Start += len(page.Data)
		switch {
		case page.Filtered != nil && q.Start >= *page.Filtered, page.Filtered == nil && len(page.Data) == 0:
			return nil
		// What is missing here could be the incident that is looked for.
		case len(page.Data) == 0:
			return r.fail(Temporary, fmt.Sprintf("only %d of %d incidents came", q.Start, *page.Filtered), nil)
		case page.Data[0].ID == first:
			return r.fail(Temporary, fmt.Sprintf("the page before incident %d repeats the one before it", q.Start), nil)
		case q.Start >= maxIncidents:
			return r.fail(Permanent, fmt.Sprintf("no end after %d incidents", maxIncidents), nil)
		}
		first = page.Data[0].ID
	}
}
