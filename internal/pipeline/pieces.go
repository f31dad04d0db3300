package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/remote"
	"github.com/sepwatch/sepwatch/resilient"
)

// maxSend is how many pieces one step sends.
const maxSend = 50

// planSend plans the sending of pending pieces one by one, with an intent
// for each. An update of a row may be repeated, but not before the one whose
// answer was lost can no longer come: it would undo a later one.
func (d *delivery) planSend() {
	pieces := d.pending[:min(len(d.pending), maxSend)]
	for _, p := range pieces {
		d.fresh = append(d.fresh, ledger.Intent{
			Incident: d.incident.ID, Piece: p.ID, Operation: opPiece, Detail: intentDetail{Version: p.Version}.encode(),
		})
	}
	d.do = func(ctx context.Context) change { return d.send(ctx, pieces, d.fresh) }
}

// send sends pieces in their order. A piece that Resilient refuses is parked
// with the reason and the rest goes on; so it does where a person has to mend
// something first, and then the piece is tried again. At any other error the
// rest waits. Intents are those of the pieces, one for one.
func (d *delivery) send(ctx context.Context, pieces []ledger.Piece, intents []ledger.Intent) change {
	var c change
	settle := func(n int, outcome string) {
		c.settled = append(c.settled, settlement{intents[n].ID, outcome})
	}
	stop := func(from int, o ledger.Outcome) change {
		for n := from; n < len(pieces); n++ {
			settle(n, "not sent")
		}
		c.outcome = o
		if len(c.pieces) > 0 {
			c.outcome.Progress, c.outcome.Park = true, false
		}
		return c
	}
	var held error
	for n, p := range pieces {
		switch {
		case !d.late(intents[n]):
		case n == 0:
			return stop(n, d.tooLate().outcome)
		default:
			return stop(n, d.next().outcome)
		}
		id, err := d.sendPiece(ctx, p)
		missing, problem := d.missing(ctx, err)
		switch {
		case problem != nil:
			return stop(n, d.again(problem))
		case missing:
			d.gate.passed(d.Clock.Now())
			return stop(n, d.bury(&c, d.pending[n:]))
		case rowGone(err):
			// Somebody has deleted the row, and it stays so.
			d.Logger.Info("a row that was deleted in Resilient is not updated", "incident", d.incident.ID,
				"remote", d.incident.RemoteID, "piece", p.ID)
			id, err = p.RemoteID, nil
		}
		if mendable(err) {
			d.gate.passed(d.Clock.Now()) // it answers, and takes other things
			held = err
			settle(n, "held: "+err.Error())
			continue
		}
		switch judge(err) {
		case done:
			d.gate.passed(d.Clock.Now())
			c.pieces = append(c.pieces, ledger.PieceResult{ID: p.ID, Delivered: p.Version, RemoteID: id})
			settle(n, "delivered")
			d.Observer.PieceDelivered(p.Kind)
		case refused:
			d.gate.passed(d.Clock.Now())
			d.Logger.Error("a piece of an incident is refused and parked", "incident", d.incident.ID,
				"remote", d.incident.RemoteID, "kind", p.Kind, "piece", p.ID, "error", err)
			c.pieces = append(c.pieces, ledger.PieceResult{
				ID: p.ID, Delivered: p.Delivered, RemoteID: p.RemoteID, Parked: true, Error: err.Error(),
			})
			settle(n, "refused: "+err.Error())
		case doubtful:
			// Its intent stays open; a later step looks for it.
			return stop(n+1, d.failed(d.task, err))
		default:
			return stop(n, d.again(err))
		}
	}
	switch {
	case held != nil:
		d.Logger.Error("pieces of an incident wait until Resilient takes them", "incident", d.incident.ID,
			"remote", d.incident.RemoteID, "error", held)
		return stop(len(pieces), d.failed(d.task, held))
	case len(pieces) == len(d.pending) && len(d.verifies) == 0:
		c.outcome = ledger.Outcome{Task: d.task, Done: true}
	default:
		c.outcome = d.advanced().outcome
	}
	return c
}

// mendable reports whether a person can make Resilient take the piece: by a
// permission of the key, or by installing its table.
func mendable(err error) bool {
	var answer *remote.Error
	if !errors.As(err, &answer) {
		return false
	}
	return answer.Status == http.StatusForbidden || answer.Status == http.StatusNotFound
}

// rowGone reports whether a row is not there to be updated, while its incident
// and its table are.
func rowGone(err error) bool {
	var answer *remote.Error
	return errors.As(err, &answer) && answer.Class == remote.NotFound
}

// sendPiece makes the request for one piece and returns Resilient's id of it.
func (d *delivery) sendPiece(ctx context.Context, p ledger.Piece) (int64, error) {
	remote := d.incident.RemoteID
	switch p.Kind {
	case ledger.PieceArtifact:
		a, err := decode[incident.Artifact](p)
		if err != nil {
			return 0, err
		}
		if p.Delivered != 0 {
			// Only its description is new. Resilient keeps one artifact for a
			// type and value, and what a second one does is not known (§3.2);
			// where somebody has deleted it, it would be put back.
			return p.RemoteID, nil
		}
		ids, err := d.remote.AddArtifact(ctx, remote, a)
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		return ids[0], nil
	case ledger.PieceNote:
		n, err := decode[incident.Note](p)
		if err != nil {
			return 0, err
		}
		return d.remote.AddNote(ctx, remote, n)
	case ledger.PieceRow:
		r, err := decode[incident.Row](p)
		if err != nil {
			return 0, err
		}
		if p.RemoteID != 0 {
			return p.RemoteID, d.remote.UpdateRow(ctx, remote, p.RemoteID, r)
		}
		return d.remote.AddRow(ctx, remote, r)
	case ledger.PieceAttachment:
		f, err := d.file(ctx, p)
		if err != nil {
			return 0, err
		}
		return d.remote.AddAttachment(ctx, remote, f)
	}
	return 0, localError{fmt.Errorf("piece %d: no way to deliver a piece of kind %q", p.ID, p.Kind)}
}

// settle looks in Resilient for pieces whose answer was lost. What stands
// there is delivered; what does not is sent by the next step.
func (d *delivery) settle(ctx context.Context) change {
	c := d.next()
	lister := lister{delivery: d, taken: make(map[taken]bool)}
	for _, p := range d.all {
		if p.RemoteID != 0 {
			lister.taken[taken{p.Kind, p.RemoteID}] = true
		}
	}
	for _, p := range d.all {
		intent, ok := d.doubts[p.ID]
		if !ok {
			continue
		}
		if p.Kind == ledger.PieceRow && p.RemoteID != 0 {
			// An update may be repeated, now that the one in doubt can no longer
			// land after it and undo what a later version says.
			c.settled = append(c.settled, settlement{intent.ID, "answer lost"})
			continue
		}
		sent, err := detailOf(intent)
		if err != nil {
			return d.park(err)
		}
		id, found, err := lister.find(ctx, p)
		if isLocal(err) {
			id, found, err = 0, false, nil // sending it will say what is wrong
		}
		missing, problem := d.missing(ctx, err)
		switch {
		case problem != nil:
			return change{outcome: d.again(problem)}
		case missing:
			return d.settleMissing()
		case errors.Is(err, resilient.ErrNotFound):
			found = false // its table is not there, as sending it will say
		case err != nil:
			return change{outcome: d.again(err)}
		}
		outcome := "not found"
		if found {
			outcome = fmt.Sprintf("found %d", id)
			lister.taken[taken{p.Kind, id}] = true
			result := ledger.PieceResult{ID: p.ID, Delivered: p.Version, RemoteID: id}
			switch {
			case p.Kind == ledger.PieceRow:
				// Its key cells are ours; the others may be somebody else's,
				// or those of an earlier version. An update sees to it.
				result.Delivered = 0
			case p.Kind == ledger.PieceAttachment && sent.Version != 0:
				// Its name and size do not tell one version from the next.
				result.Delivered = sent.Version
				d.Observer.PieceDelivered(p.Kind)
			default:
				d.Observer.PieceDelivered(p.Kind)
			}
			c.pieces = append(c.pieces, result)
		}
		c.settled = append(c.settled, settlement{intent.ID, outcome})
	}
	d.gate.passed(d.Clock.Now())
	c.outcome.Progress = len(c.pieces) > 0
	return c
}

// settleMissing ends all doubts, since the incident was deleted with whatever
// was on it.
func (d *delivery) settleMissing() change {
	d.gate.passed(d.Clock.Now())
	var c change
	c.outcome = d.bury(&c, d.pending)
	for _, i := range d.doubts {
		c.settled = append(c.settled, settlement{i.ID, "its incident was deleted"})
	}
	return c
}
