package sepm

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// defaultPage is the page size of the computer list (contract: A5).
const defaultPage = 20

// record is a computer in the list.
type record struct {
	Computer
	lower string // the name, for matching and order
	// json is the object of the computer, which is written once: a walk over
	// the fleet asks for thousands of them.
	json func() json.RawMessage
}

// fleet is the list at one time.
type fleet struct {
	byName []*record // ordered by lower-case name, then id
	byID   []*record
}

// AddComputer puts one more record into the list. A record with a known id
// replaces that one; one with a known name or hardware key does not, as SEPM
// keeps stale records too (contract: A10).
func (s *Server) AddComputer(c Computer) { s.addAll([]Computer{c}) }

func (s *Server) addAll(computers []Computer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := make(map[string]bool, len(computers))
	added := make([]*record, 0, len(s.fleet.byName)+len(computers))
	for _, c := range slices.Backward(computers) { // the last of one id counts
		c = c.complete(s.opt.Domains[0])
		if !fresh[c.ID] {
			fresh[c.ID] = true
			added = append(added, &record{Computer: c, lower: strings.ToLower(c.Name), json: sync.OnceValue(func() json.RawMessage {
				return c.render(s.opt.Release)
			})})
		}
	}
	for _, c := range s.fleet.byName {
		if !fresh[c.ID] {
			added = append(added, c)
		}
	}
	slices.SortFunc(added, compareNames)
	// New slices: a list that is being answered keeps its own.
	s.fleet = fleet{byName: added, byID: slices.Clone(added)}
	slices.SortFunc(s.fleet.byID, func(a, b *record) int { return cmp.Compare(a.ID, b.ID) })
}

func compareNames(a, b *record) int {
	return cmp.Or(cmp.Compare(a.lower, b.lower), cmp.Compare(a.ID, b.ID))
}

// computers is GET /computers (contract: A10).
func (s *Server) computers(w http.ResponseWriter, r *http.Request) error {
	q, err := s.parseQuery(r.URL.Query())
	if err != nil {
		return err
	}
	s.mu.Lock()
	all := s.fleet
	s.mu.Unlock()
	found := q.find(all)
	if (q.id != "" || q.hardwareKey != "") && len(found) == 0 && s.opt.UnknownComputer404 {
		return fail(http.StatusNotFound, "The computer does not exist.")
	}
	return s.page(w, q, found)
}

// page answers one page in the envelope (contract: A5).
func (s *Server) page(w http.ResponseWriter, q query, found []*record) error {
	start := min((q.page-1)*q.size, len(found))
	if q.page > 1 && start == len(found) && s.opt.PastEnd400 {
		return fail(http.StatusBadRequest, "The page index is past the last page.")
	}
	shown := found[start:min(start+q.size, len(found))]
	pages := (len(found) + q.size - 1) / q.size
	counters, err := json.Marshal(object{
		"number": q.page - 1, "size": q.size,
		"sort":             []object{{"direction": q.order, "property": q.sort, "ascending": q.order == "ASC"}},
		"numberOfElements": len(shown), "firstPage": q.page == 1, "lastPage": q.page >= pages,
		"totalPages": pages, "totalElements": len(found),
	})
	if err != nil {
		return err
	}
	// Put together by hand, since the encoder would go over each computer once
	// more, and pages of a large fleet are megabytes.
	body := []byte(`{"content":[`)
	for i, c := range shown {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, s.steady[:len(s.steady)-1]...)
		body = append(body, ',')
		body = append(body, c.json()[1:]...)
	}
	body = append(append(body, "],"...), counters[1:]...)
	write(w, http.StatusOK, body)
	return nil
}

// query is what a client asked of the list.
type query struct {
	name            string // lower case
	exact           bool
	id, hardwareKey string
	mac             string
	domain          string // id
	lastUpdate      int64
	systems         []string
	page, size      int
	sort, order     string
}

// maxPage keeps page × size well within an int.
const maxPage = 1 << 30

func (s *Server) parseQuery(v url.Values) (query, error) {
	q := query{
		name: strings.ToLower(v.Get("computerName")), exact: s.opt.ExactNames, mac: strings.ToLower(v.Get("mac")),
		domain: v.Get("domain"), systems: v["os"],
		page: 1, size: defaultPage,
		sort: cmp.Or(v.Get("sort"), "COMPUTER_NAME"), order: cmp.Or(v.Get("order"), "ASC"),
	}
	if s.opt.Release == V142 {
		q.mac = ""
	} else {
		q.id, q.hardwareKey = strings.ToUpper(v.Get("computer_id")), strings.ToUpper(v.Get("hardware_key"))
	}
	for name, into := range map[string]*int{"pageIndex": &q.page, "pageSize": &q.size} {
		if text := v.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxPage {
				return q, fail(http.StatusBadRequest, "The %s argument is invalid.", name)
			}
			*into = n
		}
	}
	if s.opt.MaxPageSize > 0 {
		q.size = min(q.size, s.opt.MaxPageSize)
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
	if !slices.Contains([]string{"COMPUTER_NAME", "COMPUTER_ID", "COMPUTER_DOMAIN_NAME", "DOMAIN_ID"}, q.sort) {
		return q, fail(http.StatusBadRequest, "The sort argument is invalid.")
	}
	if q.order != "ASC" && q.order != "DESC" {
		return q, fail(http.StatusBadRequest, "The order argument is invalid.")
	}
	if s.opt.DomainByName {
		if d, ok := s.domainNamed(q.domain); ok {
			q.domain = d.ID
		}
	}
	return q, nil
}

// find is every record that the query is for, in its order.
func (q query) find(all fleet) []*record {
	if q.id != "" || q.hardwareKey != "" {
		return q.active(all.byName)
	}
	var found []*record
	if q.name == "" && q.sort == "COMPUTER_ID" {
		for _, c := range all.byID {
			if q.matches(c) {
				found = append(found, c)
			}
		}
	} else {
		found = q.findByName(all.byName)
	}
	if q.order == "DESC" {
		slices.Reverse(found)
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
func (q query) active(all []*record) []*record {
	var best *record
	for _, c := range all {
		if c.Deleted || (q.domain != "" && c.Domain.ID != q.domain) {
			continue
		}
		if (q.id != "" && c.ID != q.id) || (q.id == "" && c.HardwareKey != q.hardwareKey) {
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
