package resilient

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

// Field is an incident field.
type Field struct {
	// Name is the API name, Label the one on the screen.
	Name, Label string
}

// Unfit is one thing that keeps sepwatch from opening incidents in an
// organization, or from closing them, as it is told to.
type Unfit struct {
	// Problem says what it is, Remedy what to do about it.
	Problem, Remedy string
}

// filled are values of fields by API name, as they are sent.
type filled map[string]any

// The fields that sepwatch fills by itself when it opens and when it closes an
// incident.
var (
	opening = []string{"name", "description", "discovered_date", "incident_type_ids", "severity_code", "plan_status", incident.KeyField}
	closing = []string{"plan_status", "resolution_id", "resolution_summary"}
)

// fill reads the values of a setting, and says what is wrong with them. The
// fields in own are not the setting's to fill.
func fill(setting string, values map[string][]string, fields map[string]field, own []string) (filled, []Unfit) {
	all := make(filled)
	var unfit []Unfit
	for _, name := range slices.Sorted(maps.Keys(values)) {
		f, ok := fields[name]
		at := fmt.Sprintf("resilient.%s.%s", setting, name)
		switch {
		case slices.Contains(own, name):
			unfit = append(unfit, Unfit{at + " is a field that sepwatch fills itself", "take it out"})
			continue
		case !ok:
			unfit = append(unfit, Unfit{at + " is no incident field of the organization", "write the API name of one, such as " + customNames(fields)})
			continue
		case f.given:
			unfit = append(unfit, Unfit{at + " is a field that Resilient fills itself", "take it out"})
			continue
		}
		value, remedy := f.read(values[name])
		if remedy != "" {
			unfit = append(unfit, Unfit{fmt.Sprintf("%s: the field %q does not take %s", at, f.Label, quoteAll(values[name])), remedy})
			continue
		}
		all[name] = value
	}
	return all, unfit
}

// read makes the value that is sent of the texts that are configured. Where
// it cannot, remedy says what to write.
func (f field) read(texts []string) (value any, remedy string) {
	switch f.input {
	case "multiselect":
		for _, text := range texts {
			if !slices.Contains(f.choices, text) {
				return nil, "write some of " + quoteAll(f.choices)
			}
		}
		return texts, ""
	case "multiselect_members":
		return texts, ""
	}
	if len(texts) != 1 {
		return nil, "write one value"
	}
	text := texts[0]
	switch f.input {
	case "text", "select_owner", "select_user":
		return text, ""
	case "textarea":
		return formatted{"text", text}, ""
	case "select":
		if !slices.Contains(f.choices, text) {
			return nil, "write one of " + quoteAll(f.choices)
		}
		return text, ""
	case "number":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, "write a whole number"
		}
		return n, ""
	case "boolean":
		if text != "true" && text != "false" {
			return nil, "write true or false"
		}
		return text == "true", ""
	case "datepicker", "datetimepicker":
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if at, err := time.Parse(layout, text); err == nil {
				return at.UnixMilli(), ""
			}
		}
		return nil, "write a date such as 2024-08-21, or a time such as 2024-08-21T12:00:00Z"
	}
	return nil, fmt.Sprintf("leave it out: sepwatch fills no field of the type %q", f.input)
}

// missing are the fields that are required and that nothing fills.
func missing(required string, fields map[string]field, own []string, set filled) []Field {
	var all []Field
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f := fields[name]
		if _, ok := set[name]; f.required == required && !f.given && !ok && !slices.Contains(own, name) {
			all = append(all, f.Field)
		}
	}
	return all
}

// customNames lists the custom fields, among which most are looked for.
func customNames(fields map[string]field) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name].custom && name != incident.KeyField {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "reporter"
	}
	return strings.Join(names, ", ")
}

func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	return strings.Join(quoted, ", ")
}

// Value is the value of a field, as Resilient writes it or takes it.
type Value struct{ json json.RawMessage }

// TextValue is a text, or the name of a choice.
func TextValue(text string) Value { return valueOf(text) }

// NamesValue are the names of several choices.
func NamesValue(names ...string) Value { return valueOf(names) }

// HTMLValue is rich text, from HTML that is safe to send.
func HTMLValue(html string) Value { return valueOf(formatted{"html", html}) }

func valueOf(v any) Value {
	data, err := json.Marshal(v)
	if err != nil {
		return Value{} // cannot happen: what is filled in can be written
	}
	return Value{data}
}

// String is the value as a person reads it, rich text with its markup.
func (v Value) String() string { return cellOf(v.json).String() }

// IsZero reports whether the field has no value.
func (v Value) IsZero() bool { return v.String() == "" }

// UnmarshalJSON takes any value, without the wrapper of a PATCH (§1.8).
func (v *Value) UnmarshalJSON(data []byte) error {
	v.json = slices.Clone(data)
	var wrapped map[string]json.RawMessage
	if json.Unmarshal(data, &wrapped) != nil || len(wrapped) != 1 {
		return nil
	}
	for _, wrapper := range []string{"object", "text", "textarea", "boolean", "date", "ids"} {
		if inner, ok := wrapped[wrapper]; ok {
			v.json = slices.Clone(inner)
		}
	}
	return nil
}

// wrapped is the value in the wrapper of a PATCH: textarea for rich text, and
// object, which takes every other type (§1.8).
func (v Value) wrapped() map[string]json.RawMessage {
	if len(v.json) == 0 {
		return map[string]json.RawMessage{"object": json.RawMessage("null")}
	}
	var rich struct {
		Content *json.RawMessage `json:"content"`
	}
	if v.json[0] == '{' && json.Unmarshal(v.json, &rich) == nil && rich.Content != nil {
		return map[string]json.RawMessage{"textarea": v.json}
	}
	return map[string]json.RawMessage{"object": v.json}
}
