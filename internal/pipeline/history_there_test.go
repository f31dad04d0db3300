package pipeline_test

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// log is what happened, by the numbers of the steps.
type log struct {
	seq    int
	alerts map[int64]int // by mail
	// said is what every version of a note or an attachment said, by incident
	// of the ledger.
	said map[int64]map[string]bool

	// What people did, by Resilient's ids.
	turns   map[int][]turn         // closed, opened again
	deleted map[int]int            // incidents
	fields  map[int]map[string]any // edited
	own     map[thing]any          // what they added, as they left it
	touched map[thing]*touch       // what they changed of ours
}

type turn struct {
	seq  int
	open bool
}

// thing is something on an incident in Resilient.
type thing struct {
	incident int
	kind     ledger.PieceKind
	id       int
}

// touch is what people did to a thing of ours.
type touch struct {
	// says is what it said when it was touched first.
	says string
	// known is whether the ledger knew it to be there, in the version that it
	// then had, at each touch.
	known   bool
	version int64
	deleted bool
	// left is a note as they left it, or the cells of a row that they set.
	left any
}

func newLog() log {
	return log{
		alerts: map[int64]int{}, said: map[int64]map[string]bool{}, turns: map[int][]turn{}, deleted: map[int]int{},
		fields: map[int]map[string]any{}, own: map[thing]any{}, touched: map[thing]*touch{},
	}
}

// item is a thing that stands on an incident, and what it says: what tells it
// from the others of its kind, and for a note or an attachment all of it.
type item struct {
	thing
	says string
	// is is a note's text, the cells of a row, or the description of an artifact.
	is any
}

// items are all things on an incident.
func items(inc soar.Incident) (all []item) {
	for _, a := range inc.Artifacts {
		all = append(all, item{thing{inc.ID, ledger.PieceArtifact, a.ID}, incident.Artifact{Type: incident.ArtifactType(a.Type), Value: a.Value}.Identity(), a.Description})
	}
	for _, n := range inc.Notes {
		all = append(all, item{thing{inc.ID, ledger.PieceNote, n.ID}, n.Text, n.Text})
	}
	for _, r := range inc.Rows {
		all = append(all, item{thing{inc.ID, ledger.PieceRow, r.ID}, r.Table + fmt.Sprint(r.Cells["uniqueId"]), r.Cells})
	}
	for _, a := range inc.Attachments {
		all = append(all, item{thing{inc.ID, ledger.PieceAttachment, a.ID}, a.Name + ": " + string(a.Content), nil})
	}
	return all
}

// some picks one of the items: each kind that is there as often as the others,
// and of a kind the newest most often.
func some(all []item, what int) item {
	var kinds []ledger.PieceKind
	for _, i := range all {
		if !slices.Contains(kinds, i.kind) {
			kinds = append(kinds, i.kind)
		}
	}
	kind := kinds[what%len(kinds)]
	of := slices.DeleteFunc(all, func(i item) bool { return i.kind != kind })
	return of[len(of)-1-what/8%len(of)]
}

// says is what a piece says, as [items] has it.
func (w *life) says(p ledger.Piece) string {
	switch p.Kind {
	case ledger.PieceArtifact:
		return body[incident.Artifact](w, p).Identity()
	case ledger.PieceNote:
		return body[incident.Note](w, p).Text
	case ledger.PieceRow:
		r := body[incident.Row](w, p)
		return r.Table + r.Cells["uniqueId"].String()
	}
	a := body[incident.Attachment](w, p)
	if a.Mail != 0 {
		w.view(func(tx ledger.Tx) (err error) {
			a.Content, err = tx.Raw(a.Mail)
			return err
		})
	}
	return a.Name + ": " + string(a.Content)
}

func body[T any](w *life, p ledger.Piece) (t T) {
	require.NoError(w.t, json.Unmarshal(p.Body, &t))
	return t
}

// pieces are those of an incident of the ledger, and the intents that are open
// for it.
func (w *life) pieces(id int64) (pieces []ledger.Piece, open []ledger.Intent) {
	w.view(func(tx ledger.Tx) (err error) {
		if pieces, err = tx.Pieces([]int64{id}); err != nil {
			return err
		}
		open, err = tx.OpenIntents([]int64{id})
		return err
	})
	return pieces, open
}

// touching notes, before somebody touches a thing of ours, whether the ledger
// knows that it is there: what was delivered while nobody here knew it yet
// cannot be told from what was never delivered once it is gone or changed.
// Nothing in Resilient carries a key of ours but the incident (§2.4, §4, §5).
func (w *life) touching(of item) *touch {
	known, version := false, int64(0)
	for _, inc := range w.incidents() {
		if inc.RemoteID != int64(of.incident) {
			continue
		}
		pieces, open := w.pieces(inc.ID)
		for _, p := range pieces {
			if p.Kind == of.kind && w.says(p) == of.says {
				known, version = p.Delivered == p.Version && len(open) == 0, p.Version
			}
		}
	}
	t := w.touched[of.thing]
	if t == nil {
		t = &touch{says: of.says, known: true, left: of.is}
		w.touched[of.thing] = t
	}
	t.known, t.version = t.known && known, version
	return t
}

// there picks an incident in Resilient.
func (w *life) there(on int, which func(soar.Incident) bool) (soar.Incident, bool) {
	found := slices.DeleteFunc(w.soar.Incidents(), func(inc soar.Incident) bool { return !which(inc) })
	if len(found) == 0 {
		return soar.Incident{}, false
	}
	return found[on%len(found)], true
}

func anyIncident(soar.Incident) bool { return true }

func (w *life) closeThere(on, what int) {
	if inc, ok := w.there(on, func(inc soar.Incident) bool { return inc.Open }); ok {
		require.NoError(w.t, w.soar.CloseIncident(inc.ID, []string{"Resolved", "Duplicate"}[what%2]))
		w.turns[inc.ID] = append(w.turns[inc.ID], turn{w.seq, false})
	}
}

func (w *life) reopenThere(on, _ int) {
	if inc, ok := w.there(on, func(inc soar.Incident) bool { return !inc.Open }); ok {
		require.NoError(w.t, w.soar.ReopenIncident(inc.ID))
		w.turns[inc.ID] = append(w.turns[inc.ID], turn{w.seq, true})
	}
}

func (w *life) deleteThere(on, _ int) {
	if inc, ok := w.there(on, anyIncident); ok {
		require.NoError(w.t, w.soar.DeleteIncident(inc.ID))
		w.deleted[inc.ID] = w.seq
	}
}

func (w *life) fieldThere(on, what int) {
	inc, ok := w.there(on, anyIncident)
	if !ok {
		return
	}
	name, value := "name", fmt.Sprintf("Renamed %d", w.seq)
	if what%2 == 0 {
		name, value = "severity_code", "Low"
	}
	require.NoError(w.t, w.soar.EditField(inc.ID, name, value))
	if w.fields[inc.ID] == nil {
		w.fields[inc.ID] = map[string]any{}
	}
	w.fields[inc.ID][name] = value
}

func (w *life) addThere(on, what int) {
	inc, ok := w.there(on, anyIncident)
	if !ok {
		return
	}
	var id int
	var err error
	says := fmt.Sprintf("by people, %d", w.seq)
	added := thing{incident: inc.ID}
	var left any
	switch what % 4 {
	case 0:
		added.kind, left = ledger.PieceArtifact, says
		id, err = w.soar.AddArtifact(inc.ID, string(incident.FileName), says, says)
	case 1:
		added.kind, left = ledger.PieceNote, says
		id, err = w.soar.AddNote(inc.ID, says)
	case 2:
		cells := map[string]any{"uniqueId": says, "sep_description": says}
		added.kind, left = ledger.PieceRow, cells
		id, err = w.soar.AddRow(inc.ID, incident.TableEndpoints, cells)
	case 3:
		added.kind = ledger.PieceAttachment
		id, err = w.soar.AddAttachment(inc.ID, says, "text/plain", []byte(says))
	}
	require.NoError(w.t, err)
	added.id = id
	w.own[added] = left
}

// editThere changes a note, or a cell of a row: one that we fill, or one that
// we do not.
func (w *life) editThere(on, what int) {
	inc, ok := w.there(on, func(inc soar.Incident) bool { return len(inc.Notes)+len(inc.Rows) > 0 })
	if !ok {
		return
	}
	of := some(slices.DeleteFunc(items(inc), func(i item) bool { return i.kind != ledger.PieceNote && i.kind != ledger.PieceRow }), what)
	text := fmt.Sprintf("edited by people, %d", w.seq)
	_, theirs := w.own[of.thing]
	var t *touch
	if !theirs {
		t = w.touching(of)
	}
	if of.kind == ledger.PieceNote {
		require.NoError(w.t, w.soar.EditNote(inc.ID, of.id, text))
		if theirs {
			w.own[of.thing] = text
		} else {
			t.left = text
		}
		return
	}
	column := []string{"sep_description", "group_name"}[what/4%2]
	require.NoError(w.t, w.soar.EditRow(inc.ID, of.id, map[string]any{column: text}))
	switch cells := w.own[of.thing].(type) {
	case map[string]any:
		cells[column] = text
	default:
		set, ok := t.left.(edits)
		if !ok {
			set = edits{}
			t.left = set
		}
		set[column] = edit{text, t.version}
	}
}

// edits are the cells of a row of ours that people set, and the version of the
// row that they did it to.
type edits map[string]edit

type edit struct {
	text    string
	version int64
}

func (w *life) takeOffThere(on, what int) {
	inc, ok := w.there(on, func(inc soar.Incident) bool { return len(items(inc)) > 0 })
	if !ok {
		return
	}
	of := some(items(inc), what)
	if _, theirs := w.own[of.thing]; theirs {
		delete(w.own, of.thing)
	} else {
		w.touching(of).deleted = true
	}
	remove := map[ledger.PieceKind]func(int, int) error{
		ledger.PieceArtifact: w.soar.DeleteArtifact, ledger.PieceNote: w.soar.DeleteNote,
		ledger.PieceRow: w.soar.DeleteRow, ledger.PieceAttachment: w.soar.DeleteAttachment,
	}[of.kind]
	require.NoError(w.t, remove(inc.ID, of.id))
}
