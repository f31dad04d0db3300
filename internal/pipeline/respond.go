package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/remote"
	"github.com/sepwatch/sepwatch/sepclient"
)

// respondStage runs actions: what the rules start by themselves, and what
// people do. Many run at once, since they mostly wait for SEPM, and what waits
// together shares its requests (see [enrich.Lookups]); more than 320 would save
// few requests, and each that waits takes 30 KiB of stack. The lease outlasts two
// walks over a large fleet: the one that was under way and the one that is
// waited for.
func (p *Pipeline) respondStage() *stage {
	return &stage{
		Pipeline: p, kind: ledger.TaskRespond, limit: 320, batch: 256, system: "SEPM",
		lease:  func(*Settings) time.Duration { return 30 * time.Minute },
		client: func(s *Settings) any { return s.SEPM },
		shut:   sepmShut,
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
			var sending []ledger.Run
			for i, t := range tasks {
				r := responding{step: s, task: t, run: byID[t.Key]}
				if r.aboutToSend() {
					sending = append(sending, r.run)
				}
				jobs[i] = job{t, r.next}
			}
			return jobs, tx.SetRuns(sending)
		},
	}
}

// responding is one step of a run.
type responding struct {
	*step
	task ledger.Task
	run  ledger.Run
	// send is whether the pending call is to be sent in this step, confirmed
	// whether a person has decided that it is sent again.
	send, confirmed bool
}

// aboutToSend decides, as the task is claimed, whether its pending call will
// be sent, and notes that in the run: so a call that may have been sent is
// known to be one after a crash.
func (r *responding) aboutToSend() bool {
	pending := r.run.Pending
	if r.run.Status != ledger.RunWaiting || pending == nil || r.Clock.Now().Before(r.sendableAt()) {
		return false
	}
	sent := *pending
	sent.Tries, sent.Last = sent.Tries+1, r.Clock.Now()
	sent.Confirmed = false // who decided it meant one more time
	r.run.Pending, r.send, r.confirmed = &sent, true, pending.Confirmed
	return true
}

// sendableAt is when the pending call can be sent: at once, or when the
// request that may be under way has surely ended.
func (r *responding) sendableAt() time.Time {
	pending := r.run.Pending
	if pending.Tries == 0 {
		return time.Time{}
	}
	entry, err := r.settings.SEPM.Named(r.run.Server)
	if err != nil {
		return pending.Last
	}
	return pending.Last.Add(doubt(entry))
}

func (r responding) next(ctx context.Context) change {
	if r.run.ID == 0 || r.run.Status != ledger.RunWaiting {
		return change{outcome: ledger.Outcome{Task: r.task, Done: true}}
	}
	at := slices.IndexFunc(r.Actions, func(a enrich.Action) bool { return a.Name == r.run.Action })
	if at < 0 {
		return r.fail(fmt.Errorf("there is no action %q", r.run.Action))
	}
	sepm, not, err := r.ask(r.run.Server, r.task)
	switch {
	case err != nil && (r.run.Pending != nil || len(r.run.Answers) > 0):
		// What SEPM has taken is to be followed: the configuration may get the
		// entry back.
		return r.unsent(ledger.Outcome{Task: r.task, Park: true, Failed: true, Error: err.Error()})
	case err != nil:
		return r.fail(err)
	case not != nil:
		return r.unsent(*not)
	case r.send:
		return r.sendCall(ctx, sepm)
	case r.run.Pending != nil:
		return change{outcome: ledger.Outcome{Task: r.task, Again: r.sendableAt()}}
	}
	return r.decide(ctx, sepm, r.Actions[at])
}

// lane is where the run's requests wait: a person's come first.
func (r responding) lane() sepclient.Lane {
	if r.run.By == "" {
		return sepclient.Routine
	}
	return sepclient.Urgent
}

// decide asks the action what comes next.
func (r responding) decide(ctx context.Context, sepm atSEPM, action enrich.Action) change {
	if len(r.run.Answers) == 0 {
		wait, err := r.refresh(ctx)
		switch {
		case err != nil:
			return change{outcome: r.failed(r.task, err)}
		case wait:
			return change{outcome: ledger.Outcome{Task: r.task, Again: r.Clock.Now().Add(time.Second)}}
		}
		if err := action.Check(r.run.Run); err != nil {
			return r.fail(err)
		}
	}
	step, err := action.Next(ctx, enrich.Plan{
		Server: sepm.entry.Server(r.lane()), Run: r.run.Run, Case: r.caseOf(r.run.Incident), Now: r.Clock.Now(),
	})
	if err != nil {
		var mistake *enrich.Mistake
		if errors.As(err, &mistake) {
			return r.fail(err)
		}
		o, final := sepm.readFailed(ctx, r.task, err)
		if final {
			return r.fail(err)
		}
		return change{outcome: o}
	}
	sepm.gate.passed(r.Clock.Now())
	if step.Call == nil {
		return r.finish(ledger.RunDone, "", step.Effects)
	}
	if err := r.settings.Allow(r.run.Run, *step.Call); err != nil {
		return r.fail(fmt.Errorf("%s is not allowed: %w", step.Call.Operation, err))
	}
	r.run.Pending = &incident.Pending{Call: *step.Call}
	return r.goOn()
}

// refresh brings the row that the run was started on up to date by the ledger:
// since then, another run may have changed what the conditions test. It is to
// wait where one will: the same action was started on the row before.
func (r *responding) refresh(ctx context.Context) (wait bool, err error) {
	row := r.run.Subject.Row
	if row == nil {
		return false, nil
	}
	err = r.Ledger.View(ctx, func(tx ledger.Tx) error {
		if wait, err = r.isSecond(tx); wait || err != nil {
			return err
		}
		pieces, err := tx.PiecesOf([]int64{r.run.Incident}, ledger.PieceRow)
		if err != nil {
			return err
		}
		for _, p := range pieces {
			if p.Key != row.Identity() {
				continue
			}
			now, err := decode[incident.Row](p)
			if err != nil {
				return err
			}
			cells := maps.Clone(row.Cells)
			maps.Copy(cells, now.Cells)
			r.run.Subject.Row = &incident.Row{Table: row.Table, Cells: cells}
		}
		return nil
	})
	return wait, err
}

// isSecond reports whether an earlier run of the action on the same row is
// under way. One that was given up is none.
func (r *responding) isSecond(tx ledger.Tx) (bool, error) {
	runs, err := tx.RunsOf(r.run.Incident)
	if err != nil {
		return false, err
	}
	var earlier []int64
	for _, other := range runs {
		if other.ID < r.run.ID && other.Status == ledger.RunWaiting && other.Action == r.run.Action &&
			other.Subject.Identity() == r.run.Subject.Identity() {
			earlier = append(earlier, other.ID)
		}
	}
	tasks, err := tx.TasksOf(ledger.TaskRespond, earlier)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(earlier, func(id int64) bool { return !tasks[id].Parked }), nil
}

// sendCall sends the pending call and records the answer.
func (r responding) sendCall(ctx context.Context, sepm atSEPM) change {
	call, again := r.run.Pending.Call, r.run.Pending.Tries > 1
	if again && !enrich.Repeatable(call.Operation) && !r.confirmed {
		return r.leaveToPerson()
	}
	body, left, err := enrich.Send(ctx, sepm.entry.Urgent, call, again)
	now := r.Clock.Now()
	if left != nil {
		done := call
		done.Target.Computers = without(done.Target.Computers, left.Target.Computers)
		done.Target.Groups = without(done.Target.Groups, left.Target.Groups)
		r.answered(incident.Answer{Call: done, Body: body, At: now})
		r.run.Pending.Call, call = *left, *left
	}
	switch v := judge(err); {
	case v == done:
		sepm.gate.passed(now)
		return r.settled(incident.Answer{Call: call, Body: body, At: now})
	case v == refused, errors.Is(err, remote.ErrConflict):
		// It is the plan's to say what SEPM's refusal means.
		sepm.gate.passed(now)
		answer := incident.Answer{Call: call, Error: err.Error(), At: now}
		var refusal *remote.Error
		if errors.As(err, &refusal) {
			answer.Status = refusal.Status
		}
		return r.settled(answer)
	case v == doubtful:
		o := sepm.failed(r.task, err)
		if surely := r.sendableAt(); o.Again.Before(surely) {
			o.Again = surely
		}
		return change{outcome: o, runs: []ledger.Run{r.run}}
	case v == later:
		return r.unsent(sepm.failed(r.task, err))
	default:
		return r.unsent(sepm.unavailable(r.task, err, v))
	}
}

// answered adds an answer, and settled the one that ends the pending call.
func (r *responding) answered(a incident.Answer) {
	r.run.Answers = append(slices.Clip(r.run.Answers), a)
}

func (r responding) settled(a incident.Answer) change {
	if a.Error == "" {
		r.Logger.Info("SEPM was told to change something", "operation", a.Call.Operation, "action", r.run.Action, "incident", r.run.Incident,
			"computers", len(a.Call.Target.Computers), "groups", len(a.Call.Target.Groups), "object", a.Call.Target.Object, "by", r.run.By)
	}
	r.answered(a)
	r.run.Pending = nil
	return r.goOn()
}

// goOn saves the run, and the stage takes it up again at once.
func (r responding) goOn() change {
	return change{outcome: ledger.Outcome{Task: r.task, Again: r.Clock.Now(), Progress: true}, runs: []ledger.Run{r.run}}
}

// unsent is the outcome where the pending call was surely not sent this time.
func (r responding) unsent(o ledger.Outcome) change {
	if !r.send {
		return change{outcome: o}
	}
	pending := *r.run.Pending
	pending.Tries--
	pending.Confirmed = r.confirmed
	r.run.Pending = &pending
	return change{outcome: o, runs: []ledger.Run{r.run}}
}

// leaveToPerson parks a run whose call may have been made and must not be made
// twice. Who retries the task has looked, and wants it sent.
func (r responding) leaveToPerson() change {
	pending := *r.run.Pending
	pending.Tries--
	pending.Confirmed = true
	r.run.Pending = &pending
	return change{
		outcome: ledger.Outcome{Task: r.task, Park: true, Failed: true, Error: fmt.Sprintf(
			"whether %s was sent is not known, and it is not repeated by itself: look in SEPM's console, under Monitors, Command Status; "+
				"\"sepwatch task retry %d\" sends it again", pending.Call.Operation, r.task.ID)},
		runs: []ledger.Run{r.run},
	}
}

// without are the ids that are not among others, in their order.
func without(ids, others []string) []string {
	left := make(map[string]bool, len(others))
	for _, id := range others {
		left[id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return left[id] })
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
	if err := c.addEffects(r.run.Incident, r.run.ID, signed(effects, r.run.By)); err != nil {
		return change{outcome: ledger.Outcome{Task: r.task, Park: true, Failed: true, Error: err.Error()}}
	}
	r.Observer.RunEnded(r.run.Action, status)
	return c
}

// signed are effects whose notes say who started the action, if a person did.
func signed(effects []incident.Effect, by string) []incident.Effect {
	if by == "" {
		return effects
	}
	effects = slices.Clone(effects)
	for i, e := range effects {
		if e.Note != nil {
			effects[i].Note = &incident.Note{Key: e.Note.Key, Text: e.Note.Text + "<br>Started by " + incident.EscapeHTML(by) + "."}
		}
	}
	return effects
}

func keys(tasks []ledger.Task) []int64 {
	ids := make([]int64, len(tasks))
	for i, t := range tasks {
		ids[i] = t.Key
	}
	return ids
}
