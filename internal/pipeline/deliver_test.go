package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/parse"
)

func TestMailBecomesIncident(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()

	open := b.open()
	require.Len(t, open, 1)
	inc := open[0]
	require.Equal(t, "SEP: Trojan.Gen.NPE on HOST-1", inc.Name)
	require.Equal(t, "High", inc.Severity)
	require.Equal(t, []string{"Malware"}, inc.Types)
	require.NotEmpty(t, inc.Properties["sepwatch_key"])
	require.NotContains(t, inc.Description, "sepwatch key", "no marker where the field is installed")
	require.Len(t, inc.Artifacts, alertArtifacts)
	require.Empty(t, inc.Notes)
	require.Len(t, inc.Rows, 1)
	require.Equal(t, "sep_endpoint_details", inc.Rows[0].Table)
	require.Equal(t, fmt.Sprintf("%032X", 1), inc.Rows[0].Cells["uniqueId"])

	calls := b.soar.Calls()
	require.Equal(t, 1, calls["POST /incidents"], "artifacts are inline in the create")
	require.Zero(t, calls["POST /incidents/{i}/artifacts"])
}

// doubts are the ways in which the answer to a change gets lost.
func doubts() map[string]fault.Switch {
	return map[string]fault.Switch{
		"reply lost":             {Kind: fault.LostReply},
		"refused with 503":       {Kind: fault.Status, Code: 503},
		"refused with 500":       {Kind: fault.Status, Code: 500},
		"reset":                  {Kind: fault.Reset},
		"slower than the client": {Kind: fault.Delay, Wait: timeout + timeout/4},
		"late":                   {Kind: fault.LateChange},
		// The look for it comes first and finds nothing, so it is sent again.
		"after we looked": {Kind: fault.LateChange, Late: 3 * timeout},
	}
}

func TestLostCreateLeavesOneIncident(t *testing.T) {
	t.Parallel()
	for _, field := range []bool{true, false} {
		for name, lost := range doubts() {
			t.Run(fmt.Sprintf("%s/field=%v", name, field), func(t *testing.T) {
				t.Parallel()
				b := setup(t, options{soar: soar.Options{KeyField: field, ClockOffset: -3 * time.Minute}, sepm: fleet("HOST-1")})
				lost.Method, lost.Path, lost.Remaining = "POST", "incidents", 1
				b.soarFaults.On(lost)
				b.start()
				b.receive(alert("HOST-1"))
				b.settle()
				b.soarFaults.Flush() // nothing is still under way

				require.Equal(t, 1, b.soarFaults.Counts()[lost.Kind])
				open := b.open()
				require.Len(t, open, 1)
				require.Len(t, open[0].Artifacts, alertArtifacts)
				require.Len(t, open[0].Rows, 1)
				for _, inc := range b.soar.Incidents() {
					if !inc.Open {
						require.Equal(t, "Duplicate", inc.Resolution)
						require.Greater(t, inc.ID, open[0].ID, "the newer one is closed")
					}
				}
				require.Zero(t, b.counts().TasksParked)
			})
		}
	}
}

func TestLostPieceStandsOnce(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"incidents/*/artifacts", "incidents/*/comments", "table_data/*/row_data"} {
		for name, lost := range doubts() {
			if lost.Late > 0 {
				// Rows and notes carry no key of ours: one that lands after
				// we looked for it cannot be told from another's.
				continue
			}
			t.Run(piece+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, options{soar: soar.Options{}, sepm: fleet("HOST-1")})
				computer := "HOST-1"
				if strings.HasSuffix(piece, "comments") {
					computer = "UNKNOWN" // which gets a note instead of a row
				}
				b.receive(alert(computer))
				refuse := fault.Switch{Kind: fault.Status, Code: 400, Method: "POST", Path: "incidents", Remaining: 1}
				lost.Method, lost.Path, lost.Remaining = "POST", piece, 1
				b.soarFaults.On(refuse, lost) // so the artifacts are sent one by one
				b.start()
				b.settle()
				b.soarFaults.Flush()

				require.Equal(t, 1, b.soarFaults.Counts()[lost.Kind]-map[bool]int{true: 1}[lost.Kind == fault.Status])
				require.Len(t, b.soar.Incidents(), 1)
				inc := b.open()[0]
				require.Len(t, inc.Artifacts, alertArtifacts)
				require.Equal(t, 1, len(inc.Rows)+len(inc.Notes))
				require.Zero(t, b.counts().PiecesPending)
			})
		}
	}
}

func TestRefusedArtifactParksAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, options{read: func(raw []byte) parse.Alert {
		return parse.Alert{
			Status: parse.Parsed, Fingerprint: true, Warnings: []string{},
			Events: []parse.Event{{Digest: string(raw), Risk: "R", Computer: ""}},
			Artifacts: []parse.Artifact{
				{Type: "Malware Family/Variant", Value: "R"},
				{Type: "IP Address", Value: "not an address"},
				{Type: "File Name", Value: "x.exe"},
			},
		}
	}})
	b.start()
	b.receive([]byte("d1"))
	b.settle()
	open := b.open()
	require.Len(t, open, 1)
	require.Len(t, open[0].Artifacts, 2)

	var parked []ledger.Piece
	require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
		pieces, err := tx.Pieces([]int64{1})
		for _, p := range pieces {
			if p.Parked {
				parked = append(parked, p)
			}
		}
		return err
	}))
	require.Len(t, parked, 1)
	require.Contains(t, string(parked[0].Body), "not an address")
	require.Contains(t, parked[0].Error, "400")

	// The next alert arrives all the same.
	b.receive([]byte("d2"))
	b.settle()
	require.Len(t, b.open(), 2)
	require.Len(t, b.open()[1].Artifacts, 2)

	// A person may have it tried again; it is refused again.
	require.EqualValues(t, 2, b.counts().PiecesParked)
	require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error { return tx.RetryTask(1) }))
	b.settle()
	require.EqualValues(t, 2, b.counts().PiecesParked)
	require.Equal(t, 2*3+1, b.soar.Calls()["POST /incidents/{inc}/artifacts"])
}

func TestRefusedIncidentIsParkedWithTheReason(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1", "HOST-2")})
	b.soarFaults.On(fault.Switch{Kind: fault.Status, Code: 400, Method: "POST", Path: "incidents", Remaining: 2})
	b.start()
	b.receive(alert("HOST-1"))
	require.Eventually(t, func() bool { return b.counts().TasksParked == 1 }, 20*time.Second, 20*time.Millisecond)
	b.receive(alert("HOST-2"))
	b.settle()
	require.Len(t, b.soar.Incidents(), 1, "the next one arrives")
	require.Equal(t, 2, b.soarFaults.Counts()[fault.Status], "with its artifacts and bare, and then no more")
}

// What is wrong with the organization or the key keeps incidents waiting; it
// parks none.
func TestMisconfiguredResilientParksNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]soar.Options{
		"required field":     {Fields: []soar.Field{{Name: "region", Label: "Region", Required: "always"}}},
		"missing permission": {Deny: []string{"POST /incidents"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{soar: o})
			b.start()
			b.receive(alert("HOST-1"))
			asked := map[string]string{"required field": "GET /types", "missing permission": "POST /incidents"}[name]
			require.Eventually(t, func() bool { return b.soar.Calls()[asked] > 0 }, 20*time.Second, 10*time.Millisecond, "%v", b.soar.Calls())
			b.receive(alert("HOST-2"))
			b.stop()
			c := b.counts()
			require.Zero(t, c.TasksParked)
			require.Empty(t, b.soar.Incidents())
			require.LessOrEqual(t, b.soar.Calls()["POST /incidents"], 1)
		})
	}
}

func TestOutageCostsNoAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1", "HOST-2")})
	b.soarFaults.On(fault.Switch{Kind: fault.Reset})
	b.sepmFaults.On(fault.Switch{Kind: fault.Reset})
	b.start()
	b.receive(alert("HOST-1"), alert("HOST-2"))
	require.Eventually(t, func() bool { return b.soarFaults.Counts()[fault.Reset] > 0 && b.sepmFaults.Counts()[fault.Reset] > 0 },
		20*time.Second, 10*time.Millisecond)
	require.Empty(t, b.soar.Incidents())
	b.soarFaults.Off()
	b.sepmFaults.Off()
	b.settle()
	require.Len(t, b.open(), 2)
	for _, inc := range b.open() {
		require.Len(t, inc.Rows, 1)
	}
}

func TestRefusedKeyIsNotHammered(t *testing.T) {
	t.Parallel()
	b := setup(t, options{secret: "wrong"})
	b.start()
	for i := range 5 {
		b.receive(alert(fmt.Sprintf("HOST-%d", i)))
	}
	require.Eventually(t, func() bool { return b.soar.Calls()["GET /session"] > 0 }, 20*time.Second, 10*time.Millisecond)
	b.receive(alert("HOST-9"))
	b.stop()
	require.Equal(t, 1, b.soar.Calls()["GET /session"])
	require.EqualValues(t, 6, b.counts().Incidents, "what was received waits")
}

func TestOneNodeAtATimeForAnIncident(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	for range 20 {
		b.receive(alert("HOST-1")) // one story, wanted again and again
	}
	b.start()
	b.settle()
	require.Len(t, b.soar.Incidents(), 1)
	require.Equal(t, 1, b.soar.Calls()["POST /incidents"])
}

func TestStopLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	b.soarFaults.On(fault.Switch{Kind: fault.Delay, Wait: timeout / 2, Method: "POST", Path: "incidents"})
	b.start()
	b.receive(alert("HOST-1"))
	require.Eventually(t, func() bool { return b.soarFaults.Counts()[fault.Delay] > 0 }, 20*time.Second, time.Millisecond)
	b.stop() // waits for the create under way and records it
	require.Len(t, b.soar.Incidents(), 1)
	require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
		incidents, err := tx.Incidents([]int64{1})
		require.EqualValues(t, b.soar.Incidents()[0].ID, incidents[0].RemoteID)
		return err
	}))
}

// A request that comes late in its step is not looked for before its own
// time-out has passed.
func TestLateRequestOfAStepIsNotLookedForTooEarly(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.soarFaults.On(
		fault.Switch{Kind: fault.Status, Code: 400, Method: "POST", Path: "incidents", Remaining: 1},
		fault.Switch{Kind: fault.Delay, Wait: timeout * 2 / 5, Method: "POST", Path: "incidents/*/artifacts", Remaining: 2},
		fault.Switch{Kind: fault.LateChange, Method: "POST", Path: "incidents/*/artifacts", Hold: time.Millisecond, Late: timeout * 4 / 5, Remaining: 1},
	)
	b.receive(alert("HOST-1"))
	b.start()
	b.settle()
	b.soarFaults.Flush()
	require.Len(t, b.open()[0].Artifacts, alertArtifacts)
	require.Equal(t, alertArtifacts, b.soar.Calls()["POST /incidents/{inc}/artifacts"], "none is sent twice: %v", b.soar.Calls())
}
