package sepm_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

func TestAuthenticate(t *testing.T) {
	secret := sepm.Options{Username: "svc", Password: "100%+x"}
	with := func(change func(*sepm.Options)) sepm.Options {
		opt := secret
		change(&opt)
		return opt
	}
	for name, tt := range map[string]struct {
		opt  sepm.Options
		body string
		want int
	}{
		"demo":                  {body: `{"username":"admin","password":"admin","domain":"Default"}`, want: 200},
		"empty domain":          {body: `{"username":"admin","password":"admin","domain":""}`, want: 200},
		"no domain":             {body: `{"username":"admin","password":"admin"}`, want: 200},
		"appName in the body":   {body: `{"username":"admin","password":"admin","appName":"x"}`, want: 200},
		"no domain, required":   {opt: sepm.Options{RequireDomain: true}, body: `{"username":"admin","password":"admin"}`, want: 400},
		"unknown domain":        {body: `{"username":"admin","password":"admin","domain":"Other"}`, want: 401},
		"wrong password":        {body: `{"username":"admin","password":"nimda","domain":"Default"}`, want: 401},
		"wrong user":            {body: `{"username":"root","password":"admin","domain":"Default"}`, want: 401},
		"no password":           {body: `{"username":"admin"}`, want: 400},
		"not JSON":              {body: `username=admin`, want: 400},
		"as sent":               {opt: secret, body: `{"username":"svc","password":"100%+x"}`, want: 200},
		"percent-encoded":       {opt: secret, body: `{"username":"svc","password":"100%25%2Bx"}`, want: 200},
		"encoded, sent only":    {opt: with(func(o *sepm.Options) { o.Credentials = sepm.AsSent }), body: `{"username":"svc","password":"100%25%2Bx"}`, want: 401},
		"as sent, decoded only": {opt: with(func(o *sepm.Options) { o.Credentials = sepm.PercentForm }), body: `{"username":"svc","password":"100%+x"}`, want: 401},
		"encoded, decoded only": {opt: with(func(o *sepm.Options) { o.Credentials = sepm.PercentForm }), body: `{"username":"svc","password":"100%25%2Bx"}`, want: 200},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, tt.opt)
			a := b.do(http.MethodPost, "/identity/authenticate", tt.body)
			require.Equal(t, tt.want, a.status, a.body)
			if tt.want != 200 {
				require.Equal(t, fmt.Sprint(tt.want), a.object(t)["errorCode"])
			}
		})
	}
}

func TestUserToken(t *testing.T) {
	b := loggedIn(t, sepm.Options{TokenLife: 90 * time.Second})
	user := b.get("/sessions/currentuser").object(t)
	require.EqualValues(t, 90, user["tokenExpiration"], "seconds of life, not a date")
	require.Equal(t, b.token, user["token"])
	require.Len(t, b.token, 36)
	require.Equal(t, "Default", user["domain"])
	require.Equal(t, sepm.DefaultDomainID, user["domainid"])
	require.Equal(t, map[string]any{"bitMask": 8.0, "title": "sysadmin"}, user["role"])
	require.NotEmpty(t, user["adminId"])
}

func TestTokenExpiresOnUse(t *testing.T) {
	b := loggedIn(t, sepm.Options{TokenLife: time.Minute})
	b.clock.advance(59 * time.Second)
	require.Equal(t, 200, b.get("/computers").status)
	b.clock.advance(time.Second)
	require.Equal(t, 401, b.get("/computers").status)
	require.Zero(t, b.Sessions())

	b = loggedIn(t, sepm.Options{})
	b.ExpireTokens()
	require.Equal(t, 401, b.get("/computers").status)
}

func TestBodyOfABadToken(t *testing.T) {
	for body, want := range map[sepm.AuthError]string{
		sepm.SpringBody: `"error":"invalid_token"`, sepm.CommonBody: `"errorCode":"401"`, sepm.EmptyBody: "",
	} {
		b := setup(t, sepm.Options{AuthError: body})
		for _, token := range []string{"", "nonsense"} {
			b.token = token
			a := b.get("/domains")
			require.Equal(t, 401, a.status)
			require.Contains(t, a.body, want)
			require.Equal(t, body == sepm.EmptyBody, a.body == "")
		}
	}
}

func TestLogout(t *testing.T) {
	b := loggedIn(t, sepm.Options{})
	a := b.do(http.MethodPost, "/identity/logout", "{}")
	require.Equal(t, 204, a.status)
	require.Empty(t, a.body)
	require.Equal(t, 401, b.get("/computers").status)
	require.Equal(t, 401, b.do(http.MethodPost, "/identity/logout", "{}").status, "it has ended already")

	b = loggedIn(t, sepm.Options{})
	token := b.token
	b.token = ""
	require.Equal(t, 204, b.do(http.MethodPost, "/identity/logout", `{"adminId":"x","token":"`+token+`"}`).status)
	require.Zero(t, b.Sessions())
}

func (b *bench) refresh(user map[string]any, change func(url.Values)) answer {
	b.t.Helper()
	q := url.Values{"grant_type": {"refresh_token"}}
	for parameter, key := range map[string]string{"client_id": "clientId", "client_secret": "clientSecret", "refresh_token": "refreshToken"} {
		q.Set(parameter, fmt.Sprint(user[key]))
	}
	if change != nil {
		change(q)
	}
	return b.send(http.MethodPost, "/sepm/oauth/token?"+q.Encode(), "")
}

func TestRefresh(t *testing.T) {
	b := loggedIn(t, sepm.Options{TokenLife: time.Minute})
	user := b.get("/sessions/currentuser").object(t)
	b.clock.advance(time.Hour) // the token has expired, and its refresh token has not
	require.Equal(t, 401, b.get("/computers").status)
	a := b.refresh(user, nil)
	require.Equal(t, 200, a.status, a.body)
	got := a.object(t)
	require.Len(t, got, 2)
	require.EqualValues(t, 60, got["tokenExpiration"])
	b.token = fmt.Sprint(got["access_token"])
	require.Equal(t, 200, b.get("/computers").status)
	require.Equal(t, b.token, b.get("/sessions/currentuser").object(t)["token"])
	require.Equal(t, 1, b.Logins(), "it is no login")

	for name, change := range map[string]func(url.Values){
		"grant":  func(q url.Values) { q.Set("grant_type", "password") },
		"secret": func(q url.Values) { q.Set("client_secret", "x") },
		"token":  func(q url.Values) { q.Set("refresh_token", "x") },
	} {
		a := b.refresh(user, change)
		require.Equal(t, 400, a.status, name)
		require.Contains(t, a.object(t), "error_description")
	}
	b.do(http.MethodPost, "/identity/logout", "{}")
	require.Equal(t, 400, b.refresh(user, nil).status, "a log-out ends it too")

	b = loggedIn(t, sepm.Options{RefreshForm: sepm.OAuthForm})
	a = b.refresh(b.get("/sessions/currentuser").object(t), nil)
	require.EqualValues(t, 43200, a.object(t)["expires_in"])
	require.Equal(t, "bearer", a.object(t)["token_type"])
}

func TestVersionNeedsNoToken(t *testing.T) {
	b := setup(t, sepm.Options{})
	require.JSONEq(t, `{"API_SEQUENCE":"240604011","API_VERSION":"14.3.9000","version":"14.3.25029.9000"}`, b.get("/version").body)
	b = setup(t, sepm.Options{Release: sepm.V142})
	require.Equal(t, "14.2.1031.0100", b.get("/version").object(t)["version"])
}

func TestDomainsAreABareArray(t *testing.T) {
	b := loggedIn(t, sepm.Options{Domains: []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, {ID: strings.Repeat("A", 32), Name: "Lab"}}})
	a := b.get("/domains")
	require.Equal(t, 200, a.status)
	require.True(t, strings.HasPrefix(a.body, "["), a.body)
	require.Contains(t, a.body, `"name":"Lab"`)
}

func TestAccountWithoutRights(t *testing.T) {
	b := loggedIn(t, sepm.Options{NoRights: true})
	a := b.get("/computers")
	require.Equal(t, 401, a.status, "the same status as a bad token")
	require.Equal(t, "401", a.object(t)["errorCode"])
	require.Equal(t, 200, b.get("/domains").status)
	require.Equal(t, 200, b.get("/sessions/currentuser").status)
}
