package mailbox

import (
	"maps"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Kind is a kind of fault.
type Kind string

// The kinds of fault.
const (
	// Delay answers late.
	Delay Kind = "delay"
	// Status answers NO and changes nothing. For LOGIN that is a refusal.
	Status Kind = "status"
	// LostReply does what was asked and cuts the connection without a word.
	LostReply Kind = "lost_reply"
	// LateChange cuts the connection and does what was asked after Delay.
	LateChange Kind = "late_change"
	// Reset cuts the connection (RST): before a command is done, or, with
	// Bytes, once so much was sent.
	Reset Kind = "reset"
	// Omit leaves the rule's UIDs out of a FETCH that is answered OK.
	Omit Kind = "omit"
	// Garble puts a line that is not IMAP before the answer.
	Garble Kind = "garble"
)

// Rule says when a fault strikes.
type Rule struct {
	Kind Kind
	// Command is LOGIN, SELECT, LIST, SEARCH, FETCH, STORE, COPY, MOVE,
	// EXPUNGE or IDLE; empty means any of them.
	Command string
	// UIDs limits the rule to commands that name one of them.
	UIDs []uint32
	// OneIn makes the fault strike one time in so many on average, always when
	// it is 0 or 1. With Bytes it counts connections, else commands.
	OneIn int
	// Limit ends the rule after so many strikes; 0 means never.
	Limit int
	// Delay is how long Delay and LateChange wait.
	Delay time.Duration
	// Bytes is after how many sent bytes Reset cuts a new connection, plus a
	// random number below Spread.
	Bytes, Spread int64
}

// allOneIn is the rate of each rule of All; high, since one command fetches
// many mails.
const allOneIn = 15

// All turns every kind of fault on, as the demo does, but for a refused login,
// after which a watcher rightly waits longer than a demo lasts, and for Omit
// and Garble, which say how a broken server answers.
func All() []Rule {
	rules := []Rule{
		{Kind: Delay, OneIn: allOneIn, Delay: 20 * time.Millisecond},
		{Kind: LostReply, Command: "STORE", OneIn: allOneIn},
		{Kind: LateChange, Command: "STORE", OneIn: allOneIn, Delay: 50 * time.Millisecond},
	}
	for _, command := range []string{"SEARCH", "FETCH", "STORE"} {
		rules = append(rules,
			Rule{Kind: Status, Command: command, OneIn: allOneIn},
			Rule{Kind: Reset, Command: command, OneIn: allOneIn})
	}
	// A demo sends few commands, so each kind of fault is sure to strike once.
	// After a refused FETCH each mail is asked for alone, which takes longer
	// than a demo should: that one is left to chance.
	for _, r := range slices.Clone(rules) {
		if r.Kind != Status || r.Command != "FETCH" {
			r.OneIn, r.Limit = 0, 1
			rules = append(rules, r)
		}
	}
	return rules
}

type rule struct {
	Rule
	struck int
}

// SetFaults replaces the rules. It may be called at any time; byte counts
// apply to connections from now on.
func (s *Server) SetFaults(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	for _, r := range rules {
		s.rules = append(s.rules, &rule{Rule: r})
	}
}

// Injected returns how many faults struck so far, by kind.
func (s *Server) Injected() map[Kind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.injected)
}

func (s *Server) count(k Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected[k]++
}

// strikes says whether r strikes now. s.mu is held.
func (s *Server) strikes(r *rule) bool {
	if r.Limit > 0 && r.struck >= r.Limit || r.OneIn > 1 && s.random.IntN(r.OneIn) != 0 {
		return false
	}
	r.struck++
	return true
}

// faults returns the rules that strike a command.
func (s *Server) faults(command string, set imap.NumSet) []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	var struck []Rule
	for _, r := range s.rules {
		if r.Bytes > 0 || r.Command != "" && r.Command != command || !names(set, r.UIDs) || !s.strikes(r) {
			continue
		}
		s.injected[r.Kind]++
		struck = append(struck, r.Rule)
	}
	return struck
}

// cutAfter returns after how many bytes a new connection is cut, -1 for never.
func (s *Server) cutAfter() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		if r.Kind == Reset && r.Bytes > 0 && s.strikes(r) {
			n := r.Bytes
			if r.Spread > 0 {
				n += s.random.Int64N(r.Spread)
			}
			return n
		}
	}
	return -1
}

// names says whether set names one of the UIDs; no UIDs means any command.
func names(set imap.NumSet, uids []uint32) bool {
	if len(uids) == 0 {
		return true
	}
	of, ok := set.(imap.UIDSet)
	return ok && slices.ContainsFunc(uids, func(uid uint32) bool { return of.Contains(imap.UID(uid)) })
}

// without returns set less the UIDs. It is given static sets only.
func without(set imap.NumSet, uids []uint32) imap.NumSet {
	of, ok := set.(imap.UIDSet)
	if !ok {
		return set
	}
	all, ok := of.Nums()
	if !ok {
		return set
	}
	var left imap.UIDSet
	for _, uid := range all {
		if !slices.Contains(uids, uint32(uid)) {
			left.AddNum(uid)
		}
	}
	return left
}
