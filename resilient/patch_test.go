package resilient

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestPatchIncident(t *testing.T) {
	s := stand(t, soar.Options{Fields: []soar.Field{{Name: "site"}, {Name: "regions", InputType: "multiselect", Values: []string{"North", "South"}}}})
	ours, analyst := s.client(t), s.client(t, asUser)
	id := open(t, ours)
	before, err := ours.Incident(t.Context(), id)
	require.NoError(t, err)
	change := func(field string, to Value) Change { return Change{field, before.Fields[field], to} }

	require.NoError(t, ours.PatchIncident(t.Context(), id, []Change{
		change("name", TextValue("new")), change("description", HTMLValue("<b>new</b>")), change("severity_code", TextValue("High")),
		change("regions", NamesValue("South", "North")), change("site", TextValue("HQ")),
	}))
	after, err := ours.Incident(t.Context(), id)
	require.NoError(t, err)
	require.Greater(t, after.Version, before.Version)
	for field, want := range map[string]string{
		"name": "new", "description": "<b>new</b>", "severity_code": "High", "regions": "South, North", "site": "HQ",
	} {
		require.Equal(t, want, after.Fields[field].String(), field)
	}
	require.NoError(t, ours.PatchIncident(t.Context(), id, []Change{change("site", TextValue("HQ"))}), "it has the value already")

	// An analyst edits, and what we knew is old.
	require.NoError(t, analyst.PatchIncident(t.Context(), id, []Change{
		{"name", after.Fields["name"], TextValue("theirs")}, {"description", after.Fields["description"], HTMLValue("<i>theirs</i>")},
	}))
	err = ours.PatchIncident(t.Context(), id, []Change{
		{"name", after.Fields["name"], TextValue("ours")}, {"site", after.Fields["site"], TextValue("Lab")},
		{"description", after.Fields["description"], HTMLValue("ours")},
	})
	requireError(t, err, Conflict, "resilient: change incident 2095 (PATCH /incidents/2095): somebody else has changed name, description")
	var conflict *FieldConflict
	require.ErrorAs(t, err, &conflict)
	require.Len(t, conflict.Fields, 2)
	require.Equal(t, "name", conflict.Fields[0].Field)
	require.Equal(t, "theirs", conflict.Fields[0].Actual.String())
	require.Equal(t, "<i>theirs</i>", conflict.Fields[1].Actual.String())
	now, err := ours.Incident(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "HQ", now.Fields["site"].String(), "all or nothing")

	// What came back can be what the next change begins with.
	require.NoError(t, ours.PatchIncident(t.Context(), id, []Change{
		{"name", conflict.Fields[0].Actual, TextValue("both")}, {"description", conflict.Fields[1].Actual, HTMLValue("both")},
	}))
}

// The forms of an outcome that other versions give.
func TestPatchOutcomes(t *testing.T) {
	const patch = "PATCH /incidents/7"
	for _, tt := range []struct {
		name, answer string
		status       int
		class        Class
		field        string
		actual       string
	}{
		{"by name", `{"success":false,"field_failures":[{"field":"name","actual_current_value":"x"}]}`, 200, Conflict, "name", "x"},
		{"by id", `{"success":false,"field_failures":[{"field":100,"actual_current_value":{"object":4}}]}`, 200, Conflict, "name", "4"},
		{
			"by an object", `{"success":false,"field_failures":[{"field":{"id":100},
				"actual_current_value":{"textarea":{"format":"html","content":"y"}}}]}`, 200, Conflict, "name", "y",
		},
		{"unknown", `{"success":false,"field_failures":[{"field":999}]}`, 200, Conflict, "999", ""},
		{"refused", `{"success":false,"message":"Not now"}`, 200, Permanent, "", ""},
		{"no outcome", `{}`, 200, Ambiguous, "", ""},
		{"a collision", `{"message":"collision"}`, 409, Conflict, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{patch: say(tt.status, tt.answer)})
			err := s.client(t).PatchIncident(t.Context(), 7, []Change{{Field: "name", New: TextValue("z")}})
			require.Equal(t, tt.class, classOf(err))
			require.JSONEq(t, `{"changes":[{"field":"name","old_value":{"object":null},"new_value":{"object":"z"}}]}`, s.sentTo(patch)[0].body)
			var conflict *FieldConflict
			require.Equal(t, tt.field != "", errors.As(err, &conflict))
			if conflict != nil {
				require.Equal(t, tt.field, conflict.Fields[0].Field)
				require.Equal(t, tt.actual, conflict.Fields[0].Actual.String())
			}
		})
	}
}
