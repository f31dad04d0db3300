package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// respondStage runs actions: what the rules start by themselves. Many run at
// once, since they mostly wait for SEPM, and what waits together shares its
// requests (see [enrich.Lookups]). The lease outlasts two walks over a large
// fleet: the one that was under way and the one that is waited for.
func (p *Pipeline) respondStage() *stage {
	return &stage{
		Pipeline: p, kind: ledger.TaskRespond, limit: 512, batch: 256, system: "SEPM",
		lease:  func(*Settings) time.Duration { return 30 * time.Minute },
		client: func(s *Settings) any { return s.SEPM },
		prepare: func(s *step, tx ledger.Tx, tasks []ledger.Task) ([]job, error) {
			runs, err := tx.Runs(keys(tasks))
			if err != nil {
				return nil, err
			}
			byID := make(map[int64]ledger.Run, len(runs))
			for _, r := range runs {
				byID[r.ID] = r
			}
			jobs := make([]job, len(tasks))
			for i, t := range tasks {
				r := responding{s, t, byID[t.Key]}
				jobs[i] = job{t, r.next}
			}
			return jobs, nil
		},
	}
}

// responding is one step of a run.
type responding struct {
	*step
	task ledger.Task
	run  ledger.Run
}

func (r responding) next(ctx context.Context) change {
	if r.run.ID == 0 || r.run.Status != ledger.RunWaiting {
		return change{outcome: ledger.Outcome{Task: r.task, Done: true}}
	}
	action, ok := r.Actions[r.run.Action]
	if !ok {
		return r.fail(fmt.Errorf("no action is named %q", r.run.Action))
	}
	if r.settings.SEPM == nil {
		return r.fail(fmt.Errorf("action %q needs a SEPM: none is configured under sepm", r.run.Action))
	}
	step, err := action.Next(ctx, r.settings.SEPM, r.run.Run, r.Clock.Now())
	if err != nil && ctx.Err() != nil {
		// A stop has cut it off: it is claimed again as if it had not begun.
		return change{outcome: ledger.Outcome{Task: r.task, Again: r.Clock.Now()}}
	}
	switch v := judge(err); v {
	case done:
		r.gate.passed(r.Clock.Now())
	case refused:
		if !isLocal(err) {
			r.gate.passed(r.Clock.Now())
		}
		return r.fail(err)
	case unavailable, refusedLogin:
		return change{outcome: r.unavailable(r.task, err, v)}
	default: // it only read, so doubt is no reason not to ask again
		return change{outcome: r.failed(r.task, err)}
	}
	if step.Call != nil {
		// The guard's answer while no rule allows any change: nothing is
		// ever sent that was not allowed.
		return r.fail(fmt.Errorf("%s is not allowed: no rule allows changes at SEPM", step.Call.Operation))
	}
	return r.finish(ledger.RunDone, "", step.Effects)
}

// fail ends the run and says so on the incident, since whoever waits for its
// result looks there.
func (r responding) fail(err error) change {
	r.Logger.Error("action failed", "action", r.run.Action, "incident", r.run.Incident, "error", err)
	return r.finish(ledger.RunFailed, err.Error(), []incident.Effect{{Note: &incident.Note{
		Key:  "run failed: " + r.run.Key,
		Text: fmt.Sprintf("<b>%s</b> failed: %s", incident.EscapeHTML(r.run.Action), incident.EscapeHTML(err.Error())),
	}}})
}

func (r responding) finish(status ledger.RunStatus, problem string, effects []incident.Effect) change {
	r.run.Status, r.run.Error = status, problem
	c := change{
		outcome: ledger.Outcome{Task: r.task, Done: true},
		runs:    []ledger.Run{r.run},
	}
	for _, e := range effects {
		p, err := effectPiece(r.run.Incident, e)
		if err != nil {
			return change{outcome: ledger.Outcome{Task: r.task, Park: true, Failed: true, Error: err.Error()}}
		}
		c.put = append(c.put, p)
	}
	r.Observer.RunEnded(r.run.Action, status)
	if len(c.put) > 0 {
		c.want = []int64{r.run.Incident}
	}
	return c
}

// effectPiece makes the piece that an effect leaves on the incident.
func effectPiece(id int64, e incident.Effect) (ledger.Piece, error) {
	switch {
	case e.Row != nil:
		return piece(id, ledger.PieceRow, e.Row.Identity(), e.Row)
	case e.Note != nil:
		return piece(id, ledger.PieceNote, e.Note.Key, e.Note)
	case e.Artifact != nil:
		return piece(id, ledger.PieceArtifact, e.Artifact.Identity(), e.Artifact)
	case e.Attachment != nil:
		return piece(id, ledger.PieceAttachment, e.Attachment.Key, e.Attachment)
	}
	return ledger.Piece{}, fmt.Errorf("an effect on incident %d is neither row, note, artifact nor attachment", id)
}

func keys(tasks []ledger.Task) []int64 {
	ids := make([]int64, len(tasks))
	for i, t := range tasks {
		ids[i] = t.Key
	}
	return ids
}
