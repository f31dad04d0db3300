package sepm

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// commandsPage is the page size of a command's status (contract: A13).
const commandsPage = 20

// ids reads a list of ids: with commas, repeated, or both (contract: A13).
func ids(v url.Values, name string) []string {
	var all []string
	for _, text := range v[name] {
		for id := range strings.SplitSeq(text, ",") {
			if id = strings.ToUpper(strings.TrimSpace(id)); id != "" && !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

// addressed are the clients of a command by what they were named with.
type addressed struct {
	by      string
	clients []*record
}

// addressees finds the clients that a command is for. What is not in the
// login's domain is unknown (contract: A7).
func (s *Server) addressees(c *call, v url.Values, hardware bool) ([]addressed, error) {
	computers, groups := ids(v, "computer_ids"), ids(v, "group_ids")
	var keys []string
	if hardware {
		keys = ids(v, "hardware_ids")
	}
	if len(computers)+len(groups)+len(keys) == 0 {
		return nil, fail(http.StatusBadRequest, "The computers and groups are missing.")
	}
	unknown := ""
	byComputer, byGroup, byHardware := addressed{by: "computer"}, addressed{by: "group"}, addressed{by: "hardware"}
	for _, id := range computers {
		if r := s.fleet.id(id); r != nil && r.Domain.ID == c.login.domain.ID {
			byComputer.clients = append(byComputer.clients, r)
		} else {
			unknown = id
		}
	}
	wanted := map[string]bool{}
	for _, id := range groups {
		if g := s.groups[id]; g != nil && g.domain.ID == c.login.domain.ID {
			wanted[g.ID] = true
		} else {
			unknown = id
		}
	}
	if len(wanted) > 0 {
		for _, r := range s.fleet.byName {
			if g := s.groups[r.Group.ID]; wanted[g.ID] && r.Domain.ID == c.login.domain.ID {
				byGroup.clients = append(byGroup.clients, r)
			}
		}
	}
	for _, key := range keys {
		if found := s.fleet.active(query{hardwareKey: key, domain: c.login.domain.ID}); len(found) > 0 {
			byHardware.clients = append(byHardware.clients, found[0])
		} else {
			unknown = key
		}
	}
	if unknown != "" && s.opt.UnknownTarget404 {
		return nil, fail(http.StatusNotFound, "%s does not exist", unknown)
	}
	if s.opt.MergeHardware && len(keys) > 0 {
		for _, r := range byHardware.clients {
			if !slices.Contains(byComputer.clients, r) {
				byComputer.clients = append(byComputer.clients, r)
			}
		}
		computers, keys = append(computers, keys...), nil
	}
	var all []addressed
	for _, each := range []struct {
		addressed
		ids []string
	}{{byComputer, computers}, {byGroup, groups}, {byHardware, keys}} {
		if len(each.ids) > 0 {
			all = append(all, each.addressed)
		}
	}
	return all, nil
}

// order makes the commands and answers their ids, one for each way to name
// clients (contract: A13).
func (s *Server) order(c *call, v url.Values, hardware bool, made command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	all, err := s.addressees(c, v, hardware)
	if err != nil {
		return err
	}
	answer := object{}
	for _, each := range all {
		one := made
		one.by, one.domain = each.by, c.login.domain
		s.send(&one, each.clients)
		answer["commandID_"+each.by] = one.id
	}
	return c.ok(answer)
}

// parameters are those of the query, and of a form in the body, which one
// client sends (contract: A13).
func (c *call) parameters() (url.Values, error) {
	if err := c.r.ParseForm(); err != nil {
		return nil, fail(http.StatusBadRequest, "The parameters are invalid.")
	}
	return c.r.Form, nil
}

// scanCommand is POST /command-queue/activescan and fullscan.
func (s *Server) scanCommand(kind string) handler {
	return func(c *call) error {
		v, err := c.parameters()
		if err != nil {
			return err
		}
		power, err := flag(v, "power")
		if err != nil {
			return err
		}
		return s.order(c, v, false, command{kind: kind, power: power})
	}
}

// updateCommand is POST /command-queue/updatecontent.
func (s *Server) updateCommand(c *call) error {
	v, err := c.parameters()
	if err != nil {
		return err
	}
	return s.order(c, v, false, command{kind: updateContent})
}

// quarantineCommand is POST /command-queue/quarantine.
func (s *Server) quarantineCommand(c *call) error {
	v, err := c.parameters()
	if err != nil {
		return err
	}
	undo, err := flag(v, "undo")
	if err != nil {
		return err
	}
	return s.order(c, v, true, command{kind: quarantine, undo: undo})
}

// unknownCommand is the error for an unknown command id, nil where that is
// answered with an empty page (contract: D6.12).
func (s *Server) unknownCommand(id string) error {
	switch s.opt.UnknownCommand {
	case Unknown404:
		return fail(http.StatusNotFound, "Command with ID %s does not exist", id)
	case Unknown410:
		return fail(http.StatusGone, "Command with ID %s does not exist", id)
	}
	return nil
}

// commandStatus is GET /command-queue/{id}: an item for each client (A13).
func (s *Server) commandStatus(c *call) error {
	p, err := s.parsePaging(c.r.URL.Query(), commandsPage, "Begintime")
	if err != nil {
		return err
	}
	id := c.r.PathValue("id")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	found := s.queue.byID[strings.ToUpper(id)]
	if found == nil {
		if err := s.unknownCommand(id); err != nil {
			return err
		}
		found = &command{created: s.opt.Now()}
	}
	var shown []*target
	if s.opt.Now().Sub(found.created) >= s.opt.ListedAfter {
		shown = s.byBegin(found.targets)
	}
	if p.order == "DESC" {
		slices.Reverse(shown)
	}
	return s.answer(c, p, len(shown), func(b []byte, i int) []byte { return s.appendTarget(b, shown[i]) })
}

// byBegin orders targets by when they began; those that have not are first, as
// a database has its nulls.
func (s *Server) byBegin(targets []*target) []*target {
	ordered := slices.Clone(targets)
	slices.SortStableFunc(ordered, func(a, b *target) int { return cmp.Compare(millis(s.begun(a)), millis(s.begun(b))) })
	return ordered
}

// begun is when a client received the command, zero when it has not.
func (s *Server) begun(t *target) time.Time {
	if t.from.IsZero() {
		return time.Time{}
	}
	if at := t.from.Add(s.opt.ReceivedAfter); !at.After(s.opt.Now()) && (t.ended.IsZero() || !at.After(t.ended)) {
		return at
	}
	return time.Time{}
}

// appendTarget writes an item of a command's status.
func (s *Server) appendTarget(b []byte, t *target) []byte {
	state, updated := s.state(t), t.ended
	sub := t.outcome.SubState
	switch state {
	case stateReceived:
		updated = t.from.Add(s.opt.ReceivedAfter)
	case stateInProgress:
		updated = t.from.Add(s.opt.StartedAfter)
		if t.kind == updateContent {
			sub = 120 // LiveUpdate's download is running
		}
	}
	w := jsonWriter{b: append(b, '{')}
	w.time("beginTime", s.begun(t))
	w.time("lastUpdateTime", updated)
	w.text("computerName", t.client.Name)
	w.text("computerIp", first(t.client.IPs))
	w.text("domainName", t.client.Domain.Name)
	w.text("currentLoginUserName", t.client.User)
	w.number("stateId", int64(state))
	w.number("subStateId", int64(sub))
	if updated.IsZero() {
		w.null("subStateDesc")
	} else {
		w.text("subStateDesc", t.outcome.Text)
	}
	if t.fileID == "" {
		w.null("binaryFileId")
	} else {
		w.text("binaryFileId", t.fileID)
	}
	switch {
	case updated.IsZero() || !t.ended.IsZero() && t.result == nil:
		w.null("resultInXML")
	case t.result == nil:
		w.text("resultInXML", "")
	default:
		w.text("resultInXML", *t.result)
	}
	w.text("computerId", t.client.ID)
	w.text("hardwareKey", t.client.HardwareKey)
	w.end()
	return w.b
}

// time writes a time as a command has it, null where it is zero (contract: A2).
func (w *jsonWriter) time(key string, t time.Time) {
	if t.IsZero() {
		w.null(key)
		return
	}
	w.text(key, t.UTC().Format("2006-01-02T15:04:05Z"))
}

// cancelCommand is POST /command-queue/{id}/cancel: a command of its own, for
// the clients that have not received the other one (contract: A13).
func (s *Server) cancelCommand(c *call) error {
	id := c.r.PathValue("id")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	found := s.queue.byID[strings.ToUpper(id)]
	if found == nil {
		if err := s.unknownCommand(id); err != nil {
			return err
		}
		return fail(http.StatusNotFound, "Command with ID %s does not exist", id)
	}
	now := s.opt.Now()
	made := &command{kind: cancellation, domain: c.login.domain, ofCommand: found}
	var pending []*record
	for _, t := range found.targets {
		if t.ended.IsZero() && s.state(t) == stateInitial {
			t.end(now, Outcome{State: stateCancelled}, "")
			pending = append(pending, t.client)
		}
	}
	s.send(made, pending)
	for _, t := range made.targets {
		t.from = now
		t.end(now, Outcome{State: stateCompleted}, "")
	}
	return c.ok(object{"commandID": made.id})
}

// Command is a copy of a command as the server holds it.
type Command struct {
	ID, Kind string // the kind is as in the path: eoc, quarantine, cancel
	// By is how its clients were named: computer, group or hardware.
	By      string
	Created time.Time
	Undo    bool   // of a quarantine
	Power   bool   // of a scan
	Body    string // of an EOC scan
	Cancels string // of a cancel: the other command
	Targets []Target
}

// Target is one client of a command.
type Target struct {
	ComputerID      string
	State, SubState int
	FileID          string // of an upload
	Result          string // of an EOC scan
}

// Commands are copies of all commands, in the order in which they were made,
// as they are now.
func (s *Server) Commands() []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	var all []Command
	for _, c := range s.queue.made {
		copied := Command{ID: c.id, Kind: c.kind, By: c.by, Created: c.created, Undo: c.undo, Power: c.power, Body: c.body}
		if c.ofCommand != nil {
			copied.Cancels = c.ofCommand.id
		}
		for _, t := range c.targets {
			one := Target{ComputerID: t.client.ID, State: s.state(t), SubState: t.outcome.SubState, FileID: t.fileID}
			if t.result != nil {
				one.Result = *t.result
			}
			copied.Targets = append(copied.Targets, one)
		}
		all = append(all, copied)
	}
	return all
}
