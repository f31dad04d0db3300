package resilient

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// Change is one field of an incident to be changed.
type Change struct {
	// Field is its API name, also that of a custom field.
	Field string
	// Old is what [Client.Incident] read before. Where the field has another
	// value by now that is not New either, nothing is changed.
	Old, New Value
}

// FieldConflict are the fields that somebody else has changed since they were
// read. It is the cause of an [*Error].
type FieldConflict struct {
	Fields []Overtaken
}

// Overtaken is a field that somebody else has changed.
type Overtaken struct {
	// Field is its API name.
	Field string
	// Actual is the value that it has now.
	Actual Value
}

// Error names the fields.
func (e *FieldConflict) Error() string {
	fields := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		fields[i] = f.Field
	}
	return "somebody else has changed " + strings.Join(fields, ", ")
}

// PatchIncident changes fields of an incident, all of them or none (§1.8).
// What somebody else has changed in between is left as it is: it fails with
// [Conflict], and a [*FieldConflict] as its cause says which fields those are;
// a Conflict without one is a collision in the server's database. A change to
// the value that a field has already succeeds, so it may be repeated.
func (c *Client) PatchIncident(ctx context.Context, id int64, changes []Change) error {
	ctx, cancel := c.write(ctx)
	defer cancel()
	return c.patch(ctx, request{op: "change incident", subject: id, permission: "Edit Incidents: Fields"}, id, changes)
}

// changeDTO is one field of a PATCH.
type changeDTO struct {
	Field string                     `json:"field"`
	Old   map[string]json.RawMessage `json:"old_value"`
	New   map[string]json.RawMessage `json:"new_value"`
}

// patch sends the changes as the request that r names.
func (c *Client) patch(ctx context.Context, r request, id int64, changes []Change) error {
	org, err := c.organization(ctx)
	if err != nil {
		return err
	}
	sent := make([]changeDTO, len(changes))
	for i, change := range changes {
		sent[i] = changeDTO{change.Field, change.Old.wrapped(), change.New.wrapped()}
	}
	var outcome patchStatus
	r.method, r.path = http.MethodPatch, incidentPath(id, "")
	r.query = names // as the values were read
	r.body, r.into = map[string]any{"changes": sent}, &outcome
	if err := c.do(ctx, r); err != nil {
		return err
	}
	return outcome.check(r, org.fields)
}

// patchStatus is the outcome of a PATCH, whose HTTP status is 200 also when
// it failed.
type patchStatus struct {
	Success  *bool `json:"success"`
	Message  text  `json:"message"`
	Failures []struct {
		Field  text  `json:"field"`
		Actual Value `json:"actual_current_value"`
	} `json:"field_failures"`
}

// check makes an error of a PATCH that did not succeed.
func (s patchStatus) check(r request, fields map[string]field) error {
	switch {
	case len(s.Failures) > 0:
		var overtaken FieldConflict
		for _, f := range s.Failures {
			overtaken.Fields = append(overtaken.Fields, Overtaken{nameOf(string(f.Field), fields), f.Actual})
		}
		return r.fail(Conflict, overtaken.Error(), &overtaken)
	case s.Success == nil:
		return r.fail(Ambiguous, "the answer does not say whether it succeeded", nil)
	case !*s.Success:
		return r.fail(Permanent, string(s.Message), nil)
	}
	return nil
}

// nameOf is the API name of a field that an answer names, or gives the id of.
func nameOf(handle string, fields map[string]field) string {
	if _, ok := fields[handle]; ok {
		return handle
	}
	for name, f := range fields {
		if f.id == handle {
			return name
		}
	}
	return handle
}
