package soar_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestPutIncident(t *testing.T) {
	b := setup(t, withFields())
	id, inc := b.create(`"severity_code":"Low","reporter":"SEPM","properties":{"count":3}`)
	whole := b.get(inc).is(200).object()
	put := func(change func(map[string]any)) answer {
		body := map[string]any{}
		for key, value := range whole {
			body[key] = value
		}
		change(body)
		return b.do("PUT", inc, jsonOf(t, body))
	}
	put(func(o map[string]any) { o["vers"] = 7 }).is(409)
	put(func(o map[string]any) { delete(o, "vers") }).is(409)
	put(func(o map[string]any) { o["name"] = "" }).is(400)
	put(func(o map[string]any) { o["plan_status"] = "C" }).is(400) // nothing that closing requires
	require.Equal(t, 1, b.incident(id).Version)

	after := put(func(o map[string]any) { o["severity_code"] = "High"; delete(o, "reporter"); delete(o, "plan_status") }).is(200).object()
	require.Equal(t, "A", after["plan_status"], "it is never without one")
	require.EqualValues(t, 2, after["vers"])
	require.Equal(t, "High", b.Field(id, "severity_code"))
	require.Nil(t, b.Field(id, "reporter"), "left out is emptied")
	require.EqualValues(t, 3, b.Field(id, "properties.count"))
	require.Equal(t, whole["create_date"], after["create_date"])
	put(func(map[string]any) {}).is(409) // what was read is stale now
	b.do("PUT", "/incidents/1", jsonOf(t, whole)).is(404)

	b.SetDeny(soar.EditFields)
	whole["vers"] = 2
	put(func(map[string]any) {}).is(403)
}

func TestCreateClosed(t *testing.T) {
	b := setup(t, soar.Options{})
	b.post("/incidents", `{"name":"n","discovered_date":0,"plan_status":"C"}`).is(400)
	id, _ := b.create(`"plan_status":"C","resolution_id":"Resolved","resolution_summary":"s"`)
	require.False(t, b.incident(id).Open)
}

func TestLists(t *testing.T) {
	b, first := population(t)
	for path, want := range map[string][]int{
		"/incidents": {0, 1, 2, 3}, "/incidents?want_closed=true": {0, 1, 2, 3}, "/incidents?want_closed=false": {0, 1, 3}, "/incidents/open": {0, 1, 3},
	} {
		var rows []any
		require.NoError(t, json.Unmarshal([]byte(b.get(path).is(200).body), &rows))
		require.Equal(t, want, ids(t, rows, first), path)
	}
}

func TestChangeArtifact(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create("")
	made := b.post(inc+"/artifacts", `{"type":"IP Address","value":"10.0.0.1","description":"one","properties":[{"name":"k","value":"v"}],
		"ip":{"source":true,"destination":false},"parent_id":null}`).is(200).list()[0]
	require.Equal(t, "v", dig(t, made["properties"].([]any)[0], "value"))
	require.Equal(t, true, dig(t, made, "ip", "source"))
	one := fmt.Sprintf("%s/artifacts/%v", inc, made["id"])
	require.Equal(t, made, b.get(one).is(200).object())
	b.get(one + "/contents").is(404)

	b.do("PUT", one, `{"type":"IP Address","value":"10.0.0.2"}`).is(400)
	b.do("PUT", one, `{"type":"String","value":"10.0.0.1"}`).is(400)
	b.do("PUT", one, `{"type":"IP Address","value":"10.0.0.1","properties":"x"}`).is(400)
	b.do("PUT", one, `{"value":"10.0.0.1"}`).is(400)
	changed := b.do("PUT", one, `{"type":1,"value":"10.0.0.1","description":"two","relating":false}`).is(200).object()
	require.Equal(t, "two", changed["description"])
	require.Equal(t, false, changed["relating"])
	require.Equal(t, made["properties"], changed["properties"])

	paged := b.post(inc+"/artifacts/query_paged?handle_format=names", `{}`).is(200).object()
	require.EqualValues(t, 1, paged["recordsFiltered"])
	require.Equal(t, "IP Address", dig(t, paged["data"].([]any)[0], "type"))
	require.Empty(t, b.post(inc+"/artifacts/query_paged", `{"start":1}`).is(200).object()["data"])
	b.post(inc+"/artifacts/query_paged", `{"filters":[{"conditions":[]}]}`).is(400)

	b.do("DELETE", one, "").is(200)
	b.do("DELETE", one, "").is(404)
	require.Empty(t, b.incident(id).Artifacts)
	again := b.post(inc+"/artifacts", `{"type":"IP Address","value":"10.0.0.1"}`).is(200).list()
	require.NotEqual(t, made["id"], again[0]["id"], "it is not there any more")
}

// uploadArtifact posts a file with the JSON of an artifact.
func (b *bench) uploadArtifact(inc, artifact, name, content string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(b.t, w.WriteField("artifact", artifact))
	part, err := w.CreateFormFile("file", name)
	require.NoError(b.t, err)
	_, err = part.Write([]byte(content))
	require.NoError(b.t, err)
	require.NoError(b.t, w.Close())
	r := b.request("POST", "/orgs/201"+inc+"/artifacts/files", body.String())
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.send(r)
}

func TestFileArtifact(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create("")
	made := b.uploadArtifact(inc, `{"type":{"name":"Malware Sample"},"value":"","description":""}`, "a.exe", "MZ").is(200).list()
	require.Len(t, made, 1)
	require.Equal(t, "a.exe", made[0]["value"])
	require.EqualValues(t, 2, dig(t, made[0], "attachment", "size"))
	contents := b.get(fmt.Sprintf("%s/artifacts/%v/contents", inc, made[0]["id"])).is(200)
	require.Equal(t, "MZ", contents.body)
	require.Empty(t, b.incident(id).Attachments, "it is an artifact's, not the incident's")
	require.Len(t, b.incident(id).Artifacts, 1)

	b.uploadArtifact(inc, `{"type":"String"}`, "a.exe", "MZ").is(400)
	b.uploadArtifact(inc, `{}`, "a.exe", "MZ").is(400)
	b.uploadArtifact(inc, `nonsense`, "a.exe", "MZ").is(400)
	b.uploadArtifact(inc, `{"type":"Log File"}`, "", "MZ").is(400)
	b.uploadArtifact("/incidents/1", `{"type":"Log File"}`, "a.log", "x").is(404)
	again := b.uploadArtifact(inc, `{"type":"Malware Sample"}`, "a.exe", "MZ").is(200).list()
	require.Equal(t, made[0]["id"], again[0]["id"])
	for range 2 { // a type that allows them
		b.uploadArtifact(inc, `{"type":"Log File"}`, "a.log", "x").is(200)
	}
	require.Len(t, b.incident(id).Artifacts, 3)
}

func TestChangeNote(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create("")
	made := b.post(inc+"/comments", `{"text":"first"}`).is(200).object()
	one := fmt.Sprintf("%s/comments/%v", inc, made["id"])
	require.Equal(t, made, b.get(one).is(200).object())
	b.post(inc+"/comments", fmt.Sprintf(`{"text":"answer","parent_id":%v}`, made["id"])).is(200)
	require.Equal(t, b.get(inc+"/comments").body, b.post(inc+"/comments/query?include_tasks=false", `{}`).is(200).body)

	b.clock.advance(testWait)
	changed := b.do("PUT", one, `{"text":{"format":"html","content":"<b>x</b>"}}`).is(200).object()
	require.Equal(t, "<b>x</b>", changed["text"])
	require.Greater(t, changed["modify_date"], made["create_date"])
	b.do("PUT", one, `{"text":""}`).is(400)
	b.do("DELETE", one, "").is(200)
	b.get(one).is(404)
	require.Empty(t, b.incident(id).Notes, "and the answer to it")

	theirs, err := b.AddNote(id, "somebody else's")
	require.NoError(t, err)
	one = fmt.Sprintf("%s/comments/%d", inc, theirs)
	b.do("PUT", one, `{"text":"x"}`).is(403)
	b.do("DELETE", one, "").is(403)
	require.Equal(t, "somebody else's", b.incident(id).Notes[0].Text)
}

func TestOneField(t *testing.T) {
	b := setup(t, withFields())
	require.Equal(t, "severity_code", b.get("/types/incident/fields/severity_code").is(200).object()["name"])
	require.Equal(t, "properties", b.get("/types/0/fields/properties.count").is(200).object()["prefix"])
	require.Equal(t, "Disabled", b.get("/types/sep_endpoint_status_summary/fields/disabled").is(200).object()["text"])
	b.get("/types/incident/fields/nonsense").is(404)
	b.get("/types/nonsense/fields/name").is(404)
}
