package pipeline

import (
	"context"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/sepclient"
)

// maxFollowed is how many commands are asked for at once. They are few: each may
// take many pages.
const maxFollowed = 8

// followLease outlasts polls of as many commands as are asked for at once, each
// for 100,000 endpoints, within the three quarters of a budget that they get:
// one that was claimed again while it goes on would never come to its end.
func followLease(s *Settings) time.Duration {
	const requests = maxFollowed * 100_000 / 200
	lease := 30 * time.Minute
	if s.SEPM == nil {
		return lease
	}
	for _, e := range s.SEPM.Entries {
		if n := e.Limits.PerMinute; n > 0 {
			lease = max(lease, requests*time.Minute*4/3/time.Duration(n))
		}
	}
	return lease
}

// followStage asks SEPM how commands stand until they end.
func (p *Pipeline) followStage() *stage {
	return &stage{
		Pipeline: p, kind: ledger.TaskFollow, limit: maxFollowed, batch: maxFollowed, system: "SEPM",
		lease:  followLease,
		client: func(s *Settings) any { return s.SEPM },
		shut:   sepmShut,
		prepare: func(s *step, tx ledger.Tx, tasks []ledger.Task) ([]job, error) {
			commands, err := tx.Commands(keys(tasks))
			if err != nil {
				return nil, err
			}
			byID := make(map[int64]ledger.Command, len(commands))
			for _, c := range commands {
				byID[c.ID] = c
			}
			jobs := make([]job, len(tasks))
			for i, t := range tasks {
				jobs[i] = job{t, following{s, t, byID[t.Key]}.next}
			}
			return jobs, nil
		},
	}
}

// following is one poll of a command.
type following struct {
	*step
	task    ledger.Task
	command ledger.Command
}

func (f following) next(ctx context.Context) change {
	if f.command.ID == 0 || !f.command.Open {
		return change{outcome: ledger.Outcome{Task: f.task, Done: true}}
	}
	sepm, not, err := f.ask(f.command.Server, f.task)
	switch {
	case err != nil: // the configuration may get the entry back
		return change{outcome: ledger.Outcome{Task: f.task, Park: true, Failed: true, Error: err.Error()}}
	case not != nil:
		return change{outcome: *not}
	}
	others, err := f.others(ctx)
	if err != nil {
		return change{outcome: f.failed(f.task, err)}
	}
	state, err := enrich.Follow(ctx, sepm.entry.Server(sepclient.Following), f.command.Command, f.Clock.Now(), others...)
	if err != nil {
		o, final := sepm.readFailed(ctx, f.task, err)
		if !final {
			return change{outcome: o}
		}
		state = enrich.Lost(f.command.Command, err, f.Clock.Now())
	} else {
		sepm.gate.passed(f.Clock.Now())
	}
	f.command.Command, f.command.Open = state.Command, !state.Next.IsZero()
	c := change{
		outcome: ledger.Outcome{Task: f.task, Done: !f.command.Open, Again: state.Next, Progress: true},
		follow:  []ledger.Command{f.command},
	}
	if err := c.addEffects(f.command.Incident, f.command.Run, state.Effects); err != nil {
		return change{outcome: ledger.Outcome{Task: f.task, Park: true, Failed: true, Error: err.Error()}}
	}
	return c
}

// others are the incident's commands, where they matter: of two for one
// endpoint the newer has its row. Only isolation has such a row, and those of
// an incident can be large.
func (f following) others(ctx context.Context) (others []incident.Command, err error) {
	if f.command.Kind != incident.Quarantining && f.command.Kind != incident.Unquarantining {
		return nil, nil
	}
	err = f.Ledger.View(ctx, func(tx ledger.Tx) (err error) {
		others, err = commandsOf(tx, f.command.Incident)
		return err
	})
	return others, err
}
