package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/resilient"
)

// look asks whether the incident is still open, since events have joined it.
// Where people have closed or deleted it, these open one of their own: an
// alert must not vanish in an incident that nobody looks at any more.
func (d *delivery) look(ctx context.Context) change {
	ref, err := d.remote.Incident(ctx, d.incident.RemoteID)
	if err != nil && !errors.Is(err, resilient.ErrNotFound) {
		return change{outcome: d.again(fmt.Errorf("see whether incident %d is open: %w", d.incident.RemoteID, err))}
	}
	d.gate.passed(d.Clock.Now())
	c := d.advanced()
	if len(d.pending) == 0 {
		c = d.end()
	}
	if err == nil && ref.Open {
		d.incident.Told = d.incident.Seen
		c.remotes = append(c.remotes, d.record())
		return c
	}
	d.Logger.Info("an incident with new alerts was closed in Resilient: they open another one",
		"incident", d.incident.ID, "remote", d.incident.RemoteID, "alerts", d.incident.Seen-d.incident.Told)
	c.succeeded = []int64{d.incident.ID}
	return c
}

// missing reports whether a piece was not taken because its whole incident was
// deleted in Resilient.
func (d *delivery) missing(ctx context.Context, err error) (bool, error) {
	if d.stands || !errors.Is(err, resilient.ErrNotFound) || rowGone(err) {
		return false, nil
	}
	_, err = d.remote.Incident(ctx, d.incident.RemoteID)
	if errors.Is(err, resilient.ErrNotFound) {
		return true, nil
	}
	d.stands = err == nil
	return false, err
}

// bury ends the delivery of an incident that was deleted in Resilient: what is
// left of it is parked, to be seen, and its story is told anew from the next
// alert on. While a create may still open a second incident that is waited
// for: it would be taken for the one that tells the story anew.
func (d *delivery) bury(c *change, rest []ledger.Piece) ledger.Outcome {
	if len(d.verifies) > 0 {
		return d.wait(d.verifyAt()).outcome
	}
	reason := fmt.Sprintf("incident %d was deleted in Resilient", d.incident.RemoteID)
	d.Logger.Warn("the rest of an incident is parked: it was deleted in Resilient",
		"incident", d.incident.ID, "remote", d.incident.RemoteID, "pieces", len(rest))
	for _, p := range rest {
		c.pieces = append(c.pieces, ledger.PieceResult{
			ID: p.ID, Delivered: p.Delivered, RemoteID: p.RemoteID, Parked: true, Error: reason,
		})
	}
	c.succeeded = []int64{d.incident.ID}
	return ledger.Outcome{Task: d.task, Done: true}
}
