// Package fault makes a stand-in misbehave on demand, in the ways that lose
// or double things: slowness, refusals, replies that are lost, changes that
// land after the client gave up, and connections that are reset.
package fault

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is a way to misbehave.
type Kind string

// The kinds of fault.
const (
	// Delay waits before it handles the request, whether or not the client
	// still listens.
	Delay Kind = "delay"
	// Status answers with an error status without handling the request.
	Status Kind = "status"
	// LostReply handles the request and cuts the connection instead of
	// answering.
	LostReply Kind = "lost_reply"
	// LateChange holds the request until the client gave up and handles it
	// some time after that. Nobody gets an answer.
	LateChange Kind = "late_change"
	// Reset resets the connection (RST) before the request's body is read;
	// nothing is handled.
	Reset Kind = "reset"
)

// Switch turns one fault on for some requests.
type Switch struct {
	Kind Kind

	// Method and Path say which requests the switch is for; empty is any.
	// Path is compared segment by segment with the end of the request's path,
	// and a segment "*" stands for any one: "incidents" is a create of an
	// incident, "incidents/*/comments" one of its notes.
	Method string
	Path   string

	// OneIn is the rate: about one of that many matching requests, chosen by
	// the set's seed and the request's number. 0 and 1 mean each of them.
	OneIn int
	// After is how many matching requests pass before the switch is on.
	After int
	// Remaining is how many times the fault may still happen; 0 is no limit.
	Remaining int

	// Code is what Status answers; 0 is 503.
	Code int
	// FromServer makes Status answer in the server's own form; otherwise it is
	// what a proxy in front of it says, in HTML. See [Refuser].
	FromServer bool
	// Wait is how long Delay waits.
	Wait time.Duration
	// Hold is how long LateChange waits for the client to give up before it
	// cuts the connection itself, as a proxy's time-out would; 0 is for ever.
	Hold time.Duration
	// Late is how long after that LateChange handles the request.
	Late time.Duration
}

// Set is a set of switches in front of a handler. It may be changed while
// requests run. The zero value is not usable; see New.
type Set struct {
	seed uint64

	mu       sync.Mutex
	switches []*armed
	counts   map[Kind]int
	closed   bool
	current  *round
}

// round is the faults under way between two flushes.
type round struct {
	now     chan struct{} // closed to end every wait
	pending sync.WaitGroup
}

func newRound() *round { return &round{now: make(chan struct{})} }

// armed is a switch that has been turned on.
type armed struct {
	Switch
	number  uint64 // in the order of turning on, so that each draws its own lots
	matched uint64
	spent   bool
}

// New makes a set with nothing turned on. Equal seeds choose equal requests.
func New(seed int64) *Set {
	return &Set{seed: uint64(seed), counts: map[Kind]int{}, current: newRound()}
}

// allOneIn is the rate of each switch of All: with six of them about every
// fifth request goes wrong.
const allOneIn = 30

// All turns every kind of fault on, as the demo does. Its waits are far below
// any client's time-out; what a client cannot know is whether a request whose
// connection was cut is done, is not done, or will be.
func All() []Switch {
	return []Switch{
		{Kind: Delay, OneIn: allOneIn, Wait: 50 * time.Millisecond},
		{Kind: Status, OneIn: allOneIn, Code: http.StatusServiceUnavailable},
		{Kind: Status, OneIn: allOneIn, Code: http.StatusInternalServerError},
		{Kind: LostReply, OneIn: allOneIn},
		{Kind: LateChange, OneIn: allOneIn, Hold: 100 * time.Millisecond, Late: 200 * time.Millisecond},
		{Kind: Reset, OneIn: allOneIn},
	}
}

// On turns switches on, after those that are on already. Where several fire
// for one request the first wins.
func (s *Set) On(switches ...Switch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sw := range switches {
		number := uint64(len(s.switches))
		s.switches = append(s.switches, &armed{Switch: sw, number: number})
	}
}

// Off turns every switch off. What is being held or delayed is still handled.
func (s *Set) Off() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switches = nil
}

// Counts is how often each kind has happened so far.
func (s *Set) Counts() map[Kind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[Kind]int, len(s.counts))
	for kind, n := range s.counts {
		counts[kind] = n
	}
	return counts
}

// Flush ends every wait now, handles what was held or delayed, and returns
// when that is done.
func (s *Set) Flush() {
	s.mu.Lock()
	ending := s.current
	s.current = newRound()
	s.mu.Unlock()
	close(ending.now)
	ending.pending.Wait()
}

// Close turns every switch off for good and flushes. Close it before the
// server that it stands in front of, which waits for what is pending too.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Flush()
}

// String lists what is turned on, for a log line.
func (s *Set) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, sw := range s.switches {
		if sw.spent {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s 1 in %d", sw.Kind, max(sw.OneIn, 1))
	}
	return b.String()
}

// draw decides what happens to a request. Each switch counts the requests
// that it matches, so that what one switch does never shifts another's lots.
// A fault that was drawn is pending until the caller says so to its round.
func (s *Set) draw(r *http.Request) (fired Switch, in *round, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Switch{}, nil, false
	}
	for _, sw := range s.switches {
		if sw.spent || !sw.matches(r) {
			continue
		}
		sw.matched++
		if ok || sw.matched <= uint64(sw.After) || !sw.due(s.seed) {
			continue
		}
		fired, ok = sw.Switch, true
		if sw.Remaining > 0 {
			sw.Remaining--
			sw.spent = sw.Remaining == 0
		}
	}
	if !ok {
		return Switch{}, nil, false
	}
	s.counts[fired.Kind]++
	// Under the lock: nothing joins a round that Flush has begun to wait for.
	s.current.pending.Add(1)
	return fired, s.current, true
}

func (a *armed) matches(r *http.Request) bool {
	if a.Method != "" && a.Method != r.Method {
		return false
	}
	if a.Path == "" {
		return true
	}
	want := strings.Split(strings.Trim(a.Path, "/"), "/")
	have := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(have) < len(want) {
		return false
	}
	have = have[len(have)-len(want):]
	for i, segment := range want {
		if segment != "*" && segment != have[i] {
			return false
		}
	}
	return true
}

// due draws the lot of the switch's latest matching request.
func (a *armed) due(seed uint64) bool {
	if a.OneIn <= 1 {
		return true
	}
	h := fnv.New64a()
	for _, n := range []uint64{seed, a.number, a.matched} {
		_, _ = h.Write(strconv.AppendUint(nil, n, 10)) // a hash never fails
		_, _ = h.Write([]byte{'/'})
	}
	sum := h.Sum64()
	sum ^= sum >> 33 // FNV's low bits alone are too regular for short input
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	return sum%uint64(a.OneIn) == 0
}
