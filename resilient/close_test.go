package resilient

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestCloseDuplicate(t *testing.T) {
	const read, patch = "GET /incidents/9", "PATCH /incidents/9"
	const open = `{"id":9,"plan_status":"A","resolution_id":null,"resolution_summary":"<b>old</b>"}`
	for _, tt := range []struct {
		name, incident, answer string
		class                  Class
		text                   string
		patches                int
	}{
		{"open", open, `{"success":true,"field_failures":[]}`, "", "", 1},
		{"closed already", `{"id":9,"plan_status":"C"}`, ``, "", "", 0},
		{"changed in between", open, `{"success":false,"field_failures":[{"field":"plan_status","your_original_value":"A","actual_current_value":"C"}]}`,
			Conflict, "close incident 9 (PATCH /incidents/9): somebody else has changed plan_status", 1},
		{"refused", open, `{"success":false,"message":"Not now"}`, Permanent, "Not now", 1},
		{"no outcome", open, `{}`, Ambiguous, "does not say", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{read: say(200, tt.incident), patch: say(200, tt.answer)})
			err := s.client(t).CloseDuplicate(t.Context(), 9, 7)
			require.Equal(t, tt.class, classOf(err))
			if err != nil {
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.class == Conflict, errors.Is(err, ErrConflict))
			}
			require.Equal(t, "handle_format=names", s.sentTo(read)[0].query)
			sent := s.sentTo(patch)
			require.Len(t, sent, tt.patches)
			if tt.patches > 0 {
				require.Equal(t, jsonOf(t, `{"changes":[
					{"field":"plan_status","old_value":{"object":"A"},"new_value":{"object":"C"}},
					{"field":"resolution_id","old_value":{"object":null},"new_value":{"object":"Duplicate"}},
					{"field":"resolution_summary","old_value":{"object":"<b>old</b>"},"new_value":{"textarea":{"format":"text",
						"content":"Duplicate of incident 7. Both were opened by sepwatch for the same alert."}}}]}`), jsonOf(t, sent[0].body))
				require.Equal(t, "handle_format=names", sent[0].query)
			}
		})
	}
	s := serve(t, map[string]http.HandlerFunc{read: say(200, open), patch: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(409)
		io.WriteString(w, `{"message":"collision"}`)
	}})
	require.ErrorIs(t, s.client(t).CloseDuplicate(t.Context(), 9, 7), ErrConflict)
}

func TestCloseIncident(t *testing.T) {
	required := []soar.Field{
		{Name: "root_cause", Label: "Root cause", Required: "close", InputType: "select", Values: []string{"Malware", "Other"}},
		{Name: "lessons", Label: "Lessons", Required: "close", InputType: "textarea"},
	}
	why := Closing{Resolution: "Resolved", Summary: "done <b>"}
	for _, tt := range []struct {
		name       string
		configured map[string][]string
		byPeople   []Change
		why        Closing
		text       string
		closed     map[string]string
	}{
		{name: "all configured", why: why, configured: map[string][]string{"root_cause": {"Malware"}, "lessons": {"none"}},
			closed: map[string]string{"root_cause": "Malware", "lessons": "none", "resolution_id": "Resolved"}},
		{name: "what people wrote stays", why: why, configured: map[string][]string{"root_cause": {"Malware"}, "lessons": {"none"}},
			byPeople: []Change{{Field: "root_cause", New: TextValue("Other")}}, closed: map[string]string{"root_cause": "Other", "lessons": "none"}},
		{name: "nothing known of a field", why: why, configured: map[string][]string{"lessons": {"none"}},
			text: `close incident 2095 (PATCH /incidents/2095): org "Demo" requires "Root cause" (root_cause) to close an incident: fill it in there, or set it under resilient.close_fields`},
		{name: "no such resolution", why: Closing{Resolution: "Fixed"}, text: `org "Demo" has no resolution "Fixed", but "Unresolved", "Duplicate", `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stand(t, soar.Options{Fields: required})
			c := s.client(t, func(o *Options) { o.CloseFields = tt.configured })
			id := open(t, c)
			if tt.byPeople != nil {
				require.NoError(t, c.PatchIncident(t.Context(), id, tt.byPeople))
			}
			err := c.CloseIncident(t.Context(), id, tt.why)
			if tt.text != "" {
				requireError(t, err, Permanent, tt.text)
				require.Zero(t, s.Calls()["PATCH /incidents/{inc}"], "nothing is sent that would be refused")
				return
			}
			require.NoError(t, err)
			require.NoError(t, c.CloseIncident(t.Context(), id, tt.why), "it may be repeated")
			read, err := c.Incident(t.Context(), id)
			require.NoError(t, err)
			require.False(t, read.Open)
			for field, want := range tt.closed {
				require.Equal(t, want, read.Fields[field].String(), field)
			}
			p, err := c.Connect(t.Context())
			require.NoError(t, err)
			require.Empty(t, p.OpenOnClose)
		})
	}
}
