package sepclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// tree is a JSON object of a policy. Policies are deep, and SEPM writes their
// keys in different case, even twice in one object, numbers for words, and
// null for what is empty (A17). So each value is asked for as what it is wanted
// to be, and is empty where it is something else.
type tree map[string][]any

// readTree reads an object.
func readTree(data []byte) (tree, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, errors.New("it is null")
	}
	return newTree(object), nil
}

// newTree gathers the values of keys that differ only in case.
func newTree(object map[string]any) tree {
	t := make(tree, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		folded := strings.ToLower(key)
		t[folded] = append(t[folded], object[key])
	}
	return t
}

// text is a string, number or boolean as text.
func (t tree) text(key string) string {
	for _, v := range t[key] {
		if s := scalarText(v); s != "" {
			return s
		}
	}
	return ""
}

func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// number is a number, also of a text.
func (t tree) number(key string) (n number) {
	_ = n.UnmarshalJSON([]byte(t.text(key))) // it never fails
	return n
}

// is reports whether any of the values says yes.
func (t tree) is(key string) bool {
	return slices.ContainsFunc(t[key], func(v any) bool {
		s := scalarText(v)
		return strings.EqualFold(s, "true") || s == "1"
	})
}

// object is an object, empty where there is none.
func (t tree) object(key string) tree {
	for _, v := range t[key] {
		if object, ok := v.(map[string]any); ok {
			return newTree(object)
		}
	}
	return nil
}

// values are the values of a list.
func (t tree) values(key string) (all []any) {
	for _, v := range t[key] {
		if list, ok := v.([]any); ok {
			all = append(all, list...)
		}
	}
	return all
}

// texts are the texts of a list, without empty ones.
func (t tree) texts(key string) (all []string) {
	for _, v := range t.values(key) {
		if s := scalarText(v); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// each makes something of each object of a list.
func each[T any](t tree, key string, make func(tree) T) (all []T) {
	for _, v := range t.values(key) {
		if object, ok := v.(map[string]any); ok {
			all = append(all, make(newTree(object)))
		}
	}
	return all
}
