package pipeline

import (
	"context"
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// maxSend is how many pieces one step sends.
const maxSend = 50

// planSend plans the sending of pending pieces one by one, with an intent
// for each but row updates, which may be repeated.
func (d *delivery) planSend() {
	pieces := d.pending[:min(len(d.pending), maxSend)]
	intent := make(map[int64]int) // piece → index in fresh
	for _, p := range pieces {
		if p.RemoteID == 0 {
			intent[p.ID] = len(d.fresh)
			d.fresh = append(d.fresh, ledger.Intent{Incident: d.incident.ID, Piece: p.ID, Operation: opPiece})
		}
	}
	d.do = func(ctx context.Context) change {
		settle := func(c *change, p ledger.Piece, outcome string) {
			if i, ok := intent[p.ID]; ok {
				c.settled = append(c.settled, settlement{d.fresh[i].ID, outcome})
			}
		}
		return d.send(ctx, pieces, settle)
	}
}

// send sends pieces in their order. A piece that Resilient refuses is parked
// with the reason and the rest goes on; at any other error the rest waits.
func (d *delivery) send(ctx context.Context, pieces []ledger.Piece, settle func(*change, ledger.Piece, string)) change {
	var c change
	halfway := d.Clock.Now().Add(deliverLease / 2)
	for i, p := range pieces {
		if d.Clock.Now().After(halfway) {
			return d.stop(c, pieces[i:], settle, d.next().outcome)
		}
		id, err := d.sendPiece(ctx, p)
		switch judge(err) {
		case done:
			d.gate.passed()
			c.pieces = append(c.pieces, ledger.PieceResult{ID: p.ID, Delivered: p.Version, RemoteID: id})
			settle(&c, p, "delivered")
		case refused:
			d.gate.passed()
			d.Logger.Error("Resilient refuses a piece of an incident", "incident", d.incident.ID,
				"remote", d.incident.RemoteID, "kind", p.Kind, "piece", p.ID, "error", err)
			c.pieces = append(c.pieces, ledger.PieceResult{
				ID: p.ID, Delivered: p.Delivered, RemoteID: p.RemoteID, Parked: true, Error: err.Error(),
			})
			settle(&c, p, "refused: "+err.Error())
		case doubtful:
			// Its intent stays open; the next step looks for it.
			return d.stop(c, pieces[i+1:], settle, d.failed(d.task, err))
		default:
			return d.stop(c, pieces[i:], settle, d.again(err))
		}
	}
	if len(pieces) == len(d.pending) && len(d.verifies) == 0 {
		c.outcome = ledger.Outcome{Task: d.task, Done: true}
	} else {
		c.outcome = d.advanced().outcome
	}
	return c
}

// stop ends a step early: the rest was not sent.
func (d *delivery) stop(c change, rest []ledger.Piece, settle func(*change, ledger.Piece, string), o ledger.Outcome) change {
	for _, p := range rest {
		settle(&c, p, "not sent")
	}
	c.outcome = o
	c.outcome.Progress = len(c.pieces) > 0
	return c
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
	}
	return 0, fmt.Errorf("piece %d: no way to deliver a piece of kind %q", p.ID, p.Kind)
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
		id, found, err := lister.find(ctx, p)
		if err != nil {
			return change{outcome: d.again(err)}
		}
		outcome := "not found"
		if found {
			outcome = fmt.Sprintf("found %d", id)
			lister.taken[taken{p.Kind, id}] = true
			// Which version was sent is not known: a changed one goes again.
			c.pieces = append(c.pieces, ledger.PieceResult{ID: p.ID, Delivered: max(1, p.Version-1), RemoteID: id})
		}
		c.settled = append(c.settled, settlement{intent.ID, outcome})
	}
	d.gate.passed()
	c.outcome.Progress = len(c.pieces) > 0
	return c
}
