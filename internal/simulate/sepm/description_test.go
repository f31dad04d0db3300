package sepm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// description is what the stand-in is held to, of SEPM's own description of its
// API. Types are "string", "integer", "number", "boolean", "object" (anything),
// the name of another type, any of them after "[]" or "map of ", or a string's
// values after "string: ".
type description struct {
	// Operations by method and path, with {} for what varies in it.
	Operations map[string]described `json:"operations"`
	// Types by name, with the type of each field.
	Types map[string]map[string]string `json:"types"`
}

type described struct {
	Query    []string `json:"query,omitempty"`
	Statuses []string `json:"statuses"`
	Answer   string   `json:"answer,omitempty"`
}

// committed is the part of the vendor's description that goes with the tests.
const committed = "testdata/description.json"

// describe gives the description. Where the vendor's own lies beside the
// checkout, it is read, and the part that is committed must be the same.
func describe(t *testing.T) description {
	t.Helper()
	data, err := os.ReadFile(committed)
	require.NoError(t, err)
	var d description
	require.NoError(t, json.Unmarshal(data, &d))
	vendors, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "contracts", "sepm-openapi.json"))
	if os.IsNotExist(err) {
		t.Log("SEPM's own description is not beside the checkout: the part of it in " + committed + " is what counts")
		return d
	}
	require.NoError(t, err)
	read, err := json.MarshalIndent(extract(t, vendors, d), "", " ")
	require.NoError(t, err)
	require.JSONEq(t, string(read), string(data), "%s is not what the vendor's description says", committed)
	return d
}

// schema is a type as Swagger 2 writes it.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Items      *schema           `json:"items"`
	Enum       []any             `json:"enum"`
	Properties map[string]schema `json:"properties"`
	Additional *schema           `json:"additionalProperties"`
}

func (s *schema) String() string {
	switch {
	case s == nil:
		return "object"
	case s.Ref != "":
		return strings.TrimPrefix(s.Ref, "#/definitions/")
	case s.Type == "array":
		return "[]" + s.Items.String()
	case s.Additional != nil:
		return "map of " + s.Additional.String()
	case len(s.Enum) > 0:
		var values []string
		for _, v := range s.Enum {
			text, _ := v.(string)
			values = append(values, text)
		}
		return "string: " + strings.Join(values, "|")
	}
	return s.Type
}

var varying = regexp.MustCompile(`\{[^}]*\}`)

// extract takes the operations and types that are in the committed part from
// the vendor's description.
func extract(t *testing.T, vendors []byte, part description) description {
	t.Helper()
	var all struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
			Responses  map[string]struct{ Schema *schema }
		}
		Definitions map[string]schema
	}
	require.NoError(t, json.Unmarshal(vendors, &all))
	d := description{Operations: map[string]described{}, Types: map[string]map[string]string{}}
	for path, methods := range all.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + varying.ReplaceAllString(path, "{}")
			if _, ok := part.Operations[name]; !ok {
				continue
			}
			var o described
			for _, p := range op.Parameters {
				if p.In == "query" {
					o.Query = append(o.Query, p.Name)
				}
			}
			for status, response := range op.Responses {
				o.Statuses = append(o.Statuses, status)
				if strings.HasPrefix(status, "2") && response.Schema != nil {
					o.Answer = response.Schema.String()
				}
			}
			slices.Sort(o.Query)
			slices.Sort(o.Statuses)
			d.Operations[name] = o
		}
	}
	for name := range part.Types {
		fields := map[string]string{}
		for field, s := range all.Definitions[name].Properties {
			fields[field] = s.String()
		}
		d.Types[name] = fields
	}
	return d
}

// checker compares answers with the description and keeps what differs.
type checker struct {
	description
	differences map[string]bool
}

func (c *checker) differ(what string) { c.differences[what] = true }

// operation is the name of one of the stand-in's in the description.
func (c *checker) operation(name string) (described, string) {
	method, path, _ := strings.Cut(name, " ")
	if !strings.HasPrefix(path, "/v2/") {
		path = "/v1" + path
	}
	key := method + " /api" + varying.ReplaceAllString(path, "{}")
	return c.Operations[key], key
}

// value compares a value with a type. Where is the type and field.
func (c *checker) value(where, want string, v any) {
	if v == nil || want == "object" {
		return // anything may be null (A17)
	}
	if element, ok := strings.CutPrefix(want, "[]"); ok {
		items, ok := v.([]any)
		if !ok {
			c.differ(where + " is no array")
		}
		for _, item := range items {
			c.value(where, element, item)
		}
		return
	}
	if element, ok := strings.CutPrefix(want, "map of "); ok {
		fields, ok := v.(map[string]any)
		if !ok {
			c.differ(where + " is no map")
		}
		for key, item := range fields {
			c.value(where+"."+key, element, item)
		}
		return
	}
	if values, ok := strings.CutPrefix(want, "string: "); ok {
		text, ok := v.(string)
		if !ok || !slices.Contains(strings.Split(values, "|"), text) {
			c.differ(where + " has another value")
		}
		return
	}
	ok := true
	switch want {
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "integer", "number":
		_, ok = v.(float64)
	default:
		c.object(want, v)
	}
	if !ok {
		c.differ(where + " is no " + want)
	}
}

func (c *checker) object(name string, v any) {
	fields, ok := v.(map[string]any)
	if !ok {
		c.differ(name + " is no object")
		return
	}
	types, ok := c.Types[name]
	if !ok {
		c.differ(name + " is not a type of the description")
		return
	}
	for field, v := range fields {
		want, ok := types[field]
		if !ok {
			c.differ(name + "." + field + " is not described")
			continue
		}
		c.value(name+"."+field, want, v)
	}
}
