package ledgertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func incidents(t *testing.T, b *bundle, ids ...int64) []ledger.Incident {
	t.Helper()
	return view(t, b.Ledger, func(tx ledger.Tx) ([]ledger.Incident, error) { return tx.Incidents(ids) })
}

// testRemotes and testSightings hold that what two stages change about an
// incident at the same time does not undo the other's.
func testRemotes(t *testing.T, b *bundle) {
	ids := addIncidents(t, b.Ledger, "k", "l")
	want := incidents(t, b, ids...)
	want[0].RemoteID, want[0].Delivered = 2095, b.clock.Now()
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetRemotes([]ledger.Remote{{Incident: ids[0], RemoteID: 2095, Delivered: b.clock.Now()}})
	})
	require.Equal(t, want, incidents(t, b, ids...))
	require.ErrorIs(t, b.Update(t.Context(), func(tx ledger.Tx) error {
		return tx.SetRemotes([]ledger.Remote{{Incident: 999}})
	}), ledger.ErrNotFound)
}

func testSightings(t *testing.T, b *bundle) {
	ids := addIncidents(t, b.Ledger, "k", "l")
	now := b.clock.Now()
	see := func(sightings ...ledger.Sighting) error {
		return b.Update(t.Context(), func(tx ledger.Tx) error { return tx.AddSightings(sightings) })
	}
	require.NoError(t, see(
		ledger.Sighting{Incident: ids[0], Events: 2, Last: now},
		ledger.Sighting{Incident: ids[0], Events: 3, Last: now.Add(-time.Hour)}))
	want := incidents(t, b, ids...)
	require.Equal(t, 5, want[0].Seen)
	require.Equal(t, now, want[0].LastSeen, "a late mail does not set it back")
	require.Zero(t, want[1].Seen)
	require.ErrorIs(t, see(ledger.Sighting{Incident: 999, Events: 1}), ledger.ErrNotFound)
}
