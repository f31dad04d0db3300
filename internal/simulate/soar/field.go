package soar

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// properties is the prefix of custom fields.
const properties = "properties"

// field is a field of the incident or a column of a data table. It never
// changes once the server runs.
type field struct {
	index int // where its value is in a record

	ID        int
	TypeID    int
	Name      string
	Label     string
	Prefix    string // "" or properties
	Input     string // the input type
	Required  string // "", always or close
	ReadOnly  bool
	Rich      bool
	Values    []choice
	plainAsIs bool // see Options.PlainTextAsIs
}

// choice is a value of a select.
type choice struct {
	ID    any // int, or string for plan_status
	Label string
}

// fields are the fields of one type.
type fields struct {
	all    []*field
	byName map[string]*field // custom ones with their prefix too
	byID   map[string]*field

	name, description, discovered, status, created, ended *field // of the incident
}

func newFields(all []*field) *fields {
	fs := &fields{all: all, byName: map[string]*field{}, byID: map[string]*field{}}
	for i, f := range all {
		f.index = i
		fs.byName[f.Name] = f
		fs.byID[strconv.Itoa(f.ID)] = f
		if f.Prefix != "" {
			fs.byName[f.Prefix+"."+f.Name] = f
		}
	}
	fs.name, fs.description, fs.discovered = fs.byName["name"], fs.byName["description"], fs.byName["discovered_date"]
	fs.status, fs.created, fs.ended = fs.byName["plan_status"], fs.byName["create_date"], fs.byName["end_date"]
	return fs
}

// key is the field's name with its prefix, as queries have it.
func (f *field) key() string {
	if f.Prefix == "" {
		return f.Name
	}
	return f.Prefix + "." + f.Name
}

// find is a field by name or id.
func (fs *fields) find(handle string) (*field, bool) {
	if f, ok := fs.byName[handle]; ok {
		return f, true
	}
	f, ok := fs.byID[handle]
	return f, ok
}

// parse reads a value as a client writes it (contract: §1.5, §5.3). It is
// nil, string, rich, int64, bool, a choice's id, or a list of those.
func (f *field) parse(raw json.RawMessage) (any, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	switch f.Input {
	case "text":
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return nil, f.wrong("text")
		}
		return s, nil
	case "textarea":
		r, ok := parseRich(raw)
		if !ok {
			return nil, f.wrong("text or {format, content}")
		}
		return r, nil
	case "number", "datepicker", "datetimepicker":
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return nil, f.wrong("an integer")
		}
		return n, nil
	case "boolean":
		var b bool
		if json.Unmarshal(raw, &b) != nil {
			return nil, f.wrong("true or false")
		}
		return b, nil
	case "multiselect", "multiselect_members":
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return nil, f.wrong("a list")
		}
		ids := []any{}
		for _, item := range list {
			id, err := f.choose(item)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	return f.choose(raw)
}

// choose reads an object handle: an id, a name, or {"id"} or {"name"}.
func (f *field) choose(raw json.RawMessage) (any, error) {
	h, ok := parseHandle(raw)
	if !ok {
		return nil, f.wrong("an id or a name")
	}
	for _, c := range f.Values {
		if h == c.ID || h == c.Label {
			return c.ID, nil
		}
	}
	return nil, badRequest("The field %s has no value %v.", f.Name, h)
}

// parseHandle reads an object handle as int or string.
func parseHandle(raw json.RawMessage) (any, bool) {
	var h struct {
		ID   json.RawMessage `json:"id"`
		Name *string         `json:"name"`
	}
	if len(raw) > 0 && raw[0] == '{' {
		if json.Unmarshal(raw, &h) != nil {
			return nil, false
		}
		if h.Name != nil {
			return *h.Name, true
		}
		raw = h.ID
	}
	if n, err := strconv.Atoi(string(raw)); err == nil {
		return n, true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil, false
	}
	return s, true
}

func (f *field) wrong(want string) error {
	return badRequest("The field %s takes %s.", f.Name, want)
}

// missing reports whether a required field has no value.
func missing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case rich:
		return strings.TrimSpace(v.Content) == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// render is a value as it is answered.
func (f *field) render(v any, as format) any {
	switch v := v.(type) {
	case nil:
		return nil
	case rich:
		return v.render(as, f.Rich, f.plainAsIs)
	case []any:
		list := make([]any, len(v))
		for i, id := range v {
			list[i] = f.renderChoice(id, as)
		}
		return list
	}
	if f.Values != nil && f.Name != "plan_status" { // which is always A or C
		return f.renderChoice(v, as)
	}
	return v
}

func (f *field) renderChoice(id any, as format) any {
	return as.handle(id, f.label(id))
}

func (f *field) label(id any) string {
	i := slices.IndexFunc(f.Values, func(c choice) bool { return c.ID == id })
	if i < 0 {
		return ""
	}
	return f.Values[i].Label
}

// plain is a value as tests look at it: choices by label, text as stored.
func (f *field) plain(v any) any {
	switch v := v.(type) {
	case rich:
		return v.Content
	case []any:
		labels := []string{}
		for _, id := range v {
			labels = append(labels, f.label(id))
		}
		return labels
	}
	if v != nil && f.Values != nil {
		return f.label(v)
	}
	return v
}

// format is how handles and texts are answered (contract: §1.5), and what
// whoever asks may do with an incident.
type format struct {
	handles, text string
	perms         any
}

func formatOf(r *http.Request) (format, error) {
	pick := func(name string, known ...string) (string, error) {
		v := r.URL.Query().Get(name)
		if v == "" {
			v = r.Header.Get(name)
		}
		if v == "" {
			return "default", nil
		}
		if !slices.Contains(known, v) {
			return "", badRequest("%s has no value %q.", name, v)
		}
		return v, nil
	}
	handles, err := pick("handle_format", "default", "ids", "names", "objects")
	if err != nil {
		return format{}, err
	}
	text, err := pick("text_content_output_format", "default", "objects_convert", "objects_no_convert",
		"objects_convert_html", "objects_convert_text", "always_text")
	return format{handles: handles, text: text}, err
}

// handle is an object handle in the wanted form.
func (f format) handle(id any, name string) any {
	switch f.handles {
	case "names":
		return name
	case "objects":
		return object{"id": id, "name": name}
	}
	return id
}
