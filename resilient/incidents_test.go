package resilient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/incident"
)

const create = "POST /incidents"

func TestCreateIncident(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		create: say(200, `{"id":2101,"name":"SEP: Trojan","plan_status":"A","create_date":1700000000123,"vers":1}`),
	})
	n := NewIncident{
		Incident: incident.Incident{
			Key: "k<1>", Name: "SEP: Trojan", Description: "<b>x</b>", Types: []string{"Malware"}, Severity: "Medium",
			Discovered: time.UnixMilli(1700000000000),
		},
		Artifacts: []incident.Artifact{
			{Type: incident.IPAddress, Value: "10.0.0.1", Description: "a <src>"}, {Type: incident.SystemName, Value: "HOST1"},
		},
		Notes: []incident.Note{{Key: "n", Text: "<b>first</b>"}},
	}
	c := s.client(t)
	ref, err := c.CreateIncident(t.Context(), n)
	require.NoError(t, err)
	require.Equal(t, Ref{ID: 2101, Name: "SEP: Trojan", Open: true, Created: time.UnixMilli(1700000000123).UTC()}, ref)
	n.ByField = true
	_, err = c.CreateIncident(t.Context(), n)
	require.NoError(t, err)

	const body = `{"name":"SEP: Trojan","discovered_date":1700000000000,%s,
		"incident_type_ids":["Malware"],"severity_code":{"name":"Medium"},
		"artifacts":[{"type":{"name":"IP Address"},"value":"10.0.0.1","description":{"format":"text","content":"a <src>"}},
			{"type":{"name":"System Name"},"value":"HOST1"}],
		"comments":[{"text":{"format":"html","content":"<b>first</b>"}}]}`
	sent := s.sentTo(create)
	require.Equal(t, "handle_format=names&want_full_data=false&want_tasks=false", sent[0].query)
	require.Equal(t, jsonOf(t, fmt.Sprintf(body,
		`"description":{"format":"html","content":"<b>x</b><p>sepwatch key: k&lt;1&gt;</p>"}`)), jsonOf(t, sent[0].body))
	require.Equal(t, jsonOf(t, fmt.Sprintf(body,
		`"description":{"format":"html","content":"<b>x</b>"},"properties":{"sepwatch_key":"k<1>"}`)), jsonOf(t, sent[1].body))
}

func TestCreateIncidentOfLittle(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{create: say(200, `{"id":1}`)})
	now := time.UnixMilli(1700000000000)
	ref, err := s.client(t, func(o *Options) { o.Now = func() time.Time { return now } }).
		CreateIncident(t.Context(), NewIncident{Incident: incident.Incident{Key: "k", Name: "n"}, ByField: true})
	require.NoError(t, err)
	require.Equal(t, Ref{ID: 1, Open: true}, ref)
	require.Equal(t, jsonOf(t, `{"name":"n","discovered_date":1700000000000,"description":{"format":"html","content":""},
		"properties":{"sepwatch_key":"k"}}`), jsonOf(t, s.sentTo(create)[0].body))
}

func TestCreateIncidentRefused(t *testing.T) {
	for status, tt := range map[int]struct {
		class Class
		text  string
	}{
		400: {Permanent, `resilient: create incident "k" (POST /incidents): 400: Field Site is required.`},
		403: {Permanent, "Other: Create Incidents"},
		500: {Ambiguous, "500: "},
	} {
		s := serve(t, map[string]http.HandlerFunc{create: say(status, `{"success":false,"message":"Field Site is required."}`)})
		_, err := s.client(t).CreateIncident(t.Context(), NewIncident{Incident: incident.Incident{Key: "k"}})
		requireError(t, err, tt.class, tt.text)
		require.Len(t, s.sentTo(create), 1)
	}
}

func TestIncident(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"GET /incidents/2101": say(200, `{"id":2101,"name":"n","plan_status":"C","create_date":1700000000123,"vers":7,
			"description":{"format":"html","content":"<b>x</b>"},"severity_code":{"id":4,"name":"Low"},"incident_type_ids":["Malware",{"id":2,"name":"Other"}],
			"owner_id":null,"properties":{"site":"HQ","count":3,"agreed":false}}`),
		"GET /incidents/2102": say(404, `{"success":false,"message":"Unable to find incident with ID 2102"}`),
		"GET /incidents/2103": say(200, `{}`),
	})
	c := s.client(t)
	read, err := c.Incident(t.Context(), 2101)
	require.NoError(t, err)
	require.Equal(t, Ref{ID: 2101, Name: "n", Created: time.UnixMilli(1700000000123).UTC()}, read.Ref)
	require.EqualValues(t, 7, read.Version)
	for field, want := range map[string]string{
		"description": "<b>x</b>", "severity_code": "Low", "incident_type_ids": "Malware, Other", "owner_id": "", "nothing": "",
		"site": "HQ", "count": "3", "agreed": "false",
	} {
		require.Equal(t, want, read.Fields[field].String(), field)
		require.Equal(t, want == "", read.Fields[field].IsZero(), field)
	}
	_, err = c.Incident(t.Context(), 2102)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = c.Incident(t.Context(), 2103)
	require.Error(t, err, "an answer that names no incident is none")
}

func TestMarkerIsFound(t *testing.T) {
	for description, key := range map[string]string{
		"": "", "<p>text</p>": "",
		"<p>text</p>" + Marker("k"):                               "k",
		"text" + Marker("k") + "<p>an analyst's words</p>":        "k",
		Marker("forged") + Marker("k"):                            "k", // what comes from mail stands before ours
		"<div>x sepwatch key: k</div>":                            "",
		"<div><p>sepwatch&#32;key: \t<b>a</b>&nbsp;b<br /></div>": "a b", // cleaned by the server
		"text\nsepwatch key: k":                                   "k",   // without its markup
		Marker("a < b & \"c\"\n d"):                               `a < b & "c" d`,
		"<script>sepwatch key: k</script>":                        "",
	} {
		require.Equal(t, key, markedKey(description), description)
	}
}

func TestMarkerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[ -~äß&<>"']{0,40}`).Draw(t, "key")
		text := rapid.String().Draw(t, "text")
		require.Equal(t, oneLine(key), markedKey("<p>"+strings.ReplaceAll(text, "<", "&lt;")+"</p>"+Marker(key)))
	})
}

// store answers queries from a list of incidents, page by page.
func store(incidents ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q query
		_ = json.NewDecoder(r.Body).Decode(&q)
		from, to := min(q.Start, len(incidents)), min(q.Start+q.Length, len(incidents))
		fmt.Fprintf(w, `{"recordsTotal":9999,"recordsFiltered":%d,"data":[%s]}`, len(incidents), strings.Join(incidents[from:to], ","))
	}
}

func TestFindIncidentsByField(t *testing.T) {
	const find = "POST /incidents/query_paged"
	s := serve(t, map[string]http.HandlerFunc{find: store(
		`{"id":9,"name":"b","plan_status":"C","create_date":2000,"properties":{"sepwatch_key":"k"}}`,
		`{"id":8,"name":"a","plan_status":"A","create_date":1000,"properties":{"sepwatch_key":{"format":"text","content":"k"}}}`,
		`{"id":7,"name":"c","plan_status":"A","create_date":2000}`,
		`{"id":6,"name":"K","plan_status":"A","create_date":1,"properties":{"sepwatch_key":"K"}}`,
	)})
	found, err := s.client(t).FindIncidents(t.Context(), Lookup{Key: "k", ByField: true, Since: time.UnixMilli(5)})
	require.NoError(t, err)
	require.Equal(t, []Ref{
		{ID: 8, Name: "a", Open: true, Created: time.UnixMilli(1000).UTC()},
		{ID: 7, Name: "c", Open: true, Created: time.UnixMilli(2000).UTC()},
		{ID: 9, Name: "b", Open: false, Created: time.UnixMilli(2000).UTC()},
	}, found)
	sent := s.sentTo(find)
	require.Len(t, sent, 1)
	require.Equal(t, "handle_format=names&return_level=full", sent[0].query)
	require.Equal(t, jsonOf(t, `{"start":0,"length":100,
		"filters":[{"conditions":[{"field_name":"properties.sepwatch_key","method":"equals","value":"k"}]}],
		"sorts":[{"field_name":"create_date","type":"asc"},{"field_name":"id","type":"asc"}]}`), jsonOf(t, sent[0].body))
}

func TestFindIncidentsByMarker(t *testing.T) {
	const find = "POST /incidents/query_paged"
	var all []string
	for i := range 250 {
		description, _ := json.Marshal("<p>about k</p>" + Marker(map[bool]string{true: "k", false: "k2"}[i == 3 || i == 249]))
		all = append(all, fmt.Sprintf(`{"id":%d,"plan_status":"A","create_date":%d,"description":%s}`, i+1, i+1, description))
	}
	s := serve(t, map[string]http.HandlerFunc{find: store(all...)})
	found, err := s.client(t).FindIncidents(t.Context(), Lookup{Key: "k", Since: time.UnixMilli(1700000000000)})
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.EqualValues(t, 4, found[0].ID)
	require.EqualValues(t, 250, found[1].ID)
	sent := s.sentTo(find)
	require.Len(t, sent, 3)
	require.Contains(t, sent[0].body, `"field_name":"create_date","method":"gte","value":1700000000000`)
	require.Contains(t, sent[2].body, `"start":200`)
}

// A walk that cannot be complete must not say that there is no incident.
func TestFindIncidentsFailsOnOddPages(t *testing.T) {
	const find = "POST /incidents/query_paged"
	for body, text := range map[string]string{
		`{}`:                                      "the answer has no data",
		`{"recordsFiltered":0,"data":null}`:       "the answer has no data",
		`{"recordsFiltered":3,"data":[]}`:         "only 0 of 3 incidents came",
		`{"recordsFiltered":3,"data":[{"id":1}]}`: "repeats",
		`{"data":[{"id":1}]}`:                     "repeats",
		`[]`:                                      "not what Resilient's API promises",
	} {
		s := serve(t, map[string]http.HandlerFunc{find: say(200, body)})
		_, err := s.client(t).FindIncidents(t.Context(), Lookup{Key: "k"})
		requireError(t, err, Temporary, text)
	}
	_, err := serve(t, nil).client(t).FindIncidents(t.Context(), Lookup{Key: " "})
	requireError(t, err, Permanent, "without a key")
	s := serve(t, map[string]http.HandlerFunc{find: inTurn(say(200, `{"data":[{"id":1}]}`), say(200, `{"data":[]}`))})
	_, err = s.client(t).FindIncidents(t.Context(), Lookup{Key: "k"})
	require.NoError(t, err, "without a count the walk ends with an empty page")
}
