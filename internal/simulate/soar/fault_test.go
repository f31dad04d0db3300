package soar_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// faulty is a bench with faults in front of the server.
func faulty(t *testing.T, opt soar.Options) (*bench, *fault.Set) {
	t.Helper()
	b := setup(t, opt)
	set := fault.New(1)
	srv := httptest.NewServer(set.Wrap(b.Server))
	t.Cleanup(srv.Close)
	t.Cleanup(set.Close) // before the server, which waits for what is held
	b.url, b.http = srv.URL, srv.Client()
	b.http.Transport = &http.Transport{DisableKeepAlives: true} // so that net/http repeats nothing by itself
	return b, set
}

// TestFaultsOfEachWrite: every kind of write can be lost after it was done,
// and land after everybody gave up.
func TestFaultsOfEachWrite(t *testing.T) {
	const change = `{"changes":[{"field":"reporter","old_value":null,"new_value":{"text":"x"}}]}`
	for path, tt := range map[string]struct {
		method, body string
		done         func(*bench, int) bool
	}{
		"incidents": {"POST", `{"name":"another","discovered_date":0}`, func(b *bench, _ int) bool { return b.Totals().Incidents == 2 }},
		"incidents/*": {"PATCH", change,
			func(b *bench, id int) bool { return b.Field(id, "reporter") == "x" }},
		"incidents/*/artifacts": {"POST", `{"type":"String","value":"v"}`, func(b *bench, _ int) bool { return b.Totals().Artifacts == 1 }},
		"incidents/*/comments":  {"POST", `{"text":"n"}`, func(b *bench, _ int) bool { return b.Totals().Notes == 1 }},
		"row_data":              {"POST", `{"cells":{"group_id":{"value":"g"}}}`, func(b *bench, _ int) bool { return b.Totals().Rows == 2 }},
		"row_data/*": {"PUT", `{"cells":{"group_id":{"value":"h"}}}`,
			func(b *bench, id int) bool { return b.incident(id).Rows[0].Cells["group_id"] == "h" }},
		"attachments": {"POST", "", func(b *bench, _ int) bool { return b.Totals().Attachments == 1 }},
	} {
		for _, kind := range []fault.Kind{fault.LostReply, fault.LateChange, fault.Reset} {
			t.Run(string(kind)+" "+path, func(t *testing.T) {
				b, set := faulty(t, soar.Options{})
				id, inc := b.create("")
				row, err := b.AddRow(id, "sep_groups", map[string]any{"group_id": "g"})
				require.NoError(t, err)
				set.On(fault.Switch{Kind: kind, Method: tt.method, Path: path, Hold: 1, Late: testWait, Remaining: 1})
				r := b.writing(tt.method, path, inc, row, tt.body)
				_, err = b.http.Do(r) //nolint:bodyclose // there is no response
				require.Error(t, err)
				require.Equal(t, kind == fault.LostReply, tt.done(b, id))
				set.Flush()
				require.Equal(t, kind != fault.Reset, tt.done(b, id))
			})
		}
	}
}

// writing is a request to a path as faults name it.
func (b *bench) writing(method, path, inc string, row int, body string) *http.Request {
	b.t.Helper()
	r := b.request(method, "/orgs/201"+map[string]string{
		"incidents": "/incidents", "incidents/*": inc, "incidents/*/artifacts": inc + "/artifacts", "incidents/*/comments": inc + "/comments",
		"row_data": inc + "/table_data/sep_groups/row_data", "row_data/*": fmt.Sprintf("%s/table_data/sep_groups/row_data/%d", inc, row),
		"attachments": inc + "/attachments",
	}[path], body)
	if path == "attachments" {
		body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nx\r\n--x--\r\n"
		r = b.request(method, "/orgs/201"+inc+"/attachments", body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	}
	r.SetBasicAuth("demo", "demo")
	return r
}

// TestRefusalsAsTheServerSaysThem: 401 at the n-th call, 409 and 500 are
// StatusDTOs; a burst of 503 is a proxy's page.
func TestRefusalsAsTheServerSaysThem(t *testing.T) {
	b, set := faulty(t, soar.Options{})
	_, inc := b.create("")
	set.On(fault.Switch{Kind: fault.Status, Code: 401, FromServer: true, After: 2, Remaining: 1})
	b.get(inc).is(200)
	b.get(inc).is(200)
	b.get(inc).is(401)
	b.get(inc).is(200)
	for _, method := range []string{"PATCH", "PUT"} {
		set.On(fault.Switch{Kind: fault.Status, Method: method, Code: 409, FromServer: true, Remaining: 1})
		b.do(method, inc, `{}`).is(409)
	}
	set.On(fault.Switch{Kind: fault.Status, Code: 500, FromServer: true, Remaining: 1}, fault.Switch{Kind: fault.Status, Code: 502, Remaining: 2})
	b.get(inc).is(500)
	for range 2 {
		a := b.get(inc)
		require.Equal(t, 502, a.status)
		require.Contains(t, a.body, "<html>")
	}
	b.get(inc).is(200)
}

func TestFieldFailures(t *testing.T) {
	b := setup(t, soar.Options{FieldFailures: 1})
	id, inc := b.create(`"severity_code":"Low"`)
	patch := func() map[string]any {
		return b.do("PATCH", inc+"?handle_format=names", `{"changes":[{"field":"severity_code","old_value":{"object":"Low"},"new_value":{"object":"High"}},
			{"field":"reporter","old_value":null,"new_value":{"text":"x"}}]}`).is(200).object()
	}
	refused := patch()
	require.Equal(t, false, refused["success"])
	failures, _ := refused["field_failures"].([]any)
	require.Len(t, failures, 2)
	require.Equal(t, "Low", dig(t, failures[0], "actual_current_value", "object"), "what is there")
	require.Equal(t, 1, b.incident(id).Version)
	b.FailPatches(1)
	require.Equal(t, false, patch()["success"])
	require.Equal(t, true, patch()["success"])
	require.Equal(t, "High", b.Field(id, "severity_code"))
}
