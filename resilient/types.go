package resilient

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/sepwatch/sepwatch/incident"
)

// Table is a data table that is installed (§5.1).
type Table struct {
	ID    int64
	Label string
	// Columns are its columns by API name.
	Columns map[string]Column
}

// Column is a column of a data table.
type Column struct {
	ID    int64
	Label string
	Type  incident.ColumnType
}

// ArtifactType is a type of artifact that may be used (§3.3).
type ArtifactType struct {
	ID int64
	// Repeats is whether an incident may hold several artifacts of this type
	// with one value, as it may of most types of files (§3.2).
	Repeats bool
}

// field is the definition of an incident field (§2.3).
type field struct {
	Field
	id    string
	input string
	// custom is whether its values stand under properties (§2.1).
	custom bool
	// given is whether the server itself fills it.
	given    bool
	required string // always, close or nothing
	// choices are the labels that may be chosen.
	choices []string
}

// Words of a field's definition (§2.3).
const (
	customPrefix = "properties"
	always       = "always"
	onClose      = "close"
)

// typesDTO are the types by name: that of the incident, that of the artifact
// and the data tables among them (§5.1).
type typesDTO map[string]typeDTO

type typeDTO struct {
	ID     text                `json:"id"`
	Kind   text                `json:"type_id"`
	Label  text                `json:"display_name"`
	Fields map[string]fieldDTO `json:"fields"`
}

type fieldDTO struct {
	ID       text            `json:"id"`
	Name     text            `json:"name"`
	Text     text            `json:"text"`
	Prefix   text            `json:"prefix"`
	Input    text            `json:"input_type"`
	Required text            `json:"required"`
	ReadOnly bool            `json:"read_only"`
	ByServer bool            `json:"default_chosen_by_server"`
	Values   many[choiceDTO] `json:"values"`
}

type choiceDTO struct {
	Value   text  `json:"value"`
	Label   text  `json:"label"`
	Enabled *bool `json:"enabled"`
	// Properties are looked into apart: each type has its own.
	Properties json.RawMessage `json:"properties"`
}

func (d choiceDTO) usable() bool { return d.Enabled == nil || *d.Enabled }

// tableKind is the type_id of a data table (§5.1).
const tableKind = "8"

// typesRequest asks for all types, which hold the definitions of their fields.
func typesRequest(into *typesDTO) request {
	return request{
		op: "list types", method: http.MethodGet, path: "/types", read: true,
		permission: "Org Data: Read", into: into,
	}
}

func (d typesDTO) incidentFields() map[string]field {
	fields := make(map[string]field)
	for _, f := range d["incident"].Fields {
		defined := field{
			Field: Field{Name: string(f.Name), Label: string(f.Text)},
			id:    string(f.ID), input: string(f.Input), custom: f.Prefix == customPrefix,
			given: f.ReadOnly || f.ByServer, required: string(f.Required),
		}
		for _, choice := range f.Values {
			if choice.usable() {
				defined.choices = append(defined.choices, string(choice.Label))
			}
		}
		fields[defined.Name] = defined
	}
	return fields
}

func (d typesDTO) artifactTypes() map[incident.ArtifactType]ArtifactType {
	types := make(map[incident.ArtifactType]ArtifactType)
	for _, t := range d["artifact"].Fields["type"].Values {
		if !t.usable() {
			continue
		}
		var properties struct {
			Repeats bool `json:"allow_duplicate"`
		}
		// One that does not say it counts as one that does not repeat.
		_ = json.Unmarshal(t.Properties, &properties)
		types[incident.ArtifactType(t.Label)] = ArtifactType{ID: t.Value.id(), Repeats: properties.Repeats}
	}
	return types
}

func (d typesDTO) tables() map[string]Table {
	tables := make(map[string]Table)
	for name, t := range d {
		if t.Kind != tableKind {
			continue
		}
		table := Table{ID: t.ID.id(), Label: string(t.Label), Columns: make(map[string]Column)}
		for _, f := range t.Fields {
			table.Columns[string(f.Name)] = Column{ID: f.ID.id(), Label: string(f.Text), Type: incident.ColumnType(f.Input)}
		}
		tables[name] = table
	}
	return tables
}

// id is the number that a text is, 0 where it is none.
func (t text) id() int64 {
	n, _ := strconv.ParseInt(string(t), 10, 64)
	return n
}
