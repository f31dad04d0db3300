package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// poll is how often a stage looks for due tasks without being woken: tasks
// become due by time, and a wake-up from another node can be lost.
const poll = time.Second

// commitTimeout bounds one commit, so that a ledger that hangs is told from
// one that is slow.
const commitTimeout = 30 * time.Second

// recordTimeout is how long a stop waits for the ledger to record what the
// last requests did.
const recordTimeout = time.Second

// stage works off the due tasks of one kind. One goroutine owns the ledger
// side: in one commit it records the results that have come in and claims the
// next tasks with their intents; jobs call out concurrently in between. So
// the busier a stage is, the more work shares a commit.
type stage struct {
	*Pipeline
	kind ledger.TaskKind
	// limit is how many jobs run at once, batch how many a commit claims, and
	// of how many it records the results.
	limit, batch int
	// lease must outlast any job.
	lease func(*Settings) time.Duration
	// system names what the jobs ask, and client is what they ask it by: where
	// a reload has put another one in its place, its gate is open.
	system string
	client func(*Settings) any
	// ready prepares what jobs need outside the transaction. An error keeps
	// the stage from claiming.
	ready func(ctx context.Context, s *step) error
	// shut, where jobs have gates of their own, reports whether none of those
	// is open.
	shut func(s *step) bool
	// spare, where there is a budget, is how many jobs may begin now.
	spare func(*Settings) int
	// prepare turns claimed tasks into jobs, one for one. It runs inside the
	// claim's transaction.
	prepare func(s *step, tx ledger.Tx, tasks []ledger.Task) ([]job, error)

	pulse pulse
	// gate is that of asked, the client of the last turn; nil before the
	// first.
	gate  atomic.Pointer[gate]
	asked any
}

// step is what the jobs of one claim share.
type step struct {
	*Pipeline
	settings *Settings
	// gate is that of the settings' client, or of the one that a job asks.
	gate *gate
}

// job is a task's work outside the ledger; do says what it changed.
type job struct {
	task ledger.Task
	do   func(ctx context.Context) change
}

// run works until ctx ends and the jobs under way have ended too. They may go
// on for the grace time, and are then cut off; what they did is recorded all
// the same.
func (s *stage) run(ctx context.Context) {
	saving, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	working, cut := context.WithCancel(saving)
	defer cut()
	stopping := context.AfterFunc(ctx, func() {
		for _, end := range []struct {
			after time.Duration
			do    func()
		}{{s.Grace, cut}, {recordTimeout, giveUp}} {
			select {
			case <-saving.Done():
				return
			case <-s.Clock.After(end.after):
				end.do()
			}
		}
	})
	defer stopping()

	var (
		results  = make(chan change, s.limit)
		finished []change
		running  int
		failures int
	)
	for running > 0 || len(finished) > 0 || ctx.Err() == nil {
		s.pulse.turned(s.Clock.Now(), stuckAfter)
		jobs, more, err := s.turn(ctx, saving, finished, s.limit-running)
		if err != nil {
			failures++
			s.Logger.Error("ledger commit failed; trying again", "stage", s.kind, "failures", failures, "error", err)
			if saving.Err() != nil || ctx.Err() != nil && running == 0 {
				for range running {
					<-results // they were cut off before
				}
				return // the leases run out, and the intents are looked up
			}
			if failures >= salvageAfter {
				finished = s.salvage(saving, finished)
			}
			finished, running = s.rest(ctx, saving, results, finished, running)
			continue
		}
		finished, failures = nil, 0
		for _, do := range jobs {
			running++
			go func() { results <- do(working) }()
		}
		if more {
			// Look again at once, taking what has come in meanwhile along.
			finished, running = s.drain(results, finished, running)
			if running < s.limit {
				continue
			}
		}
		finished, running = s.wait(ctx, results, finished, running)
	}
}

// turn records what has finished and claims up to free tasks, all with the
// same settings, which each job holds to its end. There may be more that is
// due.
func (s *stage) turn(ctx, saving context.Context, finished []change, free int) (do []func(context.Context) change, more bool, err error) {
	current := s.step()
	defer current.settings.release()
	claim := 0
	if ctx.Err() == nil && s.open(ctx, current) {
		claim = min(free, s.batch)
		if s.spare != nil {
			claim = min(claim, s.spare(current.settings))
		}
	}
	jobs, err := s.commit(saving, current, finished, claim)
	if err != nil {
		return nil, false, err
	}
	for _, j := range jobs {
		current.settings.hold()
		do = append(do, func(ctx context.Context) change {
			defer current.settings.release()
			return j.guarded(ctx)
		})
	}
	return do, claim > 0 && len(jobs) == claim, nil
}

// step takes the current settings, to be released by the caller.
func (s *stage) step() *step {
	settings := s.take()
	if client := s.client(settings); s.gate.Load() == nil || client != s.asked {
		s.asked = client
		s.gate.Store(&gate{system: s.system, logger: s.Logger})
	}
	return &step{s.Pipeline, settings, s.gate.Load()}
}

// rest waits a while after a commit failed, and takes what comes in meanwhile.
func (s *stage) rest(ctx, saving context.Context, results chan change, finished []change, running int) ([]change, int) {
	stopped := ctx.Done()
	if ctx.Err() != nil {
		stopped = nil
	}
	select {
	case <-s.Clock.After(poll):
	case <-stopped:
	case <-saving.Done():
	}
	return s.drain(results, finished, running)
}

// wait blocks until there is something to commit or to claim.
func (s *stage) wait(ctx context.Context, results chan change, finished []change, running int) ([]change, int) {
	if len(finished) > 0 {
		return s.drain(results, finished, running)
	}
	var due <-chan struct{}
	stopped := ctx.Done()
	if ctx.Err() != nil {
		if running == 0 {
			return nil, 0
		}
		stopped = nil // only results are awaited now
	} else if running < s.limit {
		due = s.Ledger.Due(s.kind)
	}
	// The loop turns also while it has no use for new tasks, to be seen alive.
	tick := s.Clock.After(s.gate.Load().pause(s.Clock.Now(), poll))
	select {
	case r := <-results:
		return s.drain(results, append(finished, r), running-1)
	case <-due:
	case <-tick:
	case <-stopped:
	}
	return s.drain(results, finished, running)
}

// drain takes the results that are there already, as many as share a commit.
func (s *stage) drain(results chan change, finished []change, running int) ([]change, int) {
	for running > 0 && len(finished) < s.batch {
		select {
		case r := <-results:
			finished, running = append(finished, r), running-1
		default:
			return finished, running
		}
	}
	return finished, running
}

// open reports whether the stage may claim: its remote system is not paused
// and is connected.
func (s *stage) open(ctx context.Context, current *step) bool {
	if current.gate.closed(s.Clock.Now()) || s.shut != nil && s.shut(current) {
		return false
	}
	if s.ready == nil {
		return true
	}
	// It may ask the remote system, which takes as long as a job.
	s.pulse.turned(s.Clock.Now(), s.lease(current.settings))
	err := s.ready(ctx, current)
	s.pulse.turned(s.Clock.Now(), stuckAfter)
	switch {
	case err == nil && current.gate.unready:
		current.gate.passed(s.Clock.Now()) // there may be no work that would find it out
		current.gate.unready = false
	case err != nil && ctx.Err() == nil:
		current.gate.failed(err, judge(err), s.Clock.Now())
		current.gate.unready = true
	}
	return err == nil
}

func (s *stage) commit(ctx context.Context, current *step, finished []change, claim int) (jobs []job, err error) {
	if len(finished) == 0 && claim == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	var written saved
	err = s.Ledger.Update(ctx, func(tx ledger.Tx) (err error) {
		jobs = nil
		if written, err = save(tx, finished); err != nil {
			return err
		}
		if claim == 0 {
			return nil
		}
		tasks, err := tx.Claim(s.kind, claim, s.Node, s.lease(current.settings))
		if err != nil || len(tasks) == 0 {
			return err
		}
		jobs, err = s.prepare(current, tx, tasks)
		if err == nil && len(jobs) != len(tasks) {
			err = fmt.Errorf("%s: %d jobs for %d tasks", s.kind, len(jobs), len(tasks))
		}
		return err
	})
	if err == nil {
		s.tell(written)
	}
	return jobs, err
}

// retryAt is when a task that failed is tried again: 1 s doubled with each
// attempt up to 5 min, with jitter so that many do not come back together.
func (p *Pipeline) retryAt(t ledger.Task) time.Time {
	return p.Clock.Now().Add(backoff(time.Second, 5*time.Minute, t.Attempts))
}

// maxAttempts is how often a task may fail before it is parked for a person:
// with the back-off, five to six hours.
const maxAttempts = 100

// failed is the outcome of work that did not get through and may the next
// time. Where the remote system answers nobody it is no fault of the task, so
// only one that fails while others pass is parked in the end.
func (s *step) failed(t ledger.Task, err error) ledger.Outcome {
	now := s.Clock.Now()
	s.gate.stumbled(err, now)
	return ledger.Outcome{
		Task: t, Again: s.retryAt(t), Failed: true, Error: err.Error(),
		Park: t.Attempts+1 >= maxAttempts && s.gate.answering(now),
	}
}

// unavailable closes the gate: the system failed, not this task, so no
// attempt is counted, and the task goes on when the gate opens.
func (s *step) unavailable(t ledger.Task, err error, v verdict) ledger.Outcome {
	s.gate.failed(err, v, s.Clock.Now())
	return ledger.Outcome{Task: t, Again: s.Clock.Now(), Error: err.Error()}
}
