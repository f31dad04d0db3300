package resilient

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestAddArtifact(t *testing.T) {
	const add, list = "POST /incidents/7/artifacts", "GET /incidents/7/artifacts"
	there := say(200, `[{"id":3,"type":"IP Address","value":"10.0.0.9"},{"id":2,"type":"String","value":"10.0.0.1"},{"id":4,"type":"IP Address","value":"10.0.0.1"}]`)
	for _, tt := range []struct {
		name      string
		add, list http.HandlerFunc
		ids       []int64
		class     Class
	}{
		{"one", say(200, `[{"id":5,"type":"IP Address","value":"10.0.0.1"}]`), nil, []int64{5}, ""},
		{"split", say(200, `[{"id":5},{"id":6}]`), nil, []int64{5, 6}, ""},
		{"an object", say(200, `{"id":5}`), nil, []int64{5}, ""},
		{"there already", say(400, `{"message":"duplicate"}`), there, []int64{4}, ""},
		{"bad value", say(400, `{"message":"not an address"}`), say(200, `[]`), nil, Permanent},
		{"bad value or there already", say(400, `{"message":"refused"}`), say(500, ``), nil, Temporary},
		{"bad value, list refused", say(400, `{"message":"not an address"}`), say(403, ``), nil, Permanent},
		{"nothing", say(200, `[]`), nil, nil, Ambiguous},
		{"lost", drop, nil, nil, Ambiguous},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{add: tt.add, list: tt.list})
			ids, err := s.client(t).AddArtifact(t.Context(), 7, incident.Artifact{Type: incident.IPAddress, Value: "10.0.0.1"})
			require.Equal(t, tt.class, classOf(err))
			require.Equal(t, tt.ids, ids)
			sent := s.sentTo(add)
			require.Len(t, sent, 1)
			require.Equal(t, "handle_format=names", sent[0].query)
			require.JSONEq(t, `{"type":{"name":"IP Address"},"value":"10.0.0.1"}`, sent[0].body)
		})
	}
}

// A server may keep one artifact for values that differ in case, and refuse the
// second.
func TestArtifactThatIsThereInAnotherCase(t *testing.T) {
	const add, list = "POST /incidents/7/artifacts", "GET /incidents/7/artifacts"
	upper, lower := `{"id":3,"type":"File Name","value":"A.EXE"}`, `{"id":4,"type":"File Name","value":"a.exe"}`
	for there, id := range map[string][]int64{
		`[` + upper + `]`:                                     {3},
		`[` + lower + `,` + upper + `]`:                       {4},
		`[` + upper + `,` + lower + `]`:                       {4},
		`[{"id":5,"type":"String","value":"A.EXE"}]`:          nil,
		`[{"id":6,"type":"File Name","value":"another.exe"}]`: nil,
	} {
		s := serve(t, map[string]http.HandlerFunc{add: say(400, `{"message":"duplicate"}`), list: say(200, there)})
		ids, err := s.client(t).AddArtifact(t.Context(), 7, incident.Artifact{Type: incident.FileName, Value: "a.exe"})
		require.Equal(t, id, ids, there)
		require.Equal(t, id == nil, err != nil, there)
	}
}

func TestArtifacts(t *testing.T) {
	const list = "GET /incidents/7/artifacts"
	s := serve(t, map[string]http.HandlerFunc{list: say(200, `[{"id":1,"type":"File Path","value":"C:\\a"},
		{"id":2,"type":{"id":29,"name":"System Name"},"value":"H"},{"id":3,"type":1,"value":null}]`)})
	got, err := s.client(t).Artifacts(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, []Artifact{
		{ID: 1, Type: incident.FilePath, Value: `C:\a`}, {ID: 2, Type: incident.SystemName, Value: "H"}, {ID: 3, Type: incident.IPAddress},
	}, got)
	require.Equal(t, "handle_format=names", s.sentTo(list)[0].query)
}

func TestNotes(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"POST /incidents/7/comments": say(200, `{"id":11,"text":"x"}`),
		"GET /incidents/7/comments": say(200, `[{"id":1,"text":"<b>a</b>","user_name":"Demo key","children":[
			{"id":2,"text":{"format":"html","content":"b"},"children":[{"id":3,"text":null}]}]},{"id":4,"text":"d","children":null}]`),
	})
	c := s.client(t)
	id, err := c.AddNote(t.Context(), 7, incident.Note{Key: "k", Text: "<b>a</b>"})
	require.NoError(t, err)
	require.EqualValues(t, 11, id)
	require.JSONEq(t, `{"text":{"format":"html","content":"<b>a</b>"}}`, s.sentTo("POST /incidents/7/comments")[0].body)
	notes, err := c.Notes(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, []Note{{ID: 1, Author: "Demo key", Text: "<b>a</b>"}, {ID: 2, Text: "b"}, {ID: 3}, {ID: 4, Text: "d"}}, notes)
}

func TestAddRow(t *testing.T) {
	const add = "POST /incidents/7/table_data/sep_groups/row_data"
	s := serve(t, map[string]http.HandlerFunc{add: say(200, `{"id":21,"cells":{},"version":1}`)})
	id, err := s.client(t).AddRow(t.Context(), 7, incident.Row{Table: "sep_groups", Cells: map[string]incident.Cell{
		"group_id": incident.Text("G1"), "count": incident.Number(3), "inherits": incident.Bool(false), "none": {},
	}})
	require.NoError(t, err)
	require.EqualValues(t, 21, id)
	require.JSONEq(t, `{"cells":{"group_id":{"value":"G1"},"count":{"value":3},"inherits":{"value":false}}}`, s.sentTo(add)[0].body)
}

func TestRows(t *testing.T) {
	const list = "GET /incidents/7/table_data/a%2Fb"
	const table = `,"a/b":{"id":1001,"type_id":8,"fields":{"n":{"id":92,"name":"n","input_type":"number"}}}`
	for _, tt := range []struct {
		name, body string
		rows       []Row
		class      Class
	}{
		{"by name", `{"id":"a/b","inc_id":7,"rows":[{"id":1,"table_name":"Shown","cells":{
			"t":{"id":"t","row_id":1,"value":"x"},"n":{"id":"n","value":1700000000000},"b":{"id":"b","value":true},
			"none":{"id":"none","row_id":1},"null":{"id":"null","value":null},"rich":{"id":"rich","value":{"format":"html","content":"y"}},
			"select":{"value":{"id":4,"name":"Low"}},"many":{"value":["a",{"name":"b"}]},"fraction":{"value":1.5},"empty":{"value":[]}}}]}`,
			[]Row{{ID: 1, Cells: map[string]incident.Cell{
				"t": incident.Text("x"), "n": incident.Number(1700000000000), "b": incident.Bool(true), "rich": incident.Text("y"),
				"select": incident.Text("Low"), "many": incident.Text("a, b"), "fraction": incident.Text("1.5"),
			}}}, ""},
		{"by id, named inside", `{"rows":[{"id":1,"cells":{"90":{"id":{"id":90,"name":"t"},"value":"x"},"91":{"id":91,"value":"y"}}}]}`,
			[]Row{{ID: 1, Cells: map[string]incident.Cell{"t": incident.Text("x"), "91": incident.Text("y")}}}, ""},
		{"by id of a column", `{"rows":[{"id":1,"version":2,"cells":{"92":{"id":92,"row_id":1,"value":3}}}]}`,
			[]Row{{ID: 1, Version: 2, Cells: map[string]incident.Cell{"n": incident.Number(3)}}}, ""},
		{"none", `{"rows":[]}`, []Row{}, ""},
		{"no rows", `{}`, nil, Temporary},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{list: say(200, tt.body)})
			s.types += table
			rows, err := s.client(t).Rows(t.Context(), 7, "a/b")
			require.Equal(t, tt.class, classOf(err))
			require.Equal(t, tt.rows, rows)
			require.Equal(t, "handle_format=names&text_content_output_format=always_text", s.sentTo(list)[0].query)
		})
	}
}

func TestUpdateRow(t *testing.T) {
	const row = " /incidents/7/table_data/sep_groups/row_data/21"
	s := serve(t, map[string]http.HandlerFunc{
		"GET" + row: say(200, `{"id":21,"version":4,"cells":{"a":{"id":"a","value":"old"},"b":{"id":"b","value":"kept"},
			"rich":{"id":"rich","value":{"format":"html","content":"<b>kept</b>"}},"gone":{"id":"gone","value":"x"},"none":{"id":"none"}}}`),
		"PUT" + row: inTurn(say(200, `{"id":21}`), say(500, ``), say(409, ``)),
	})
	c := s.client(t)
	update := incident.Row{Table: "sep_groups", Cells: map[string]incident.Cell{"a": incident.Text("new"), "gone": {}}}
	require.NoError(t, c.UpdateRow(t.Context(), 7, 21, update))
	require.JSONEq(t, `{"cells":{"a":{"value":"new"},"b":{"value":"kept"},
		"rich":{"value":{"format":"html","content":"<b>kept</b>"}},"gone":{"value":null}},"version":4}`, s.sentTo("PUT" + row)[0].body)
	requireError(t, c.UpdateRow(t.Context(), 7, 21, update), Ambiguous, "update row of sep_groups of incident 7")
	require.ErrorIs(t, c.UpdateRow(t.Context(), 7, 21, update), ErrConflict)
}

func TestNumbersAreWhole(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{})
	c := s.client(t)
	row := incident.Row{Table: "sep_groups", Cells: map[string]incident.Cell{"n": incident.Text("1.5"), "t": incident.Text("1.5")}}
	_, err := c.AddRow(t.Context(), 7, row)
	requireError(t, err, Permanent, "add row to sep_groups of incident 7 (POST /incidents/7/table_data/sep_groups/row_data): "+
		`the column n takes whole numbers only, and "1.5" is none`)
	requireError(t, c.UpdateRow(t.Context(), 7, 21, row), Permanent, "the column n takes whole numbers only")
	require.Len(t, s.seen, 3, "only the connect")
}

// A row that somebody deleted is told from all else that is not there.
func TestRowThatIsGone(t *testing.T) {
	row := incident.Row{Table: incident.TableGroups, Cells: map[string]incident.Cell{"group_id": incident.Text("G")}}
	s := stand(t, soar.Options{})
	c := s.client(t)
	inc := open(t, c)
	id, err := c.AddRow(t.Context(), inc, row)
	require.NoError(t, err)
	require.NoError(t, c.UpdateRow(t.Context(), inc, id, row))
	for name, tt := range map[string]struct {
		inc, id int64
		table   string
		class   Class
	}{
		"row":      {inc, id + 1, incident.TableGroups, NotFound},
		"table":    {inc, id, "sep_nothing", Permanent},
		"incident": {inc + 1, id, incident.TableGroups, Permanent},
	} {
		row.Table = tt.table
		err := c.UpdateRow(t.Context(), tt.inc, tt.id, row)
		require.ErrorIs(t, err, ErrNotFound, name)
		require.Equal(t, tt.class, classOf(err), name)
	}

	const path = " /incidents/7/table_data/sep_groups/row_data/21"
	between := serve(t, map[string]http.HandlerFunc{
		"GET" + path: say(200, `{"id":21,"cells":{}}`), "PUT" + path: say(404, ``),
		"GET /incidents/7/table_data/sep_groups": say(200, `{"rows":[]}`),
	})
	row.Table = "sep_groups"
	requireError(t, between.client(t).UpdateRow(t.Context(), 7, 21, row), NotFound, "404")
}

// Somebody else's change of a row is not overwritten where the server counts
// versions.
func TestRowVersion(t *testing.T) {
	s := stand(t, soar.Options{RowVersionChecked: true, PutClearsCells: true})
	c := s.client(t)
	inc := open(t, c)
	row := incident.Row{Table: incident.TableGroups, Cells: map[string]incident.Cell{"group_id": incident.Text("G"), "group_name": incident.Text("a")}}
	id, err := c.AddRow(t.Context(), inc, row)
	require.NoError(t, err)
	row.Cells = map[string]incident.Cell{"group_name": incident.Text("b")}
	require.NoError(t, c.UpdateRow(t.Context(), inc, id, row))
	require.NoError(t, c.UpdateRow(t.Context(), inc, id, row))
	rows, err := c.Rows(t.Context(), inc, incident.TableGroups)
	require.NoError(t, err)
	require.Equal(t, []Row{{ID: id, Version: 3, Cells: map[string]incident.Cell{
		"group_id": incident.Text("G"), "group_name": incident.Text("b"),
	}}}, rows)
}
