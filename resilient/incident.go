package resilient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// Incident reads one incident (§2.2). One that was deleted is [ErrNotFound].
// It changes nothing and may be repeated.
func (c *Client) Incident(ctx context.Context, id int64) (Ref, error) {
	var read incidentDTO
	r := request{
		op: "read incident", subject: fmt.Sprint(id), method: http.MethodGet, path: fmt.Sprintf("/incidents/%d", id), read: true,
		query: url.Values{"handle_format": {"names"}}, permission: "Incidents: Read", into: &read,
	}
	if err := c.do(ctx, r); err != nil {
		return Ref{}, err
	}
	if err := (identified{read.ID}).check(r); err != nil {
		return Ref{}, err
	}
	return read.ref(), nil
}
