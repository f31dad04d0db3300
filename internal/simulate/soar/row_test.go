package soar_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

const (
	endpoints = "/table_data/sep_endpoint_details/row_data"
	summary   = "/table_data/sep_endpoint_status_summary/row_data"
)

func TestRowLife(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create("")
	first := b.post(inc+endpoints+"?handle_format=names", `{"cells":{"computerName":{"value":"HOST1"},
		"endpoint_quarantine_status":{"value":{"format":"html","content":"<div style=\"color:red\">yes</div>"}},"infected":{"value":null}}}`).is(200).object()
	require.EqualValues(t, 1, first["id"])
	require.Equal(t, "Symantec SEP - Endpoint details", first["table_name"], "the label, not the API name")
	require.EqualValues(t, id, first["inc_id"])
	require.EqualValues(t, 1, first["version"])
	require.Equal(t, map[string]any{"id": "computerName", "row_id": 1.0, "value": "HOST1"}, dig(t, first, "cells", "computerName"))
	require.Equal(t, "<div>yes</div>", dig(t, first, "cells", "endpoint_quarantine_status", "value"))
	require.NotContains(t, dig(t, first, "cells", "infected"), "value", "an empty cell has no value")

	second := b.post(inc+summary, `{"cells":{"total":{"value":7},"query_execution_date":{"value":"now"}}}`).is(200).object()
	require.EqualValues(t, 2, second["id"], "one sequence for all tables")
	_, other := b.create("")
	third := b.post(other+endpoints, `{"cells":{}}`).is(200).object()
	require.EqualValues(t, 3, third["id"], "and for all incidents")

	tables := b.get(inc + "/table_data").is(200).object()
	require.Len(t, tables, 7)
	require.Len(t, dig(t, tables, "1001", "rows"), 1)
	one := b.get(inc + "/table_data/1001").is(200).object()
	require.Equal(t, tables["1001"], any(one))
	rows, _ := one["rows"].([]any)
	cells, _ := dig(t, rows[0], "cells").(map[string]any)
	require.Len(t, cells, 15)
	for key, cell := range cells {
		require.Equal(t, key, fmt.Sprint(dig(t, cell, "id")), "keyed by column id by default")
	}
	require.Equal(t, []soar.Row{
		{1, "sep_endpoint_details", map[string]any{"computerName": "HOST1", "endpoint_quarantine_status": "<div>yes</div>"}},
		{2, "sep_endpoint_status_summary", map[string]any{"total": int64(7), "query_execution_date": "now"}},
	}, b.incident(id).Rows)

	b.get(inc + endpoints + "/1").is(200)
	b.get(inc + endpoints + "/2").is(404) // of another table
	b.get(inc + endpoints + "/3").is(404) // of another incident
	require.Equal(t, true, b.do("DELETE", inc+endpoints+"/1", "").is(200).object()["success"])
	b.do("DELETE", inc+endpoints+"/1", "").is(404)
	b.do("DELETE", inc+summary, "").is(200)
	require.Empty(t, b.incident(id).Rows)
}

func TestRowsAreChecked(t *testing.T) {
	b := setup(t, soar.Options{})
	_, inc := b.create("")
	for _, tt := range []struct {
		path, body string
		want       int
	}{
		{summary, `{"cells":{"total":{"value":"7"}}}`, 400},
		{summary, `{"cells":{"total":{"value":7.5}}}`, 400},
		{summary, `{"cells":{"query_execution_date":{"value":7}}}`, 400},
		{summary, `{"cells":{"nonsense":{"value":7}}}`, 400},
		{summary, `{"cells":{"total":7}}`, 400},
		{summary, `{}`, 400},
		{"/table_data/sep_critical_events/row_data", `{"cells":{"acknowledged":{"value":"true"}}}`, 400},
		{"/table_data/sep_critical_events/row_data", `{"cells":{"date_added":{"value":"2024-01-01"}}}`, 400},
		{"/table_data/sep_critical_events/row_data", `{"cells":{"acknowledged":{"value":true},"date_added":{"value":1700000000000}}}`, 200},
		{"/table_data/nonsense/row_data", `{"cells":{}}`, 404},
	} {
		b.post(inc+tt.path, tt.body).is(tt.want)
		b.do("PUT", inc+tt.path+"/99", tt.body).is(map[bool]int{true: 404, false: tt.want}[tt.want == 200])
	}
	b.get(inc + "/table_data/nonsense").is(404)
	b.post("/incidents/1"+summary, `{"cells":{}}`).is(404)
}

func TestRowPut(t *testing.T) {
	for clears, want := range map[bool]map[string]any{
		false: {"total": int64(8), "offline": int64(1)},
		true:  {"total": int64(8)},
	} {
		b := setup(t, soar.Options{PutClearsCells: clears})
		id, inc := b.create("")
		b.post(inc+summary, `{"cells":{"total":{"value":7},"offline":{"value":1},"disabled":{"value":2}}}`).is(200)
		a := b.do("PUT", inc+summary+"/1", `{"cells":{"total":{"value":8},"disabled":{"value":null}}}`).is(200).object()
		require.EqualValues(t, 2, a["version"])
		require.Equal(t, want, b.incident(id).Rows[0].Cells)
	}
}

func TestRowSwitches(t *testing.T) {
	b := setup(t, soar.Options{RowVersionChecked: true, EmptyCellsMissing: true, DeleteNoContent: true})
	_, inc := b.create("")
	row := b.post(inc+summary, `{"cells":{"total":{"value":7}}}`).is(200).object()
	require.Len(t, row["cells"], 1)
	b.do("PUT", inc+summary+"/1", `{"version":1,"cells":{"total":{"value":8}}}`).is(200)
	b.do("PUT", inc+summary+"/1", `{"version":1,"cells":{"total":{"value":9}}}`).is(409)
	b.do("PUT", inc+summary+"/1", `{"cells":{"total":{"value":9}}}`).is(200)
	b.do("DELETE", inc+summary+"/1", "").is(204)
	b.do("DELETE", inc+summary, "").is(204)
}
