package resilient

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
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
		{"bad value, list lost", say(400, `{"message":"not an address"}`), say(500, ``), nil, Permanent},
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

func TestArtifacts(t *testing.T) {
	const list = "GET /incidents/7/artifacts"
	s := serve(t, map[string]http.HandlerFunc{list: say(200, `[{"id":1,"type":"File Path","value":"C:\\a"},
		{"id":2,"type":{"id":29,"name":"System Name"},"value":"H"},{"id":3,"type":1,"value":null}]`)})
	got, err := s.client(t).Artifacts(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, []Artifact{
		{ID: 1, Type: incident.FilePath, Value: `C:\a`}, {ID: 2, Type: incident.SystemName, Value: "H"}, {ID: 3, Type: "1"},
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
		{"none", `{"rows":[]}`, []Row{}, ""},
		{"no rows", `{}`, nil, Temporary},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{list: say(200, tt.body)})
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
		"GET" + row: say(200, `{"id":21,"cells":{"a":{"id":"a","value":"old"},"b":{"id":"b","value":"kept"},
			"rich":{"id":"rich","value":{"format":"html","content":"<b>kept</b>"}},"gone":{"id":"gone","value":"x"},"none":{"id":"none"}}}`),
		"PUT" + row: inTurn(say(200, `{"id":21}`), say(500, ``), say(409, ``)),
	})
	c := s.client(t)
	update := incident.Row{Table: "sep_groups", Cells: map[string]incident.Cell{"a": incident.Text("new"), "gone": {}}}
	require.NoError(t, c.UpdateRow(t.Context(), 7, 21, update))
	require.JSONEq(t, `{"cells":{"a":{"value":"new"},"b":{"value":"kept"},
		"rich":{"value":{"format":"html","content":"<b>kept</b>"}},"gone":{"value":null}}}`, s.sentTo("PUT" + row)[0].body)
	requireError(t, c.UpdateRow(t.Context(), 7, 21, update), Ambiguous, "update row of sep_groups of incident 7")
	require.ErrorIs(t, c.UpdateRow(t.Context(), 7, 21, update), ErrConflict)
}

func FuzzDecoders(f *testing.F) {
	for _, seed := range []string{
		`[]`, `{"id":1,"plan_status":"C","create_date":-1,"properties":{"sepwatch_key":{"content":null}}}`,
		`[{"id":1,"type":{"name":2},"value":[1,"a",{"id":3}]}]`, `{"rows":[{"id":1,"cells":{"9":{"id":null,"value":1e999}}}]}`,
		`[{"id":1,"text":{"format":"text"},"children":[{"children":[]}]}]`, `{"orgs":[{"id":1,"enabled":null}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, into := range []any{
			new(incidentDTO), new(many[artifactDTO]), new([]noteDTO), new(rowDTO), new(sessionDTO), new([]fieldDTO), new(patchStatus),
		} {
			_ = json.Unmarshal(data, into)
			switch dto := into.(type) {
			case *incidentDTO:
				_ = dto.ref()
				_ = markedKey(string(dto.Description))
			case *[]noteDTO:
				_ = flatten(nil, *dto)
			case *rowDTO:
				for key, cell := range dto.Cells {
					_ = cell.column(key)
				}
			}
		}
		// What was read as a cell can be sent as one.
		cell := cellOf(data)
		again, err := json.Marshal(cell)
		require.NoError(t, err)
		if cell.Value() != nil {
			require.Equal(t, cell, cellOf(again))
		}
	})
}
