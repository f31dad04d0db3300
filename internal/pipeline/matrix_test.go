package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/resilient"
)

// trial is one case of the matrix: stories are delivered under faults, and all
// of each is there once and in order.
type trial struct {
	soar   soar.Options
	faults []fault.Switch
	// alter changes each story before it is put.
	alter func(*story)
	// apart puts the pieces when the incidents stand, so that each artifact and
	// note is a request of its own. Meanwhile is done in between.
	apart     bool
	meanwhile func(*world)
	// learn is how many new versions the rows get at the end, each once a fault
	// has struck the one before.
	learn int
	// while is done while it runs.
	while func(*world)

	// twins is that incidents are opened twice, and one is closed.
	twins bool
	// spare is that what lands later than anybody waits for it may be there once
	// more.
	spare bool
	// known gives what of the artifacts stands in the end.
	known func(want []string) []string
	// factor is how much faster the clock runs, [haste] by default.
	factor time.Duration
}

func (tr trial) run(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tr)
	if !tr.apart {
		w.put((*story).pieces)
	}
	w.soarFaults.On(tr.faults...)
	w.start()
	if tr.apart {
		w.settle()
		if tr.meanwhile != nil {
			tr.meanwhile(w)
		}
		w.put((*story).pieces)
	}
	if tr.while != nil {
		tr.while(w)
	}
	for version := range tr.learn {
		if version == 0 {
			w.settle()
		} else {
			w.struck(tr.faults[0].Kind, len(w.stories)/10)
		}
		w.learn(version)
	}
	w.settle()
	for _, sw := range tr.faults {
		require.Positive(t, w.soarFaults.Counts()[sw.Kind], "%s does not strike", sw.Kind)
	}
	w.requireOnce()
}

// write is a kind of request that changes something.
type write struct {
	method, path string
	trial
}

// writes are the requests that a delivery makes.
func writes() map[string]write {
	return map[string]write{
		"create":     {"POST", "incidents", trial{}},
		"artifact":   {"POST", "incidents/*/artifacts", trial{apart: true}},
		"note":       {"POST", "incidents/*/comments", trial{apart: true}},
		"row":        {"POST", "row_data", trial{}},
		"row update": {"PUT", "row_data/*", trial{learn: 2}},
		"attachment": {"POST", "incidents/*/attachments", trial{}},
		"close":      {"PATCH", "incidents/*", duplicates()},
	}
}

// doubles is how many incidents are opened twice in [duplicates].
const doubles = 10

// duplicates is a trial in which some creates land when they were looked for
// already: they are made again, and the second incident is closed.
func duplicates() trial {
	return trial{
		twins:  true,
		faults: []fault.Switch{{Kind: fault.LateChange, Hold: time.Millisecond, Late: time.Hour, Method: "POST", Path: "incidents", Remaining: doubles}},
		while: func(w *world) {
			require.Eventually(w.t, func() bool { return w.soar.Totals().Incidents == len(w.stories) }, forever, 10*time.Millisecond)
			w.soarFaults.Flush() // all are there, and now they land
		},
	}
}

// lossy loses some answers to every kind of write, so that the delivery has to
// look and to repeat.
func lossy() (faults []fault.Switch) {
	for _, w := range writes() {
		faults = append(faults, fault.Switch{Kind: fault.LostReply, Method: w.method, Path: w.path, OneIn: 5, Remaining: stories() / 6})
	}
	return faults
}

func TestMatrixOfLostAnswers(t *testing.T) {
	t.Parallel()
	for how, lost := range map[string]fault.Switch{
		"reply lost": {Kind: fault.LostReply, OneIn: 4, Remaining: stories()},
		"reset":      {Kind: fault.Reset, OneIn: 4, Remaining: stories()},
		// The change lands after the connection broke, and while we wait.
		"late": {Kind: fault.LateChange, Hold: time.Millisecond, Late: patience() / 2, OneIn: 4, Remaining: stories()},
		// We give up, and then it lands.
		"given up": {Kind: fault.LateChange, OneIn: 4, Remaining: stories() / 2},
	} {
		for what, w := range writes() {
			t.Run(how+"/"+what, func(t *testing.T) {
				tr := w.trial
				lost := lost
				lost.Method, lost.Path = w.method, w.path
				if what == "close" {
					lost.OneIn = 2 // there are few
				}
				tr.faults = append([]fault.Switch{lost}, tr.faults...)
				tr.soar.KeyField = len(what)%2 == 0 // some with the field, some with the marker
				tr.run(t)
			})
		}
	}
}

func TestMatrixOfRefusals(t *testing.T) {
	t.Parallel()
	conflict := fault.Switch{Kind: fault.Status, Code: 409, FromServer: true, OneIn: 4}
	of := func(sw fault.Switch, method, path string) fault.Switch {
		sw.Method, sw.Path = method, path
		return sw
	}
	closing := duplicates()
	closing.soar = soar.Options{KeyField: true, FieldFailures: doubles}
	collision := duplicates()
	collision.soar.KeyField = true
	collision.faults = append(collision.faults, fault.Switch{Kind: fault.Status, Code: 409, FromServer: true, Method: "PATCH", OneIn: 2})
	for name, tr := range map[string]trial{
		"409": {apart: true, learn: 1, faults: []fault.Switch{
			of(conflict, "POST", "incidents"), of(conflict, "POST", "artifacts"), of(conflict, "POST", "comments"),
			of(conflict, "POST", "row_data"), of(conflict, "PUT", "row_data/*"), of(conflict, "POST", "attachments"),
		}},
		"409 to the close of a duplicate":            collision,
		"field_failures to the close of a duplicate": closing,
		"bursts of 503": {learn: 1, faults: []fault.Switch{
			{Kind: fault.Status, Code: 503, After: stories(), Remaining: stories()},
			{Kind: fault.Status, Code: 503, After: 5 * stories(), Remaining: stories()},
		}},
		"bursts of 502": {apart: true, soar: soar.Options{KeyField: true}, faults: []fault.Switch{
			{Kind: fault.Status, Code: 502, After: 3 * stories(), Remaining: stories()},
			{Kind: fault.Status, Code: 502, After: 10 * stories(), Remaining: stories()},
		}},
		"500":  {apart: true, learn: 1, faults: []fault.Switch{{Kind: fault.Status, Code: 500, FromServer: true, OneIn: 25}}},
		"429":  {soar: soar.Options{KeyField: true}, faults: []fault.Switch{{Kind: fault.Status, Code: 429, After: stories(), Remaining: 3}}},
		"slow": {learn: 1, faults: []fault.Switch{{Kind: fault.Delay, Wait: patience() / 3, OneIn: 10}}},
		// A request that begins late in its step ends late, too.
		"slow, and then given up": {faults: []fault.Switch{
			{Kind: fault.Delay, Wait: patience() * 4 / 5, Method: "POST", Path: "row_data", OneIn: 3, Remaining: stories()},
			{Kind: fault.LateChange, Late: patience() * 2 / 5, Method: "POST", Path: "row_data", OneIn: 3, Remaining: stories()},
		}},
		"too slow for us": {soar: soar.Options{KeyField: true}, faults: []fault.Switch{{Kind: fault.Delay, Wait: patience() + patience()/10, OneIn: 20}}},
	} {
		t.Run(name, tr.run)
	}
}

// refusals counts the times that Resilient did not let us in.
type refusals struct {
	pipeline.Resilient
	n atomic.Int64
}

func (r *refusals) Connect(ctx context.Context) (resilient.Platform, error) {
	p, err := r.Resilient.Connect(ctx)
	if err != nil {
		r.n.Add(1)
	}
	return p, err
}

// A key that is blocked for a while is hardly used meanwhile: refusals prolong
// a ban (contract: §11.3).
func TestMatrixOfABlockedKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial{soar: soar.Options{KeyField: true}})
	refused := &refusals{Resilient: w.settings.Resilient}
	w.settings.Resilient = refused
	w.put((*story).pieces)
	w.start()
	require.Eventually(t, func() bool { return w.soar.Totals().Rows > stories() }, forever, time.Millisecond)
	w.soarFaults.On(fault.Switch{Kind: fault.Status, Code: 401, FromServer: true})
	w.struck(fault.Status, 1)
	began := w.clock.Now()
	w.pass(5 * time.Second) // what was answered before opens the gate once more
	require.Less(t, w.soar.Totals().Attachments, stories(), "it was blocked too late")
	before := refused.n.Load()
	w.pass(2 * time.Minute)
	tries, most := refused.n.Load()-before, int64(1)
	// The back-off is half of 30 s at least, and doubles.
	for at := 15 * time.Second; at < w.clock.Now().Sub(began); at = 2*at + 15*time.Second {
		most++
	}
	require.Positive(t, tries)
	require.LessOrEqual(t, tries, most)
	w.soarFaults.Off()
	w.settle()
	w.requireOnce()
}

// Two hours without Resilient cost nothing but time.
func TestMatrixOfAnOutage(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]fault.Switch{
		"reset":    {Kind: fault.Reset},
		"503":      {Kind: fault.Status, Code: 503},
		"no reply": {Kind: fault.LostReply},
	} {
		t.Run(name, trial{soar: soar.Options{KeyField: true}, factor: 1000, while: func(w *world) {
			require.Eventually(w.t, func() bool { return w.soar.Totals().Rows > stories() }, forever, time.Millisecond)
			w.soarFaults.On(outage)
			w.pass(2 * time.Hour)
			w.soarFaults.Off()
			require.Positive(w.t, w.soarFaults.Counts()[outage.Kind])
			require.False(w.t, w.settled(), "it began too late")
		}}.run)
	}
}

// Kills at random: the ledger is what the dead process had committed, and
// requests that were under way may have been done or not.
func TestMatrixOfKills(t *testing.T) {
	t.Parallel()
	for name, tr := range map[string]trial{
		"key field": {soar: soar.Options{KeyField: true}},
		"marker":    {},
		"with lost replies": {soar: soar.Options{KeyField: true, Duplicates: soar.KeepDuplicate}, apart: true,
			faults: lossy()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const kills = 5
			w := newWorld(t, tr)
			real := w.settings.Resilient
			if !tr.apart {
				w.put((*story).pieces)
			}
			w.soarFaults.On(tr.faults...)
			for kill := range kills {
				dying := &crash{
					Resilient: real, t: t, path: w.path, copy: ledgerPath(t), dead: make(chan struct{}),
				}
				dying.arm(1+rand.Int64N(int64(2*len(w.stories))), kill%2 == 0)
				w.restart(w.path, dying)
				w.start()
				if tr.apart && kill == 1 {
					w.put((*story).pieces)
				}
				require.Eventually(t, func() bool {
					select {
					case <-dying.dead:
						return true
					default:
						return w.settled()
					}
				}, forever, 5*time.Millisecond)
				w.stop()
				t.Logf("killed at request %d of %d", dying.calls, dying.at)
				if dying.dying() {
					w.path = dying.copy
				}
			}
			w.restart(w.path, real)
			w.start()
			w.settle()
			w.requireOnce()
		})
	}
}

// What is not known of the server (contract: open points) is both ways with
// replies that are lost, so that the delivery has to look and to repeat.
func TestMatrixOfWhatIsUncertain(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]soar.Options{
		"marker":                     {},
		"key field":                  {KeyField: true},
		"row PUT keeps":              {KeyField: true},
		"row PUT clears":             {KeyField: true, PutClearsCells: true},
		"empty cells left out":       {KeyField: true, EmptyCellsMissing: true},
		"empty cells null":           {KeyField: true, EmptyCellsNull: true, PutClearsCells: true},
		"row version checked":        {KeyField: true, RowVersionChecked: true},
		"attachment array":           {KeyField: true, AttachmentArray: true},
		"artifacts refused":          {KeyField: true, Duplicates: soar.RefuseDuplicate},
		"artifacts doubled":          {KeyField: true, Duplicates: soar.KeepDuplicate},
		"artifacts replaced":         {KeyField: true, Duplicates: soar.ReplaceDescription},
		"PATCH version checked":      {PatchVersionChecked: true},
		"plain text as is":           {PlainTextAsIs: true},
		"short pages":                {CapPages: true},
		"clock behind":               {ClockOffset: -5 * time.Minute},
		"clock ahead":                {ClockOffset: 5 * time.Minute},
		"old":                        {ServerVersion: "36.0.5634", OldValueIDs: true},
		"old, with the field":        {KeyField: true, ServerVersion: "46.2.8131"},
		"artifact types in entities": {ArtifactTypeEntities: true},
		"under a prefix":             {KeyField: true, ResourcePrefix: "/api/respond", NullKeyHandle: true},
	} {
		t.Run(name, trial{soar: o, apart: name < "c", learn: 1, faults: lossy()}.run)
	}
}

// What lands when it was looked for already, so that it is sent again.
func TestMatrixOfWhatLandsTooLate(t *testing.T) {
	t.Parallel()
	late := func(method, path string) []fault.Switch {
		return []fault.Switch{{Kind: fault.LateChange, Hold: time.Millisecond, Late: 4 * patience(), Method: method, Path: path, OneIn: 5, Remaining: stories()}}
	}
	artifact := func(o soar.Options, known func([]string) []string, spare bool) trial {
		o.KeyField = true
		return trial{soar: o, apart: true, faults: late("POST", "artifacts"), known: known, spare: spare, meanwhile: func(w *world) {
			for _, inc := range w.soar.Incidents() {
				a := w.story(inc.Name).artifacts[1]
				_, err := w.soar.AddArtifact(inc.ID, string(a.Type), a.Value, "an analyst's")
				require.NoError(w.t, err)
			}
		}}
	}
	// The analyst's is the one that is there.
	analysts := func(want []string) []string { return slices.Delete(slices.Clone(want), 1, 2) }
	refusing := artifact(soar.Options{Duplicates: soar.RefuseDuplicate}, analysts, false)
	// Why it was refused shows in the list, which may be lost as well.
	refusing.faults = append(refusing.faults, fault.Switch{Kind: fault.Status, Code: 502, Method: "GET", Path: "artifacts", OneIn: 3})
	marked := duplicates()
	field := duplicates()
	field.soar.KeyField = true
	for name, tr := range map[string]trial{
		"create by field":           field,
		"create by marker":          marked,
		"artifact, there already":   artifact(soar.Options{}, analysts, false),
		"artifact, refused":         refusing,
		"artifact, described again": artifact(soar.Options{Duplicates: soar.ReplaceDescription}, analysts, false),
		// The contract gives notes, rows and files no key of the client's (§4.1,
		// §4.2, §5.2), and artifacts only where the server keeps one of each
		// (§3.2): one that lands after it was looked for is there once more. No
		// other is, and none is lost.
		"artifact, doubled": artifact(soar.Options{Duplicates: soar.KeepDuplicate}, nil, true),
		"note":              {apart: true, spare: true, faults: late("POST", "comments")},
		"row":               {spare: true, faults: late("POST", "row_data")},
		"file":              {spare: true, faults: late("POST", "attachments")},
	} {
		t.Run(name, tr.run)
	}
}

// Two artifacts that differ in case are two to a server that minds it, and
// one to a server that does not (contract: §3.2).
func TestMatrixOfArtifactsThatDifferInCase(t *testing.T) {
	t.Parallel()
	one := func(want []string) []string { return want[:storyArtifacts-1] }
	for name, tr := range map[string]trial{
		"minded":                   {},
		"minded, second refused":   {soar: soar.Options{Duplicates: soar.RefuseDuplicate}},
		"unminded":                 {soar: soar.Options{FoldDuplicates: true}, known: one},
		"unminded, second refused": {soar: soar.Options{FoldDuplicates: true, Duplicates: soar.RefuseDuplicate}, known: one},
	} {
		tr.faults = lossy()
		tr.soar.KeyField = true
		tr.alter = func(s *story) {
			s.artifacts[4] = incident.Artifact{Type: incident.FileName, Value: strings.ToLower(s.artifacts[1].Value)}
		}
		t.Run(name+", inline", tr.run)
		tr.apart = true
		t.Run(name+", one by one", tr.run)
	}
}

// An artifact that Resilient refuses keeps neither its incident, nor the other
// artifacts, nor the next incident from arriving.
func TestMatrixOfARefusedArtifact(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]soar.Options{"marker": {}, "key field": {KeyField: true, Duplicates: soar.RefuseDuplicate}} {
		for _, faults := range [][]fault.Switch{nil, lossy()} {
			t.Run(fmt.Sprintf("%s, %d faults", name, len(faults)), trial{soar: o, faults: faults, alter: func(s *story) {
				if s.n%3 == 0 {
					s.refused = "not-an-address"
					s.artifacts[3] = incident.Artifact{Type: incident.IPAddress, Value: s.refused}
				}
			}}.run)
		}
	}
}
