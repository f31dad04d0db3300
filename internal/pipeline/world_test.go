package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/resilient"
)

// patience is the time-out of one request in the matrix. The ledger, too, has
// to be faster than half of it: what comes later is not sent.
func patience() time.Duration {
	if soak() {
		return slowdown * 2 * time.Second
	}
	return slowdown * 1500 * time.Millisecond
}

// haste is how much faster the matrix's clock runs, so that back-offs are
// short. A request takes its real time.
const haste = 10

// forever is how long the matrix waits for what has to come, on any machine.
const forever = 5 * time.Minute

// world is a ledger full of stories, a pipeline and Resilient's stand-in.
type world struct {
	*bench
	trial   trial
	clock   *steppedClock
	path    string
	stories []*story
	ids     []int64 // of the stories' incidents in the ledger
	first   [][]incident.Row
}

func newWorld(t *testing.T, tr trial) *world {
	t.Helper()
	factor := tr.factor
	if factor == 0 {
		factor = haste
	}
	w := &world{trial: tr, clock: newClock(factor), path: ledgerPath(t)}
	o := tr.soar
	o.Now = w.clock.Now
	w.bench = setup(t, options{soar: o, connection: func(c *resilient.Options) {
		c.Timeout, c.Now, c.ResourcePrefix = patience(), w.clock.Now, o.ResourcePrefix
	}})
	w.settings.Resilient = slowed{w.settings.Resilient, factor}
	w.onLedger(t, w.path, w.clock)
	for n := range stories() {
		s := newStory(n)
		if tr.alter != nil {
			tr.alter(s)
		}
		w.stories = append(w.stories, s)
		w.first = append(w.first, slices.Clone(s.rows))
	}
	w.fill()
	return w
}

// fill puts the stories into the ledger, their mails first.
func (w *world) fill() {
	w.t.Helper()
	w.update(func(tx ledger.Tx) error {
		var mails []ledger.NewMail
		var incidents []ledger.Incident
		for _, s := range w.stories {
			incidents = append(incidents, s.incident())
			mails = append(mails, ledger.NewMail{
				Position: ledger.Position{Mailbox: "soc", UIDValidity: 1, UID: uint32(s.n + 1)}, MessageID: s.name(), Raw: s.content,
				Result: &ledger.MailResult{Status: ledger.MailParsed},
			})
		}
		added, err := tx.AddMails(mails)
		if err != nil {
			return err
		}
		opened, err := tx.AddIncidents(incidents)
		if err != nil {
			return err
		}
		w.ids = nil
		for i, inc := range opened {
			w.ids = append(w.ids, inc.ID)
			if s := w.stories[i]; s.file.ContentType == "message/rfc822" {
				s.file.Mail = added[i].ID
			}
		}
		return tx.Want(ledger.TaskDeliver, w.ids...)
	})
}

func (w *world) update(f func(ledger.Tx) error) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.Update(w.t.Context(), f))
}

// put puts what each story has.
func (w *world) put(pieces func(s *story, id int64) []ledger.Piece) {
	w.t.Helper()
	var all []ledger.Piece
	for i, s := range w.stories {
		all = append(all, pieces(s, w.ids[i])...)
	}
	w.update(func(tx ledger.Tx) error {
		if err := tx.PutPieces(all); err != nil {
			return err
		}
		return tx.Want(ledger.TaskDeliver, w.ids...)
	})
}

// learn gives every story a new version of its rows.
func (w *world) learn(version int) {
	w.t.Helper()
	for _, s := range w.stories {
		s.learn(version)
	}
	w.put((*story).rowPieces)
}

// settle waits until nothing is left to do.
func (w *world) settle() {
	w.t.Helper()
	require.Eventually(w.t, w.settled, forever, 100*time.Millisecond, "something is left to do")
}

func (w *world) settled() bool { return w.counts().TasksPending == 0 }

// struck waits until a fault has struck so often.
func (w *world) struck(kind fault.Kind, times int) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.soarFaults.Counts()[kind] >= times }, forever, 5*time.Millisecond,
		"%s does not strike %d times", kind, times)
}

// pass waits until so much time has passed by the world's clock.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.clock.Now().Add(d)
	require.Eventually(w.t, func() bool { return w.clock.Now().After(end) }, forever, 10*time.Millisecond)
}

// requireOnce: every story is told in one open incident, with each of its
// pieces once and in order, and the ledger knows it.
func (w *world) requireOnce() {
	t := w.t
	t.Helper()
	w.soarFaults.Off()
	w.soarFaults.Flush()
	w.settle()
	refused := 0
	for _, s := range w.stories {
		if s.refused != "" {
			refused++
		}
	}
	counts := w.counts()
	require.Zero(t, counts.TasksParked, "tasks are parked")
	require.Zero(t, counts.PiecesPending, "pieces are left")
	require.EqualValues(t, refused, counts.PiecesParked, "pieces are parked")
	require.NoError(t, w.ledger.View(t.Context(), func(tx ledger.Tx) error {
		intents, err := tx.OpenIntents(w.ids)
		require.Empty(t, intents, "of something it is not known what became of it")
		return err
	}))

	w.requireReasons()

	byName := map[string][]soar.Incident{}
	for _, inc := range w.soar.Incidents() {
		byName[inc.Name] = append(byName[inc.Name], inc)
	}
	var problems []string
	twins, spare := 0, 0
	for i, s := range w.stories {
		told := byName[s.name()]
		open := slices.DeleteFunc(slices.Clone(told), func(inc soar.Incident) bool { return !inc.Open })
		twins += len(told) - len(open)
		if len(open) != 1 {
			problems = append(problems, fmt.Sprintf("%s stands %d times", s.name(), len(open)))
			continue
		}
		for _, inc := range told {
			if !inc.Open && (inc.ID < open[0].ID || inc.Resolution != "Duplicate") {
				problems = append(problems, fmt.Sprintf("%s: %d is closed as %q and %d is open", s.name(), inc.ID, inc.Resolution, open[0].ID))
			}
		}
		want := s.wanted(w.first[i])
		if w.trial.known != nil {
			want[soar.ArtifactPiece] = w.trial.known(want[soar.ArtifactPiece])
		}
		said, n := w.compare(want, open[0])
		spare += n
		for _, problem := range said {
			problems = append(problems, s.name()+": "+problem)
		}
	}
	if n := len(problems); n > 0 {
		require.FailNow(t, fmt.Sprintf("%d stories are not told as they should be", n), strings.Join(problems[:min(n, 5)], "\n"))
	}
	w.requireNothingElse(twins, spare, refused)
}

// requireReasons: what is parked is what was refused, with the reason.
func (w *world) requireReasons() {
	w.t.Helper()
	require.NoError(w.t, w.ledger.View(w.t.Context(), func(tx ledger.Tx) error {
		pieces, err := tx.Pieces(w.ids)
		for _, p := range pieces {
			if p.Parked {
				require.Equal(w.t, ledger.PieceArtifact, p.Kind)
				require.Contains(w.t, p.Error, `The value "not-an-address" is not a valid IP Address`)
			}
		}
		return err
	}))
}

// requireNothingElse counts what there is in all: with that, nothing is there
// twice that is not meant to be.
func (w *world) requireNothingElse(twins, spare, refused int) {
	t := w.t
	t.Helper()
	if w.trial.twins {
		require.Positive(t, twins, "no create was late")
	} else {
		require.Zero(t, twins, "incidents were opened twice")
	}
	if w.trial.spare {
		require.LessOrEqual(t, spare, w.soarFaults.Counts()[fault.LateChange], "there is more than what landed too late")
	}
	if !w.trial.twins && !w.trial.spare && w.trial.known == nil {
		n := len(w.stories)
		require.Equal(t, soar.Totals{
			Incidents: n, Artifacts: n*storyArtifacts - refused, Notes: n * storyNotes, Rows: n * storyRows, Attachments: n,
		}, w.soar.Totals())
		require.Empty(t, w.soar.Repeated())
	}
}

// compare says what is wrong with an incident, and how many pieces are there
// once more.
func (w *world) compare(want standing, inc soar.Incident) (problems []string, spare int) {
	people := map[pieceID]bool{}
	kinds := []soar.Piece{soar.IncidentPiece, soar.ArtifactPiece, soar.NotePiece, soar.RowPiece, soar.AttachmentPiece}
	last := 0
	for _, a := range w.soar.Arrivals(inc.ID) {
		rank := slices.Index(kinds, a.Piece)
		switch {
		case a.InPerson:
			people[pieceID{a.Piece, a.ID}] = true
		case a.Change == soar.Removed:
			problems = append(problems, fmt.Sprintf("%s %d was removed", a.Piece, a.ID))
		case a.Change != soar.Added:
		case rank < last && !w.trial.spare:
			problems = append(problems, fmt.Sprintf("%s %d came after a %s", a.Piece, a.ID, kinds[last]))
		default:
			last = rank
		}
	}
	have := stands(inc, people)
	if w.trial.spare {
		spare = have.spare()
	}
	for _, kind := range kinds[1:] {
		if w.trial.spare { // what landed too late may have come first
			slices.Sort(want[kind])
			slices.Sort(have[kind])
		}
		if n := len(want[kind]); n != len(have[kind]) {
			problems = append(problems, fmt.Sprintf("%d of kind %s and not %d: %.500q", len(have[kind]), kind, n, have[kind]))
			continue
		}
		for i, have := range have[kind] {
			if want := want[kind][i]; want != have {
				problems = append(problems, fmt.Sprintf("%s %d\n  want %.500s\n  have %.500s", kind, i, want, have))
			}
		}
	}
	return problems, spare
}

// restart takes the ledger at the path, as a new process does.
func (w *world) restart(path string, r pipeline.Resilient) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.Close())
	w.path = path
	w.settings = &pipeline.Settings{Rules: w.settings.Rules, Read: w.settings.Read, SEPM: w.settings.SEPM, Allow: w.settings.Allow, Resilient: r}
	w.onLedger(w.t, path, w.clock)
}

// story is the one that the incident of this name tells.
func (w *world) story(name string) *story {
	i := slices.IndexFunc(w.stories, func(s *story) bool { return s.name() == name })
	require.GreaterOrEqual(w.t, i, 0, "no story is called %s", name)
	return w.stories[i]
}
