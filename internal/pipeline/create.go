package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
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
	d.Logger.Info("incident opened", "incident", d.incident.ID, "remote", ref.ID, "name", d.incident.Name)
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

// adopt takes the oldest open one of the incidents that have the key as ours
// (or the oldest, where people have closed them all) and closes the others.
func (d *delivery) adopt(ctx context.Context, refs []resilient.Ref) change {
	ours := refs[max(0, slices.IndexFunc(refs, func(r resilient.Ref) bool { return r.Open }))]
	notes, err := d.closeOthers(ctx, refs, ours)
	if err != nil {
		return change{outcome: d.again(err)}
	}
	before := d.incident.RemoteID
	d.incident.RemoteID = ours.ID
	if d.incident.Delivered.IsZero() {
		d.incident.Delivered = d.Clock.Now()
	}
	c := d.advanced()
	c.remotes = append(c.remotes, d.record())
	c.put = notes
	checks := d.settleChecks(&c, fmt.Sprintf("%d found", len(refs)))
	for _, i := range d.creates {
		c.settled = append(c.settled, settlement{i.ID, fmt.Sprintf("found %d", ours.ID)})
	}
	if ours.ID != before {
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

// closeOthers closes the open incidents that are not ours. One that Resilient
// refuses to close is left to a person, with a note on ours.
func (d *delivery) closeOthers(ctx context.Context, refs []resilient.Ref, ours resilient.Ref) (notes []ledger.Piece, err error) {
	for _, other := range refs {
		if !other.Open || other.ID == ours.ID {
			continue
		}
		about := []any{"incident", d.incident.ID, "remote", other.ID, "duplicate_of", ours.ID}
		err := d.remote.CloseDuplicate(ctx, other.ID, ours.ID)
		if err == nil {
			d.Logger.Warn("second incident of a create with a lost answer closed", about...)
			continue
		}
		if judge(err) != refused {
			return nil, fmt.Errorf("close incident %d as a duplicate of %d: %w", other.ID, ours.ID, err)
		}
		d.Logger.Error("second incident of a create with a lost answer stays open", append(about, "error", err)...)
		key := fmt.Sprintf("duplicate %d", other.ID)
		note, err := piece(d.incident.ID, ledger.PieceNote, key, incident.Note{
			Key: key,
			Text: fmt.Sprintf("Incident %d is a duplicate of this one, made when an answer of Resilient was lost. "+
				"It could not be closed: %s", other.ID, incident.EscapeHTML(err.Error())),
		})
		if err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	return notes, nil
}

// settleChecks closes the verifications that are due and returns how many
// looks there have been.
func (d *delivery) settleChecks(c *change, outcome string) int {
	checks := 0
	for _, i := range d.verifies {
		c.settled = append(c.settled, settlement{i.ID, outcome})
		if detail, err := detailOf(i); err == nil {
			checks = max(checks, detail.Checks+1)
		}
	}
	return checks
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
	switch v := judge(err); v {
	case done:
		d.gate.passed()
	case unavailable, refusedLogin:
		return change{outcome: d.unavailable(err, v)}
	default:
		// The pieces do not wait for it: look again a little later.
		c := change{outcome: d.failed(d.task, err)}
		c.outcome.Again = d.Clock.Now()
		c.intents = append(c.intents, d.verification(d.settleChecks(&c, "failed: "+err.Error())))
		return c
	}
	if !slices.ContainsFunc(refs, func(r resilient.Ref) bool { return r.ID == d.incident.RemoteID }) {
		// Somebody edited its key or description; it is ours all the same.
		refs = append(refs, resilient.Ref{ID: d.incident.RemoteID, Open: true})
		slices.SortFunc(refs, byCreation)
	}
	return d.adopt(ctx, refs)
}
