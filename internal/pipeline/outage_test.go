package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// A proxy that answers 503 for twelve hours, or connections that are reset,
// is an outage like any other: what was received goes on by itself after it.
func TestOutageOfTwelveHoursParksNothing(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]fault.Switch{
		"503":   {Kind: fault.Status, Code: 503},
		"reset": {Kind: fault.Reset},
	} {
		for _, system := range []string{"Resilient", "SEPM"} {
			t.Run(system+"/"+name, func(t *testing.T) {
				t.Parallel()
				clock := newClock(2000)
				b := setup(t, options{soar: soar.Options{KeyField: true, Now: clock.Now}, sepm: fleet("HOST-1", "HOST-2")})
				b.settings.Resilient = slowed{b.settings.Resilient, 2000}
				b.onLedger(t, ledgerPath(t), clock)
				b.start()
				b.receive(alert("HOST-1"))
				b.settle() // both are connected
				faults := map[string]*fault.Set{"Resilient": b.soarFaults, "SEPM": b.sepmFaults}[system]
				faults.On(outage)
				began := clock.Now()
				b.receive(alert("HOST-2"))
				require.Eventually(t, func() bool {
					return b.counts().TasksParked > 0 || clock.Now().Sub(began) > 12*time.Hour
				}, time.Minute, 20*time.Millisecond)
				after := clock.Now().Sub(began)
				faults.Off()
				b.settle()
				require.Zero(t, b.counts().TasksParked, "parked after %v of outage", after.Round(time.Minute))
				rows := 0
				for _, inc := range b.open() {
					rows += len(inc.Rows)
				}
				require.Equal(t, 2, rows)
			})
		}
	}
}

// put puts a note on the incident as an action's effect would.
func (b *bench) putNote(text string) {
	b.t.Helper()
	body, err := json.Marshal(incident.Note{Key: "k", Text: text})
	require.NoError(b.t, err)
	require.NoError(b.t, b.ledger.Update(b.t.Context(), func(tx ledger.Tx) error {
		if err := tx.PutPieces([]ledger.Piece{{Incident: 1, Kind: ledger.PieceNote, Key: "k", Body: body}}); err != nil {
			return err
		}
		return tx.Want(ledger.TaskDeliver, 1)
	}))
}

// A key without the permission for notes (403), as a table that is not yet
// installed (404), is mended by a person, and then what was held back goes on.
func TestPieceRefusedForPermissionGoesOnWhenGranted(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	b.soarFaults.On(fault.Switch{Kind: fault.Status, Code: 403, Method: "POST", Path: "incidents/*/comments"})
	b.putNote("first")
	require.Eventually(t, func() bool { return b.soarFaults.Counts()[fault.Status] > 0 }, 20*time.Second, 10*time.Millisecond)
	c := b.counts()
	require.EqualValues(t, 1, c.PiecesPending, "it waits, in sight")
	b.soarFaults.Off()
	b.settle()
	require.Len(t, b.open()[0].Notes, 1)
}

// A note that changed is a note that is posted again, with an answer that can
// be lost.
func TestChangedNoteWithALostAnswerStandsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	b.putNote("first")
	b.settle()
	b.soarFaults.On(fault.Switch{Kind: fault.LostReply, Method: "POST", Path: "incidents/*/comments", Remaining: 1})
	b.putNote("second")
	b.settle()
	n := 0
	for _, note := range b.open()[0].Notes {
		if strings.Contains(note.Text, "second") {
			n++
		}
	}
	require.Equal(t, 1, n, "%+v", b.open()[0].Notes)
}
