package sepclient

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCurrentUser(t *testing.T) {
	for body, want := range map[string]User{
		`{"token":"x","username":"svc","fullname":"Service","domain":"Default","domainid":"D1","role":{"bitMask":8,"title":"sysadmin"},
			"permissionSet":{"reportingRights":true,"groupRights":false,"siteRights":null,"remoteCommandRights":true,"policyRights":"true"}}`: {
			Name: "svc", FullName: "Service", Domain: Domain{ID: "D1", Name: "Default"},
			Role: Role{SystemAdministrator, "sysadmin"}, Rights: &Rights{Reporting: true, RemoteCommands: true, Policies: true},
		},
		`{"username":"svc","getfullName":"Service","domain":null,"role":{"bitMask":16,"title":"auditor"}}`: {Name: "svc", FullName: "Service", Role: Role{16, "auditor"}},
		`{"username":"svc","role":null,"permissionSet":null}`:                                              {Name: "svc"},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "/sepm/api/v1/sessions/currentuser", r.URL.Path)
			io.WriteString(w, body)
		})
		user, err := s.client(t).CurrentUser(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, user)
	}
	for role, want := range map[Role]string{
		{SystemAdministrator, "x"}: "system administrator", {DomainAdministrator, ""}: "domain administrator",
		{LimitedAdministrator, ""}: "limited administrator", {16, "auditor"}: "auditor", {}: "",
	} {
		require.Equal(t, want, role.String())
	}
	for rights, want := range map[Rights]string{
		{true, true, true, true, true}: "all rights", {}: "no rights",
		{Reporting: true, Policies: true}: "rights to reporting and policies, none to groups and sites and remote commands",
	} {
		require.Equal(t, want, rights.String())
	}
}

func TestDomains(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `[{"id":"D1","name":"Default","description":null,"createdTime":1360247301316,"enable":true,"companyName":"Acme","contactInfo":null,"administratorCount":1},
			{"id":"D2","name":"Branch","enable":false}]`)
	})
	domains, err := s.client(t).Domains(t.Context())
	require.NoError(t, err)
	require.Equal(t, []DomainDetails{
		{Domain: Domain{"D1", "Default"}, Company: "Acme", Enabled: true, Administrators: 1, Created: time.UnixMilli(1360247301316).UTC()},
		{Domain: Domain{"D2", "Branch"}, Administrators: -1},
	}, domains)
}

func TestMayHave(t *testing.T) {
	for version, want := range map[string]bool{
		"14.3.25029.9000": true, "14.4": true, "15.0.1": true, "": true, "beta": true,
		"14.2.1031.0100": false, "14.2": false, "12.1.6": false,
	} {
		for _, f := range []Feature{FingerprintListsV2, ComputerFilters, HostIntegrity} {
			require.Equal(t, want, Version{Product: version}.MayHave(f), version)
		}
	}
}

func TestLoginRefused(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
	_, err := s.client(t).Domains(t.Context())
	require.ErrorIs(t, err, ErrUnauthorized)
	require.False(t, LoginRefused(err), "a right is missing, and the login was accepted")
	s.authenticate = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }
	_, err = s.client(t).Domains(t.Context())
	require.True(t, LoginRefused(err))
	require.False(t, LoginRefused(nil))
}
