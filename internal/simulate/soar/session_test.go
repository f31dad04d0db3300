package soar_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestAPIKey(t *testing.T) {
	b := setup(t, soar.Options{})
	for _, tt := range []struct {
		id, secret string
		want       int
	}{{"demo", "demo", 200}, {"demo", "omed", 401}, {"omed", "demo", 401}, {"", "", 401}} {
		r := b.request("GET", "/session?include_permissions=false", "")
		if tt.id != "" {
			r.SetBasicAuth(tt.id, tt.secret)
		}
		a := b.send(r).is(tt.want)
		if tt.want == 200 {
			o := a.object()
			require.Equal(t, "demo", o["client_id"])
			require.NotNil(t, o["api_key_handle"])
			orgs, _ := o["orgs"].([]any)
			require.Len(t, orgs, 1)
			require.EqualValues(t, 201, dig(t, orgs[0], "id"))
			require.Equal(t, "Demo", dig(t, orgs[0], "name"))
			require.Equal(t, true, dig(t, orgs[0], "enabled"))
		}
	}
	b = setup(t, soar.Options{NullKeyHandle: true})
	r := b.request("GET", "/session", "")
	r.SetBasicAuth("demo", "demo")
	require.Nil(t, b.send(r).is(200).object()["api_key_handle"])
}

func TestEMailLogin(t *testing.T) {
	b := setup(t, soar.Options{SessionTimeout: time.Minute})
	b.send(b.request("POST", "/session", `{"email":"demo@example.com","password":"x"}`)).is(401)
	b.send(b.request("POST", "/session", `nonsense`)).is(400)
	a := b.send(b.request("POST", "/session?include_permissions=false", `{"email":"demo@example.com","password":"demo"}`)).is(200)
	csrf, _ := a.object()["csrf_token"].(string)
	require.NotEmpty(t, csrf)
	cookies := (&http.Response{Header: a.header}).Cookies()
	require.Len(t, cookies, 1)
	require.True(t, cookies[0].Secure && cookies[0].HttpOnly)

	with := func(csrf string, key bool) answer {
		r := b.request("GET", "/orgs/201", "")
		r.AddCookie(&http.Cookie{Name: "JSESSIONID", Value: cookies[0].Value})
		r.Header.Set("X-sess-id", csrf)
		if key {
			r.SetBasicAuth("demo", "demo")
		}
		return b.send(r)
	}
	with(csrf, false).is(200)
	with("", false).is(401)
	b.clock.advance(61 * time.Second)
	with(csrf, false).is(401)
	with(csrf, true).is(401) // a dead cookie spoils a good key
}

func TestLogOut(t *testing.T) {
	b := setup(t, soar.Options{})
	a := b.send(b.request("POST", "/session", `{"email":"demo@example.com","password":"demo"}`)).is(200)
	csrf, _ := a.object()["csrf_token"].(string)
	for _, want := range []int{200, 401} {
		r := b.request("DELETE", "/session", "")
		r.AddCookie((&http.Response{Header: a.header}).Cookies()[0])
		r.Header.Set("X-sess-id", csrf)
		b.send(r).is(want)
	}
}

func TestOrgs(t *testing.T) {
	b := setup(t, soar.Options{Orgs: []soar.Org{{ID: 201, Name: "Demo", UUID: "u"}, {ID: 202, Name: "Other"}, {ID: 203, Name: "Shut", Disabled: true}}})
	in := func(path, body string) answer {
		r := b.request("POST", path, body)
		r.SetBasicAuth("demo", "demo")
		return b.send(r)
	}
	first, _ := b.create("")
	other := in("/orgs/202/incidents", `{"name":"n","discovered_date":0}`).is(200).object()
	require.Greater(t, other["id"], float64(first), "one numbering across orgs")
	in("/orgs/203/incidents", `{"name":"n","discovered_date":0}`).is(403)
	in("/orgs/204/incidents", `{"name":"n","discovered_date":0}`).is(404)
	require.Len(t, b.Incidents(), 2)
	require.Equal(t, 202, b.Incidents()[1].Org)
	b.get("/incidents/" + jsonOf(t, other["id"])).is(404) // it is in another org

	o := b.get("").is(200).object()
	require.Equal(t, true, o["actions_framework_enabled"])
	require.Equal(t, "IP Address", dig(t, o, "incident_artifact_types", "1", "name"))
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

func TestServerItself(t *testing.T) {
	b := setup(t, soar.Options{ClockOffset: -time.Hour, Deny: []string{"POST /incidents/{inc}/artifacts"}})
	b.get("/no/such/route").is(500) // v51's quirk
	b.post("/no/such/route", "{}").is(404)
	_, inc := b.create("")
	b.post(inc+"/artifacts", `{"type":"String","value":"x"}`).is(403)
	b.get(inc + "?handle_format=nonsense").is(400)
	b.get(inc + "?text_content_output_format=nonsense").is(400)

	a := b.get(inc).is(200)
	date, err := http.ParseTime(a.header.Get("Date"))
	require.NoError(t, err)
	require.Equal(t, b.clock.Now().Add(-time.Hour).Unix(), date.Unix())
	require.EqualValues(t, b.clock.Now().Add(-time.Hour).UnixMilli(), a.object()["create_date"])
	b.SetClockOffset(0)
	_, inc = b.create("")
	require.EqualValues(t, b.clock.Now().UnixMilli(), b.get(inc).object()["create_date"])

	r := b.request("GET", "/const", "")
	r.SetBasicAuth("demo", "demo")
	limits := b.send(r).is(200).object()
	require.EqualValues(t, 25, limits["max_attachment_mb"])
	require.Equal(t, "51.0.9.0.20848", dig(t, limits, "server_version", "version"))

	calls := b.Calls()
	require.Equal(t, 2, calls["POST /incidents"])
	require.Equal(t, 1, calls["POST /incidents/{inc}/artifacts"], "refusals count")
	require.Equal(t, 2, calls["unknown"])
	require.Equal(t, 10, b.Requests())
}
