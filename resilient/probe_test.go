package resilient

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
)

func TestProbe(t *testing.T) {
	const constants, types, list = "GET /rest/const", "GET /types", "POST /incidents/query_paged"
	all := map[string]any{"incident": map[string]any{"type_id": 0, "fields": map[string]any{}}}
	for _, table := range incident.Tables() {
		all[table.Name] = map[string]any{"type_id": 8}
	}
	installed, err := json.Marshal(all)
	require.NoError(t, err)
	answers := func(change string, to http.HandlerFunc) map[string]http.HandlerFunc {
		a := map[string]http.HandlerFunc{
			constants: say(200, `{"server_version":{"major":51,"version":"51.0.9.0.20848"}}`),
			types:     say(200, string(installed)),
			list:      say(200, `{"recordsTotal":0,"recordsFiltered":0,"data":[]}`),
		}
		a[change] = to
		return a
	}
	yes, no := true, false
	endpoints, _ := incident.TableByName(incident.TableEndpoints)
	for _, tt := range []struct {
		name, change string
		to           http.HandlerFunc
		perms        string
		missing      []incident.Table
		may          *bool
		unnamed      bool // no version
		failure      string
	}{
		{name: "all there", perms: `{"create_incs":true}`, may: &yes},
		{name: "may not create", perms: `{"create_incs":false}`, may: &no},
		{name: "the server does not say", perms: `null`},
		{name: "the server says something else", perms: `[8]`},
		{name: "no table", change: types, to: say(200, `{"incident":{"type_id":0,"fields":{}}}`), missing: incident.Tables()},
		{
			name: "a type of another kind", change: types, missing: []incident.Table{endpoints},
			to: say(200, strings.Replace(string(installed), `"sep_endpoint_details":{"type_id":8}`, `"sep_endpoint_details":{"type_id":11}`, 1)),
		},
		{name: "types refused", change: types, to: say(403, ``), failure: `list types (GET /types): 403: Forbidden: give the API key the permission "Org Data: Read"`},
		{name: "incidents refused", change: list, to: say(403, ``), failure: `query_paged): 403: Forbidden: give the API key the permission "Incidents: Read"`},
		{name: "no types", change: types, to: say(200, `{}`), failure: `list types (GET /types): the answer has no fields of the incident`},
		{name: "constants refused", change: constants, to: say(403, ``), unnamed: true},
		{name: "no constants", change: constants, to: say(500, ``), failure: `read constants (GET /rest/const): 500`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, answers(tt.change, tt.to))
			if tt.perms != "" {
				s.session = `{"orgs":[{"id":201,"name":"Demo","perms":` + tt.perms + `}]}`
			}
			found, err := s.client(t).Probe(t.Context())
			if tt.failure != "" {
				require.ErrorContains(t, err, tt.failure)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.missing, found.Missing)
			require.Equal(t, tt.may, found.MayCreate)
			require.Equal(t, "the API key", found.Caller)
			require.Equal(t, tt.unnamed, found.Version == "")
			require.EqualValues(t, 25<<20, found.MaxAttachment, "also where nothing tells")
		})
	}

	t.Run("a wrong key is tried once", func(t *testing.T) {
		s := serve(t, answers("GET /rest/session", say(401, ``)))
		_, err := s.client(t).Probe(t.Context())
		require.ErrorIs(t, err, ErrUnauthorized)
		require.Len(t, s.seen, 1)
	})
}
