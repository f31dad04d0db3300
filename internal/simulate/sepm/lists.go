package sepm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Hashes are those of one entry of a fingerprint list; at least one is set.
type Hashes struct {
	MD5, SHA256 string
}

// list is a fingerprint list (contract: A12).
type list struct {
	id, name, description string
	domain                Domain
	entries               []Hashes
	source                string
	groups                []string // ids
	deleted               time.Time
}

// hashForm is what a hash of a type looks like. SEPM takes no other types.
var hashForm = map[string]*regexp.Regexp{
	"MD5":    regexp.MustCompile(`^[0-9A-Fa-f]{32}$`),
	"SHA256": regexp.MustCompile(`^[0-9A-Fa-f]{64}$`),
}

// hashType is the type of all hashes, or "" where the list has both.
func (l *list) hashType() string {
	md5, sha256 := 0, 0
	for _, e := range l.entries {
		if e.MD5 != "" {
			md5++
		}
		if e.SHA256 != "" {
			sha256++
		}
	}
	switch {
	case sha256 == 0:
		return "MD5"
	case md5 == 0:
		return "SHA256"
	}
	return ""
}

// listPayload is the body that makes or replaces a list, in either version.
type listPayload struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	DomainID    string          `json:"domainId"`
	HashType    string          `json:"hashType"`
	Data        json.RawMessage `json:"data"`
}

// entries reads the hashes, in upper case as SEPM keeps them.
func (s *Server) entries(p listPayload, v2 bool) (entries []Hashes, err error) {
	if v2 {
		entries, err = mapEntries(p.Data)
	} else {
		entries, err = textEntries(p.HashType, p.Data)
	}
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 && !s.opt.EmptyLists {
		return nil, fail(http.StatusBadRequest, "The fingerprint list has no hashes.")
	}
	return entries, nil
}

func textEntries(hashType string, data json.RawMessage) ([]Hashes, error) {
	form, ok := hashForm[hashType]
	var texts []string
	if !ok || json.Unmarshal(data, &texts) != nil {
		return nil, fail(http.StatusBadRequest, "The hashType or data argument is invalid.")
	}
	var entries []Hashes
	for _, text := range texts {
		switch {
		case text == "" && len(texts) == 1: // [""], as one client makes an empty list
		case !form.MatchString(text):
			return nil, fail(http.StatusBadRequest, "The hash %s is no %s.", text, hashType)
		case hashType == "MD5":
			entries = append(entries, Hashes{MD5: strings.ToUpper(text)})
		default:
			entries = append(entries, Hashes{SHA256: strings.ToUpper(text)})
		}
	}
	return entries, nil
}

func mapEntries(data json.RawMessage) ([]Hashes, error) {
	var maps []map[string]string
	if json.Unmarshal(data, &maps) != nil {
		return nil, fail(http.StatusBadRequest, "The data argument is invalid.")
	}
	var entries []Hashes
	for _, m := range maps {
		for hashType, text := range m {
			if form, ok := hashForm[hashType]; !ok || !form.MatchString(text) {
				return nil, fail(http.StatusBadRequest, "The hash %s is no %s.", text, hashType)
			}
		}
		if len(m) == 0 {
			return nil, fail(http.StatusBadRequest, "An entry has no hash.")
		}
		entries = append(entries, Hashes{MD5: strings.ToUpper(m["MD5"]), SHA256: strings.ToUpper(m["SHA256"])})
	}
	return entries, nil
}

// object is the list as a version answers it. The first cannot tell of both
// types (contract: A12).
func (s *Server) listObject(l *list, v2 bool) (object, error) {
	o := object{"id": l.id, "name": l.name, "description": l.description, "source": l.source, "groupIds": append([]string{}, l.groups...)}
	if v2 {
		data := []object{}
		for _, e := range l.entries {
			entry := object{}
			if e.MD5 != "" {
				entry["MD5"] = e.MD5
			}
			if e.SHA256 != "" {
				entry["SHA256"] = e.SHA256
			}
			data = append(data, entry)
		}
		o["data"] = data
		return o, nil
	}
	if l.hashType() == "" {
		return nil, s.tryV2()
	}
	data := []string{}
	for _, e := range l.entries {
		data = append(data, e.MD5+e.SHA256) // one of them
	}
	o["hashType"], o["data"] = l.hashType(), data
	return o, nil
}

func (s *Server) tryV2() error {
	return fail(s.opt.TryV2Status, "This FingerprintList is not supported by V1, please try V2!")
}

func noList(id string) error {
	return fail(http.StatusGone, "Fingerprint list with ID %s do not exist", id)
}

// readable says whether a list can be read: one that was deleted can, for a
// moment (contract: A12).
func (s *Server) readable(l *list) bool {
	return l.deleted.IsZero() || s.opt.Now().Before(l.deleted.Add(s.opt.DeleteLag))
}

// there finds a list to change, nil where there is none.
func (s *Server) there(match func(*list) bool) *list {
	for _, l := range s.lists {
		if l.deleted.IsZero() && match(l) {
			return l
		}
	}
	return nil
}

func byID(id string) func(*list) bool {
	return func(l *list) bool { return l.id == strings.ToUpper(id) }
}

func byName(name string, d Domain) func(*list) bool {
	return func(l *list) bool { return l.name == name && l.domain.ID == d.ID }
}

// domainByID is a domain of a payload; empty is the login's.
func (s *Server) domainByID(c *call, id string) (Domain, error) {
	if id == "" {
		return c.login.domain, nil
	}
	for _, d := range s.opt.Domains {
		if d.ID == strings.ToUpper(id) || s.opt.DomainByName && strings.EqualFold(d.Name, id) {
			return d, nil
		}
	}
	return Domain{}, fail(http.StatusBadRequest, "The domain %s does not exist.", id)
}

// getList is GET of a list by its id, and findList by its name.
func (s *Server) getList(v2 bool) handler {
	return func(c *call) error {
		id := c.r.PathValue("id")
		return s.answerList(c, v2, id, byID(id))
	}
}

func (s *Server) findList(v2 bool) handler {
	return func(c *call) error {
		q := c.r.URL.Query()
		name := q.Get("name")
		if name == "" {
			return fail(http.StatusBadRequest, "The name argument is missing.")
		}
		d, err := s.domainByID(c, q.Get("domainId"))
		if err != nil {
			return err
		}
		return s.answerList(c, v2, name, byName(name, d)) // the name is said to be an ID (A12)
	}
}

func (s *Server) answerList(c *call, v2 bool, called string, match func(*list) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.there(match)
	for _, l := range s.lists {
		if found == nil && match(l) && s.readable(l) {
			found = l
		}
	}
	if found == nil {
		return noList(called)
	}
	o, err := s.listObject(found, v2)
	if err != nil {
		return err
	}
	return c.ok(o)
}

// createList is POST of a new list.
func (s *Server) createList(v2 bool) handler {
	return func(c *call) error {
		p, entries, d, err := s.listPayload(c, v2)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.there(byName(p.Name, d)) != nil {
			return fail(http.StatusConflict, "A fingerprint list with the name %s already exists", p.Name)
		}
		made := s.addList(&list{name: p.Name, description: p.Description, domain: d, entries: entries, source: "WEBSERVICE"})
		return c.ok(object{"id": made.id})
	}
}

// addList numbers a list and puts it in.
func (s *Server) addList(l *list) *list {
	if l.id == "" {
		l.id = hexID("list", fmt.Sprint(len(s.lists), l.name))
	}
	s.lists = append(s.lists, l)
	return l
}

func (s *Server) listPayload(c *call, v2 bool) (listPayload, []Hashes, Domain, error) {
	var p listPayload
	if err := c.decode(&p); err != nil {
		return p, nil, Domain{}, err
	}
	if p.Name == "" {
		return p, nil, Domain{}, fail(http.StatusBadRequest, "The name argument is missing.")
	}
	d, err := s.domainByID(c, p.DomainID)
	if err != nil {
		return p, nil, d, err
	}
	entries, err := s.entries(p, v2)
	return p, entries, d, err
}

// replaceList is POST to a list: what it says is all there is then.
func (s *Server) replaceList(v2 bool) handler {
	return func(c *call) error {
		p, entries, _, err := s.listPayload(c, v2)
		if err != nil {
			return err
		}
		id := c.r.PathValue("id")
		s.mu.Lock()
		defer s.mu.Unlock()
		l := s.there(byID(id))
		switch {
		case l == nil:
			return noList(id)
		case !v2 && l.hashType() == "":
			return s.tryV2()
		}
		if other := s.there(byName(p.Name, l.domain)); other != nil && other != l {
			return fail(http.StatusConflict, "A fingerprint list with the name %s already exists", p.Name)
		}
		l.name, l.description, l.entries = p.Name, p.Description, entries
		return c.done(http.StatusOK)
	}
}

// deleteList is DELETE of a list, which takes it from its groups too.
func (s *Server) deleteList(c *call) error {
	id := c.r.PathValue("id")
	if !s.DeleteList(id) {
		return noList(id)
	}
	return c.done(http.StatusOK)
}

// assignList is PUT of a list to a group's system lockdown (contract: A11).
func (s *Server) assignList(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.groupOf(c)
	if err != nil {
		return err
	}
	id := c.r.PathValue("list")
	l := s.there(byID(id))
	switch {
	case l == nil || l.domain.ID != g.domain.ID:
		return fail(http.StatusBadRequest, "Fingerprint list with ID %s do not exist", id)
	case g.Inherits:
		return fail(http.StatusConflict, "The group %s inherits its policies", g.Name)
	case g.lockdown == LockdownLocked:
		return fail(http.StatusLocked, "The group %s is locked", g.Name)
	case g.lockdown == LockdownOff:
		return fail(http.StatusUnprocessableEntity, "System lockdown is disabled for the group %s", g.Name)
	case slices.Contains(l.groups, g.ID):
		return fail(http.StatusUnprocessableEntity, "The fingerprint list is already assigned to the group %s", g.Name)
	}
	l.groups = append(l.groups, g.ID)
	return c.done(http.StatusOK)
}

// detach takes a group from all lists.
func (s *Server) detach(groupID string) {
	for _, l := range s.lists {
		l.groups = slices.DeleteFunc(l.groups, func(id string) bool { return id == groupID })
	}
}

// List is a copy of a fingerprint list as the server holds it.
type List struct {
	ID, Name, Description string
	Domain                Domain // empty is the first domain
	Hashes                []Hashes
	Source                string   // default CONSOLE: a person made it
	Groups                []string // ids of the groups that it is assigned to
}

// Lists are copies of the fingerprint lists, in the order in which they were
// made. One that is deleted is gone at once.
func (s *Server) Lists() []List {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []List
	for _, l := range s.lists {
		if l.deleted.IsZero() {
			all = append(all, l.snapshot())
		}
	}
	return all
}

func (l *list) snapshot() List {
	return List{ID: l.id, Name: l.name, Description: l.description, Domain: l.domain, Hashes: slices.Clone(l.entries), Source: l.source, Groups: slices.Clone(l.groups)}
}

// AddList makes a list as a person in the console would, in any case and with
// any entries, and gives its id.
func (s *Server) AddList(l List) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &list{id: strings.ToUpper(l.ID)}
	made.set(l, s.opt.Domains[0])
	return s.addList(made).id
}

// ChangeList changes a list as a person in the console would meanwhile, and
// reports whether there is one with the id.
func (s *Server) ChangeList(id string, change func(*List)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.there(byID(id))
	if l == nil {
		return false
	}
	now := l.snapshot()
	change(&now)
	l.set(now, s.opt.Domains[0])
	return true
}

func (l *list) set(to List, first Domain) {
	if to.Domain == (Domain{}) {
		to.Domain = first
	}
	if to.Source == "" {
		to.Source = "CONSOLE"
	}
	l.name, l.description, l.domain, l.source, l.groups = to.Name, to.Description, to.Domain, to.Source, to.Groups
	l.entries = nil
	for _, h := range to.Hashes {
		l.entries = append(l.entries, Hashes{MD5: strings.ToUpper(h.MD5), SHA256: strings.ToUpper(h.SHA256)})
	}
}

// DeleteList deletes a list and takes it from its groups, and reports whether
// there was one with the id.
func (s *Server) DeleteList(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.there(byID(id))
	if l == nil {
		return false
	}
	l.deleted, l.groups = s.opt.Now(), nil
	return true
}
