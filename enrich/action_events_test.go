package enrich_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// fn_sep writes HTML into cells, and all events again in each run, as many as
// there are.
func TestPartC32EventsOnceAndAsText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tr := newTrial(t, sepm.Options{Events: []sepm.Event{
		{ID: "E1", Time: at, Subject: "CRITICAL", Message: "Server: <b>SEPM</b><br>\tReason:\r\n\x1b[31mdisk &lt;br&gt; full"},
		{ID: "E2", Time: at.Add(time.Hour), Subject: "<i>LATER</i>", Acknowledged: true},
	}})
	tr.must("get_critical_events", anIncident, nil)
	require.Equal(t, map[string]string{
		"event_id": "E1", "event_date": "2026-01-02 03:04:05", "subject": "CRITICAL", "message": "Server: SEPM Reason: \ufffd[31mdisk full",
		"acknowledged": "false", "date_added": fmt.Sprint(time.Date(2026, 3, 4, 5, 7, 7, 0, time.UTC).UnixMilli()),
	}, texts(tr.row(incident.TableCriticalEvents, "event_id", "E1")))
	require.Equal(t, "LATER", tr.row(incident.TableCriticalEvents, "event_id", "E2").Cells["subject"].String())
	require.Contains(t, tr.note(), "SEPM has 2 critical events, of which 1 are not acknowledged.")

	before := maps.Clone(tr.rows)
	tr.must("get_critical_events", anIncident, nil)
	require.Equal(t, before, tr.rows, "a second run changes no row")

	tr.AddEvent(sepm.Event{ID: "E3", Time: at.Add(2 * time.Hour), Subject: "NEW"})
	tr.must("get_critical_events", anIncident, nil)
	require.Len(t, tr.rows, 3)
	require.NotEqual(t, before[incident.TableCriticalEvents+"\x1fE1"].Cells["date_added"],
		tr.row(incident.TableCriticalEvents, "event_id", "E3").Cells["date_added"])
	require.Equal(t, before[incident.TableCriticalEvents+"\x1fE1"], tr.row(incident.TableCriticalEvents, "event_id", "E1"))
}

func TestPartC32EventsUpToTheLimit(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	o := sepm.Options{Events: []sepm.Event{{ID: "OLD", Time: at.Add(-time.Hour)}}}
	for i := range 250 {
		o.Events = append(o.Events, sepm.Event{ID: fmt.Sprint("E", i), Time: at, Subject: "=1+1", Message: strings.Repeat("x", 5000)})
	}
	tr := newTrial(t, o)
	tr.must("get_critical_events", anIncident, nil)
	require.Len(t, tr.rows, 200)
	require.NotContains(t, tr.rows, incident.TableCriticalEvents+"\x1fOLD", "the newest are in the table")
	require.Less(t, len(tr.row(incident.TableCriticalEvents, "event_id", "E0").Cells["message"].String()), 2100)
	require.Contains(t, tr.note(), "SEPM has 251 critical events, of which 251 are not acknowledged. The first 200 are in the table")
	require.Len(t, tr.attachments, 1)
	file := string(tr.attachments[0].Content)
	require.Equal(t, 252, strings.Count(file, "\r\n"))
	require.Contains(t, file, "OLD,2026-01-02 02:04:05")
	require.Contains(t, file, ",'=1+1,")
}
