package pipeline_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/parse"
)

// tally counts what it is told.
type tally struct {
	mu    sync.Mutex
	times map[string]int
	// after is how long the incidents took.
	after []time.Duration
}

func (o *tally) count(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.times == nil {
		o.times = make(map[string]int)
	}
	o.times[fmt.Sprintf(format, args...)]++
}

func (o *tally) told() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make(map[string]int, len(o.times))
	for what, n := range o.times {
		all[what] = n
	}
	return all
}

func (o *tally) MailReceived(mailbox string, arrived, received time.Time) {
	o.count("received by %s, arrived before: %t", mailbox, arrived.Before(received))
}
func (o *tally) MailRead(s ledger.MailStatus, k parse.Kind) { o.count("read %s %s", s, k) }
func (o *tally) IncidentsOpened(n int) {
	for range n {
		o.count("opened")
	}
}
func (o *tally) IncidentDelivered(after time.Duration) {
	o.count("delivered")
	o.mu.Lock()
	defer o.mu.Unlock()
	o.after = append(o.after, after)
}
func (o *tally) PieceDelivered(k ledger.PieceKind)          { o.count("piece %s", k) }
func (o *tally) RunEnded(action string, s ledger.RunStatus) { o.count("run %s %s", action, s) }

func TestObserver(t *testing.T) {
	t.Parallel()
	var seen tally
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1", "HOST-2"), observer: &seen})
	b.start()
	b.receive(alert("HOST-1"), alert("HOST-2"), []byte("Subject: lunch\n\nhello\n"))
	b.state.Mark = 0
	b.receive(alert("HOST-1")) // what comes again at its position is no new mail
	b.settle()
	require.Equal(t, map[string]int{
		"received by soc, arrived before: true": 3,
		"read parsed single_risk":               2,
		"read ignored unknown":                  1,
		"opened":                                2,
		"delivered":                             2,
		"piece artifact":                        2 * alertArtifacts,
		"piece row":                             2,
		"run endpoint_details done":             2,
	}, seen.told())
}

// What was lost on its way and is found is told of once, as what arrived is.
func TestObserverOfLostAnswers(t *testing.T) {
	t.Parallel()
	var seen tally
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1"), observer: &seen})
	b.soarFaults.On(
		fault.Switch{Kind: fault.LostReply, Method: http.MethodPost, Path: "incidents", Remaining: 1},
		fault.Switch{Kind: fault.LostReply, Method: http.MethodPost, Path: "row_data", Remaining: 1})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	got := seen.told()
	require.Equal(t, []int{1, 1, alertArtifacts, 1},
		[]int{got["opened"], got["delivered"], got["piece artifact"], got["piece row"]}, "%v", got)
}

// The time since a mail was received counts from its commit, also where it
// was read much later.
func TestDeliveredAfterIsSinceTheCommit(t *testing.T) {
	t.Parallel()
	var seen tally
	clock := newClock(1)
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1"), observer: &seen})
	b.onLedger(t, ledgerPath(t), clock)
	position := ledger.Position{Mailbox: "soc", UIDValidity: 1, UID: 1}
	require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.AddMails([]ledger.NewMail{{Position: position, Raw: alert("HOST-1")}})
		return err
	}))
	clock.jump(2 * time.Hour) // the process was away
	_, err := b.pipeline.Take(t.Context(), "soc")
	require.NoError(t, err)
	b.start()
	b.settle()
	require.Len(t, seen.after, 1)
	require.InDelta(t, 2*time.Hour, seen.after[0], float64(time.Minute))
}

func TestGates(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
	require.Empty(t, b.pipeline.Gates())
	b.soarFaults.On(fault.Switch{Kind: fault.Status, Code: 503})
	b.start()
	gate := func(system string) (g pipeline.Gate) {
		for _, g := range b.pipeline.Gates() {
			if g.System == system {
				return g
			}
		}
		return g
	}
	require.Eventually(t, func() bool { return gate("resilient").Failures > 0 }, 20*time.Second, 10*time.Millisecond)
	require.Contains(t, gate("resilient").Error, "503")
	require.Equal(t, pipeline.Gate{System: "sepm"}, gate("sepm"), "it was not asked yet")

	b.soarFaults.Off()
	require.Eventually(t, func() bool { return gate("resilient") == pipeline.Gate{System: "resilient"} },
		20*time.Second, 10*time.Millisecond, "that it answers again is seen without anything to deliver")

	b.stop()
	b.settings = &pipeline.Settings{Rules: b.settings.Rules, Read: b.settings.Read, Resilient: b.settings.Resilient}
	require.Len(t, b.pipeline.Gates(), 1, "a SEPM that is not configured has no gate")
}
