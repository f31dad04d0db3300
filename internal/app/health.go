package app

import (
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/internal/metrics"
	"github.com/sepwatch/sepwatch/internal/remote"
)

// check is one thing that was looked at.
type check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Why is what is wrong: one bounded line, whatever a server said.
	Why string `json:"why,omitempty"`
}

func fine(name string) check { return check{Name: name, OK: true} }

func wrong(name, format string, args ...any) check {
	return check{Name: name, Why: remote.Printable(fmt.Sprintf(format, args...))}
}

// alive looks whether the process works. It asks nobody, so that it answers
// whatever hangs.
func (a *App) alive() []check {
	var checks []check
	for _, l := range a.pipeline.Loops(a.opts.Clock.Now()) {
		name := "stage " + string(l.Stage)
		if l.Stuck != nil {
			checks = append(checks, wrong(name, "its loop %v: restart sepwatch", l.Stuck))
			continue
		}
		checks = append(checks, fine(name))
	}
	return checks
}

// ready looks whether everything that the work needs answers.
func (a *App) ready() []check {
	checks := []check{fine("ledger")}
	if _, err := a.backlog.get(); err != nil {
		checks[0] = wrong("ledger", "%v", err)
	}
	for _, m := range a.mailboxes() {
		checks = append(checks, m.check(a.opts.Clock.Now()))
	}
	for _, g := range a.pipeline.Gates() {
		if g.Failures > 0 {
			checks = append(checks, wrong(g.System, "cannot be used (failures: %d): %s", g.Failures, g.Error))
			continue
		}
		checks = append(checks, fine(g.System))
	}
	return checks
}

// watched is the state of a mailbox and how often it is looked into.
type watched struct {
	metrics.Mailbox
	poll time.Duration
}

// mailboxes are those that this node watches or stands by for.
func (a *App) mailboxes() []watched {
	a.changing.Lock()
	defer a.changing.Unlock()
	var all []watched
	for _, m := range a.settings.Load().config.Mailboxes {
		all = append(all, watched{metrics.Mailbox{Name: m.Name, Health: a.watches[m.Name].watcher.Health()}, m.Poll})
	}
	return all
}

// check judges by the last answer: a connection may be lost and be back
// before anybody needs to know.
func (w watched) check(now time.Time) check {
	name := "mailbox " + w.Name
	// At least what a server may take for one command.
	limit := max(3*w.poll, time.Minute)
	age := now.Sub(w.LastRoundTrip).Round(time.Second)
	switch {
	case w.Standby, !w.LastRoundTrip.IsZero() && age <= limit:
		return fine(name)
	case w.LastRoundTrip.IsZero() && w.LastError == "":
		return wrong(name, "has not answered yet")
	case w.LastRoundTrip.IsZero():
		return wrong(name, "has not answered yet: %s", w.LastError)
	case w.LastError == "":
		return wrong(name, "has not answered for %v", age)
	}
	return wrong(name, "has not answered for %v: %s", age, w.LastError)
}
