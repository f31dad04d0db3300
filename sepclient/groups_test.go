package sepclient

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGroups(t *testing.T) {
	var asked []url.Values
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/sepm/api/v1/groups", r.URL.Path)
		asked = append(asked, r.URL.Query())
		if len(asked)%2 == 0 {
			io.WriteString(w, `{"content":[{"id":"G2","name":"B","fullPathName":"My Company\\B","domain":null}],"lastPage":true}`)
			return
		}
		fmt.Fprintf(w, `{"content":[{"id":"G1","name":"My Company","description":null,"fullPathName":"My Company",
			"numberOfPhysicalComputers":"12","numberOfRegisteredUsers":0,"createdBy":"AF3C39A1%s","created":1360247301316,
			"lastModified":0,"policySerialNumber":"AF3C-07/09/2024 06:29:12 652","policyDate":1720506552652,"customIpsNumber":"",
			"domain":{"id":"D1","name":null},"policyInheritanceEnabled":true}],"firstPage":false,"lastPage":false,"totalElements":1,"totalPages":1}`, strings.Repeat(" ", 120))
	})
	c := s.client(t, func(o *Options) { o.PageSize = 7 })
	var groups []GroupDetails
	for g, err := range c.Groups(t.Context(), GroupQuery{DomainID: "D1", FullPath: `My Company\A&B`}) {
		require.NoError(t, err)
		groups = append(groups, g)
	}
	require.Equal(t, []GroupDetails{
		{
			ID: "G1", Name: "My Company", FullPath: "My Company", Domain: Domain{ID: "D1"}, Computers: 12, InheritsPolicies: true,
			PolicySerial: "AF3C-07/09/2024 06:29:12 652", CreatedBy: "AF3C39A1",
			Created: time.UnixMilli(1360247301316).UTC(), PolicyDate: time.UnixMilli(1720506552652).UTC(),
		},
		{ID: "G2", Name: "B", FullPath: `My Company\B`, Computers: -1, Users: -1},
	}, groups)
	require.Equal(t, url.Values{
		"domain": {"D1"}, "fullPathName": {`My Company\A&B`}, "pageIndex": {"2"}, "pageSize": {"7"}, "sort": {"NAME"}, "order": {"ASC"},
	}, asked[1])
	for range c.Groups(t.Context(), GroupQuery{}) {
		break
	}
	require.Len(t, asked, 3, "pages are asked for as they are taken")
	for range c.Groups(t.Context(), GroupQuery{Sort: "ID", Descending: true}) {
	}
	require.Equal(t, []string{"ID", "DESC"}, []string{asked[3].Get("sort"), asked[3].Get("order")})
}

func TestGroup(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/sepm/api/v1/groups/G1?domainId=D1":
			io.WriteString(w, `{"id":"G1","name":"A","fullPathName":"My Company\\A","defaultLocationId":"L1","domain":{"id":"D1","name":"Default"}}`)
		case "/sepm/api/v1/groups/odd":
			io.WriteString(w, `{}`)
		default:
			write(w, 410, map[string]string{"errorCode": "410", "errorMessage": "Group does not exist"})
		}
	})
	g, err := s.client(t).Group(t.Context(), "G1", "D1")
	require.NoError(t, err)
	require.Equal(t, GroupDetails{
		ID: "G1", Name: "A", FullPath: `My Company\A`, DefaultLocationID: "L1", Domain: Domain{ID: "D1", Name: "Default"}, Computers: -1, Users: -1,
	}, g)
	_, err = s.client(t).Group(t.Context(), "G2", "")
	require.ErrorIs(t, err, ErrNotFound)
	_, err = s.client(t).Group(t.Context(), "odd", "")
	requireError(t, err, Temporary, "no id of a group")
	_, err = s.client(t).Group(t.Context(), "", "")
	requireError(t, err, Permanent, "is empty or no id")
}

func TestGroupTree(t *testing.T) {
	at := func(domain, path, name string) GroupDetails {
		return GroupDetails{ID: domain + path, Name: name, FullPath: path, Domain: Domain{ID: domain}}
	}
	list := []GroupDetails{
		at("1", `My Company\A\a`, "a"), // a child before its parent
		at("1", `My Company`, "My Company"),
		at("1", `My Company\A`, "A"),
		at("1", `My Company\A\B`, `A\B`), // a name with a backslash, beside A
		at("1", `My Company\A\B\c`, "c"),
		at("1", `My Company\Ä "& <x>`, `Ä "& <x>`),
		at("1", `My Company\ `, ` `),
		at("2", `My Company`, "My Company"), // another domain
		at("2", `My Company\A`, "A"),
		at("1", `Gone\X`, "X"),                 // its parent is not to be seen
		at("1", `My Company\odd path`, "name"), // its path does not end in its name
		at("3", ``, ``),
		at("3", `\`, `\`),
		at("2", `My Company\A`, "A"), // twice
	}
	var got []string
	for _, root := range GroupTree(slices.Values(list)) {
		for depth, g := range root.Walk() {
			got = append(got, fmt.Sprintf("%s%s: %s", strings.Repeat("  ", depth), g.Domain.ID, g.FullPath))
		}
	}
	require.Equal(t, []string{
		`1: My Company`,
		`  1: My Company\A`,
		`    1: My Company\A\a`,
		`  1: My Company\A\B`,
		`    1: My Company\A\B\c`,
		`  1: My Company\Ä "& <x>`,
		`  1: My Company\ `,
		`  1: My Company\odd path`,
		`2: My Company`,
		`  2: My Company\A`,
		`  2: My Company\A`,
		`1: Gone\X`,
		`3: `,
		`3: \`,
	}, got)
	require.Empty(t, GroupTree(slices.Values([]GroupDetails(nil))))
	for depth := range GroupTree(slices.Values(list))[0].Walk() {
		if depth == 1 {
			break // a walk may be left
		}
	}
}

func TestAssignLockdown(t *testing.T) {
	for _, tt := range []struct {
		status  int
		body    string
		class   Class
		is      error
		failure string
	}{
		{200, ``, "", nil, ""},
		{200, `""`, "", nil, ""},
		{200, `<html>Log in</html>`, Ambiguous, nil, "neither empty nor JSON: Log in"},
		{200, `{"errorCode":"400","errorMessage":"bad list"}`, Ambiguous, nil, "it is an error: 400 bad list"},
		{204, ``, Ambiguous, nil, "204"},
		{400, `{"errorMessage":"bad list"}`, Permanent, nil, "bad list"},
		{409, ``, Conflict, ErrConflict, "inherit its policies"},
		{410, ``, NotFound, ErrNotFound, "410"},
		{422, ``, Conflict, ErrConflict, "system lockdown is off"},
		{423, ``, Temporary, nil, "somebody is editing"},
		{500, ``, Ambiguous, nil, "500"},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "PUT /sepm/api/v1/groups/G1/system-lockdown/fingerprints/L1", r.Method+" "+r.URL.Path)
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.body)
		})
		err := s.client(t).AssignLockdown(t.Context(), "G1", "L1")
		if tt.class == "" {
			require.NoError(t, err, tt.body)
			continue
		}
		requireError(t, err, tt.class, tt.failure)
		if tt.is != nil {
			require.ErrorIs(t, err, tt.is)
		}
	}
}
