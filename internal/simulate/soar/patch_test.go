package soar_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestPatch(t *testing.T) {
	for name, tt := range map[string]struct {
		opt     soar.Options
		changes string
		status  int
		failed  string // the field of the failure, with status 200
	}{
		"by name":             {changes: `{"field":"severity_code","old_value":{"object":4},"new_value":{"object":6}}`, status: 200},
		"by object":           {changes: `{"field":{"name":"severity_code"},"old_value":{"id":4},"new_value":{"id":6}}`, status: 200},
		"names":               {changes: `{"field":"severity_code","old_value":{"object":"Low"},"new_value":{"object":"High"}}`, status: 200},
		"custom":              {opt: withFields(), changes: `{"field":"count","old_value":null,"new_value":{"object":3}}`, status: 200},
		"custom, dotted":      {opt: withFields(), changes: `{"field":"properties.count","old_value":{"object":null},"new_value":{"object":3}}`, status: 200},
		"stale":               {changes: `{"field":"severity_code","old_value":{"object":5},"new_value":{"object":6}}`, status: 200, failed: "severity_code"},
		"stale, but the same": {changes: `{"field":"severity_code","old_value":{"object":5},"new_value":{"object":4}}`, status: 200},
		"no old value":        {changes: `{"field":"severity_code","new_value":{"object":6}}`, status: 200, failed: "severity_code"},
		"old text":            {changes: `{"field":"description","old_value":{"textarea":{"format":"text","content":"a < b"}},"new_value":{"textarea":{"format":"html","content":"<b>b</b>"}}}`, status: 200},
		"old text as read":    {changes: `{"field":"description","old_value":{"object":"a &lt; b"},"new_value":{"object":"c"}}`, status: 200},
		"list in other order": {changes: `{"field":"incident_type_ids","old_value":{"ids":[22,19]},"new_value":{"ids":[19]}}`, status: 200},
		"unknown field":       {changes: `{"field":"nonsense","old_value":null,"new_value":{"object":1}}`, status: 400},
		"read-only field":     {changes: `{"field":"create_date","old_value":null,"new_value":{"date":1}}`, status: 400},
		"not wrapped":         {changes: `{"field":"severity_code","old_value":4,"new_value":6}`, status: 400},
		"unknown value":       {changes: `{"field":"severity_code","old_value":{"object":4},"new_value":{"object":"Dire"}}`, status: 400},
		"name emptied":        {changes: `{"field":"name","old_value":{"text":"SEP: Trojan on HOST1"},"new_value":{"text":""}}`, status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, tt.opt)
			id, inc := b.create(`"severity_code":4,"description":"a < b","incident_type_ids":["Malware","Phishing"]`)
			a := b.do("PATCH", inc+"?handle_format=names", `{"changes":[`+tt.changes+`]}`).is(tt.status)
			version := 1
			switch {
			case tt.status != 200:
			case tt.failed != "":
				o := a.object()
				require.Equal(t, false, o["success"])
				failures, _ := o["field_failures"].([]any)
				require.Len(t, failures, 1)
				require.Equal(t, tt.failed, dig(t, failures[0], "field", "name"))
				require.Equal(t, "Low", dig(t, failures[0], "actual_current_value", "object"), "in the asked format")
			default:
				version = 2
				require.Equal(t, true, a.object()["success"])
				require.Empty(t, a.object()["field_failures"])
			}
			require.Equal(t, version, b.incident(id).Version)
		})
	}
}

func TestPatchIsAllOrNothing(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create(`"severity_code":4`)
	b.do("PATCH", inc, `{"changes":[{"field":"reporter","old_value":null,"new_value":{"text":"x"}},
		{"field":"severity_code","old_value":{"object":5},"new_value":{"object":6}}]}`).is(200)
	require.Nil(t, b.get(inc).object()["reporter"])
	require.Equal(t, "Low", b.incident(id).Severity)
	b.do("PATCH", "/incidents/1", `{"changes":[]}`).is(404)
	b.do("PATCH", inc, `nonsense`).is(400)
}

func TestPatchVersion(t *testing.T) {
	for checked, status := range map[bool]int{false: 200, true: 409} {
		b := setup(t, soar.Options{PatchVersionChecked: checked})
		_, inc := b.create("")
		b.do("PATCH", inc, `{"version":1,"changes":[{"field":"reporter","old_value":null,"new_value":{"text":"x"}}]}`).is(200)
		b.do("PATCH", inc, `{"version":1,"changes":[{"field":"reporter","old_value":{"text":"x"},"new_value":{"text":"y"}}]}`).is(status)
	}
}

func TestClose(t *testing.T) {
	const shut = `{"field":"plan_status","old_value":{"object":"A"},"new_value":{"object":"C"}}`
	const resolution = `{"field":"resolution_id","old_value":null,"new_value":{"object":"Duplicate"}}`
	const summary = `{"field":"resolution_summary","old_value":null,"new_value":{"textarea":{"format":"text","content":"s"}}}`
	opt := soar.Options{Fields: []soar.Field{{Name: "verdict", Label: "Verdict", Required: "close"}}}
	b := setup(t, opt)
	id, inc := b.create("")
	patch := func(changes ...string) answer {
		return b.do("PATCH", inc, `{"changes":[`+strings.Join(changes, ",")+`]}`)
	}
	require.Contains(t, patch(shut).is(400).object()["message"], "Resolution is required")
	require.Contains(t, patch(shut, resolution).is(400).object()["message"], "Resolution Summary is required")
	require.Contains(t, patch(shut, resolution, summary).is(400).object()["message"], "Verdict is required")
	require.True(t, b.incident(id).Open)
	patch(shut, resolution, summary, `{"field":"verdict","old_value":null,"new_value":{"text":"v"}}`).is(200)
	require.False(t, b.incident(id).Open)
	require.Equal(t, "Duplicate", b.incident(id).Resolution)
	require.Equal(t, "C", b.get(inc).object()["plan_status"])
	require.NotNil(t, b.get(inc).object()["end_date"])
	patch(`{"field":"plan_status","old_value":{"object":"C"},"new_value":{"object":"A"}}`).is(200)
	require.True(t, b.incident(id).Open)
	require.Nil(t, b.get(inc).object()["end_date"])
}

// TestTwoAtOnceCollide holds one upload open while others knock.
func TestTwoAtOnceCollide(t *testing.T) {
	b := setup(t, soar.Options{})
	_, inc := b.create("")
	_, other := b.create("")
	reader, writer := io.Pipe()
	t.Cleanup(func() { writer.Close() }) // before the server's own, which waits for the upload
	r, err := http.NewRequest("POST", b.url+"/rest/orgs/201"+inc+"/attachments", reader)
	require.NoError(t, err)
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	first := make(chan answer)
	go func() { first <- b.send(r) }()
	_, err = io.WriteString(writer, "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nbegins")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return b.Calls()["POST /incidents/{inc}/attachments"] == 1 }, testWait, testTick)

	const change = `{"changes":[{"field":"reporter","old_value":{"text":"x"},"new_value":{"text":"x"}}]}`
	require.Eventually(t, func() bool { return b.do("PATCH", inc, change).status == 409 }, testWait, testTick)
	b.upload(inc, "b.txt", "two").is(409)
	b.upload(other, "b.txt", "another incident").is(200)
	b.post(inc+"/comments", `{"text":"notes do not collide"}`).is(200)

	_, err = io.WriteString(writer, "\r\n--x--\r\n")
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	(<-first).is(200)
	b.upload(inc, "b.txt", "now").is(200)
}
