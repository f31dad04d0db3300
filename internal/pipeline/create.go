package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/resilient"
)

// maxChecks is how often a second incident is looked for after a create was
// in doubt: at once, and then one, two, four … time-outs later.
const maxChecks = 4

// clockSlack is how far the estimate of Resilient's clock may be off.
const clockSlack = 10 * time.Minute

// planCreate plans the create of the incident with its artifacts and notes
// inline.
func (d *delivery) planCreate() {
	pieces, artifacts, notes, err := d.inline()
	if err != nil {
		d.do = func(context.Context) change { return d.park(err) }
		return
	}
	detail := intentDetail{ByField: d.byField}
	detail.Server, _ = d.remote.ServerNow()
	for _, p := range pieces {
		detail.Inline = append(detail.Inline, p.ID)
	}
	d.fresh = []ledger.Intent{{Incident: d.incident.ID, Operation: opCreate, Detail: detail.encode()}}
	d.incident.Posts++
	d.do = func(ctx context.Context) change {
		ref, err := d.remote.CreateIncident(ctx, resilient.NewIncident{
			Incident: d.incident.Incident, Artifacts: artifacts, Notes: notes, ByField: d.byField,
		})
		return d.created(ref, err, pieces)
	}
}

func (d *delivery) created(ref resilient.Ref, err error, inline []ledger.Piece) change {
	intent := d.fresh[0].ID
	if judge(err) == doubtful {
		// The intent stays open: the next step looks for the incident.
		return change{outcome: d.failed(d.task, err)}
	}
	if err != nil {
		c := d.notCreated(err, inline)
		d.incident.Posts--
		c.remotes = append(c.remotes, d.record())
		c.settled = append(c.settled, settlement{intent, "not created: " + err.Error()})
		return c
	}
	d.gate.passed()
	d.incident.RemoteID, d.incident.Delivered = ref.ID, d.Clock.Now()
	c := d.advanced()
	c.remotes = append(c.remotes, d.record())
	c.settled = append(c.settled, settlement{intent, fmt.Sprintf("created %d", ref.ID)})
	for _, p := range inline {
		c.pieces = append(c.pieces, ledger.PieceResult{ID: p.ID, Delivered: p.Version})
	}
	if d.incident.Posts > 1 {
		c.intents = append(c.intents, d.verification(0)) // an earlier one may still land
	} else if len(inline) == len(d.pending) {
		c.outcome = ledger.Outcome{Task: d.task, Done: true}
	}
	return c
}

// notCreated is a create that Resilient answered with an error.
func (d *delivery) notCreated(err error, inline []ledger.Piece) change {
	var answer *resilient.Error
	if errors.As(err, &answer) && answer.Status == http.StatusForbidden {
		// The key may open no incident at all.
		return change{outcome: d.unavailable(err, refusedLogin)}
	}
	if judge(err) != refused {
		return change{outcome: d.again(err)}
	}
	d.gate.passed()
	if len(inline) == 0 {
		return d.park(err)
	}
	// One value that it refuses must not keep the incident from arriving:
	// create it bare, and send the pieces one by one.
	c := d.next()
	for _, p := range inline {
		c.pieces = append(c.pieces, ledger.PieceResult{ID: p.ID, Error: "refused with the incident: " + err.Error()})
	}
	return c
}

// find looks for an incident that a create whose answer was lost may have
// opened.
func (d *delivery) find(ctx context.Context) change {
	refs, err := d.lookup(ctx, d.creates)
	if err != nil {
		return change{outcome: d.again(err)}
	}
	d.gate.passed()
	if len(refs) == 0 {
		c := d.next()
		for _, i := range d.creates {
			c.settled = append(c.settled, settlement{i.ID, "not found"})
		}
		return c // Posts stays, so the next create is verified
	}
	return d.adopt(ctx, refs)
}

// lookup asks for incidents with the key in every way that the intents sent
// it.
func (d *delivery) lookup(ctx context.Context, intents []ledger.Intent) ([]resilient.Ref, error) {
	lookups := make(map[bool]resilient.Lookup)
	for _, i := range intents {
		detail, err := detailOf(i)
		if err != nil {
			return nil, err
		}
		since := detail.Server
		if since.IsZero() {
			since = i.At
		}
		since = since.Add(-clockSlack)
		l, ok := lookups[detail.ByField]
		if !ok || since.Before(l.Since) {
			l.Since = since
		}
		l.Key, l.ByField = d.incident.Key, detail.ByField
		lookups[detail.ByField] = l
	}
	var found []resilient.Ref
	for _, l := range lookups {
		refs, err := d.remote.FindIncidents(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("look for incident %d by its key: %w", d.incident.ID, err)
		}
		found = append(found, refs...)
	}
	slices.SortFunc(found, byCreation)
	return slices.CompactFunc(found, func(a, b resilient.Ref) bool { return a.ID == b.ID }), nil
}

// byCreation orders incidents by age: Resilient gives ids in that order.
func byCreation(a, b resilient.Ref) int { return cmp.Compare(a.ID, b.ID) }

// adopt takes the oldest of the incidents that have the key as ours and
// closes the newer ones.
func (d *delivery) adopt(ctx context.Context, refs []resilient.Ref) change {
	oldest := refs[0]
	for _, newer := range refs[1:] {
		if !newer.Open {
			continue
		}
		if err := d.remote.CloseDuplicate(ctx, newer.ID, oldest.ID); err != nil {
			return change{outcome: d.again(fmt.Errorf("close incident %d as a duplicate of %d: %w", newer.ID, oldest.ID, err))}
		}
		d.Logger.Warn("second incident of a create with a lost answer closed",
			"incident", d.incident.ID, "remote", newer.ID, "duplicate_of", oldest.ID)
	}
	before := d.incident.RemoteID
	d.incident.RemoteID = oldest.ID
	if d.incident.Delivered.IsZero() {
		d.incident.Delivered = d.Clock.Now()
	}
	c := d.advanced()
	c.remotes = append(c.remotes, d.record())
	checks := 0
	for _, i := range d.verifies {
		c.settled = append(c.settled, settlement{i.ID, fmt.Sprintf("%d found", len(refs))})
		if detail, err := detailOf(i); err == nil {
			checks = max(checks, detail.Checks+1)
		}
	}
	for _, i := range d.creates {
		c.settled = append(c.settled, settlement{i.ID, fmt.Sprintf("found %d", oldest.ID)})
	}
	if oldest.ID != before {
		// What stands on it is known only by looking.
		for _, p := range d.all {
			if p.Parked {
				continue
			}
			c.pieces = append(c.pieces, ledger.PieceResult{ID: p.ID})
			c.intents = append(c.intents, ledger.Intent{Incident: d.incident.ID, Piece: p.ID, Operation: opInline})
		}
	}
	if len(refs) < d.incident.Posts && checks < maxChecks {
		c.intents = append(c.intents, d.verification(checks))
	}
	return c
}

// verification is the intent to look once more.
func (d *delivery) verification(checks int) ledger.Intent {
	detail := intentDetail{ByField: d.byField, Checks: checks}
	detail.Server, _ = d.remote.ServerNow()
	return ledger.Intent{Incident: d.incident.ID, Operation: opVerify, Detail: detail.encode()}
}

// verifyAt is when the next look for a second incident is due.
func (d *delivery) verifyAt() time.Time {
	at := d.verifies[0].At
	detail, err := detailOf(d.verifies[0])
	if err != nil || detail.Checks == 0 {
		return at
	}
	return at.Add(d.remote.Timeout() << (detail.Checks - 1))
}

// verify looks whether an earlier create has opened a second incident.
func (d *delivery) verify(ctx context.Context) change {
	refs, err := d.lookup(ctx, d.verifies)
	if err != nil {
		return change{outcome: d.again(err)}
	}
	d.gate.passed()
	if !slices.ContainsFunc(refs, func(r resilient.Ref) bool { return r.ID == d.incident.RemoteID }) {
		// Somebody edited its key or description; it is ours all the same.
		refs = append(refs, resilient.Ref{ID: d.incident.RemoteID, Open: true})
		slices.SortFunc(refs, byCreation)
	}
	return d.adopt(ctx, refs)
}
