package soar

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
)

// change is one change of a PATCH (contract: §1.8).
type change struct {
	Field    json.RawMessage `json:"field"`
	OldValue json.RawMessage `json:"old_value"`
	NewValue json.RawMessage `json:"new_value"`
}

// edit is a change that has been read.
type edit struct {
	field    *field
	from, to any
}

// patchIncident is PATCH /incidents/{i}. Either all changes are made or none.
func (s *Server) patchIncident(c *call) (any, error) {
	return s.alone(c, func() (any, error) {
		var body struct {
			Changes []change `json:"changes"`
			Version *int     `json:"version"`
		}
		if err := c.decode(&body); err != nil {
			return nil, err
		}
		edits, err := c.org.parseEdits(body.Changes)
		if err != nil {
			return nil, err
		}
		return s.onIncident(c, func(inc *incident) (any, error) {
			if s.opt.PatchVersionChecked && body.Version != nil && *body.Version != inc.version {
				return nil, refuse(http.StatusConflict, "The incident %d has changed: it is at version %d.", inc.id, inc.version)
			}
			var fields []*field
			for _, e := range edits {
				fields = append(fields, e.field)
			}
			if err := s.changes(c.who, fields); err != nil {
				return nil, err
			}
			claimed := s.failPatches > 0 && len(edits) > 0
			if claimed {
				s.failPatches--
			}
			if failures := inc.conflicts(edits, c.format, claimed); len(failures) > 0 {
				status := done()
				status["success"], status["message"], status["field_failures"] = false, "Some fields were changed by somebody else.", failures
				return status, nil
			}
			if err := inc.closable(edits); err != nil {
				return nil, err
			}
			now := s.clock()
			for _, e := range edits {
				c.org.set(inc, e.field, e.to)
				inc.arrived(now, c.who, Changed, FieldPiece, e.field.ID, e.field.key())
			}
			c.org.touch(inc, now)
			status := done()
			status["field_failures"] = none
			return status, nil
		})
	})
}

func (o *org) parseEdits(changes []change) ([]edit, error) {
	edits := make([]edit, 0, len(changes))
	for _, ch := range changes {
		f, err := o.changeable(ch.Field)
		if err != nil {
			return nil, err
		}
		e := edit{field: f}
		for _, v := range []struct {
			raw  json.RawMessage
			into *any
		}{{ch.OldValue, &e.from}, {ch.NewValue, &e.to}} {
			raw, ok := unwrap(v.raw)
			if !ok {
				return nil, f.wrong("a wrapped value")
			}
			if *v.into, err = f.parse(raw); err != nil {
				return nil, err
			}
		}
		if f.Required == "always" && missing(e.to) {
			return nil, badRequest("Field %s is required.", f.Label)
		}
		edits = append(edits, e)
	}
	return edits, nil
}

func (o *org) changeable(raw json.RawMessage) (*field, error) {
	handle, ok := parseHandle(raw)
	if !ok {
		return nil, badRequest("A change names no field.")
	}
	var f *field
	switch h := handle.(type) {
	case string:
		f, ok = o.fields.find(h)
	case int:
		f, ok = o.fields.byID[strconv.Itoa(h)]
	}
	switch {
	case !ok:
		return nil, badRequest("There is no field %v.", handle)
	case f.ReadOnly:
		return nil, badRequest("The field %s cannot be changed.", f.Name)
	}
	return f, nil
}

// wrappers are the keys that a value may be wrapped in.
var wrappers = []string{"object", "id", "ids", "text", "textarea", "boolean", "date"}

// unwrap takes a value out of its wrapper; a value that is not there is null.
func unwrap(raw json.RawMessage) (json.RawMessage, bool) {
	if raw == nil || string(raw) == "null" {
		return nil, true
	}
	var wrapped map[string]json.RawMessage
	if json.Unmarshal(raw, &wrapped) != nil || len(wrapped) != 1 {
		return nil, false
	}
	for key, value := range wrapped {
		raw = value
		if !slices.Contains(wrappers, key) {
			return nil, false
		}
	}
	return raw, true
}

// FailPatches answers that many more PATCHes as if somebody had changed each
// of their fields at that moment: see [Options.FieldFailures].
func (s *Server) FailPatches(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failPatches += times
}

// conflicts are the fields whose value is neither what the client believes
// nor what it wants, or all of them where a conflict is claimed.
func (inc *incident) conflicts(edits []edit, as format, claimed bool) []object {
	var failures []object
	for _, e := range edits {
		now := inc.values[e.field.index]
		if !claimed && (e.field.same(now, e.from) || e.field.same(now, e.to)) {
			continue
		}
		failures = append(failures, object{
			"field":                object{"id": e.field.ID, "name": e.field.Name},
			"your_original_value":  object{"object": e.field.render(e.from, as)},
			"actual_current_value": object{"object": e.field.render(now, as)},
		})
	}
	return failures
}

// same compares the current value with one that a client sent.
func (f *field) same(current, sent any) bool {
	if missing(current) && missing(sent) {
		return true
	}
	switch current := current.(type) {
	case rich:
		// A client may send back what it read, which is HTML source.
		sent, ok := sent.(rich)
		return ok && (sent.Content == current.Content || sent.Content == current.render(format{}, f.Rich, f.plainAsIs))
	case []any:
		sent, ok := sent.([]any)
		if !ok || len(sent) != len(current) {
			return false
		}
		for _, v := range sent {
			if !slices.Contains(current, v) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(current, sent)
}

// closable checks that an incident that is being closed has every field that
// closing requires (contract: §2.5).
func (inc *incident) closable(edits []edit) error {
	after := slices.Clone(inc.values)
	for _, e := range edits {
		after[e.field.index] = e.to
	}
	status := inc.org.fields.status
	switch {
	case after[status.index] == nil:
		return badRequest("Field %s is required.", status.Label)
	case after[status.index] != closed || !inc.isOpen():
		return nil
	}
	return inc.org.complete(after)
}
