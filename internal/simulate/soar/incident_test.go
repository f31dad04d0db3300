package soar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func withFields() soar.Options {
	return soar.Options{KeyField: true, Fields: []soar.Field{
		{Name: "region", InputType: "select", Values: []string{"North", "South"}},
		{Name: "count", InputType: "number"},
		{Name: "story", InputType: "textarea"},
	}}
}

func TestCreateIsChecked(t *testing.T) {
	required := withFields()
	required.Fields = append(required.Fields, soar.Field{Name: "must", Label: "Must", Required: "always"})
	const ok = `"name":"n","discovered_date":0`
	for name, tt := range map[string]struct {
		opt     soar.Options
		body    string
		message string // of the 400; empty is 200
	}{
		"least":                    {body: `{` + ok + `}`},
		"no name":                  {body: `{"discovered_date":0}`, message: "Name is required"},
		"blank name":               {body: `{"name":" ","discovered_date":0}`, message: "Name is required"},
		"no date":                  {body: `{"name":"n"}`, message: "Date Discovered is required"},
		"date in words":            {body: `{"name":"n","discovered_date":"2024-01-01"}`, message: "discovered_date"},
		"not JSON":                 {body: `name=n`, message: "JSON"},
		"a list":                   {body: `[]`, message: "JSON"},
		"required custom field":    {opt: required, body: `{` + ok + `}`, message: "Must is required"},
		"blank custom field":       {opt: required, body: `{` + ok + `,"properties":{"must":""}}`, message: "Must is required"},
		"required field given":     {opt: required, body: `{` + ok + `,"properties":{"must":"x"}}`},
		"unknown custom field":     {body: `{` + ok + `,"properties":{"sepwatch_key":"k"}}`, message: "sepwatch_key"},
		"custom field outside":     {opt: withFields(), body: `{` + ok + `,"sepwatch_key":"k"}`, message: "sepwatch_key"},
		"unknown key":              {body: `{` + ok + `,"nonsense":1}`, message: "nonsense"},
		"severity by name":         {body: `{` + ok + `,"severity_code":"High"}`},
		"severity by object":       {body: `{` + ok + `,"severity_code":{"name":"High"}}`},
		"severity by id":           {body: `{` + ok + `,"severity_code":6}`},
		"severity by object id":    {body: `{` + ok + `,"severity_code":{"id":6}}`},
		"older severity id":        {body: `{` + ok + `,"severity_code":52}`, message: "severity_code"},
		"older server":             {opt: soar.Options{OldValueIDs: true}, body: `{` + ok + `,"severity_code":52}`},
		"unknown severity":         {body: `{` + ok + `,"severity_code":"Dire"}`, message: "Dire"},
		"unknown type":             {body: `{` + ok + `,"incident_type_ids":["Malware","Gremlins"]}`, message: "Gremlins"},
		"type not in a list":       {body: `{` + ok + `,"incident_type_ids":"Malware"}`, message: "incident_type_ids"},
		"unknown owner":            {body: `{` + ok + `,"owner_id":"nobody@example.com"}`, message: "nobody"},
		"unknown value of custom":  {opt: withFields(), body: `{` + ok + `,"properties":{"region":"West"}}`, message: "West"},
		"fraction":                 {opt: withFields(), body: `{` + ok + `,"properties":{"count":1.5}}`, message: "count"},
		"number as text":           {opt: withFields(), body: `{` + ok + `,"properties":{"count":"1"}}`, message: "count"},
		"text as number":           {opt: withFields(), body: `{` + ok + `,"properties":{"sepwatch_key":1}}`, message: "sepwatch_key"},
		"description in a format":  {body: `{` + ok + `,"description":{"format":"markdown","content":"x"}}`, message: "description"},
		"bad inline artifact":      {body: `{` + ok + `,"artifacts":[{"type":"String","value":"x"},{"type":"IP Address","value":"10.0.0.999"}]}`, message: "10.0.0.999"},
		"bad inline artifact type": {body: `{` + ok + `,"artifacts":[{"type":"Nonsense","value":"x"}]}`, message: "Nonsense"},
		"empty inline note":        {body: `{` + ok + `,"comments":[{"text":""}]}`, message: "text"},
		"duplicate inline artifact": {opt: soar.Options{Duplicates: soar.RefuseDuplicate},
			body: `{` + ok + `,"artifacts":[{"type":"String","value":"x"},{"type":"String","value":"x"}]}`, message: "already"},
		"scenario":          {body: `{` + ok + `,"is_scenario":true}`},
		"unknown full data": {body: `{"x":`, message: "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, tt.opt)
			if tt.message != "" {
				require.Contains(t, b.post("/incidents", tt.body).is(400).object()["message"], tt.message)
				require.Empty(t, b.Incidents(), "nothing is kept of a create that was refused")
				return
			}
			b.post("/incidents", tt.body).is(200)
			require.Equal(t, name != "scenario", len(b.Incidents()) == 1)
		})
	}
}

func TestCreateIsKept(t *testing.T) {
	b := setup(t, withFields())
	var hooked []soar.Incident
	b.OnIncident(func(inc soar.Incident) {
		_, found := b.Incident(inc.ID)
		require.True(t, found, "committed before the hook, which may look around")
		hooked = append(hooked, inc)
	})
	a := b.post("/incidents", `{"name":"SEP: Trojan","discovered_date":1700000000000,"description":{"format":"html","content":"<b>x</b>"},
		"incident_type_ids":["Malware"],"severity_code":{"name":"Medium"},"owner_id":"demo@example.com","members":[],"reporter":"SEPM","start_date":null,
		"properties":{"sepwatch_key":"k1","region":"South","count":3},
		"artifacts":[{"type":{"name":"IP Address"},"value":"10.0.0.1, 10.0.0.2","description":"src"},{"type":37,"value":"C:\\a b.exe"}],
		"comments":[{"text":"first note"},{"text":{"format":"html","content":"<i>second</i>"}}]}`).is(200).object()
	require.Equal(t, "A", a["plan_status"])
	require.EqualValues(t, 5, a["severity_code"], "ids by default")
	require.EqualValues(t, 1, a["vers"])
	require.Equal(t, "k1", dig(t, a, "properties", "sepwatch_key"))
	require.Nil(t, a["artifacts"], "null in the answer, though they were made")
	require.Nil(t, a["comments"])
	for _, key := range []string{"perms", "pii", "gdpr", "hipaa", "cm", "dtm", "creator_principal", "regulators", "actions", "inc_last_modified_date", "workspace"} {
		require.Contains(t, a, key)
	}
	require.Len(t, b.Incidents(), 1)
	inc := b.Incidents()[0]
	require.Equal(t, []soar.Incident{inc}, hooked)
	require.Equal(t, "SEP: Trojan", inc.Name)
	require.Equal(t, "<b>x</b>", inc.Description)
	require.Equal(t, map[string]any{"sepwatch_key": "k1", "region": "South", "count": int64(3)}, inc.Properties)
	require.Equal(t, []string{"Malware"}, inc.Types)
	require.Equal(t, "Medium", inc.Severity)
	require.True(t, inc.Open)
	require.Equal(t, b.clock.Now(), inc.Created)
	require.Equal(t, []soar.Artifact{{1, "IP Address", "10.0.0.1", "src"}, {2, "IP Address", "10.0.0.2", "src"}, {3, "File Path", `C:\a b.exe`, ""}}, inc.Artifacts)
	require.Equal(t, []soar.Note{{1, "first note"}, {2, "<i>second</i>"}}, inc.Notes)

	b.clock.advance(time.Second)
	small := b.post("/incidents?want_full_data=false", `{"name":"n","discovered_date":0}`).is(200).object()
	require.NotContains(t, small, "properties")
	require.Contains(t, small, "sequence_code")
}

func TestGetInEveryFormat(t *testing.T) {
	b := setup(t, withFields())
	_, inc := b.create(`"severity_code":"High","incident_type_ids":["Phishing"],"owner_id":1,"description":"a < b\nc","properties":{"region":"North","story":{"format":"html","content":"<b>s</b>"}}`)
	names := b.get(inc + "?handle_format=names").is(200).object()
	require.Equal(t, "High", names["severity_code"])
	require.Equal(t, []any{"Phishing"}, names["incident_type_ids"])
	require.Equal(t, "demo@example.com", names["owner_id"])
	require.Equal(t, "Initial", names["phase_id"])
	require.Equal(t, "A", names["plan_status"], "never a name")
	require.Equal(t, "North", dig(t, names, "properties", "region"))
	require.Equal(t, "a &lt; b<br />c", names["description"], "HTML source, since the field is rich")

	r := b.request("GET", "/orgs/201"+inc, "")
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("handle_format", "objects")
	r.Header.Set("text_content_output_format", "objects_convert")
	objects := b.send(r).is(200).object()
	require.Equal(t, map[string]any{"id": 6.0, "name": "High"}, objects["severity_code"])
	require.Equal(t, map[string]any{"format": "text", "content": "a < b\nc"}, objects["description"])

	for form, want := range map[string][2]any{
		"default":              {"a &lt; b<br />c", "<b>s</b>"},
		"always_text":          {"a < b\nc", "s"},
		"objects_no_convert":   {map[string]any{"format": "text", "content": "a < b\nc"}, map[string]any{"format": "html", "content": "<b>s</b>"}},
		"objects_convert_html": {map[string]any{"format": "html", "content": "a &lt; b<br />c"}, map[string]any{"format": "html", "content": "<b>s</b>"}},
		"objects_convert_text": {map[string]any{"format": "text", "content": "a < b\nc"}, map[string]any{"format": "text", "content": "s"}},
	} {
		o := b.get(inc + "?text_content_output_format=" + form).is(200).object()
		require.Equal(t, want, [2]any{o["description"], dig(t, o, "properties", "story")}, form)
	}

	b = setup(t, soar.Options{PlainTextAsIs: true})
	_, inc = b.create(`"description":"a < b"`)
	require.Equal(t, "a < b", b.get(inc).object()["description"])
}

func TestHTMLIsCleaned(t *testing.T) {
	b := setup(t, soar.Options{})
	for sent, want := range map[string]string{
		`<b>bold</b><script>alert("x")</script>`:                    `<b>bold</b>`,
		`<script/>all that follows`:                                 ``,
		`a<!-- sepwatch:key -->b`:                                   `ab`,
		`x<table><tr><td>1<table></table></td></tr></table>y`:       `xy`,
		`<div style="color:red" onclick="x()">in</div>`:             `<div>in</div>`,
		`<style>p{}</style><p>t</p>`:                                `<p>t</p>`,
		`<h1>head</h1> &lt;kept&gt; &amp; <br/>`:                    `head &lt;kept&gt; &amp; <br/>`,
		`<a href="javascript:x">j</a><a href="https://e.com">k</a>`: `<a>j</a><a href="https://e.com">k</a>`,
		`<font color="red" size="7">f</font>`:                       `<font color="red">f</font>`,
		`plain &lt; text`:                                           `plain &lt; text`,
	} {
		id, _ := b.create(`"description":{"format":"html","content":` + jsonOf(t, sent) + `}`)
		require.Equal(t, want, b.incident(id).Description, sent)
	}
	id, _ := b.create(`"description":"<script>kept, for it is plain text</script>"`)
	require.Equal(t, "<script>kept, for it is plain text</script>", b.incident(id).Description)
}

func TestDelete(t *testing.T) {
	b := setup(t, soar.Options{KeyField: true})
	id, inc := b.create(`"properties":{"sepwatch_key":"k"}`)
	require.Equal(t, true, b.do("DELETE", inc, "").is(200).object()["success"])
	b.get(inc).is(404)
	b.do("DELETE", inc, "").is(404)
	b.get("/incidents/x").is(404)
	require.Empty(t, b.Incidents())
	_, found := b.Incident(id)
	require.False(t, found)

	b = setup(t, soar.Options{Orgs: []soar.Org{{ID: 201, Name: "Demo", KeepIncidents: true}}})
	_, inc = b.create("")
	b.do("DELETE", inc, "").is(403)

	b = setup(t, soar.Options{DeleteNoContent: true})
	_, inc = b.create("")
	require.Empty(t, b.do("DELETE", inc, "").is(204).body)
}

func TestTypesAndFields(t *testing.T) {
	b := setup(t, withFields())
	byName := map[string]map[string]any{}
	for _, f := range b.get("/types/incident/fields").is(200).list() {
		name, _ := f["name"].(string)
		byName[name] = f
	}
	require.Equal(t, "always", byName["name"]["required"])
	require.Equal(t, "close", byName["resolution_id"]["required"])
	require.NotContains(t, byName["severity_code"], "required", "absent, not empty")
	require.Equal(t, "properties", byName["sepwatch_key"]["prefix"])
	require.Nil(t, byName["name"]["prefix"])
	values, _ := byName["severity_code"]["values"].([]any)
	require.Len(t, values, 3)
	require.EqualValues(t, 4, dig(t, values[0], "value"))
	require.Equal(t, "Low", dig(t, values[0], "label"))
	require.NotContains(t, setup(t, soar.Options{}).get("/types/incident/fields").body, "sepwatch_key")

	types := b.get("/types").is(200).object()
	require.Len(t, types, 2+7)
	require.EqualValues(t, 0, dig(t, types, "incident", "type_id"))
	require.EqualValues(t, 8, dig(t, types, "sep_endpoint_details", "type_id"))
	require.Equal(t, "Symantec SEP - Endpoint details", dig(t, types, "sep_endpoint_details", "display_name"))
	require.Equal(t, "text", dig(t, types, "sep_endpoint_details", "fields", "hardwareKey", "input_type"))
	b.get("/types/incident").is(200)
	b.get("/types/sep_groups").is(200)
	require.Equal(t, "sep_eoc_scan_results", b.get("/types/1000").is(200).object()["type_name"])
	b.get("/types/nonsense").is(404)
	b.get("/types/nonsense/fields").is(404)
	columns := b.get("/types/sep_endpoint_status_summary/fields").is(200).list()
	require.Len(t, columns, 8)
	require.EqualValues(t, 0, columns[0]["order"])
	require.Equal(t, columns[0]["type_id"], columns[7]["type_id"])
	require.Contains(t, b.get("/types/artifact/fields").is(200).body, `"allow_duplicate":true`)
	require.Equal(t, "Malware", dig(t, b.get("/incident_types").is(200).object(), "19", "name"))
	require.Len(t, setup(t, soar.Options{NoTables: true}).get("/types").object(), 2)

	require.True(t, strings.HasPrefix(b.get("/artifact_types").is(200).body, "["))
	require.Contains(t, setup(t, soar.Options{ArtifactTypeEntities: true}).get("/artifact_types").object(), "entities")
	require.Equal(t, "File Path", b.get("/artifact_types/37").is(200).object()["name"])
	b.get("/artifact_types/10").is(404)
}
