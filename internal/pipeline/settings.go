package pipeline

import (
	"sync"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/rules"
)

// Settings are what one step works with. They are immutable: a step takes
// them once and works with them to its end, even if others have replaced them
// meanwhile.
type Settings struct {
	Rules *rules.Rules
	// Read reads a mail's bytes. It may panic: the mail is quarantined.
	Read      func(raw []byte) parse.Alert
	Resilient Resilient
	// AttachMail says which mails are attached to their incidents.
	AttachMail AttachMail
	// SEPM is nil where none is configured; then nothing is looked up.
	SEPM *enrich.Servers
	// Allow is asked before a call is sent that changes something at SEPM; its
	// error says why the call is not sent.
	Allow func(run incident.Run, c incident.Call) error
	// MailboxLease is how long a watcher holds a mailbox after its last
	// commit, which comes at least once a poll. Another node takes the
	// mailbox of a dead one after this; a node takes its own back at once.
	// 0 means 2 min.
	MailboxLease time.Duration

	mu     sync.Mutex
	users  int
	unused func() // set by Retire
	ended  bool
}

// Retire says that other settings have taken the place of these, in what
// [Options.Settings] gives. Unused is called once no step works with these any
// more: now, or by the last one that does. It must not block.
func (s *Settings) Retire(unused func()) {
	s.mu.Lock()
	s.unused = unused
	s.ended = s.users == 0
	ended := s.ended
	s.mu.Unlock()
	if ended {
		unused()
	}
}

// hold counts a step that works with the settings until release. It is false
// when they are retired and unused: the step has to take the newer ones.
func (s *Settings) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.users++
	return true
}

func (s *Settings) release() {
	s.mu.Lock()
	s.users--
	s.ended = s.unused != nil && s.users == 0
	ended, unused := s.ended, s.unused
	s.mu.Unlock()
	if ended {
		unused()
	}
}

func (s *Settings) mailboxLease() time.Duration {
	if s.MailboxLease == 0 {
		return 2 * time.Minute
	}
	return s.MailboxLease
}

// take gives the current settings, held.
func (p *Pipeline) take() *Settings {
	for {
		if s := p.Settings(); s.hold() {
			return s
		}
	}
}
