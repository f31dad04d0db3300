package sepclient

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProbe(t *testing.T) {
	const (
		sysadmin = `{"token":"x","domain":"Default","role":{"bitMask":8,"title":"sysadmin"}}`
		limited  = `{"token":"x","domain":"Default","role":{"bitMask":2,"title":"limitedadmin"}}`
	)
	type answer struct {
		status int
		body   string
	}
	whole := Found{
		Version: Version{Product: "14.3.25029.9000", API: "14.3.9000", Sequence: "240604011"},
		Domain:  "Default", Domains: []string{"Default", "Branch"}, Role: "system administrator", Computers: 1234,
	}
	for _, tt := range []struct {
		name    string
		domain  string
		answers map[string]answer // in place of the good ones, by the path's last element
		found   func(*Found)
		class   Class
		failure string
		logins  int32
	}{
		{name: "all well", domain: "default", logins: 1},
		{name: "own domain", logins: 1},
		{name: "no total", answers: map[string]answer{"computers": {200, `{"content":[]}`}}, found: func(f *Found) { f.Computers = -1 }, logins: 1},
		{name: "domains are not its to list", answers: map[string]answer{"domains": {401, ""}}, found: func(f *Found) { f.Domains = nil }, logins: 1},
		{name: "no such server", answers: map[string]answer{"version": {404, "<h1>Not here</h1>"}}, class: NotFound, failure: "version (GET /version): 404: Not here"},
		{
			name: "login refused", domain: "Default", logins: 1,
			answers: map[string]answer{"authenticate": {401, `{"errorCode":"401","errorMessage":"No."}`}},
			class:   Unauthorized, failure: `401: No.: SEPM does not say which of the three is wrong: check username "admin", its password (and that the account is not locked), and domain "Default"`,
		},
		{
			name: "login refused without a domain", logins: 1, answers: map[string]answer{"authenticate": {401, ``}},
			class: Unauthorized, failure: `401: Unauthorized: check username "admin" and its password`,
		},
		{
			name: "a password that SEPM decodes", logins: 1,
			answers: map[string]answer{"authenticate": {400, `{"errorCode":"400","errorMessage":"URLDecoder: Illegal hex characters in escape (%) pattern"}`}},
			class:   Unauthorized, failure: "set escape_credentials to true",
		},
		{name: "SEPM is away", logins: 1, answers: map[string]answer{"authenticate": {503, ``}}, class: Temporary, failure: "503: Service Unavailable"},
		{
			name: "another domain", domain: "Nowhere", logins: 1,
			class: Permanent, failure: `SEPM logged "admin" in to domain "Default" in place of "Nowhere": set domain to one that SEPM has: ["Default" "Branch"]`,
		},
		{
			name: "no rights", logins: 1, answers: map[string]answer{"currentuser": {200, limited}, "computers": {401, `{"errorMessage":"No rights."}`}},
			class: Unauthorized, failure: `list computers (GET /computers): 401: No rights.: "admin" is a limited administrator: make it a system administrator in SEPM`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			good := map[string]answer{
				"version":      {200, `{"API_SEQUENCE":"240604011","API_VERSION":"14.3.9000","version":"14.3.25029.9000"}`},
				"authenticate": {200, `{"token":"x","tokenExpiration":3600,"adminId":"A1"}`},
				"currentuser":  {200, sysadmin},
				"domains":      {200, `[{"id":"D1","name":"Default"},{"id":"D2","name":"Branch"}]`},
				"computers":    {200, `{"content":[],"lastPage":true,"totalElements":1234}`},
			}
			for name, a := range tt.answers {
				good[name] = a
			}
			handle := func(w http.ResponseWriter, r *http.Request) {
				a := good[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
				w.WriteHeader(a.status)
				_, _ = w.Write([]byte(a.body))
			}
			s := serve(t, handle)
			s.authenticate = handle
			found, err := s.client(t, func(o *Options) { o.Domain = tt.domain }).Probe(t.Context())
			require.Equal(t, tt.logins, s.logins.Load(), "a password is tried once")
			if tt.failure != "" {
				requireError(t, err, tt.class, tt.failure)
				return
			}
			require.NoError(t, err)
			want := whole
			if tt.found != nil {
				tt.found(&want)
			}
			require.Equal(t, want, found)
		})
	}
}
