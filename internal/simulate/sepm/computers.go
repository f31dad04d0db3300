package sepm

import (
	"net/http"
	"slices"
	"strings"
)

// computersPage is the page size of the computer list (contract: A5).
const computersPage = 20

// listComputers is GET /computers (contract: A10).
func (s *Server) listComputers(c *call) error {
	q, err := s.parseQuery(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	found := s.fleet.find(q)
	if (q.id != "" || q.hardwareKey != "") && len(found) == 0 && s.opt.UnknownComputer404 {
		return fail(http.StatusNotFound, "The computer does not exist.")
	}
	return s.answerComputers(c, q, found)
}

func (s *Server) answerComputers(c *call, q query, found []*record) error {
	return s.answer(c, q.paging, len(found), func(b []byte, i int) []byte { return s.appendComputer(b, &found[i].Computer, q.look) })
}

// groupComputers is GET /groups/{id}/computers (contract: A10).
func (s *Server) groupComputers(c *call) error {
	q, err := s.parseQuery(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	g, err := s.groupOf(c)
	if err != nil {
		return err
	}
	q.name, q.id, q.hardwareKey, q.mac, q.group = "", "", "", "", g.ID
	return s.answerComputers(c, q, s.fleet.find(q))
}

// moveComputers is PATCH /computers: an array, answered by one (contract: A10).
func (s *Server) moveComputers(c *call) error {
	var moves []struct {
		Group struct {
			ID string `json:"id"`
		} `json:"group"`
		HardwareKey string `json:"hardwareKey"`
	}
	if err := c.decode(&moves); err != nil {
		return err
	}
	if len(moves) == 0 {
		return fail(http.StatusBadRequest, "The computers are missing.")
	}
	answers, failed := []object{}, false
	s.mu.Lock()
	s.settle()
	for _, m := range moves {
		key := strings.ToUpper(m.HardwareKey)
		if s.opt.MoveHangs && len(s.fleet.byHardware[key]) > 1 {
			s.mu.Unlock()
			<-c.r.Context().Done() // as support has confirmed, and will not mend
			return fail(http.StatusInternalServerError, "The client has gone.")
		}
		code, text := s.move(key, strings.ToUpper(m.Group.ID))
		answers = append(answers, object{"responseCode": code, "responseMessage": text})
		failed = failed || code != "200"
	}
	s.mu.Unlock()
	status := http.StatusMultiStatus
	if s.opt.MoveStatus == MoveOK || s.opt.MoveStatus == MoveMixed && !failed {
		status = http.StatusOK
	}
	reply(c.w, status, answers)
	return nil
}

// move puts every record with the hardware key into the group.
func (s *Server) move(hardwareKey, groupID string) (code, text string) {
	records := slices.Clone(s.fleet.byHardware[hardwareKey])
	to := s.groups[groupID]
	switch {
	case hardwareKey == "" || groupID == "":
		return "400", "The hardware key or the group is missing."
	case len(records) == 0:
		return "410", "Computer with hardware key " + hardwareKey + " does not exist"
	case to == nil:
		return "410", "Group with ID " + groupID + " does not exist"
	case !slices.ContainsFunc(records, func(r *record) bool { return r.Domain.ID == to.domain.ID }):
		return "409", "The group is in another domain"
	}
	for _, r := range records {
		if r.Domain.ID == to.domain.ID {
			s.change(r, func(c *Computer) { c.Group = to.Group })
		}
	}
	return "200", "OK"
}

// deleteComputer is DELETE /computers/{id}: 204 even when absent (A10).
func (s *Server) deleteComputer(c *call) error {
	s.DeleteComputer(c.r.PathValue("id"))
	return c.done(http.StatusNoContent)
}

// deleteComputers is POST /computers/delete: an array of computers.
func (s *Server) deleteComputers(c *call) error {
	var computers []struct {
		UniqueID string `json:"uniqueId"`
	}
	if err := c.decode(&computers); err != nil {
		return err
	}
	for _, each := range computers {
		s.DeleteComputer(each.UniqueID)
	}
	return c.done(http.StatusNoContent)
}
