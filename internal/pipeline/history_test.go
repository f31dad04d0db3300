package pipeline_test

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// step is one thing that happens. On and What choose, by their rest, among
// what there is to do it to.
type step struct {
	Do       string
	On, What int
}

// steps are all that can happen, while the pipeline works on what happened
// before.
func steps() map[string]func(w *life, on, what int) {
	return map[string]func(w *life, on, what int){
		"alert":      func(w *life, on, _ int) { w.receive(fmt.Sprintf("HOST-%d", on%4/3)) },
		"artifact":   func(w *life, on, what int) { w.put(on, ledger.PieceArtifact, what) },
		"note":       func(w *life, on, what int) { w.put(on, ledger.PieceNote, what) },
		"row":        func(w *life, on, what int) { w.put(on, ledger.PieceRow, what) },
		"attachment": func(w *life, on, what int) { w.put(on, ledger.PieceAttachment, what) },

		"restart": func(w *life, _, _ int) { w.stop(); w.start(w.path) },
		"crash":   func(w *life, on, what int) { w.crash(on%4, what%2 == 0) },
		"pause":   func(_ *life, on, _ int) { time.Sleep(time.Duration(on%8) * longest / pace / 10) },
		"settle":  func(w *life, _, _ int) { w.idle(500 * time.Millisecond) },

		"fault": func(w *life, on, what int) { w.fault(on, what) },
		"calm":  func(w *life, _, _ int) { w.calm() },

		"close there":    (*life).closeThere,
		"reopen there":   (*life).reopenThere,
		"delete there":   (*life).deleteThere,
		"field there":    (*life).fieldThere,
		"add there":      (*life).addThere,
		"edit there":     (*life).editThere,
		"take off there": (*life).takeOffThere,
	}
}

// likely are the names of steps, each as often as it is likely.
func likely() []string {
	return []string{
		"alert", "alert", "alert", "alert", "artifact", "note", "note", "row", "row", "row", "attachment", "attachment",
		"restart", "crash", "crash", "pause", "pause", "settle", "settle", "settle", "settle",
		"fault", "fault", "fault", "fault", "fault", "calm",
		"close there", "close there", "reopen there", "delete there", "field there", "add there", "add there",
		"edit there", "edit there", "take off there", "take off there", "take off there",
	}
}

// faulty are the requests that a fault strikes, and faults what becomes of
// them.
func faulty() []fault.Switch {
	return []fault.Switch{
		{Method: "POST", Path: "incidents"}, {Method: "POST", Path: "incidents/*/artifacts"}, {Method: "POST", Path: "incidents/*/comments"},
		{Method: "POST", Path: "table_data/*/row_data"}, {Method: "PUT", Path: "table_data/*/row_data/*"}, {Method: "POST", Path: "incidents/*/attachments"},
		{Method: "PATCH", Path: "incidents/*"}, {Method: "GET"}, {},
	}
}

func faults() []fault.Switch {
	return []fault.Switch{
		{Kind: fault.LostReply}, {Kind: fault.LateChange, Hold: time.Millisecond, Late: time.Hour}, {Kind: fault.Reset},
		{Kind: fault.Status, Code: http.StatusServiceUnavailable}, {Kind: fault.Status, Code: http.StatusConflict},
		{Kind: fault.Status, Code: http.StatusBadRequest},
	}
}

// fault makes one or two of the next requests go wrong; [land] says when a late
// change comes.
func (w *life) fault(on, what int) {
	requests, kinds := faulty(), faults()
	target, sw := requests[on%len(requests)], kinds[what%len(kinds)]
	sw.Method, sw.Path, sw.Remaining = target.Method, target.Path, 1+what/len(kinds)%2
	if sw.Code == http.StatusBadRequest && sw.Method != "POST" {
		return // what refuses to be read or updated is refused for good, and waits for a person
	}
	if sw.Kind == fault.LateChange && (sw.Path == "incidents" || sw.Path == "") {
		sw.Method, sw.Path = "POST", "incidents"
		w.lateCreates.On(sw)
		return
	}
	w.faults.On(sw)
}

func (w *life) calm() {
	w.faults.Off()
	w.lateCreates.Off()
}

// put leaves an effect on an incident: a new version of one of two of a kind,
// mostly of the same.
func (w *life) put(on int, kind ledger.PieceKind, what int) {
	known := w.incidents()
	if len(known) == 0 {
		return
	}
	w.version++
	id, which, version := known[on%len(known)].ID, what%3/2, fmt.Sprintf("version %d", 100+w.version)
	var effect incident.Effect
	switch kind {
	case ledger.PieceArtifact:
		effect.Artifact = &incident.Artifact{Type: incident.FileName, Value: fmt.Sprintf("%d-%d.exe", id, which), Description: version}
	case ledger.PieceNote:
		effect.Note = &incident.Note{Key: fmt.Sprint(which), Text: fmt.Sprintf("<b>Note</b> %d-%d, %s", id, which, version)}
	case ledger.PieceRow:
		effect.Row = &incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
			"uniqueId": incident.Text(fmt.Sprintf("%d-%d", id, which)), "sep_description": incident.Text(version),
		}}
	case ledger.PieceAttachment:
		// Name and size are all that tells one version from another (see lister):
		// with the same of both, one that lands late is taken for the next.
		version += strings.Repeat("!", w.version)
		effect.Attachment = &incident.Attachment{Key: fmt.Sprint(which), Name: fmt.Sprintf("%d-%d.txt", id, which), ContentType: "text/plain", Content: []byte(version)}
	}
	w.keep(id, effect)
}

// TestHistory: whatever happens here and there, in the end Resilient holds
// what the ledger says, apart from what people changed: see [life.compare].
func TestHistory(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	if os.Getenv("SEPWATCH_SOAK") == "" && !given("rapid.checks") && os.Getenv("RAPID_CHECKS") == "" {
		require.NoError(t, flag.Set("rapid.checks", "20"))
	}
	const shares = 12 // which run side by side, since they mostly wait
	for n := range shares {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				o := soar.Options{
					KeyField:          rapid.Bool().Draw(rt, "key field"),
					Duplicates:        rapid.SampledFrom([]soar.Duplicates{soar.ReturnExisting, soar.RefuseDuplicate, soar.KeepDuplicate, soar.ReplaceDescription}).Draw(rt, "duplicates"),
					PutClearsCells:    rapid.Bool().Draw(rt, "put clears cells"),
					RowVersionChecked: rapid.Bool().Draw(rt, "row version checked"),
					AttachmentArray:   rapid.Bool().Draw(rt, "attachment array"),
				}
				history := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
					return step{rapid.SampledFrom(likely()).Draw(rt, "do"), rapid.IntRange(0, 15).Draw(rt, "on"), rapid.IntRange(0, 15).Draw(rt, "what")}
				}), 6, 20).Draw(rt, "history")
				happen(t, rt, site, o, append([]step{{Do: "alert"}}, history...))
			})
		})
	}
}

// given reports whether a flag was set on the command line.
func given(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// happen lets a history happen and compares at its end.
func happen(t *testing.T, to tester, s site, o soar.Options, history []step) {
	w := newLife(t, to, s, o)
	all := steps()
	for _, step := range history {
		w.seq++
		w.logger.Info("step", "number", w.seq, "do", step.Do, "on", step.On, "what", step.What)
		all[step.Do](w, step.On, step.What)
	}
	w.finish()
	w.compare()
}

// site is what all worlds share.
type site struct {
	cert tls.Certificate
	pool *x509.CertPool
}

func newSite(t *testing.T) site {
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	s := site{cert: cert, pool: x509.NewCertPool()}
	s.pool.AppendCertsFromPEM(ca)
	return s
}
