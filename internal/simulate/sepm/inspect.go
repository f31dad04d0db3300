package sepm

import "strings"

// Computers are copies of all records, by name, as they are now. Files are
// those that the client still has.
func (s *Server) Computers() []Computer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	all := make([]Computer, 0, len(s.fleet.byName))
	for _, r := range s.fleet.byName {
		all = append(all, r.Computer)
	}
	return all
}

// Computer is a copy of one record as it is now.
func (s *Server) Computer(id string) (Computer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	r := s.fleet.id(strings.ToUpper(id))
	if r == nil {
		return Computer{}, false
	}
	return r.Computer, true
}

// Quarantined are the ids of the computers in network quarantine, by name.
func (s *Server) Quarantined() []string {
	var all []string
	for _, c := range s.Computers() {
		if c.Integrity == Quarantined {
			all = append(all, c.ID)
		}
	}
	return all
}

// Contained are the files that remediation took from a computer.
func (s *Server) Contained(id string) []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	r := s.fleet.id(strings.ToUpper(id))
	if r == nil {
		return nil
	}
	return append([]File{}, r.contained...)
}

// Groups are copies of the groups of every domain, by path.
func (s *Server) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Group
	for _, g := range s.groupsIn("", "") {
		all = append(all, g.Group)
	}
	return all
}
