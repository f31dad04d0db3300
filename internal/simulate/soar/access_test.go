package soar_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// as sends a request with another key to a path under /rest.
func (b *bench) as(key, method, path, body string) answer {
	b.t.Helper()
	r := b.request(method, path, body)
	r.SetBasicAuth(key, key)
	return b.send(r)
}

// session logs in by e-mail and password and gives what carries requests on.
func (b *bench) session(email, password string) func(method, path, body string) answer {
	b.t.Helper()
	a := b.send(b.request("POST", "/session", `{"email":"`+email+`","password":"`+password+`"}`)).is(200)
	cookies := (&http.Response{Header: a.header}).Cookies()
	require.Len(b.t, cookies, 1)
	csrf, _ := a.object()["csrf_token"].(string)
	return func(method, path, body string) answer {
		r := b.request(method, path, body)
		r.AddCookie(cookies[0])
		r.Header.Set("X-sess-id", csrf)
		return b.send(r)
	}
}

func orgNames(t *testing.T, session map[string]any) []string {
	t.Helper()
	orgs, _ := session["orgs"].([]any)
	names := []string{}
	for _, o := range orgs {
		name, _ := dig(t, o, "name").(string)
		names = append(names, name)
	}
	return names
}

func TestKeysAndUsersOfSeveralOrgs(t *testing.T) {
	const incident = `{"name":"n","discovered_date":0}`
	b := setup(t, soar.Options{
		Orgs:  []soar.Org{{ID: 201, Name: "Demo"}, {ID: 202, Name: "Other"}},
		Keys:  []soar.Key{{ID: "second", Secret: "second", Org: 202}, {ID: "reader", Secret: "reader", Deny: []string{"POST /incidents"}}},
		Users: []soar.User{{Email: "b@example.com", Password: "b", First: "Bea", Last: "Bell", Orgs: []int{202}}},
	})
	require.Equal(t, []string{"Demo", "Other"}, orgNames(t, b.as("demo", "GET", "/session", "").is(200).object()))
	second := b.as("second", "GET", "/session", "").is(200).object()
	require.Equal(t, []string{"Other"}, orgNames(t, second))
	require.Equal(t, "second", second["client_id"])
	b.as("second", "POST", "/orgs/201/incidents", incident).is(403)
	mine := b.as("second", "POST", "/orgs/202/incidents?handle_format=names", incident).is(200).object()
	require.Equal(t, "second", dig(t, mine, "creator_principal", "name"))
	require.Equal(t, "second", mine["creator_id"])
	b.as("reader", "POST", "/orgs/202/incidents", incident).is(403)
	b.as("demo", "POST", "/orgs/202/incidents", incident).is(200)

	bea := b.session("b@example.com", "b")
	require.Equal(t, []string{"Other"}, orgNames(t, bea("GET", "/session", "").is(200).object()))
	bea("GET", "/orgs/201", "").is(403)
	hers := bea("POST", "/orgs/202/incidents", `{"name":"n","discovered_date":0,"owner_id":"b@example.com"}`).is(200).object()
	require.Equal(t, "Bea Bell", dig(t, hers, "creator_principal", "display_name"))
	b.create(`"owner_id":"demo@example.com"`)
	b.post("/incidents", `{"name":"n","discovered_date":0,"owner_id":"b@example.com"}`).is(400) // of the other org
	b.EndSessions()
	bea("GET", "/session", "").is(401)
}

func TestGrants(t *testing.T) {
	const status = `{"field":"plan_status","old_value":{"object":"A"},"new_value":{"object":"C"}},
		{"field":"resolution_id","old_value":null,"new_value":{"object":"Resolved"}},{"field":"resolution_summary","old_value":null,"new_value":{"text":"s"}}`
	const resolution = `{"field":"resolution_id","old_value":null,"new_value":{"object":"Resolved"}}`
	const reporter = `{"field":"reporter","old_value":null,"new_value":{"text":"x"}}`
	type request struct{ method, path, body string }
	patch := func(changes string) request { return request{"PATCH", "", `{"changes":[` + changes + `]}`} }
	note := request{"POST", "/comments", `{"text":"x"}`}
	row := request{"POST", "/table_data/sep_groups/row_data", `{"cells":{}}`}
	read := request{"GET", "", ""}
	for grant, tt := range map[string]struct{ refused, allowed []request }{
		soar.ReadOrgData:     {nil, []request{read}},
		soar.ReadIncidents:   {[]request{read, {"GET", "/comments", ""}, {"GET", "/table_data", ""}}, []request{note, row}},
		soar.CreateIncidents: {nil, []request{read, note}},
		soar.EditFields:      {[]request{patch(reporter), patch(reporter + "," + status), patch(resolution), row}, []request{note, patch(status)}},
		soar.EditStatus:      {[]request{patch(status)}, []request{patch(reporter)}},
		soar.EditNotes:       {[]request{note}, []request{row, read}},
		soar.EditArtifacts:   {[]request{{"POST", "/artifacts", `{"type":"String","value":"x"}`}}, []request{note}},
		soar.EditAttachments: {[]request{{"POST", "/attachments", ""}}, []request{note}},
		soar.DeleteIncidents: {[]request{{"DELETE", "", ""}}, []request{note}},
	} {
		for _, how := range []string{"everybody", "this key"} {
			t.Run(grant+" "+how, func(t *testing.T) {
				opt := soar.Options{Deny: []string{grant}}
				if how == "this key" {
					opt = soar.Options{Keys: []soar.Key{{ID: "k", Secret: "k", Deny: []string{grant}}}}
				}
				b := setup(t, opt)
				key := map[string]string{"everybody": "demo", "this key": "k"}[how]
				b.SetDeny()
				_, inc := b.create("")
				b.SetDeny(opt.Deny...)
				for _, r := range tt.refused {
					b.as(key, r.method, "/orgs/201"+inc+r.path, r.body).is(403)
				}
				for _, r := range tt.allowed {
					b.as(key, r.method, "/orgs/201"+inc+r.path, r.body).is(200)
				}
				if grant != soar.ReadOrgData {
					b.as(key, "GET", "/orgs/201/types", "").is(200)
				} else {
					b.as(key, "GET", "/orgs/201/types", "").is(403)
				}
				if grant == soar.CreateIncidents {
					b.as(key, "POST", "/orgs/201/incidents", `{"name":"n","discovered_date":0}`).is(403)
				}
			})
		}
	}
	require.Len(t, soar.Grants(), 9)
}

func TestPermsTellTheGrants(t *testing.T) {
	b := setup(t, soar.Options{Deny: []string{soar.EditStatus, soar.CreateIncidents}})
	b.SetDeny()
	_, inc := b.create("")
	require.Equal(t, true, dig(t, b.get(inc).object(), "perms", "close"))
	b.SetDeny(soar.EditStatus, soar.CreateIncidents)
	require.Equal(t, false, dig(t, b.get(inc).object(), "perms", "close"))
	require.Equal(t, true, dig(t, b.get(inc).object(), "perms", "write"))
	orgs, _ := b.as("demo", "GET", "/session", "").object()["orgs"].([]any)
	require.Equal(t, false, dig(t, orgs[0], "perms", "create_incs"))
}

func TestBan(t *testing.T) {
	b := setup(t, soar.Options{BanAfter: 3})
	user := b.session("demo@example.com", "demo")
	for range 2 {
		b.as("wrong", "GET", "/session", "").is(401)
	}
	b.as("demo", "GET", "/session", "").is(200) // which ends the row
	b.as("wrong", "GET", "/session", "").is(401)
	b.as("demo", "GET", "/session", "").is(200)
	for range 2 {
		b.as("wrong", "GET", "/session", "").is(401)
	}
	b.send(b.request("POST", "/session", `{"email":"demo@example.com","password":"x"}`)).is(401)
	b.as("demo", "GET", "/session", "").is(401)
	user("GET", "/session", "").is(401)
	b.LiftBan()
	b.as("demo", "GET", "/session", "").is(200)
	user("GET", "/session", "").is(200)
}

// TestCookieOfAKey: who sends back what a key was given is refused.
func TestCookieOfAKey(t *testing.T) {
	b := setup(t, soar.Options{})
	cookies := (&http.Response{Header: b.as("demo", "GET", "/session", "").is(200).header}).Cookies()
	require.Len(t, cookies, 1)
	r := b.request("GET", "/orgs/201", "")
	r.SetBasicAuth("demo", "demo")
	r.AddCookie(cookies[0])
	b.send(r).is(401)
}

func TestOrgIsDisabledForAWhile(t *testing.T) {
	b := setup(t, soar.Options{})
	_, inc := b.create("")
	b.SetOrgEnabled(201, false)
	b.get(inc).is(403)
	orgs, _ := b.as("demo", "GET", "/session", "").object()["orgs"].([]any)
	require.Equal(t, false, dig(t, orgs[0], "enabled"))
	b.SetOrgEnabled(201, true)
	b.get(inc).is(200)
}

func TestResourcePrefix(t *testing.T) {
	b := setup(t, soar.Options{ResourcePrefix: "/api/respond"})
	require.Equal(t, 404, b.as("demo", "GET", "/session", "").status)
	b.url += "/api/respond"
	b.as("demo", "GET", "/session", "").is(200)
	b.create("")
	b.get("/no/such/route").is(500)
}
