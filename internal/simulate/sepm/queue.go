package sepm

import (
	"container/heap"
	"time"
)

// The kinds of commands, named as in the path (contract: A13).
const (
	activeScan    = "activescan"
	fullScan      = "fullscan"
	updateContent = "updatecontent"
	eocScan       = "eoc"
	fileUpload    = "files"
	quarantine    = "quarantine"
	cancellation  = "cancel"
)

// The states of a command on a client (contract: A13).
const (
	stateInitial    = 0
	stateReceived   = 1
	stateInProgress = 2
	stateCompleted  = 3
	stateRejected   = 4
	stateCancelled  = 5
	stateError      = 6
)

// queue is every command that was made, and what its clients are about to do.
type queue struct {
	made    []*command
	byID    map[string]*command
	due     dues
	uploads []*upload
}

func newQueue() queue { return queue{byID: map[string]*command{}} }

// command is one of the queue. What it asks for never changes.
type command struct {
	id, kind string
	by       string // computer, group or hardware
	domain   Domain
	created  time.Time
	targets  []*target

	undo, power bool         // of a quarantine, of a scan
	eoc         *eocDocument // of an EOC scan; nil is one that was passed on
	body        string       // as it was sent
	wanted      wantedFile   // of an upload
	ofCommand   *command     // of a cancellation
}

// target is one client of a command.
type target struct {
	*command
	number int // in the queue, to keep an order
	client *record
	// from is when the client could first receive it: when it was made, or when
	// the client came online. It is zero while it is offline.
	from time.Time
	// ended is when it was through; what follows is set then.
	ended   time.Time
	outcome Outcome
	result  *string // resultInXML; nil is null
	fileID  string
}

// due is a target that will be through at a time, unless it was given another
// time since.
type due struct {
	at time.Time
	*target
}

// dues are in the order of their times.
type dues []due

// Len, Less, Swap, Push and Pop implement [heap.Interface].
func (d dues) Len() int { return len(d) }
func (d dues) Less(i, j int) bool {
	return d[i].at.Before(d[j].at) || d[i].at.Equal(d[j].at) && d[i].number < d[j].number
}
func (d dues) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(x any) {
	if each, ok := x.(due); ok {
		*d = append(*d, each)
	}
}
func (d *dues) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// send makes a command for the clients.
func (s *Server) send(c *command, clients []*record) {
	c.created = s.opt.Now()
	c.id = newHexID()
	for _, client := range clients {
		t := &target{command: c, number: len(s.queue.due) + len(c.targets), client: client}
		c.targets = append(c.targets, t)
		client.open = append(client.open, t)
		if !client.Offline {
			s.start(t)
		}
	}
	s.queue.made = append(s.queue.made, c)
	s.queue.byID[c.id] = c
}

// start lets a client that is online begin to receive.
func (s *Server) start(t *target) {
	t.from = s.opt.Now()
	heap.Push(&s.queue.due, due{t.from.Add(s.opt.CompletedAfter), t})
}

// deliver starts what has waited for a client that came online.
func (s *Server) deliver(r *record) {
	for _, t := range r.open {
		if t.from.IsZero() {
			s.start(t)
		}
	}
}

// withhold takes back what a client that goes offline has not received.
func (s *Server) withhold(r *record) {
	for _, t := range r.open {
		if s.state(t) == stateInitial {
			t.from = time.Time{}
		}
	}
}

// settle does all that clients have done by now, in its order. It comes first
// in whatever shows or changes clients and commands.
func (s *Server) settle() {
	now := s.opt.Now()
	for len(s.queue.due) > 0 && !s.queue.due[0].at.After(now) {
		next, ok := heap.Pop(&s.queue.due).(due)
		if !ok || !next.ended.IsZero() || next.from.IsZero() || !next.from.Add(s.opt.CompletedAfter).Equal(next.at) {
			continue
		}
		s.finish(next.target, next.at)
	}
}

// state is where a command is on a client now.
func (s *Server) state(t *target) int {
	switch since := s.opt.Now().Sub(t.from); {
	case !t.ended.IsZero():
		return t.outcome.State
	case t.from.IsZero() || since < s.opt.ReceivedAfter:
		return stateInitial
	case since < s.opt.StartedAfter:
		return stateReceived
	}
	return stateInProgress
}

// end says how a command has ended on a client.
func (t *target) end(at time.Time, outcome Outcome, result string) {
	t.ended, t.outcome, t.result = at, outcome, &result
	for i, open := range t.client.open {
		if open == t {
			t.client.open = append(t.client.open[:i], t.client.open[i+1:]...)
			return
		}
	}
}

// finish has a client do a command and end it.
func (s *Server) finish(t *target, at time.Time) {
	outcome := t.client.Outcome
	if outcome.State == 0 {
		outcome = s.opt.Outcome
	}
	if outcome.State == 0 {
		outcome.State = stateCompleted
	}
	if outcome.State != stateCompleted {
		t.end(at, outcome, "")
		return
	}
	s.fleet.changed()
	switch t.kind {
	case eocScan:
		s.finishEOC(t, at, outcome)
	case fileUpload:
		s.finishUpload(t, at, outcome)
	case quarantine:
		t.client.contain(!t.undo)
		t.end(at, outcome, "")
	case activeScan, fullScan:
		t.client.LastScan = at
		if outcome.SubState == 0 {
			outcome.SubState = 100
			if t.client.Infected {
				outcome.SubState = 101 // risk found
			}
		}
		t.end(at, outcome, "")
	default:
		t.end(at, outcome, "")
	}
}

// contain puts a client into network quarantine, or takes it out.
func (r *record) contain(in bool) {
	switch {
	case in && r.Integrity != Quarantined:
		r.before, r.Integrity = r.Integrity, Quarantined
	case !in && r.Integrity == Quarantined:
		r.Integrity = r.before
	}
}
