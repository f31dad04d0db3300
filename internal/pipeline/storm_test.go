package pipeline_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// A storm of 1,000 alerts about 200 computers of a fleet of 20,000 takes SEPM
// at most one request for ten alerts, the login included.
func TestStormTakesFewRequests(t *testing.T) {
	t.Parallel()
	const alerts, computers = 1000, 200
	fleet := sepm.Fleet(3, 20_000)
	b := setup(t, options{sepm: sepm.Options{Computers: fleet}, patience: time.Minute})
	b.soarFaults.On(fault.Switch{Kind: fault.Reset}) // delivery is not measured here
	var batch [][]byte
	for i := range alerts {
		mail := alert(fleet[i*7%computers*97].Name)
		// Another risk is another incident.
		mail = bytes.ReplaceAll(mail, []byte("Trojan.Gen.NPE"), fmt.Appendf(nil, "Risk.%d", i/computers))
		if batch = append(batch, mail); len(batch) == 50 {
			b.receive(batch...)
			batch = nil
		}
	}
	b.start()
	require.Eventually(t, func() bool { return b.counts().RunsWaiting == 0 }, 5*time.Minute, 200*time.Millisecond)

	c := b.counts()
	require.EqualValues(t, alerts, c.Incidents)
	require.LessOrEqual(t, b.sepm.Requests(), alerts/10, "%v", b.sepm.Calls())
	rows := 0
	require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
		for id := range int64(alerts) {
			pieces, err := tx.Pieces([]int64{id + 1})
			if err != nil {
				return err
			}
			for _, p := range pieces {
				if p.Kind == ledger.PieceRow {
					rows++
				}
			}
		}
		return nil
	}))
	require.Equal(t, alerts, rows, "each incident has its endpoint")
}
