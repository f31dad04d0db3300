package soar_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// ids are the ids of a query's answer, relative to the first incident.
func ids(t *testing.T, rows any, first int) []int {
	t.Helper()
	list, ok := rows.([]any)
	require.True(t, ok)
	found := []int{}
	for _, row := range list {
		n, ok := dig(t, row, "id").(float64)
		require.True(t, ok)
		found = append(found, int(n)-first)
	}
	return found
}

// population makes four incidents, a second apart, the third of them closed.
func population(t *testing.T) (b *bench, first int) {
	t.Helper()
	b = setup(t, withFields())
	for i, members := range []string{
		`"severity_code":"Low","incident_type_ids":["Malware"],"properties":{"sepwatch_key":"k0","count":1}`,
		`"severity_code":"High","incident_type_ids":["Malware","Phishing"],"description":"Marker [key k1]","properties":{"sepwatch_key":"k1"}`,
		`"severity_code":"High","properties":{"sepwatch_key":"k1","region":"South"},"reporter":"SEPM"`,
		`"properties":{"count":7}`,
	} {
		id, _ := b.create(members)
		if i == 0 {
			first = id
		}
		b.clock.advance(time.Second)
	}
	require.NoError(t, b.CloseIncident(first+2, "Resolved"))
	return b, first
}

func TestConditions(t *testing.T) {
	b, first := population(t)
	start := b.incident(first).Created.UnixMilli()
	cond := func(field, method string, value any) string {
		return fmt.Sprintf(`{"field_name":%q,"method":%q,"value":%s}`, field, method, jsonOf(t, value))
	}
	for _, tt := range []struct {
		conditions string
		want       []int
	}{
		{"", []int{0, 1, 2, 3}},
		{cond("properties.sepwatch_key", "equals", "k1"), []int{1, 2}},
		{cond("properties.sepwatch_key", "equals", "k1") + "," + cond("plan_status", "equals", "A"), []int{1}},
		{cond("properties.sepwatch_key", "equals", "K1"), []int{}},
		{cond("properties.sepwatch_key", "not_equals", "k1"), []int{0, 3}},
		{cond("properties.sepwatch_key", "in", []string{"k0", "k1"}), []int{0, 1, 2}},
		{cond("properties.sepwatch_key", "not_in", []string{"k0", "k1"}), []int{3}},
		{cond("properties.sepwatch_key", "has_a_value", nil), []int{0, 1, 2}},
		{cond("properties.sepwatch_key", "not_has_a_value", nil), []int{3}},
		{cond("properties.sepwatch_key", "does_not_have_a_value", nil), []int{3}},
		{cond("properties.count", "gt", 1), []int{3}},
		{cond("properties.count", "gte", 1), []int{0, 3}},
		{cond("properties.count", "lt", 7), []int{0}},
		{cond("properties.count", "lte", 7), []int{0, 3}},
		{cond("properties.region", "equals", "South"), []int{2}},
		{cond("severity_code", "equals", "High"), []int{1, 2}},
		{cond("severity_code", "equals", 6), []int{1, 2}},
		{cond("severity_code", "in", []any{4, "High"}), []int{0, 1, 2}},
		{cond("incident_type_ids", "contains", "Malware"), []int{0, 1}},
		{cond("incident_type_ids", "contains", []string{"Malware", "Phishing"}), []int{1}},
		{cond("incident_type_ids", "equals", "Malware"), []int{0}},
		{cond("incident_type_ids", "not_contains", "Phishing"), []int{0, 2, 3}},
		{cond("description", "contains", "[KEY K1]"), []int{1}},
		{cond("name", "equals", "SEP: Trojan on HOST1"), []int{0, 1, 2, 3}},
		{cond("reporter", "contains", "epm"), []int{2}},
		{cond("id", "equals", first+2), []int{2}},
		{cond("create_date", "gte", start+1000), []int{1, 2, 3}},
		{cond("create_date", "gt", start+1000), []int{2, 3}},
		{cond("create_date", "lt", start+1000), []int{0}},
		{cond("create_date", "gte", start+1000) + "," + cond("plan_status", "not_equals", "C"), []int{1, 3}},
	} {
		o := b.post("/incidents/query_paged?return_level=partial", `{"filters":[{"conditions":[`+tt.conditions+`]}]}`).is(200).object()
		require.Equal(t, tt.want, ids(t, o["data"], first), tt.conditions)
		require.EqualValues(t, len(tt.want), o["recordsFiltered"])
		require.EqualValues(t, 4, o["recordsTotal"])
	}
	o := b.post("/incidents/query_paged", `{"filters":[{"conditions":[`+cond("properties.count", "equals", 7)+`]},{"conditions":[`+
		cond("severity_code", "equals", "Low")+`,`+cond("plan_status", "equals", "A")+`]}]}`).is(200).object()
	require.Equal(t, []int{0, 3}, ids(t, o["data"], first), "filters are ORed, conditions ANDed")
}

func TestBadQueries(t *testing.T) {
	b, _ := population(t)
	for _, body := range []string{
		`{"filters":[{"conditions":[{"field_name":"nonsense","method":"equals","value":1}]}]}`,
		`{"filters":[{"conditions":[{"field_name":"name","method":"resembles","value":"x"}]}]}`,
		`{"filters":[{"conditions":[{"field_name":"name","method":"in","value":"x"}]}]}`,
		`{"filters":[{"conditions":[{"field_name":"severity_code","method":"equals","value":"Dire"}]}]}`,
		`{"filters":[{"conditions":[{"field_name":"create_date","method":"gte","value":"today"}]}]}`,
		`{"filters":[{"conditions":[{"field_name":"description","method":"contains","value":1}]}]}`,
		`{"sorts":[{"field_name":"nonsense","type":"asc"}]}`,
		`{"start":-1}`, `{"length":-1}`, `[]`,
	} {
		b.post("/incidents/query_paged", body).is(400)
	}
	b.post("/incidents/query_paged?return_level=whole", `{}`).is(400)
	b.post("/incidents/query", `[]`).is(400)
}

func TestSortsAndPages(t *testing.T) {
	b, first := population(t)
	data := func(body string) []int {
		return ids(t, b.post("/incidents/query_paged", body).is(200).object()["data"], first)
	}
	require.Equal(t, []int{3, 2, 1, 0}, data(`{"sorts":[{"field_name":"create_date","type":"desc"}]}`))
	require.Equal(t, []int{3, 0, 2, 1}, data(`{"sorts":[{"field_name":"severity_code","type":"asc"},{"field_name":"id","type":"desc"}]}`))
	require.Equal(t, []int{1, 2}, data(`{"start":1,"length":2}`))
	require.Equal(t, []int{3}, data(`{"start":3,"length":2}`))
	require.Equal(t, []int{}, data(`{"start":9,"length":2}`))
	require.Equal(t, []int{}, data(`{"length":0}`))
}

func TestPageSize(t *testing.T) {
	for capped, want := range map[bool]int{false: 150, true: 100} {
		b := setup(t, soar.Options{CapPages: capped})
		for range 150 {
			b.create("")
		}
		o := b.post("/incidents/query_paged", `{"length":1000}`).is(200).object()
		require.Len(t, o["data"], want)
		require.EqualValues(t, 150, o["recordsFiltered"])
		require.Len(t, b.post("/incidents/query_paged", `{}`).object()["data"], 100)
		require.Len(t, b.post("/incidents/query", `{}`).is(200).list(), 150, "never paged")
	}
}

func TestReturnLevels(t *testing.T) {
	b, _ := population(t)
	row := func(level string) map[string]any {
		return b.post("/incidents/query?return_level="+level+"&handle_format=names", `{"filters":[{"conditions":[
			{"field_name":"properties.sepwatch_key","method":"equals","value":"k0"}]}]}`).is(200).list()[0]
	}
	for _, level := range []string{"partial", "normal"} {
		require.Len(t, row(level), 12)
		require.NotContains(t, row(level), "properties")
		require.Equal(t, "Low", row(level)["severity_code"])
	}
	require.Equal(t, "k0", dig(t, row("full"), "properties", "sepwatch_key"))
}

// TestClockGoesBack: what is found by create_date must not depend on it.
func TestClockGoesBack(t *testing.T) {
	b := setup(t, soar.Options{})
	first, _ := b.create("")
	b.SetClockOffset(-time.Hour)
	b.create("")
	b.SetClockOffset(0)
	b.create("")
	since := b.incident(first).Created.UnixMilli()
	o := b.post("/incidents/query_paged", fmt.Sprintf(`{"filters":[{"conditions":[{"field_name":"create_date","method":"gte","value":%d}]}]}`, since)).is(200).object()
	require.Equal(t, []int{0, 2}, ids(t, o["data"], first))
}

// TestKeyFollowsChanges: the index of texts must be kept by every change.
func TestKeyFollowsChanges(t *testing.T) {
	b, first := population(t)
	with := func(key string) []int {
		return ids(t, b.post("/incidents/query_paged", `{"filters":[{"conditions":[
			{"field_name":"properties.sepwatch_key","method":"equals","value":"`+key+`"}]}]}`).is(200).object()["data"], first)
	}
	b.do("PATCH", fmt.Sprintf("/incidents/%d", first), `{"changes":[{"field":"sepwatch_key","old_value":{"text":"k0"},"new_value":{"text":"k1"}}]}`).is(200)
	require.Equal(t, []int{}, with("k0"))
	require.Equal(t, []int{0, 1, 2}, with("k1"))
	require.NoError(t, b.DeleteIncident(first+1))
	require.Equal(t, []int{0, 2}, with("k1"))
}
