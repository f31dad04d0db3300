package soar

import (
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

// Totals count what is there.
type Totals struct {
	Incidents, Artifacts, Notes, Rows, Attachments int
}

// Totals counts what is there now, over all orgs.
func (s *Server) Totals() Totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	var t Totals
	for _, o := range s.orgList {
		t.Incidents += len(o.ordered)
		for _, inc := range o.ordered {
			t.Artifacts += len(inc.artifacts)
			t.Notes += len(inc.notes)
			t.Rows += len(inc.rows)
			t.Attachments += len(inc.attachments)
		}
	}
	return t
}

// Field is the value that a field of an incident has, by its name with the
// prefix (severity_code, properties.region): text as stored, a number, a bool,
// the label of a choice, or labels. It is nil where there is none.
func (s *Server) Field(id int, name string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, ok := s.find(id)
	if !ok {
		return nil
	}
	f, ok := inc.org.fields.byName[name]
	if !ok {
		return nil
	}
	return f.plain(inc.values[f.index])
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
