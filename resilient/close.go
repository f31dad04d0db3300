package resilient

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// closed is the plan_status of a closed incident.
const closed = "C"

// Closing is why an incident is closed.
type Closing struct {
	// Resolution is a resolution's name, such as Resolved or Duplicate.
	Resolution string
	// Summary says more, in plain text.
	Summary string
}

// CloseIncident closes an incident (§2.5), with [Options].CloseFields in those
// fields that have no value. Where the organization requires a field of which
// nobody has said anything, it is [Permanent] and names the field; nothing is
// sent then. An incident that is closed already is left as it is, so it may be
// repeated. [Conflict] means that somebody changed it in between.
func (c *Client) CloseIncident(ctx context.Context, id int64, why Closing) error {
	ctx, cancel := c.write(ctx)
	defer cancel()
	org, err := c.organization(ctx)
	if err != nil {
		return err
	}
	current, err := c.Incident(ctx, id)
	if err != nil || !current.Open {
		return err
	}
	r := request{op: "close incident", subject: id, method: http.MethodPatch, path: incidentPath(id, ""), permission: "Edit Incidents: Status"}
	if names := org.fields["resolution_id"].choices; len(names) > 0 && !slices.Contains(names, why.Resolution) {
		return r.fail(Permanent, fmt.Sprintf("org %q has no resolution %q, but %s", org.OrgName, why.Resolution, quoteAll(names)), nil)
	}
	change := func(field string, to Value) Change { return Change{field, current.Fields[field], to} }
	changes := []Change{
		change("plan_status", TextValue(closed)), change("resolution_id", TextValue(why.Resolution)),
		change("resolution_summary", valueOf(formatted{"text", why.Summary})),
	}
	var lacking []string
	for _, f := range missing(onClose, org.fields, closing, nil) {
		value, configured := org.close[f.Name]
		switch {
		case !current.Fields[f.Name].IsZero():
		case configured:
			changes = append(changes, change(f.Name, valueOf(value)))
		default:
			lacking = append(lacking, fmt.Sprintf("%q (%s)", f.Label, f.Name))
		}
	}
	if len(lacking) > 0 {
		e := r.fail(Permanent, fmt.Sprintf("org %q requires %s to close an incident", org.OrgName, strings.Join(lacking, ", ")), nil)
		e.Hint = "fill it in there, or set it under resilient.close_fields"
		return e
	}
	return c.patch(ctx, r, id, changes)
}

// CloseDuplicate closes an incident as a duplicate of another, as
// [Client.CloseIncident] does.
func (c *Client) CloseDuplicate(ctx context.Context, id, of int64) error {
	return c.CloseIncident(ctx, id, Closing{
		Resolution: "Duplicate",
		Summary:    fmt.Sprintf("Duplicate of incident %d. Both were opened by sepwatch for the same alert.", of),
	})
}
