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
	"github.com/sepwatch/sepwatch/internal/remote"
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
	pieces, artifacts, notes := d.inline()
	detail := intentDetail{ByField: d.byField}
	detail.Server, _ = d.remote.ServerNow()
	d.fresh = []ledger.Intent{{Incident: d.incident.ID, Operation: opCreate, Detail: detail.encode()}}
	d.do = func(ctx context.Context) change {
		if d.late(d.fresh[0]) {
			c := d.tooLate()
			c.settled = append(c.settled, settlement{d.fresh[0].ID, "not sent"})
			return c
		}
		ref, err := d.remote.CreateIncident(ctx, resilient.NewIncident{
			Incident: d.text(), Artifacts: artifacts, Notes: notes, ByField: d.byField,
		})
		return d.created(ref, err, pieces)
	}
}

// text is the incident as it is sent.
func (d *delivery) text() incident.Incident {
	text := d.incident.Incident
	if n := len(d.continues); n > 0 {
		text.Description += fmt.Sprintf("<b>Continues:</b> incident %d, which was closed<br>", d.continues[n-1])
	}
	return text
}

func (d *delivery) created(ref resilient.Ref, err error, inline []ledger.Piece) change {
	intent := d.fresh[0].ID
	if judge(err) == doubtful {
		// The intent stays open: a later step looks for the incident.
		return change{outcome: d.failed(d.task, err)}
	}
	if err != nil {
		c := d.notCreated(err, inline)
		c.settled = append(c.settled, settlement{intent, "not created: " + err.Error()})
		return c
	}
	d.gate.passed(d.Clock.Now())
	d.incident.RemoteID, d.incident.Delivered, d.incident.Told = ref.ID, d.Clock.Now(), d.incident.Seen
	d.Observer.IncidentDelivered(d.incident.Delivered.Sub(d.incident.Created))
	d.Logger.Info("incident opened", "incident", d.incident.ID, "remote", ref.ID, "name", d.incident.Name)
	c := d.advanced()
	c.remotes = append(c.remotes, d.record())
	c.settled = append(c.settled, settlement{intent, fmt.Sprintf("created %d", ref.ID)})
	for _, p := range inline {
		c.pieces = append(c.pieces, ledger.PieceResult{ID: p.ID, Delivered: p.Version})
		d.Observer.PieceDelivered(p.Kind)
	}
	if len(d.lost) > 0 {
		c.intents = append(c.intents, d.verification(0, len(d.lost)+1)) // an earlier one may still land
	} else if len(inline) == len(d.pending) {
		c.outcome = ledger.Outcome{Task: d.task, Done: true}
	}
	return c
}

// notCreated is a create that Resilient answered with an error.
func (d *delivery) notCreated(err error, inline []ledger.Piece) change {
	var answer *remote.Error
	if errors.As(err, &answer) && answer.Status == http.StatusForbidden {
		// The key may open no incident at all.
		return change{outcome: d.unavailable(d.task, err, refusedLogin)}
	}
	if judge(err) != refused {
		return change{outcome: d.again(err)}
	}
	d.gate.passed(d.Clock.Now())
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
// opened. Not found, it is created again, and the lost one is remembered,
// since it may still land.
func (d *delivery) find(ctx context.Context) change {
	refs, err := d.lookup(ctx, slices.Concat(d.lost, d.creates))
	if err != nil {
		return change{outcome: d.again(err)}
	}
	d.gate.passed(d.Clock.Now())
	if len(refs) > 0 {
		return d.adopt(ctx, refs, 0, len(d.lost)+len(d.creates))
	}
	c := d.next()
	d.remember(&c)
	return c
}

// remember turns creates whose answer was lost into lost ones.
func (d *delivery) remember(c *change) {
	for _, i := range d.creates {
		c.settled = append(c.settled, settlement{i.ID, "answer lost"})
		c.intents = append(c.intents, ledger.Intent{Incident: d.incident.ID, Operation: opLost, Detail: i.Detail})
	}
}

// lookup asks for open incidents with the key, in every way that the intents
// sent it. A closed one tells an older story, or one that people have ended:
// an alert must not vanish in it. One that told the story before is somebody's
// who has opened it again.
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
		for _, r := range refs {
			if r.Open && !slices.Contains(d.continues, r.ID) {
				found = append(found, r)
			}
		}
	}
	slices.SortFunc(found, byCreation)
	return slices.CompactFunc(found, func(a, b resilient.Ref) bool { return a.ID == b.ID }), nil
}

// byCreation orders incidents by age: Resilient gives ids in that order.
func byCreation(a, b resilient.Ref) int { return cmp.Compare(a.ID, b.ID) }

// adopt takes the oldest of the open incidents that have the key as ours and
// closes the others. Checks is how often it was looked for, most how many
// requests may each have opened one: while fewer are found, it is looked for
// again.
func (d *delivery) adopt(ctx context.Context, refs []resilient.Ref, checks, most int) change {
	ours := refs[0]
	notes, err := d.closeOthers(ctx, refs, ours)
	if err != nil {
		return change{outcome: d.again(err)}
	}
	before := d.incident.RemoteID
	d.incident.RemoteID = ours.ID
	if before == 0 {
		d.incident.Told = d.incident.Seen
	}
	if d.incident.Delivered.IsZero() {
		d.incident.Delivered = d.Clock.Now()
		d.Observer.IncidentDelivered(d.incident.Delivered.Sub(d.incident.Created))
	}
	c := d.advanced()
	c.remotes = append(c.remotes, d.record())
	c.put = notes
	d.settleVerifies(&c, fmt.Sprintf("%d found", len(refs)))
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
	if len(refs) < most && checks < maxChecks {
		d.remember(&c)
		c.intents = append(c.intents, d.verification(checks, most))
		return c
	}
	for _, i := range slices.Concat(d.lost, d.creates) {
		c.settled = append(c.settled, settlement{i.ID, fmt.Sprintf("found %d", ours.ID)})
	}
	return c
}

// closeOthers closes the open incidents that are not ours. One that Resilient
// refuses to close is left to a person, with a note on ours.
func (d *delivery) closeOthers(ctx context.Context, refs []resilient.Ref, ours resilient.Ref) (notes []ledger.Piece, err error) {
	for _, other := range refs {
		if other.ID == ours.ID {
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

// verification is the intent to look once more for up to most incidents.
func (d *delivery) verification(checks, most int) ledger.Intent {
	detail := intentDetail{ByField: d.byField, Checks: checks, Most: most}
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
	detail, err := detailOf(d.verifies[0])
	if err != nil {
		return d.park(err)
	}
	refs, err := d.living(ctx)
	switch v := judge(err); v {
	case done:
		d.gate.passed(d.Clock.Now())
	case unavailable, refusedLogin:
		return change{outcome: d.unavailable(d.task, err, v)}
	default:
		// The pieces do not wait for it: look again a little later.
		c := change{outcome: d.failed(d.task, err)}
		c.outcome.Again = d.Clock.Now()
		d.settleVerifies(&c, "failed: "+err.Error())
		c.intents = append(c.intents, d.verification(max(1, detail.Checks), detail.Most))
		return c
	}
	return d.adopt(ctx, refs, detail.Checks+1, detail.Most)
}

// living are the open incidents that have the key, and ours, unless it was
// deleted or closed while another one is open.
func (d *delivery) living(ctx context.Context) ([]resilient.Ref, error) {
	refs, err := d.lookup(ctx, slices.Concat(d.lost, d.verifies))
	if err != nil || slices.ContainsFunc(refs, func(r resilient.Ref) bool { return r.ID == d.incident.RemoteID }) {
		return refs, err
	}
	// Somebody closed or deleted it, or edited its key or description.
	ours, err := d.remote.Incident(ctx, d.incident.RemoteID)
	if err != nil && !errors.Is(err, resilient.ErrNotFound) {
		return nil, fmt.Errorf("look for incident %d: %w", d.incident.ID, err)
	}
	if ours.Open || len(refs) == 0 {
		refs = append(refs, resilient.Ref{ID: d.incident.RemoteID})
		slices.SortFunc(refs, byCreation)
	}
	return refs, nil
}

// settleVerifies closes the verifications that were due.
func (d *delivery) settleVerifies(c *change, outcome string) {
	for _, i := range d.verifies {
		c.settled = append(c.settled, settlement{i.ID, outcome})
	}
}
