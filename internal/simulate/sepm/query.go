package sepm

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is what a client asked of the list of computers.
type query struct {
	paging
	look
	name            string // lower case
	exact           bool
	id, hardwareKey string
	mac             string
	domain, group   string // ids; empty is any
	lastUpdate      int64
	systems         []string
}

func (s *Server) parseQuery(c *call) (query, error) {
	v := c.r.URL.Query()
	q := query{
		name: strings.ToLower(v.Get("computerName")), exact: s.opt.ExactNames, domain: s.domainOf(c, "domain"), systems: v["os"],
	}
	var err error
	if q.paging, err = s.parsePaging(v, computersPage, "COMPUTER_NAME", "COMPUTER_ID", "COMPUTER_DOMAIN_NAME", "DOMAIN_ID"); err != nil {
		return q, err
	}
	if s.opt.Release != V142 {
		q.id, q.hardwareKey, q.mac = strings.ToUpper(v.Get("computer_id")), strings.ToUpper(v.Get("hardware_key")), strings.ToLower(v.Get("mac"))
		if q.look, err = s.parseLook(v); err != nil {
			return q, err
		}
	}
	if text := v.Get("lastUpdate"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return q, fail(http.StatusBadRequest, "The lastUpdate argument is invalid.")
		}
		q.lastUpdate = n
	}
	for _, name := range q.systems {
		if _, ok := systems[name]; !ok {
			return q, fail(http.StatusBadRequest, "The os argument %s is invalid.", name)
		}
	}
	return q, nil
}

func (s *Server) parseLook(v url.Values) (look, error) {
	l := look{features: v["feature"]}
	for _, name := range l.features {
		if !slices.Contains([]string{"av", "mem", "fw", "ips", "tdad"}, name) {
			return l, fail(http.StatusBadRequest, "The feature argument %s is invalid.", name)
		}
	}
	verbose, err := flag(v, "verbose")
	if err != nil {
		return l, err
	}
	l.reduced = verbose != s.opt.VerboseFull && v.Has("verbose")
	return l, nil
}

// find is every record that the query is for, in its order.
func (f *fleet) find(q query) []*record {
	if q.id != "" || q.hardwareKey != "" {
		return f.active(q)
	}
	q.page, q.size, q.look = 0, 0, look{}
	asked := fmt.Sprint(q)
	if asked == f.walked.query {
		return f.walked.found
	}
	var found []*record
	if q.name == "" && q.sort == "COMPUTER_ID" {
		for _, c := range f.byID {
			if q.matches(c) {
				found = append(found, c)
			}
		}
	} else {
		found = q.findByName(f.byName)
	}
	if q.order == "DESC" {
		slices.Reverse(found)
	}
	if q.name == "" {
		f.walked.query, f.walked.found = asked, found
	}
	return found
}

func (q query) findByName(byName []*record) (found []*record) {
	// Names are in order, so only those with the fixed beginning are read.
	head, _, _ := strings.Cut(q.name, "*")
	start, _ := slices.BinarySearchFunc(byName, head, func(c *record, head string) int { return cmp.Compare(c.lower, head) })
	for _, c := range byName[start:] {
		if !strings.HasPrefix(c.lower, head) {
			break
		}
		if q.matches(c) {
			found = append(found, c)
		}
	}
	if q.sort != "COMPUTER_NAME" {
		slices.SortStableFunc(found, func(a, b *record) int { return cmp.Compare(q.key(a), q.key(b)) })
	}
	return found
}

func (q query) key(c *record) string {
	switch q.sort {
	case "COMPUTER_ID":
		return c.ID
	case "COMPUTER_DOMAIN_NAME":
		return strings.ToLower(c.Domain.Name)
	case "DOMAIN_ID":
		return c.Domain.ID
	}
	return c.lower
}

// active is the current record of an id or hardware key, which overrides
// every other filter but the domain (contract: A10).
func (f *fleet) active(q query) []*record {
	candidates := f.byHardware[q.hardwareKey]
	if q.id != "" {
		candidates = nil
		if r := f.id(q.id); r != nil {
			candidates = []*record{r}
		}
	}
	var best *record
	for _, c := range candidates {
		if c.Deleted || (q.domain != "" && c.Domain.ID != q.domain) {
			continue
		}
		if best == nil || c.LastUpdate.After(best.LastUpdate) {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	return []*record{best}
}

func (q query) matches(c *record) bool {
	switch {
	case q.name != "" && strings.Contains(q.name, "*") && !wildcard(q.name, c.lower):
		return false
	case q.name != "" && !strings.Contains(q.name, "*") && q.exact && c.lower != q.name:
		return false
	case q.domain != "" && c.Domain.ID != q.domain:
		return false
	case q.group != "" && c.Group.ID != q.group:
		return false
	case q.lastUpdate > 0 && millis(c.LastUpdate) < q.lastUpdate:
		return false
	case len(q.systems) > 0 && !slices.Contains(q.systems, c.OS):
		return false
	case q.mac != "" && !slices.ContainsFunc(c.MACs, func(mac string) bool { return wildcard(q.mac, strings.ToLower(mac)) }):
		return false
	}
	return true
}

// wildcard matches text against a pattern in which "*" is any run.
func wildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	head, tail := parts[0], parts[len(parts)-1]
	if len(text) < len(head)+len(tail) || !strings.HasPrefix(text, head) || !strings.HasSuffix(text, tail) {
		return false
	}
	text = text[len(head) : len(text)-len(tail)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
