package soar

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// What follows is what people do in Resilient while a client is at work: they
// ask for nothing that the server would refuse them, and no fault strikes.

// CloseIncident closes an incident, as an analyst does, with
// a resolution by its label (Resolved, Duplicate …).
func (s *Server) CloseIncident(id int, resolution string) error {
	return s.edit(id, map[string]any{"resolution_id": resolution, "resolution_summary": "Closed by an analyst.", "plan_status": closed})
}

// ReopenIncident opens an incident again.
func (s *Server) ReopenIncident(id int) error {
	return s.edit(id, map[string]any{"plan_status": active})
}

// EditField sets a field, by its name with the prefix (severity_code,
// properties.region), to what would be its JSON: text, a number, a bool, a
// label, labels, or nil for nothing.
func (s *Server) EditField(id int, name string, value any) error {
	return s.edit(id, map[string]any{name: value})
}

func (s *Server) edit(id int, values map[string]any) error {
	return s.mutate(id, func(o *org, inc *incident, who *principal, now time.Time) error {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			f, ok := o.fields.byName[name]
			if !ok {
				return fmt.Errorf("there is no field %q", name)
			}
			v, err := f.parse(encoded(values[name]))
			if err != nil {
				return err
			}
			o.set(inc, f, v)
			inc.arrived(now, who, Changed, FieldPiece, f.ID, f.key())
		}
		return nil
	})
}

// encoded is the JSON of a value; what has none is no value of any field.
func encoded(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return data
}

// DeleteIncident removes an incident and all that is on it.
func (s *Server) DeleteIncident(id int) error {
	return s.mutate(id, func(o *org, inc *incident, _ *principal, _ time.Time) error {
		o.remove(inc)
		return nil
	})
}

// AddRow adds a row to a table, by its API name, with cells by column, and
// returns its id.
func (s *Server) AddRow(id int, table string, cells map[string]any) (row int, err error) {
	err = s.mutate(id, func(o *org, inc *incident, who *principal, now time.Time) error {
		t, err := o.table(table)
		if err != nil {
			return err
		}
		values := make([]any, len(t.fields.all))
		if err := t.fill(values, cells); err != nil {
			return err
		}
		made, err := o.addRow(inc, t, values, who, now)
		if err == nil {
			row = made.id
		}
		return err
	})
	return row, err
}

// EditRow sets cells of a row, by column.
func (s *Server) EditRow(id, row int, cells map[string]any) error {
	return s.mutate(id, func(_ *org, inc *incident, who *principal, now time.Time) error {
		r, err := pick(inc.rows, func(r *tableRow) bool { return r.id == row }, "row", row)
		if err != nil {
			return err
		}
		if err := r.table.fill(r.cells, cells); err != nil {
			return err
		}
		r.version++
		inc.arrived(now, who, Changed, RowPiece, r.id, r.table.name)
		return nil
	})
}

func (t *table) fill(values []any, cells map[string]any) error {
	for name, value := range cells {
		f, ok := t.fields.byName[name]
		if !ok {
			return fmt.Errorf("the table %s has no column %q", t.name, name)
		}
		v, err := f.parse(encoded(value))
		if err != nil {
			return err
		}
		values[f.index] = v
	}
	return nil
}

// DeleteRow removes one row from an incident.
func (s *Server) DeleteRow(id, row int) error {
	return s.mutate(id, func(_ *org, inc *incident, who *principal, now time.Time) error {
		r, err := pick(inc.rows, func(r *tableRow) bool { return r.id == row }, "row", row)
		if err == nil {
			inc.dropRow(r, who, now)
		}
		return err
	})
}

// AddNote writes a plain note on an incident, as an analyst
// does, and returns its id.
func (s *Server) AddNote(id int, text string) (note int, err error) {
	err = s.mutate(id, func(o *org, inc *incident, who *principal, now time.Time) error {
		note = o.addNote(inc, rich{Format: plainText, Content: text}, 0, who, now).id
		return nil
	})
	return note, err
}

// EditNote puts plain text in place of a note's.
func (s *Server) EditNote(id, noteID int, text string) error {
	return s.mutate(id, func(_ *org, inc *incident, who *principal, now time.Time) error {
		n, err := pick(inc.notes, func(n *note) bool { return n.id == noteID }, "note", noteID)
		if err != nil {
			return err
		}
		n.text, n.editor, n.modified = rich{Format: plainText, Content: text}, who, now
		inc.arrived(now, who, Changed, NotePiece, n.id, text)
		return nil
	})
}

// DeleteNote removes a note and the answers to it.
func (s *Server) DeleteNote(id, noteID int) error {
	return s.mutate(id, func(_ *org, inc *incident, who *principal, now time.Time) error {
		n, err := pick(inc.notes, func(n *note) bool { return n.id == noteID }, "note", noteID)
		if err == nil {
			inc.dropNote(n, who, now)
		}
		return err
	})
}

// AddArtifact adds an artifact, of a type by its name, and returns its id:
// that of the one which is there where the server keeps no second.
func (s *Server) AddArtifact(id int, kind, value, description string) (made int, err error) {
	err = s.mutate(id, func(o *org, inc *incident, who *principal, now time.Time) error {
		asked, err := o.parseArtifact(encoded(map[string]string{"type": kind, "value": value, "description": description}))
		if err != nil {
			return err
		}
		for _, a := range asked {
			kept, err := o.addArtifact(inc, a, who, now)
			if err != nil {
				return err
			}
			made = kept.id
		}
		return nil
	})
	return made, err
}

// DeleteArtifact removes an artifact.
func (s *Server) DeleteArtifact(id, artifactID int) error {
	return s.mutate(id, func(_ *org, inc *incident, who *principal, now time.Time) error {
		a, err := pick(inc.artifacts, func(a *artifact) bool { return a.id == artifactID }, "artifact", artifactID)
		if err == nil {
			inc.dropArtifact(a, who, now)
		}
		return err
	})
}

// AddAttachment attaches a file and returns its id.
func (s *Server) AddAttachment(id int, name, contentType string, content []byte) (made int, err error) {
	err = s.mutate(id, func(o *org, inc *incident, who *principal, now time.Time) error {
		a := &attachment{name: name, contentType: contentType, content: slices.Clone(content)}
		o.attach(inc, a, who, now)
		made = a.id
		return nil
	})
	return made, err
}

// DeleteAttachment removes a file.
func (s *Server) DeleteAttachment(id, attachmentID int) error {
	return s.mutate(id, func(_ *org, inc *incident, who *principal, now time.Time) error {
		a, err := pick(inc.attachments, func(a *attachment) bool { return a.id == attachmentID }, "attachment", attachmentID)
		if err == nil {
			inc.dropAttachment(a, who, now)
		}
		return err
	})
}

func pick[E any](all []E, is func(E) bool, what string, id int) (found E, err error) {
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return found, fmt.Errorf("the incident has no %s %d", what, id)
	}
	return all[i], nil
}

// mutate changes an incident as the first user.
func (s *Server) mutate(id int, change func(*org, *incident, *principal, time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, ok := s.find(id)
	if !ok {
		return fmt.Errorf("there is no incident %d", id)
	}
	now := s.clock()
	if err := change(inc.org, inc, s.who.person(), now); err != nil {
		return err
	}
	inc.org.touch(inc, now)
	return nil
}
