package sepm

import (
	"cmp"
	"slices"
	"strings"
)

// record is a computer in the list.
type record struct {
	Computer
	lower string // the name, for matching and order
	// before is the Host Integrity result that the quarantine hides.
	before Integrity
	// contained are files that remediation took away.
	contained []File
	// open are the commands that it is not through with.
	open []*target
}

// fleet is the list of computers.
type fleet struct {
	byName     []*record // ordered by lower-case name, then id
	byID       []*record
	byHardware map[string][]*record
	// walked is what the last query over the whole fleet found: its next page
	// is asked for soon.
	walked struct {
		query string
		found []*record
	}
}

func compareNames(a, b *record) int {
	return cmp.Or(cmp.Compare(a.lower, b.lower), cmp.Compare(a.ID, b.ID))
}

func compareIDs(a, b *record) int { return cmp.Compare(a.ID, b.ID) }

// changed forgets what was found.
func (f *fleet) changed() { f.walked.query, f.walked.found = "", nil }

// id finds a record, nil where there is none.
func (f *fleet) id(id string) *record {
	at, ok := slices.BinarySearchFunc(f.byID, id, func(r *record, id string) int { return cmp.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return f.byID[at]
}

// add puts records in, none of which is there.
func (f *fleet) add(records ...*record) {
	f.changed()
	if f.byHardware == nil {
		f.byHardware = make(map[string][]*record, len(records))
	}
	for _, r := range records {
		f.byHardware[r.HardwareKey] = append(f.byHardware[r.HardwareKey], r)
	}
	if len(records) == 1 {
		for order, compare := range map[*[]*record]func(a, b *record) int{&f.byName: compareNames, &f.byID: compareIDs} {
			at, _ := slices.BinarySearchFunc(*order, records[0], compare)
			*order = slices.Insert(*order, at, records[0])
		}
		return
	}
	f.byName, f.byID = append(f.byName, records...), append(f.byID, records...)
	slices.SortFunc(f.byName, compareNames)
	slices.SortFunc(f.byID, compareIDs)
}

// remove takes a record out.
func (f *fleet) remove(r *record) {
	f.changed()
	is := func(other *record) bool { return other == r }
	if at, ok := slices.BinarySearchFunc(f.byName, r, compareNames); ok {
		f.byName = slices.Delete(f.byName, at, at+1)
	}
	if at, ok := slices.BinarySearchFunc(f.byID, r, compareIDs); ok {
		f.byID = slices.Delete(f.byID, at, at+1)
	}
	f.byHardware[r.HardwareKey] = slices.DeleteFunc(f.byHardware[r.HardwareKey], is)
}

// AddComputer puts one more record into the list. A record with a known id
// replaces that one; one with a known name or hardware key does not, as SEPM
// keeps stale records too (contract: A10).
func (s *Server) AddComputer(c Computer) { s.addAll([]Computer{c}) }

func (s *Server) addAll(computers []Computer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := make(map[string]bool, len(computers))
	added := make([]*record, 0, len(computers))
	for _, c := range slices.Backward(computers) { // the last of one id counts
		c = c.complete(s.opt.Domains[0])
		if fresh[c.ID] {
			continue
		}
		fresh[c.ID] = true
		if old := s.fleet.id(c.ID); old != nil {
			s.drop(old)
		}
		in := s.addGroup(c.Group, c.Domain)
		in.members++
		c.Group = in.Group
		added = append(added, &record{Computer: c, lower: strings.ToLower(c.Name)})
	}
	s.fleet.add(added...)
}

// drop takes a record out of the list and its group. Commands keep what they
// know of it.
func (s *Server) drop(r *record) {
	s.fleet.remove(r)
	s.groups[r.Group.ID].members--
	s.withhold(r)
	r.Deleted = true
}

// ChangeComputer changes a record as the client or a person in the console
// would: takes it offline, renames it, puts files on it. It reports whether
// there is one with the id. The id itself cannot be changed.
func (s *Server) ChangeComputer(id string, change func(*Computer)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	r := s.fleet.id(strings.ToUpper(id))
	if r == nil {
		return false
	}
	s.change(r, change)
	return true
}

func (s *Server) change(r *record, change func(*Computer)) {
	now := r.Computer
	change(&now)
	now.ID = r.ID
	now = now.complete(s.opt.Domains[0])
	s.fleet.changed()
	if now.Group.ID != r.Group.ID {
		s.groups[r.Group.ID].members--
		in := s.addGroup(now.Group, now.Domain)
		in.members++
		now.Group = in.Group
	}
	was := r.Offline
	if now.Name != r.Name || now.HardwareKey != r.HardwareKey {
		s.fleet.remove(r)
		r.Computer, r.lower = now, strings.ToLower(now.Name)
		s.fleet.add(r)
	}
	if !was && now.Offline {
		s.withhold(r)
	}
	r.Computer = now
	if was && !now.Offline {
		s.deliver(r)
	}
}

// DeleteComputer deletes a record, and reports whether there was one.
func (s *Server) DeleteComputer(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	r := s.fleet.id(strings.ToUpper(id))
	if r != nil {
		s.drop(r)
	}
	return r != nil
}
