package pipeline

import (
	"cmp"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
)

// Observer is told what has happened, for figures. Its methods are called
// from many goroutines, and the work waits for them.
type Observer interface {
	// MailReceived tells of a new mail that was committed. Arrived is when the
	// mailbox server got it, zero if it did not say.
	MailReceived(mailbox string, arrived, received time.Time)
	// MailRead tells what a mail was read as.
	MailRead(status ledger.MailStatus, kind parse.Kind)
	// IncidentsOpened tells of incidents that mails opened in the ledger.
	IncidentsOpened(n int)
	// IncidentDelivered tells of one that Resilient now holds, this long after
	// the mail that opened it was received.
	IncidentDelivered(after time.Duration)
	// PieceDelivered tells of a piece that stands in Resilient now.
	PieceDelivered(kind ledger.PieceKind)
	// RunEnded tells of an action that is done or has failed.
	RunEnded(action string, status ledger.RunStatus)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) MailReceived(string, time.Time, time.Time)  {}
func (nobody) MailRead(ledger.MailStatus, parse.Kind)     {}
func (nobody) IncidentsOpened(int)                        {}
func (nobody) IncidentDelivered(time.Duration)            {}
func (nobody) PieceDelivered(ledger.PieceKind)            {}
func (nobody) RunEnded(action string, s ledger.RunStatus) {}

// saved is what a commit of changes brought about, to be told after it.
type saved struct {
	mails  []read
	opened int
}

func (p *Pipeline) tell(s saved) {
	for _, m := range s.mails {
		p.Observer.MailRead(m.status(), cmp.Or(m.alert.Kind, parse.Unknown))
	}
	if s.opened > 0 {
		p.Observer.IncidentsOpened(s.opened)
	}
}

// Gate is the way to a remote system.
type Gate struct {
	// System is "resilient" or "sepm", with the entry's name behind it where
	// there are several.
	System string
	// Failures counts how often in a row the system could not be used. It is 0
	// where the system did last what it was asked, or was not asked yet.
	Failures int
	// Error is the last of those failures, in the system's words.
	Error string
}

// Gates are the ways to the systems that are in use; none before Run.
func (p *Pipeline) Gates() []Gate {
	var gates []Gate
	for _, s := range p.stages {
		if gate := s.gate.Load(); gate != nil && s.kind == ledger.TaskDeliver {
			gates = append(gates, gate.state())
			for _, g := range p.sepms.of(p.Settings().SEPM, p.Logger) {
				gates = append(gates, g.state())
			}
		}
	}
	return gates
}

func (g *gate) state() Gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Gate{System: strings.ToLower(g.system), Failures: g.failures, Error: g.problem}
}
