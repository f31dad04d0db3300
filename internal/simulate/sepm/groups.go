package sepm

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// groupsPage is the page size of the group list (contract: A5).
const groupsPage = 25

// The groups that every domain has.
const (
	rootGroup    = "My Company"
	defaultGroup = `My Company\Default Group`
)

// group is a client group in the list.
type group struct {
	Group
	domain            Domain
	created, modified time.Time
	members           int // computers in it, not below it
	lockdown          Lockdown
}

// groupID is the id of a group that was given none. Those of the domain
// Default are as they were in each release of ours, for who kept one.
func groupID(path string, d Domain) string {
	if d.ID != DefaultDomainID {
		path = d.ID + path
	}
	return hexID("group", path)
}

// addGroup makes a group and those above it, unless they are there.
func (s *Server) addGroup(g Group, d Domain) *group {
	if g.ID == "" {
		g.ID = groupID(g.Name, d)
	}
	g.ID = strings.ToUpper(g.ID)
	if known := s.groups[g.ID]; known != nil {
		return known
	}
	if known := s.groupAt(g.Name, d); known != nil {
		// One path has one id, the one that was said and not made up.
		if known.members == 0 && g.ID != groupID(g.Name, d) {
			delete(s.groups, known.ID)
			known.Group = g
		}
		s.groups[g.ID] = known
		return known
	}
	if at := strings.LastIndexByte(g.Name, '\\'); at > 0 {
		s.addGroup(Group{Name: g.Name[:at]}, d)
	}
	made := &group{Group: g, domain: d, created: createdAt, modified: createdAt, lockdown: s.opt.Lockdown}
	s.groups[g.ID] = made
	return made
}

// groupAt is the group with a path, nil where there is none.
func (s *Server) groupAt(path string, d Domain) *group {
	for _, g := range s.groups {
		if g.domain.ID == d.ID && g.Name == path {
			return g
		}
	}
	return nil
}

// groupOf is the group in the path, or 410.
func (s *Server) groupOf(c *call) (*group, error) {
	id := c.r.PathValue("group")
	g := s.groups[strings.ToUpper(id)]
	if domain := s.domainOf(c, "domainId"); g == nil || domain != "" && g.domain.ID != domain {
		return nil, fail(http.StatusGone, "Group with ID %s does not exist", id)
	}
	return g, nil
}

// leaf is the last name of a path.
func leaf(path string) string { return path[strings.LastIndexByte(path, '\\')+1:] }

// object is the group as it is answered (contract: A11): the name is the leaf,
// and the domain's is missing where the request named the domain (A7).
func (g *group) object(release Release, domainNamed bool) object {
	name := any(g.domain.Name)
	if domainNamed {
		name = nil
	}
	o := object{
		"id": g.ID, "name": leaf(g.Name), "description": g.Description, "fullPathName": g.Name,
		"numberOfPhysicalComputers": g.members, "numberOfRegisteredUsers": 0, "createdBy": hexID("admin", "admin"),
		"created": g.created.UnixMilli(), "lastModified": g.modified.UnixMilli(),
		"policySerialNumber": g.ID[:min(4, len(g.ID))] + "-" + g.modified.UTC().Format("01/02/2006 15:04:05 000"), "policyDate": g.modified.UnixMilli(),
		"customIpsNumber": "", "domain": object{"id": g.domain.ID, "name": name}, "policyInheritanceEnabled": g.Inherits,
	}
	if release != V142 {
		o["createdBy"] = fmt.Sprintf("%-128s", o["createdBy"])
		o["defaultLocationId"] = hexID("location", g.ID)
	}
	return o
}

// listGroups is GET /groups, as a list or a tree (contract: A11).
func (s *Server) listGroups(c *call) error {
	v := c.r.URL.Query()
	p, err := s.parsePaging(v, groupsPage, "NAME")
	if err != nil {
		return err
	}
	mode := cmp.Or(v.Get("mode"), "list")
	if mode != "list" && mode != "tree" {
		return fail(http.StatusBadRequest, "The mode argument is invalid.")
	}
	domain, named := s.domainOf(c, "domain"), v.Get("domain") != ""
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.groupsIn(domain, v.Get("fullPathName"))
	if p.order == "DESC" {
		slices.Reverse(found)
	}
	objects := []object{}
	if mode == "list" {
		for _, g := range found {
			objects = append(objects, g.object(s.opt.Release, named))
		}
	} else {
		objects = s.tree(found, named)
	}
	return s.answer(c, p, len(objects), func(b []byte, i int) []byte {
		return append(b, encode(objects[i])...)
	})
}

// groupsIn are the groups of a domain that a path finds, ordered by path.
func (s *Server) groupsIn(domain, path string) []*group {
	var found []*group
	for id, g := range s.groups {
		if id != g.ID || domain != "" && g.domain.ID != domain {
			continue
		}
		lower, asked := strings.ToLower(g.Name), strings.ToLower(path)
		switch {
		case path == "":
		case s.opt.GroupPaths == PathPrefix && !strings.HasPrefix(lower, asked):
			continue
		case s.opt.GroupPaths == PathExact && lower != asked:
			continue
		case s.opt.GroupPaths == PathCased && g.Name != path:
			continue
		}
		found = append(found, g)
	}
	slices.SortFunc(found, func(a, b *group) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return found
}

// tree gives those of the groups that have no other one above them, with the
// others below them.
func (s *Server) tree(found []*group, named bool) []object {
	at := map[string]object{} // by domain and path
	for _, g := range found {
		o := g.object(s.opt.Release, named)
		o["childGroups"] = []object{}
		at[g.domain.ID+g.Name] = o
	}
	top := []object{}
	for _, g := range found {
		o := at[g.domain.ID+g.Name]
		parent := at[g.domain.ID+strings.TrimSuffix(g.Name, `\`+leaf(g.Name))]
		if children, ok := parent["childGroups"].([]object); ok && leaf(g.Name) != g.Name {
			parent["childGroups"] = append(children, o)
		} else {
			top = append(top, o)
		}
	}
	return top
}

// getGroup is GET /groups/{group} (contract: A11).
func (s *Server) getGroup(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.groupOf(c)
	if err != nil {
		return err
	}
	return c.ok(g.object(s.opt.Release, c.r.URL.Query().Get("domainId") != ""))
}

// groupPayload is the body that makes or changes a group.
type groupPayload struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Inherits    bool   `json:"inherits"`
}

func (c *call) groupPayload() (groupPayload, error) {
	var body groupPayload
	if err := c.decode(&body); err != nil {
		return body, err
	}
	if body.Name == "" || strings.Contains(body.Name, `\`) {
		return body, fail(http.StatusBadRequest, "The group's name is invalid.")
	}
	return body, nil
}

// createGroup is POST /groups/{group}: one below it.
func (s *Server) createGroup(c *call) error {
	body, err := c.groupPayload()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parent, err := s.groupOf(c)
	if err != nil {
		return err
	}
	path := parent.Name + `\` + body.Name
	if s.groupAt(path, parent.domain) != nil {
		return fail(http.StatusConflict, "Group %s already exists", path)
	}
	made := s.addGroup(Group{Name: path, Description: body.Description, Inherits: body.Inherits}, parent.domain)
	made.created, made.modified = s.opt.Now(), s.opt.Now()
	return c.done(http.StatusCreated)
}

// changeGroup is PATCH /groups/{group}.
func (s *Server) changeGroup(c *call) error {
	body, err := c.groupPayload()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.groupOf(c)
	if err != nil {
		return err
	}
	old, path := g.Name, strings.TrimSuffix(g.Name, leaf(g.Name))+body.Name
	if other := s.groupAt(path, g.domain); other != nil && other != g {
		return fail(http.StatusConflict, "Group %s already exists", path)
	}
	g.Description, g.Inherits, g.modified = body.Description, body.Inherits, s.opt.Now()
	if path != old {
		for _, below := range s.groupsIn(g.domain.ID, "") {
			if below.Name == old || strings.HasPrefix(below.Name, old+`\`) {
				below.Name = path + strings.TrimPrefix(below.Name, old)
			}
		}
		for _, r := range s.fleet.byID {
			r.Group.Name = s.groups[r.Group.ID].Name
		}
	}
	return c.done(http.StatusOK)
}

// deleteGroup is DELETE /groups/{group}. One with clients or groups in it
// stays, as in the console.
func (s *Server) deleteGroup(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.groupOf(c)
	if err != nil {
		return err
	}
	inUse := g.members > 0 || g.Name == rootGroup || g.Name == defaultGroup
	for _, other := range s.groups {
		inUse = inUse || other.domain.ID == g.domain.ID && strings.HasPrefix(other.Name, g.Name+`\`)
	}
	if inUse {
		return fail(http.StatusConflict, "Group %s is in use", g.Name)
	}
	for id, other := range s.groups {
		if other == g {
			delete(s.groups, id)
		}
	}
	s.detach(g.ID)
	return c.done(http.StatusNoContent)
}

// locations is GET /groups/{group}/locations: addresses that end in the
// location's id (contract: A5).
func (s *Server) locations(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.groupOf(c)
	if err != nil {
		return err
	}
	return c.ok([]string{"https://" + c.r.Host + root + "/v1/groups/" + g.ID + "/locations/" + hexID("location", g.ID)})
}

// SetLockdown sets whether a group can be given a fingerprint list, as people
// in the console do, and reports whether there is such a group.
func (s *Server) SetLockdown(groupID string, state Lockdown) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[strings.ToUpper(groupID)]
	if g != nil {
		g.lockdown = state
	}
	return g != nil
}
