package soar

import (
	"cmp"
	"encoding/json"
	"slices"
	"sort"
	"strings"
	"time"
)

// maxPageSize is what the const says; longer pages are given all the same
// unless Options.CapPages (contract: §1.10, §11.17).
const maxPageSize = 100

// queryBody is the body of a query (contract: §2.4).
type queryBody struct {
	Start   int  `json:"start"`
	Length  *int `json:"length"`
	Filters []struct {
		Conditions []condition `json:"conditions"`
	} `json:"filters"`
	Sorts []struct {
		Field string `json:"field_name"`
		Type  string `json:"type"`
	} `json:"sorts"`
}

type condition struct {
	Field  string          `json:"field_name"`
	Method string          `json:"method"`
	Value  json.RawMessage `json:"value"`
}

// queryPaged is POST /incidents/query_paged.
func (s *Server) queryPaged(c *call) (any, error) {
	var body queryBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, full, err := c.run(body)
	if err != nil {
		return nil, err
	}
	page, err := window(body, s.opt.CapPages, found)
	if err != nil {
		return nil, err
	}
	return object{"recordsTotal": len(c.org.incidents), "recordsFiltered": len(found), "data": dtos(page, c.format, full)}, nil
}

// window is the page that a query asks for.
func window[E any](body queryBody, capped bool, all []E) ([]E, error) {
	length := maxPageSize
	if body.Length != nil {
		length = *body.Length
	}
	if body.Start < 0 || length < 0 {
		return nil, badRequest("start and length are not negative.")
	}
	if capped {
		length = min(length, maxPageSize)
	}
	page := all[min(body.Start, len(all)):]
	return page[:min(length, len(page))], nil
}

// query is POST /incidents/query: the same without paging, as a bare array.
func (s *Server) query(c *call) (any, error) {
	var body queryBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, full, err := c.run(body)
	if err != nil {
		return nil, err
	}
	return dtos(found, c.format, full), nil
}

// listIncidents is GET /incidents, closed ones too unless want_closed=false.
func (s *Server) listIncidents(c *call) (any, error) {
	return s.list(c, c.r.URL.Query().Get("want_closed") != "false"), nil
}

// listOpen is GET /incidents/open.
func (s *Server) listOpen(c *call) (any, error) { return s.list(c, false), nil }

func (s *Server) list(c *call, alsoClosed bool) []object {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := c.org.ordered
	if !alsoClosed {
		found = slices.DeleteFunc(slices.Clone(found), func(inc *incident) bool { return !inc.isOpen() })
	}
	return dtos(found, c.format, false)
}

func dtos(found []*incident, as format, full bool) []object {
	list := make([]object, 0, len(found))
	for _, inc := range found {
		list = append(list, inc.dto(as, full))
	}
	return list
}

// run finds and orders. The caller holds the lock.
func (c *call) run(body queryBody) (found []*incident, full bool, err error) {
	switch level := c.r.URL.Query().Get("return_level"); level {
	case "full":
		full = true
	case "", "partial", "normal":
	default:
		return nil, false, badRequest("return_level has no value %q.", level)
	}
	var filters [][]test
	candidates := c.org.ordered
	for _, f := range body.Filters {
		var all []test
		for _, cond := range f.Conditions {
			t, err := c.org.test(cond)
			if err != nil {
				return nil, false, err
			}
			all = append(all, t)
		}
		filters = append(filters, all)
	}
	if len(filters) == 1 {
		candidates = c.org.narrow(filters[0])
	}
	for _, inc := range candidates {
		if len(filters) == 0 || slices.ContainsFunc(filters, func(all []test) bool {
			return !slices.ContainsFunc(all, func(t test) bool { return !t.holds(inc) })
		}) {
			found = append(found, inc)
		}
	}
	for _, by := range slices.Backward(body.Sorts) { // stable, so the first counts most
		f, ok := c.org.fields.find(by.Field)
		if !ok {
			return nil, false, badRequest("There is no field %s to sort by.", by.Field)
		}
		direction := 1
		if strings.EqualFold(by.Type, "desc") {
			direction = -1
		}
		slices.SortStableFunc(found, func(a, b *incident) int {
			return direction * compare(f.sortKey(a.values[f.index]), f.sortKey(b.values[f.index]))
		})
	}
	return found, full, nil
}

// narrow is a short list of incidents, in the order in which they were made,
// that holds every one for which all tests hold.
func (o *org) narrow(tests []test) []*incident {
	for _, t := range tests {
		if text, ok := t.value.(string); ok && t.method == "equals" && o.texts[t.field] != nil {
			found := slices.Clone(o.texts[t.field][text])
			slices.SortFunc(found, func(a, b *incident) int { return a.id - b.id })
			return found
		}
	}
	for _, t := range tests {
		since, ok := t.value.(int64)
		if ok && o.monotone && t.field == o.fields.created && (t.method == "gte" || t.method == "gt") {
			first := sort.Search(len(o.ordered), func(i int) bool { return !o.ordered[i].created.Before(time.UnixMilli(since)) })
			return o.ordered[first:]
		}
	}
	return o.ordered
}

// test is a condition that has been read.
type test struct {
	field  *field
	method string
	value  any
	values []any // of in and not_in
}

func (o *org) test(cond condition) (test, error) {
	f, ok := o.fields.find(cond.Field)
	if !ok {
		return test{}, badRequest("There is no field %s.", cond.Field)
	}
	t := test{field: f, method: cond.Method}
	var err error
	switch cond.Method {
	case "has_a_value", "not_has_a_value", "does_not_have_a_value": // both spellings are in use
	case "in", "not_in":
		var list []json.RawMessage
		if json.Unmarshal(cond.Value, &list) != nil {
			return t, badRequest("%s takes a list.", cond.Method)
		}
		for _, raw := range list {
			v, err := f.operand(raw)
			if err != nil {
				return t, err
			}
			t.values = append(t.values, v)
		}
	case "equals", "not_equals", "contains", "not_contains", "gt", "gte", "lt", "lte":
		t.value, err = f.operand(cond.Value)
	default:
		return t, badRequest("There is no condition method %q.", cond.Method)
	}
	return t, err
}

// operand reads a value to compare with: that of a list is one of its items.
func (f *field) operand(raw json.RawMessage) (any, error) {
	switch f.Input {
	case "multiselect", "multiselect_members":
		if len(raw) > 0 && raw[0] == '[' {
			return f.parse(raw)
		}
		return f.choose(raw)
	case "textarea":
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, f.wrong("text")
		}
		return text, nil
	}
	return f.parse(raw)
}

// holds reports whether the condition is true of an incident.
func (t test) holds(inc *incident) bool {
	v := inc.values[t.field.index]
	if r, ok := v.(rich); ok {
		v = r.Content
	}
	switch t.method {
	case "equals":
		return matches(v, t.value)
	case "not_equals":
		return !matches(v, t.value)
	case "in":
		return slices.ContainsFunc(t.values, func(w any) bool { return matches(v, w) })
	case "not_in":
		return !slices.ContainsFunc(t.values, func(w any) bool { return matches(v, w) })
	case "contains":
		return contains(v, t.value)
	case "not_contains":
		return !contains(v, t.value)
	case "has_a_value":
		return !missing(v)
	case "not_has_a_value", "does_not_have_a_value":
		return missing(v)
	}
	if v == nil || t.value == nil {
		return false
	}
	order := compare(v, t.value)
	return (t.method == "gt" && order > 0) || (t.method == "gte" && order >= 0) ||
		(t.method == "lt" && order < 0) || (t.method == "lte" && order <= 0)
}

func matches(have, want any) bool {
	list, ok := have.([]any)
	if !ok {
		if _, ok := want.([]any); ok {
			return false
		}
		return have == want
	}
	if wanted, ok := want.([]any); ok {
		return slices.Equal(list, wanted)
	}
	return len(list) == 1 && list[0] == want
}

func contains(have, want any) bool {
	if list, ok := have.([]any); ok {
		if wanted, ok := want.([]any); ok {
			return !slices.ContainsFunc(wanted, func(w any) bool { return !slices.Contains(list, w) })
		}
		return slices.Contains(list, want)
	}
	text, ok := have.(string)
	part, ok2 := want.(string)
	return ok && ok2 && strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// sortKey is the value that an incident is ordered by.
func (f *field) sortKey(v any) any {
	if r, ok := v.(rich); ok {
		return r.Content
	}
	return v
}

// compare orders two values of one field; no value comes first.
func compare(a, b any) int {
	switch a := a.(type) {
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case int:
		if b, ok := b.(int); ok {
			return cmp.Compare(a, b)
		}
	case string:
		if b, ok := b.(string); ok {
			return cmp.Compare(a, b)
		}
	}
	return cmp.Compare(present(a), present(b))
}

func present(v any) int {
	if v == nil {
		return 0
	}
	return 1
}
