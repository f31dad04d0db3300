package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/resilient"
)

// deliverLease outlasts one step of a delivery, which takes about two
// time-outs (see [delivery.settled]), or a few where it has to look.
func deliverLease(r Resilient) time.Duration { return max(10*time.Minute, 6*r.Timeout()) }

// deliverStage brings Resilient to what the ledger says, incident by
// incident: one worker at a time for each, many incidents at once.
//
// A step of a delivery is planned inside the claim's transaction, which
// records an intent for each request that changes something, and is then
// carried out. An intent whose answer was lost stays open; the next step
// looks in Resilient what became of it before anything is sent again.
func (p *Pipeline) deliverStage() *stage {
	var platform resilient.Platform
	return &stage{
		Pipeline: p, kind: ledger.TaskDeliver, limit: 32, batch: 32, system: "Resilient",
		lease:  func(s *Settings) time.Duration { return deliverLease(s.Resilient) },
		client: func(s *Settings) any { return s.Resilient },
		// Each step is one request or more: what is beyond the budget is paid
		// back before the next step.
		spare: func(s *Settings) int { return s.Resilient.Spare() },
		ready: func(ctx context.Context, s *step) (err error) {
			platform, err = connect(ctx, s.settings.Resilient)
			return err
		},
		prepare: func(s *step, tx ledger.Tx, tasks []ledger.Task) ([]job, error) {
			deliveries, err := load(tx, tasks)
			if err != nil {
				return nil, err
			}
			var intents []ledger.Intent
			for _, d := range deliveries {
				d.step, d.remote, d.byField = s, s.settings.Resilient, platform.HasKeyField
				d.plan()
				intents = append(intents, d.fresh...)
			}
			intents, err = tx.AddIntents(intents)
			if err != nil {
				return nil, err
			}
			jobs := make([]job, len(tasks))
			for i, d := range deliveries {
				n := len(d.fresh)
				d.fresh, intents = intents[:n:n], intents[n:]
				jobs[i] = job{d.task, d.do}
			}
			return jobs, nil
		},
	}
}

// connect makes sure that incidents can be opened at all. What is wrong with
// the organization is no fault of any incident, so none is tried.
func connect(ctx context.Context, r Resilient) (resilient.Platform, error) {
	platform, err := r.Connect(ctx)
	if err != nil || len(platform.Unfit) == 0 {
		return platform, err
	}
	r.Forget() // so that the next try sees what was changed
	problems := make([]string, len(platform.Unfit))
	for i, u := range platform.Unfit {
		problems[i] = u.Problem + ": " + u.Remedy
	}
	return platform, errors.New(strings.Join(problems, "; "))
}

// delivery is one step for one incident.
type delivery struct {
	*step
	remote  Resilient
	byField bool

	task     ledger.Task
	incident ledger.Incident
	pending  []ledger.Piece
	// all are the incident's pieces, loaded where an intent is open: for
	// telling ours from others'.
	all []ledger.Piece
	// creates, lost, verifies and doubts (by piece) are the open intents.
	creates, lost, verifies []ledger.Intent
	doubts                  map[int64]ledger.Intent

	// continues are Resilient's ids of the closed incidents that told the
	// story before, the last one last: loaded where an incident is to be opened
	// or found.
	continues []int64

	// stands is whether the incident was seen in Resilient in this step.
	stands bool

	// do is the planned step; fresh are the intents recorded for it.
	do    func(ctx context.Context) change
	fresh []ledger.Intent
}

// load reads what the deliveries of the tasks need, in the tasks' order.
func load(tx ledger.Tx, tasks []ledger.Task) ([]*delivery, error) {
	ids := keys(tasks)
	incidents, err := tx.Incidents(ids)
	if err != nil {
		return nil, err
	}
	pieces, err := tx.PendingPieces(ids)
	if err != nil {
		return nil, err
	}
	intents, err := tx.OpenIntents(ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*delivery, len(tasks))
	deliveries := make([]*delivery, len(tasks))
	for i, t := range tasks {
		deliveries[i] = &delivery{task: t, doubts: make(map[int64]ledger.Intent)}
		byID[t.Key] = deliveries[i]
	}
	var unopened []int64
	for _, inc := range incidents {
		byID[inc.ID].incident = inc
		if inc.RemoteID == 0 {
			unopened = append(unopened, inc.ID)
		}
	}
	for _, piece := range pieces {
		d := byID[piece.Incident]
		d.pending = append(d.pending, piece)
	}
	var doubtful []int64
	for _, intent := range intents {
		d := byID[intent.Incident]
		if !d.doubtful() {
			doubtful = append(doubtful, intent.Incident)
		}
		switch intent.Operation {
		case opCreate:
			d.creates = append(d.creates, intent)
		case opLost:
			d.lost = append(d.lost, intent)
		case opVerify:
			d.verifies = append(d.verifies, intent)
		case opInline, opPiece:
			d.doubts[intent.Piece] = intent
		}
	}
	continued, err := tx.Predecessors(slices.Concat(unopened, doubtful))
	if err != nil {
		return nil, err
	}
	for id, remotes := range continued {
		byID[id].continues = remotes
	}
	if len(doubtful) == 0 {
		return deliveries, nil
	}
	all, err := tx.Pieces(doubtful)
	if err != nil {
		return nil, err
	}
	for _, piece := range all {
		d := byID[piece.Incident]
		d.all = append(d.all, piece)
	}
	return deliveries, nil
}

// doubtful reports whether any intent is open.
func (d *delivery) doubtful() bool {
	return len(d.creates)+len(d.lost)+len(d.verifies)+len(d.doubts) > 0
}

// plan chooses the step and the intents to record for it.
func (d *delivery) plan() {
	now := d.Clock.Now()
	switch {
	case d.incident.ID == 0:
		d.do = func(context.Context) change {
			return d.park(fmt.Errorf("incident %d: %w", d.task.Key, ledger.ErrNotFound))
		}
	case d.incident.RemoteID == 0 && len(d.creates) > 0:
		if at := d.settled(d.creates); now.Before(at) {
			d.do = func(context.Context) change { return d.wait(at) }
		} else {
			d.do = d.find
		}
	case d.incident.RemoteID == 0:
		d.planCreate()
	case len(d.verifies) > 0 && !now.Before(d.verifyAt()):
		d.do = d.verify
	case len(d.doubts) > 0:
		if at := d.doubtsAt(); now.Before(at) {
			d.do = func(context.Context) change { return d.wait(at) }
		} else {
			d.do = d.settle
		}
	case d.incident.Seen > d.incident.Told && len(d.verifies) == 0:
		d.do = d.look
	case len(d.pending) > 0:
		d.planSend()
	default:
		d.do = func(context.Context) change { return d.end() }
	}
}

// settled is when the last of the intents can no longer be under way: no
// request is begun later than half its time-out after its intent was recorded
// (see [delivery.late]), it is given up within another one, and the rest is for
// a server that is still at it then.
func (d *delivery) settled(intents []ledger.Intent) time.Time {
	var last time.Time
	for _, i := range intents {
		if at := i.At.Add(2 * d.remote.Timeout()); at.After(last) {
			last = at
		}
	}
	return last
}

// late reports whether it is too late to begin the request of an intent.
func (d *delivery) late(i ledger.Intent) bool {
	return d.Clock.Now().After(i.At.Add(d.remote.Timeout() / 2))
}

// tooLate comes back after a while, since so slow a ledger or machine has too
// much to do: all that comes back at once would be too late again.
func (d *delivery) tooLate() change {
	timeout := d.remote.Timeout()
	return d.wait(d.Clock.Now().Add(backoff(timeout, timeout, 0)))
}

// doubtsAt is when the doubtful pieces can be looked for. Those that were
// inline in a create stand there already, if at all.
func (d *delivery) doubtsAt() time.Time {
	var sent []ledger.Intent
	for _, i := range d.doubts {
		if i.Operation != opInline {
			sent = append(sent, i)
		}
	}
	return d.settled(sent)
}

// wait comes back at a later time; nothing failed.
func (d *delivery) wait(at time.Time) change {
	return change{outcome: ledger.Outcome{Task: d.task, Again: at}}
}

// next goes on with the incident at once.
func (d *delivery) next() change { return d.wait(d.Clock.Now()) }

// advanced goes on at once after something got through.
func (d *delivery) advanced() change {
	c := d.next()
	c.outcome.Progress = true
	return c
}

// end is when all was delivered: done, or, where a create was in doubt,
// waiting for the next look.
func (d *delivery) end() change {
	if len(d.verifies) > 0 {
		return d.wait(d.verifyAt())
	}
	return change{outcome: ledger.Outcome{Task: d.task, Done: true}}
}

// park gives the task up until a person retries it.
func (d *delivery) park(err error) change {
	d.Logger.Error("delivery parked", "incident", d.task.Key, "remote", d.incident.RemoteID, "error", err)
	return change{outcome: ledger.Outcome{Task: d.task, Park: true, Failed: true, Error: err.Error()}}
}

// again is the outcome after a request that did not get through, by what its
// error means for the system and for this task.
func (d *delivery) again(err error) ledger.Outcome {
	switch v := judge(err); v {
	case unavailable, refusedLogin:
		return d.unavailable(d.task, err, v)
	}
	return d.failed(d.task, err)
}

// record is the incident's part that a delivery changes.
func (d *delivery) record() ledger.Remote {
	return ledger.Remote{
		Incident: d.incident.ID, RemoteID: d.incident.RemoteID, Told: d.incident.Told, Delivered: d.incident.Delivered,
	}
}

// decode reads the body of a piece.
func decode[T any](p ledger.Piece) (body T, err error) {
	if err := json.Unmarshal(p.Body, &body); err != nil {
		return body, localError{fmt.Errorf("piece %d: read its %s: %w", p.ID, p.Kind, err)}
	}
	return body, nil
}

// inline are the pieces that can go into the create: artifacts and notes,
// unless Resilient has refused a create that carried them.
func (d *delivery) inline() (pieces []ledger.Piece, artifacts []incident.Artifact, notes []incident.Note) {
	for _, p := range d.pending {
		if p.Error != "" {
			return nil, nil, nil
		}
		switch p.Kind {
		case ledger.PieceArtifact:
			a, err := decode[incident.Artifact](p)
			if err != nil {
				continue // it is parked when its turn comes
			}
			artifacts = append(artifacts, a)
		case ledger.PieceNote:
			n, err := decode[incident.Note](p)
			if err != nil {
				continue
			}
			notes = append(notes, n)
		default:
			continue
		}
		pieces = append(pieces, p)
	}
	return pieces, artifacts, notes
}
