package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/rules"
)

// read is a mail that was read, ready to be correlated.
type read struct {
	mail    int64
	alert   parse.Alert
	stories []rules.Story
	attach  AttachMail
	// quarantine is why the mail could not be read.
	quarantine string
	// received is when the mail was committed, at when it was read.
	received, at time.Time
}

// result is what the ledger keeps of the reading.
func (r read) result() ledger.MailResult {
	reason := r.alert.Rule
	if r.quarantine != "" {
		reason = r.quarantine
	}
	return ledger.MailResult{
		ID: r.mail, Status: r.status(), Reason: reason, Kind: r.alert.Kind, Subject: r.alert.Subject, From: r.alert.From,
	}
}

func (r read) status() ledger.MailStatus {
	if r.quarantine != "" {
		return ledger.MailQuarantined
	}
	return ledger.MailStatus(r.alert.Status)
}

// readStage reads mails whose live reading was not recorded. A mail may be as
// large as max_size, so few are in memory at once.
func (p *Pipeline) readStage() *stage {
	return &stage{
		Pipeline: p, kind: ledger.TaskRead, limit: 2, batch: 2, system: "ledger",
		lease:  func(*Settings) time.Duration { return 5 * time.Minute },
		client: func(*Settings) any { return nil },
		prepare: func(s *step, _ ledger.Tx, tasks []ledger.Task) ([]job, error) {
			jobs := make([]job, len(tasks))
			for i, t := range tasks {
				jobs[i] = job{t, func(ctx context.Context) change { return s.readHeld(ctx, t) }}
			}
			return jobs, nil
		},
	}
}

// readHeld reads a mail that the ledger holds.
func (s *step) readHeld(ctx context.Context, t ledger.Task) change {
	var raw []byte
	var mails []ledger.Mail
	err := s.Ledger.View(ctx, func(tx ledger.Tx) (err error) {
		if raw, err = tx.Raw(t.Key); err != nil {
			return err
		}
		mails, err = tx.Mails([]int64{t.Key})
		return err
	})
	result := read{mail: t.Key}
	switch {
	case err == nil:
		result = s.readMail(s.settings, slog.Int64("mail", t.Key), raw)
		result.mail, result.received = t.Key, mails[0].Received
	case errors.Is(err, ledger.ErrIncomplete):
		s.Logger.Warn("mail quarantined", "mail", t.Key, "reason", err)
		result.quarantine = err.Error()
	default:
		return change{outcome: s.failed(t, err)}
	}
	return change{outcome: ledger.Outcome{Task: t, Done: true}, mails: []read{result}}
}

// readMail parses a mail, lets the rules look at it and makes stories of it;
// which names the mail in the log.
// A mail that makes any of them panic is quarantined and stops nothing else.
func (p *Pipeline) readMail(s *Settings, which slog.Attr, raw []byte) (r read) {
	defer func() {
		if problem := recover(); problem != nil {
			r = read{at: p.Clock.Now(), quarantine: fmt.Sprintf("the reader failed on this mail: %v", problem)}
			p.Logger.Error("mail quarantined", which, "reason", problem, "stack", string(debug.Stack()))
		}
	}()
	r = read{alert: s.Rules.Accept(s.Read(raw)), at: p.Clock.Now(), attach: s.AttachMail}
	if r.alert.Status != parse.Ignored && r.alert.Status != parse.Rejected {
		r.stories = s.Rules.Stories(r.alert, incident.Trust{})
		s.chooseServers(r)
	}
	p.Logger.Debug("mail read", which, "status", r.alert.Status, "kind", r.alert.Kind,
		"events", len(r.alert.Events), "rule", r.alert.Rule)
	return r
}

// chooseServers says at which SEPM the runs of stories look: that which their
// events are from.
func (s *Settings) chooseServers(r read) {
	for _, story := range r.stories {
		if len(story.Events) == 0 {
			continue
		}
		e := r.alert.Events[story.Events[0]]
		for i := range story.Runs {
			story.Runs[i].Server = s.SEPM.For(e.Domain, e.Server)
		}
	}
}

// keep records what was read: the mails' states, their events, and the
// incidents that the events open or join, with what is to be delivered and
// looked up for them. It returns how many incidents were opened.
func keep(tx ledger.Tx, mails []read) (opened int, err error) {
	if len(mails) == 0 {
		return 0, nil
	}
	results := make([]ledger.MailResult, len(mails))
	ids := make([]int64, len(mails))
	for i, m := range mails {
		ids[i], results[i] = m.mail, m.result()
	}
	if err := tx.SetMails(results); err != nil {
		return 0, err
	}
	known, err := incidentsOf(tx, ids)
	if err != nil {
		return 0, err
	}
	return correlate(tx, mails, known)
}

// correlate records the events of mails, and the incidents that they open or
// join; known has those that an event belongs to already, by mail and ordinal.
func correlate(tx ledger.Tx, mails []read, known map[int64]map[int]int64) (opened int, err error) {
	var all []rules.Story
	for _, m := range mails {
		all = append(all, m.stories...)
	}
	if all, err = rules.Correlate(tx, all); err != nil {
		return 0, err
	}
	k := keeper{byKey: make(map[string]int)}
	for _, m := range mails {
		n := len(m.stories)
		k.add(m, all[:n], known[m.mail])
		all = all[n:]
	}
	return len(k.opened), k.write(tx)
}

// incidentsOf says which incident each event of the mails belongs to, for
// mails that were read before: events keep their incident for life.
func incidentsOf(tx ledger.Tx, mails []int64) (map[int64]map[int]int64, error) {
	events, err := tx.Events(mails)
	if err != nil {
		return nil, err
	}
	known := make(map[int64]map[int]int64)
	for _, e := range events {
		if e.Incident == 0 {
			continue // given back by an incident that was closed
		}
		if known[e.Mail] == nil {
			known[e.Mail] = make(map[int]int64)
		}
		known[e.Mail][e.Ordinal] = e.Incident
	}
	return known, nil
}

// keeper gathers what a batch of mails changes, so that it is written with a
// few statements. A story that a mail of the batch opens can be joined by the
// next one.
type keeper struct {
	opened []story
	byKey  map[string]int // key → index in opened
	joined []ledger.Sighting
	// attached are the mails that are attached to incidents that they joined.
	attached []attached
	events   []ledger.Event
	// eventStory is the index in opened of the story that the event at the
	// same index opens, or -1 where its incident is known.
	eventStory []int
	// again are the indexes of events that were told before.
	again []int
}

type attached struct{ incident, mail int64 }

type story struct {
	rules.Story
	seen int
	// mails are those to be attached.
	mails []int64
	// received is when its first mail was, at when its last one was read.
	received, at time.Time
}

func (k *keeper) add(m read, stories []rules.Story, known map[int]int64) {
	for _, s := range stories {
		ordinals := s.Events
		if len(ordinals) == 0 {
			ordinals = []int{0} // the mail itself is the event
		}
		for _, ordinal := range ordinals {
			e := ledger.Event{Mail: m.mail, Ordinal: ordinal, Digest: s.Key}
			if len(s.Events) > 0 {
				e.Event = m.alert.Events[ordinal]
			}
			at := -1
			if before, ok := known[ordinal]; ok {
				e.Incident = before
			} else if s.Joins != 0 {
				e.Incident = s.Joins
				k.again = append(k.again, len(k.events))
				k.joined = append(k.joined, ledger.Sighting{Incident: s.Joins, Events: 1, Last: m.at})
				if m.attach == AttachAll {
					k.attached = append(k.attached, attached{s.Joins, m.mail})
				}
			} else {
				if at = k.open(s, m); k.opened[at].seen > 1 {
					k.again = append(k.again, len(k.events))
				}
			}
			k.events, k.eventStory = append(k.events, e), append(k.eventStory, at)
		}
	}
}

// open counts an event of a new story and returns the story's index.
func (k *keeper) open(s rules.Story, m read) int {
	i, ok := k.byKey[s.Key]
	if !ok {
		i = len(k.opened)
		k.byKey[s.Key] = i
		k.opened = append(k.opened, story{Story: s, received: m.received})
	}
	if m.attach == AttachAll || m.attach == AttachFirst && !ok {
		k.opened[i].mails = append(k.opened[i].mails, m.mail)
	}
	k.opened[i].seen++
	k.opened[i].at = m.at
	return i
}

func (k *keeper) write(tx ledger.Tx) error {
	opened := make([]ledger.Incident, len(k.opened))
	for i, s := range k.opened {
		opened[i] = ledger.Incident{
			Incident: s.Incident, Status: incident.Open, Seen: s.seen, LastSeen: s.at, Created: s.received,
		}
	}
	opened, err := tx.AddIncidents(opened)
	if err != nil {
		return err
	}
	n := len(k.attached)
	for _, s := range k.opened {
		n += len(s.Artifacts) + len(s.mails)
	}
	pieces := make([]ledger.Piece, 0, n)
	var runs []ledger.Run
	want := make([]int64, 0, len(opened)+len(k.joined))
	for _, j := range k.joined {
		want = append(want, j.Incident) // to see whether it is still open
	}
	for i, s := range k.opened {
		id := opened[i].ID
		want = append(want, id)
		for _, a := range s.Artifacts {
			p, err := piece(id, ledger.PieceArtifact, a.Identity(), a)
			if err != nil {
				return err
			}
			pieces = append(pieces, p)
		}
		for _, mail := range s.mails {
			k.attached = append(k.attached, attached{id, mail})
		}
		for _, r := range s.Runs {
			runs = append(runs, ledger.Run{Incident: id, Key: runKey(r), Run: r, Status: ledger.RunWaiting})
		}
	}
	for _, a := range k.attached {
		p, err := mailPiece(a.incident, a.mail)
		if err != nil {
			return err
		}
		pieces = append(pieces, p)
	}
	for i := range k.events {
		if at := k.eventStory[i]; at >= 0 {
			k.events[i].Incident = opened[at].ID
		}
	}
	notes, err := k.actionNotes(tx)
	if err != nil {
		return err
	}
	pieces = append(pieces, notes...)
	if err := tx.AddSightings(k.joined); err != nil {
		return err
	}
	if err := tx.PutEvents(k.events); err != nil {
		return err
	}
	if err := tx.PutPieces(pieces); err != nil {
		return err
	}
	if err := tx.PutRuns(runs); err != nil {
		return err
	}
	return tx.Want(ledger.TaskDeliver, want...)
}

// actionNotes say that SEPM tells of another action for an event than before:
// what was left alone at first may have been cleaned since, or the other way
// round. One note tells of each action, however often SEPM repeats itself.
func (k *keeper) actionNotes(tx ledger.Tx) ([]ledger.Piece, error) {
	var notes []ledger.Piece
	last := make(map[int64]string) // incident → action
	for i, e := range k.events {
		if e.Incident == 0 || e.Event.Action == "" {
			continue
		}
		if !slices.Contains(k.again, i) {
			last[e.Incident] = e.Event.Action
			continue
		}
		if _, known := last[e.Incident]; !known {
			before, err := tx.NewestEvents(e.Incident, 1)
			if err != nil {
				return nil, err
			}
			for _, b := range before {
				last[e.Incident] = b.Event.Action
			}
		}
		if strings.EqualFold(last[e.Incident], e.Event.Action) {
			continue
		}
		last[e.Incident] = e.Event.Action
		key := "action taken\x1f" + strings.ToLower(e.Event.Action)
		text := fmt.Sprintf("SEPM tells of this event again, with another action taken on risk: <b>%s</b>.", incident.EscapeHTML(e.Event.Action))
		p, err := piece(e.Incident, ledger.PieceNote, key, incident.Note{Key: key, Text: text})
		if err != nil {
			return nil, err
		}
		notes = append(notes, p)
	}
	return notes, nil
}

// runKey is a run's identity on its incident: the same action on the same
// target starts once.
func runKey(r incident.Run) string {
	return r.Action + "\x1f" + strings.ToLower(r.Subject.Identity())
}

// piece makes a piece of an artifact, note or row.
func piece(incident int64, kind ledger.PieceKind, key string, body any) (ledger.Piece, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return ledger.Piece{}, fmt.Errorf("encode %s %q: %w", kind, key, err)
	}
	return ledger.Piece{Incident: incident, Kind: kind, Key: key, Body: data}, nil
}
