package pipeline_test

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// compare compares Resilient with the ledger and with what people did.
func (w *life) compare() {
	ours := make(map[int]ledger.Incident) // by Resilient's id
	open := make(map[string]int)          // by key
	for _, inc := range w.incidents() {
		remote := int(inc.RemoteID)
		require.NotZero(w.t, remote, "incident %d was delivered", inc.ID)
		require.NotContains(w.t, ours, remote, "each incident has one of its own")
		ours[remote] = inc
	}
	for _, there := range w.soar.Incidents() {
		inc, isOurs := ours[there.ID]
		turned := len(w.turns[there.ID]) > 0
		switch {
		case turned:
			turns := w.turns[there.ID]
			if last := turns[len(turns)-1].open; last != there.Open {
				require.False(w.t, isOurs, "incident %d was left by people with open = %v", there.ID, last)
			}
		case isOurs:
			require.True(w.t, there.Open, "incident %d is ours and was closed by nobody", there.ID)
			open[inc.Key]++
		default:
			require.False(w.t, there.Open, "incident %d is nobody's", there.ID)
			require.Equal(w.t, "Duplicate", there.Resolution)
		}
		w.compareOwn(there)
		if isOurs {
			w.compareIncident(inc, there)
		}
	}
	for key, n := range open {
		require.Equal(w.t, 1, n, "incidents with the key %s that nobody closed", key)
	}
	w.compareAlerts()
	for remote, inc := range ours {
		_, there := w.soar.Incident(remote)
		_, deleted := w.deleted[remote]
		require.NotEqual(w.t, deleted, there, "incident %d stands unless somebody deleted it", remote)
		pieces, intents := w.pieces(inc.ID)
		require.Empty(w.t, intents, "nothing is in doubt")
		for _, p := range pieces {
			require.True(w.t, deleted || !p.Parked && p.Delivered == p.Version, "incident %d: %+v", remote, p)
		}
	}
}

// compareOwn: what people added stands as they left it.
func (w *life) compareOwn(there soar.Incident) {
	is := make(map[thing]any)
	for _, i := range items(there) {
		is[i.thing] = i.is
	}
	for own, left := range w.own {
		if own.incident != there.ID {
			continue
		}
		require.Contains(w.t, is, own)
		require.Equal(w.t, left, is[own])
	}
	for touched, t := range w.touched {
		if touched.incident != there.ID {
			continue
		}
		if t.deleted {
			require.NotContains(w.t, is, touched)
			continue
		}
		require.Contains(w.t, is, touched, "what people changed is there")
		if touched.kind == ledger.PieceNote {
			require.Equal(w.t, t.left, is[touched])
		}
	}
	for name, value := range w.fields[there.ID] {
		require.Equal(w.t, value, w.soar.Field(there.ID, name))
	}
}

// compareIncident: each piece of the incident stands once, in its last
// version, apart from what people touched.
func (w *life) compareIncident(inc ledger.Incident, there soar.Incident) {
	if _, edited := w.fields[there.ID]["name"]; !edited {
		require.Equal(w.t, inc.Name, there.Name)
	}
	if _, edited := w.fields[there.ID]["severity_code"]; !edited {
		require.Equal(w.t, inc.Severity, there.Severity)
	}
	type what struct {
		kind ledger.PieceKind
		says string
	}
	standing := make(map[what][]item)
	for _, i := range items(there) {
		_, theirs := w.own[i.thing]
		if w.touched[i.thing] == nil && !theirs {
			key := what{i.kind, i.says}
			standing[key] = append(standing[key], i)
		}
	}
	pieces, _ := w.pieces(inc.ID)
	for _, p := range pieces {
		key := what{p.Kind, w.says(p)}
		found := standing[key]
		delete(standing, key)
		about := fmt.Sprintf("incident %d: the %s %q: %v", there.ID, p.Kind, key.says, found)
		touched, known := false, true
		for at, t := range w.touched {
			if at.incident == there.ID && at.kind == p.Kind && t.says == key.says {
				touched, known = true, known && t.known
				if row, ok := w.row(there, at); ok && t.known {
					w.compareRow(p, row, t)
				}
			}
		}
		switch {
		case !touched:
			require.Len(w.t, found, 1, about)
		case known:
			require.Empty(w.t, found, "people changed it or took it off: "+about)
		default:
			require.LessOrEqual(w.t, len(found), 1, about)
		}
		for _, i := range found {
			if cells, ok := i.is.(map[string]any); ok {
				for column, cell := range body[incident.Row](w, p).Cells {
					require.Equal(w.t, cell.Value(), cells[column], about)
				}
			}
		}
	}
	// A note or an attachment that changes is one more.
	for key, found := range standing {
		require.True(w.t, w.said[inc.ID][key.says], "nobody said %v on incident %d", found, there.ID)
		require.Len(w.t, found, 1, "an older version")
	}
}

func (w *life) row(there soar.Incident, at thing) (soar.Row, bool) {
	if at.kind != ledger.PieceRow {
		return soar.Row{}, false
	}
	i := slices.IndexFunc(there.Rows, func(r soar.Row) bool { return r.ID == at.id })
	if i < 0 {
		return soar.Row{}, false
	}
	return there.Rows[i], true
}

// compareRow: a row of ours that people edited has what they wrote, but for
// the cells that a later version has filled.
func (w *life) compareRow(p ledger.Piece, row soar.Row, t *touch) {
	want := make(map[string]any)
	for column, cell := range body[incident.Row](w, p).Cells {
		want[column] = cell.Value()
	}
	for column, e := range t.left.(edits) {
		if _, ours := want[column]; !ours || e.version == p.Version {
			want[column] = e.text
		}
	}
	require.Equal(w.t, want, row.Cells)
}

// compareAlerts: each alert belongs to an incident that people could see as
// open after it came, and counts there.
func (w *life) compareAlerts() {
	byID := make(map[int64]ledger.Incident)
	for _, inc := range w.incidents() {
		byID[inc.ID] = inc
	}
	seen := make(map[int64]int)
	for mail, at := range w.alerts {
		w.view(func(tx ledger.Tx) error {
			events, err := tx.Events([]int64{mail})
			require.Len(w.t, events, 1)
			inc := byID[events[0].Incident]
			require.NotZero(w.t, inc.ID)
			seen[inc.ID]++
			require.True(w.t, w.openAfter(int(inc.RemoteID), at), "the alert of step %d stands on incident %d", at, inc.RemoteID)
			return err
		})
	}
	for id, inc := range byID {
		require.Equal(w.t, seen[id], inc.Seen)
	}
}

// openAfter reports whether the incident was open at some time after a step.
func (w *life) openAfter(remote, step int) bool {
	open := true
	for _, t := range w.turns[remote] {
		if t.seq > step && (open || t.open) {
			return true
		}
		open = t.open
	}
	deleted, ok := w.deleted[remote]
	return open && (!ok || deleted > step)
}
