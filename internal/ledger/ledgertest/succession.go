package ledgertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// testSuccession closes an incident that three events joined, two of them
// after Resilient was last known to have it open.
func testSuccession(t *testing.T, b *bundle) {
	added := addMails(t, b.Ledger, mails("one", "two", "three"))
	ids := addIncidents(t, b.Ledger, "story", "other")
	do(t, b.Ledger, func(tx ledger.Tx) error {
		if err := tx.AddSightings([]ledger.Sighting{{Incident: ids[0], Events: 3}, {Incident: ids[1], Events: 1}}); err != nil {
			return err
		}
		if err := tx.SetRemotes([]ledger.Remote{{Incident: ids[0], RemoteID: 2101, Told: 1}}); err != nil {
			return err
		}
		return tx.PutEvents([]ledger.Event{
			{Mail: added[0].ID, Incident: ids[0]}, {Mail: added[0].ID, Ordinal: 1, Incident: ids[1]},
			{Mail: added[2].ID, Incident: ids[0]}, {Mail: added[1].ID, Incident: ids[0]},
		})
	})
	require.Equal(t, 1, incidents(t, b, ids[0])[0].Told)

	before := func(ids ...int64) map[int64][]int64 {
		return view(t, b.Ledger, func(tx ledger.Tx) (map[int64][]int64, error) { return tx.Predecessors(ids) })
	}
	for range 2 { // the second time it is closed already
		do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Succeed([]int64{ids[0], 999}) })
		closed := incidents(t, b, ids[0])[0]
		require.Equal(t, incident.Closed, closed.Status)
		require.Equal(t, 1, closed.Seen)
		events := view(t, b.Ledger, func(tx ledger.Tx) (in []int64, err error) {
			events, err := tx.Events([]int64{added[0].ID, added[1].ID, added[2].ID})
			for _, e := range events {
				in = append(in, e.Incident)
			}
			return in, err
		})
		require.Equal(t, []int64{ids[0], ids[1], 0, 0}, events, "the later ones are given back")
		var read []int64
		for _, task := range update(t, b.Ledger, claim(ledger.TaskRead, 10, "w")) {
			read = append(read, task.Key)
		}
		require.ElementsMatch(t, []int64{added[1].ID, added[2].ID}, read, "and are read again")
		b.clock.advance(lease)
	}
	require.Equal(t, incident.Open, incidents(t, b, ids[1])[0].Status)
	require.Empty(t, before(ids...))

	again := addIncidents(t, b.Ledger, "story", "new")
	require.Equal(t, map[int64][]int64{again[0]: {2101}}, before(append(ids, again...)...))
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.Succeed(again) })
	last := addIncidents(t, b.Ledger, "story")
	require.Equal(t, map[int64][]int64{last[0]: {2101}}, before(last...), "the one between never came to Resilient")
}
