package soar

import (
	"fmt"
	"slices"
	"time"
)

// Incident is a copy of an incident as the server holds it.
type Incident struct {
	Org, ID     int
	Name        string
	Description string // the text as stored: HTML after cleaning, or plain
	// Properties are the custom fields that have a value: string, int64, bool,
	// and selects by their labels.
	Properties  map[string]any
	Open        bool
	Resolution  string // label, such as Duplicate
	Severity    string // label
	Types       []string
	Created     time.Time // by the server's clock
	Discovered  time.Time
	Version     int
	Artifacts   []Artifact
	Notes       []Note
	Rows        []Row
	Attachments []Attachment
}

// Artifact is a copy of an artifact. Type is its name.
type Artifact struct {
	ID                       int
	Type, Value, Description string
}

// Note is a copy of a note; an answer to one is a note of its own.
type Note struct {
	ID   int
	Text string
}

// Row is a copy of a data table's row. Table is the API name; Cells are
// string, int64 or bool by column API name, empty ones left out.
type Row struct {
	ID    int
	Table string
	Cells map[string]any
}

// Attachment is a copy of an attachment.
type Attachment struct {
	ID                int
	Name, ContentType string
	Content           []byte
}

// Incidents are copies of all incidents of all orgs, in the order in which
// they were made.
func (s *Server) Incidents() []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Incident
	for _, o := range s.orgList {
		for _, inc := range o.ordered {
			all = append(all, inc.snapshot())
		}
	}
	return all
}

// Incident is a copy of one incident. Its id is unique across orgs.
func (s *Server) Incident(id int) (Incident, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, ok := s.find(id)
	if !ok {
		return Incident{}, false
	}
	return inc.snapshot(), true
}

func (s *Server) find(id int) (*incident, bool) {
	for _, o := range s.orgList {
		if inc, ok := o.incidents[id]; ok {
			return inc, true
		}
	}
	return nil, false
}

// OnIncident calls f, in the request that made it and before that is
// answered, with each incident that is committed from now on. f must not
// block for long and may call the server's methods.
func (s *Server) OnIncident(f func(Incident)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, f)
}

// SetClockOffset moves the server's clock to this far from Options.Now.
func (s *Server) SetClockOffset(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = d
}

// CloseIncident closes an incident, as an analyst does, with
// a resolution by its label (Resolved, Duplicate …).
func (s *Server) CloseIncident(id int, resolution string) error {
	return s.mutate(id, func(o *org, inc *incident) error {
		f := o.fields.byName["resolution_id"]
		value, err := f.parse(quoted(resolution))
		if err != nil {
			return err
		}
		o.set(inc, f, value)
		o.set(inc, o.fields.byName["resolution_summary"], rich{Format: plainText, Content: "Closed by an analyst."})
		o.set(inc, o.fields.byName["plan_status"], closed)
		return nil
	})
}

// ReopenIncident opens an incident again.
func (s *Server) ReopenIncident(id int) error {
	return s.mutate(id, func(o *org, inc *incident) error {
		o.set(inc, o.fields.byName["plan_status"], active)
		return nil
	})
}

// DeleteIncident removes an incident and all that is on it.
func (s *Server) DeleteIncident(id int) error {
	return s.mutate(id, func(o *org, inc *incident) error {
		o.remove(inc)
		return nil
	})
}

// DeleteRow removes one row from an incident.
func (s *Server) DeleteRow(id, row int) error {
	return s.mutate(id, func(_ *org, inc *incident) error {
		before := len(inc.rows)
		inc.rows = slices.DeleteFunc(inc.rows, func(r *tableRow) bool { return r.id == row })
		if len(inc.rows) == before {
			return fmt.Errorf("incident %d has no row %d", id, row)
		}
		return nil
	})
}

// AddNote writes a plain note on an incident, as an analyst
// does, and returns its id.
func (s *Server) AddNote(id int, text string) (note int, err error) {
	err = s.mutate(id, func(o *org, inc *incident) error {
		note = o.addNote(inc, rich{Format: plainText, Content: text}, 0, analyst, s.clock()).id
		return nil
	})
	return note, err
}

func (s *Server) mutate(id int, change func(*org, *incident) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, ok := s.find(id)
	if !ok {
		return fmt.Errorf("there is no incident %d", id)
	}
	if err := change(inc.org, inc); err != nil {
		return err
	}
	inc.org.touch(inc, s.clock())
	return nil
}

func (inc *incident) snapshot() Incident {
	fields := inc.org.fields
	label := func(name string) string {
		f := fields.byName[name]
		text, _ := f.plain(inc.values[f.index]).(string)
		return text
	}
	copied := Incident{
		Org: inc.org.ID, ID: inc.id, Name: inc.text(fields.name), Description: inc.rich(fields.description).Content,
		Properties: map[string]any{}, Open: inc.isOpen(), Resolution: label("resolution_id"), Severity: label("severity_code"),
		Created: inc.created, Discovered: time.UnixMilli(inc.int(fields.discovered)), Version: inc.version,
	}
	if f := fields.byName["incident_type_ids"]; f != nil {
		copied.Types, _ = f.plain(inc.values[f.index]).([]string)
	}
	for _, f := range fields.all {
		if v := inc.values[f.index]; f.Prefix == properties && v != nil {
			copied.Properties[f.Name] = f.plain(v)
		}
	}
	for _, a := range inc.artifacts {
		copied.Artifacts = append(copied.Artifacts, Artifact{a.id, a.kind.Name, a.value, a.description.Content})
	}
	for _, n := range inc.notes {
		copied.Notes = append(copied.Notes, Note{n.id, n.text.Content})
	}
	for _, r := range inc.rows {
		cells := map[string]any{}
		for _, column := range r.table.fields.all {
			if v := r.cells[column.index]; v != nil {
				cells[column.Name] = column.plain(v)
			}
		}
		copied.Rows = append(copied.Rows, Row{r.id, r.table.name, cells})
	}
	for _, a := range inc.attachments {
		copied.Attachments = append(copied.Attachments, Attachment{a.id, a.name, a.contentType, slices.Clone(a.content)})
	}
	return copied
}
