package pipeline

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// sepmGates are the gates of the SEPM entries, which two stages share. An
// entry that a reload has replaced leaves its gate behind.
type sepmGates struct {
	mu   sync.Mutex
	made map[*enrich.Entry]*gate
}

// of are the gates of the entries, in their order.
func (g *sepmGates) of(servers *enrich.Servers, logger *slog.Logger) []*gate {
	if servers == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	kept := make(map[*enrich.Entry]*gate, len(servers.Entries))
	gates := make([]*gate, len(servers.Entries))
	for i, e := range servers.Entries {
		known := g.made[e]
		if known == nil {
			system := "SEPM"
			if len(servers.Entries) > 1 {
				system += " " + e.Name
			}
			known = &gate{system: system, logger: logger}
		}
		kept[e], gates[i] = known, known
	}
	g.made = kept
	return gates
}

// sepmShut reports whether there is no SEPM that can be asked now.
func sepmShut(s *step) bool {
	gates := s.sepms.of(s.settings.SEPM, s.Logger)
	now := s.Clock.Now()
	return len(gates) > 0 && !slices.ContainsFunc(gates, func(g *gate) bool { return !g.closed(now) })
}

// atSEPM is a step that asks one of the SEPM entries.
type atSEPM struct {
	*step
	entry *enrich.Entry
}

// ask gives the step that asks the SEPM of a name, or says how the task ends
// where that cannot be asked now.
func (s *step) ask(name string, t ledger.Task) (at atSEPM, not *ledger.Outcome, err error) {
	e, err := s.settings.SEPM.Named(name)
	if err != nil {
		return at, nil, err
	}
	g := s.sepms.of(s.settings.SEPM, s.Logger)[slices.Index(s.settings.SEPM.Entries, e)]
	if until := g.closedUntil(s.Clock.Now()); !until.IsZero() {
		return at, &ledger.Outcome{Task: t, Again: until}, nil
	}
	return atSEPM{&step{s.Pipeline, s.settings, g}, e}, nil, nil
}

// readFailed is the outcome of a read that failed, and whether the failure is
// SEPM's last word on it.
func (a atSEPM) readFailed(ctx context.Context, t ledger.Task, err error) (o ledger.Outcome, final bool) {
	if ctx.Err() != nil {
		// A stop has cut it off: it is claimed again as if it had not begun.
		return ledger.Outcome{Task: t, Again: a.Clock.Now()}, false
	}
	switch v := judge(err); v {
	case refused:
		if !isLocal(err) {
			a.gate.passed(a.Clock.Now())
		}
		return ledger.Outcome{}, true
	case unavailable, refusedLogin:
		return a.unavailable(t, err, v), false
	default: // it only read, so doubt is no reason not to ask again
		return a.failed(t, err), false
	}
}

// caseOf looks up what the ledger holds of an incident.
func (p *Pipeline) caseOf(id int64) func(context.Context) (enrich.Case, error) {
	return func(ctx context.Context) (c enrich.Case, err error) {
		err = p.Ledger.View(ctx, func(tx ledger.Tx) error {
			c, err = CaseOf(tx, id)
			return err
		})
		return c, err
	}
}

// CaseOf is what a plan gets to know of an incident.
func CaseOf(tx ledger.Tx, id int64) (enrich.Case, error) {
	c := enrich.Case{ID: id}
	incidents, err := tx.Incidents([]int64{id})
	if err != nil {
		return c, err
	}
	for _, in := range incidents {
		c.RemoteID = in.RemoteID
	}
	if c.Commands, err = commandsOf(tx, id); err != nil {
		return c, err
	}
	runs, err := tx.RunsOf(id)
	if err != nil {
		return c, err
	}
	for _, r := range runs {
		c.Runs = append(c.Runs, r.Run)
	}
	pieces, err := tx.PiecesOf([]int64{id}, ledger.PieceArtifact, ledger.PieceRow)
	if err != nil {
		return c, err
	}
	for _, p := range pieces {
		switch p.Kind {
		case ledger.PieceArtifact:
			if err = appendDecoded(&c.Artifacts, p); err == nil {
				c.Artifacts[len(c.Artifacts)-1].ID = p.RemoteID
			}
		case ledger.PieceRow:
			err = appendDecoded(&c.Rows, p)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// maxCommands bounds the commands of an incident that a plan gets to know; the
// newest count.
const maxCommands = 500

// commandsOf are the commands that were started for an incident, the newest
// first.
func commandsOf(tx ledger.Tx, id int64) ([]incident.Command, error) {
	found, err := tx.ListCommands(ledger.CommandFilter{Incident: id}, ledger.Page{Limit: maxCommands})
	if err != nil {
		return nil, err
	}
	commands := make([]incident.Command, len(found))
	for i, c := range found {
		commands[i] = c.Command
	}
	return commands, nil
}

func appendDecoded[T incident.Artifact | incident.Row](list *[]T, p ledger.Piece) error {
	v, err := decode[T](p)
	if err == nil {
		*list = append(*list, v)
	}
	return err
}

// doubt is how long after a request nobody knows whether it is still under
// way: its time-out, and as long again for SEPM to end what it began.
func doubt(e *enrich.Entry) time.Duration { return 2 * e.Limits.Timeout }
