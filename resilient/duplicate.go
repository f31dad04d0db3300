package resilient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// closed is the plan_status of a closed incident.
const closed = "C"

// change is one field of a PATCH (§1.8). The value it had when it was read
// goes with it, so that somebody else's change in between is not overwritten.
type change struct {
	Field string         `json:"field"`
	Old   map[string]any `json:"old_value"`
	New   map[string]any `json:"new_value"`
}

// patchStatus is the outcome of a PATCH, whose HTTP status is 200 also when
// it failed.
type patchStatus struct {
	Success  *bool `json:"success"`
	Message  text  `json:"message"`
	Failures []struct {
		Field text `json:"field"`
	} `json:"field_failures"`
}

// CloseDuplicate closes an incident as a duplicate of another (§2.5). An
// incident that is closed already is left as it is, so it may be repeated.
// [Conflict] means that somebody changed it in between.
func (c *Client) CloseDuplicate(ctx context.Context, id, of int64) error {
	ctx, cancel := c.write(ctx)
	defer cancel()
	var current struct {
		PlanStatus text            `json:"plan_status"`
		Resolution json.RawMessage `json:"resolution_id"`
		Summary    json.RawMessage `json:"resolution_summary"`
	}
	r := request{
		op: "read incident", subject: id, method: http.MethodGet, path: incidentPath(id, ""), read: true,
		query: names, permission: "Incidents: Read", into: &current,
	}
	if err := c.do(ctx, r); err != nil {
		return err
	}
	if current.PlanStatus == closed {
		return nil
	}
	summary := fmt.Sprintf("Duplicate of incident %d. Both were opened by sepwatch for the same alert.", of)
	changes := []change{
		{"plan_status", object(string(current.PlanStatus)), object(closed)},
		{"resolution_id", object(current.Resolution), object("Duplicate")},
		{"resolution_summary", object(current.Summary), map[string]any{"textarea": formatted{"text", summary}}},
	}
	var outcome patchStatus
	r = request{
		op: "close duplicate incident", subject: id, method: http.MethodPatch, path: incidentPath(id, ""),
		query:      names, // as the values were read
		permission: "Edit Incidents: Status",
		body:       map[string]any{"changes": changes}, into: &outcome,
	}
	if err := c.do(ctx, r); err != nil {
		return err
	}
	return outcome.check(r)
}

// object is the value wrapper that takes every type (§1.8). Nil is null.
func object(v any) map[string]any { return map[string]any{"object": v} }

// check makes an error of a PATCH that did not succeed.
func (s patchStatus) check(r request) error {
	switch {
	case len(s.Failures) > 0:
		fields := make([]string, len(s.Failures))
		for i, f := range s.Failures {
			fields[i] = string(f.Field)
		}
		return r.fail(Conflict, "somebody else has changed "+strings.Join(fields, ", "), nil)
	case s.Success == nil:
		return r.fail(Ambiguous, "the answer does not say whether it succeeded", nil)
	case !*s.Success:
		return r.fail(Permanent, string(s.Message), nil)
	}
	return nil
}
