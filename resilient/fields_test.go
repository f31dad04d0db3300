package resilient

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// What the organization requires is filled in as its type takes it.
func TestRequiredFieldsAreFilled(t *testing.T) {
	field := func(name, input string, values ...string) soar.Field {
		return soar.Field{Name: name, Label: "The " + name, InputType: input, Required: "always", Values: values}
	}
	s := stand(t, soar.Options{KeyField: true, Fields: []soar.Field{
		field("site", "select", "HQ", "201"), field("regions", "multiselect", "North", "South"), field("cost", "number"),
		field("agreed", "boolean"), field("since", "datetimepicker"), field("why", "textarea"), field("centre", "text"),
		{Name: "verdict", Label: "Verdict", Required: "close"},
	}})
	c := s.client(t, func(o *Options) {
		o.Fields = map[string][]string{
			"site": {"201"}, "regions": {"South", "North"}, "cost": {"12"}, "agreed": {"false"}, "since": {"2024-08-21"},
			"why": {"a <b>"}, "centre": {"007"}, "reporter": {"SEPM"},
		}
	})
	p, err := c.Connect(t.Context())
	require.NoError(t, err)
	require.Empty(t, p.Unfit)
	require.Equal(t, []Field{{Name: "verdict", Label: "Verdict"}}, p.OpenOnClose)

	ref, err := c.CreateIncident(t.Context(), NewIncident{Incident: incident.Incident{Key: "k", Name: "n", Severity: "Low"}, ByField: true})
	require.NoError(t, err)
	read, err := c.Incident(t.Context(), ref.ID)
	require.NoError(t, err)
	for name, want := range map[string]string{
		"site": "201", "regions": "South, North", "cost": "12", "agreed": "false", "since": "1724198400000", "centre": "007",
		"why": "a &lt;b&gt;", "reporter": "SEPM", "sepwatch_key": "k", "severity_code": "Low",
	} {
		require.Equal(t, want, read.Fields[name].String(), name)
	}
}

func TestWhatCannotBeFilledIsNamed(t *testing.T) {
	onClose := soar.Field{Name: "site", Label: "Site", Required: onClose}
	for _, tt := range []struct {
		name            string
		field           soar.Field // required, always unless it says when
		values, closing map[string][]string
		problem, remedy string
	}{
		{
			name: "nothing", field: soar.Field{Name: "site", Label: "Site"},
			problem: `org "Demo" requires the incident field "Site" (site), which sepwatch does not fill`,
			remedy:  "set it under resilient.fields, or make site optional, or required on close only",
		},
		{
			name: "no such choice", field: soar.Field{Name: "site", Label: "Site", InputType: "select", Values: []string{"HQ", "Lab"}},
			values:  map[string][]string{"site": {"hq"}},
			problem: `resilient.fields.site: the field "Site" does not take "hq"`, remedy: `write one of "HQ", "Lab"`,
		},
		{
			name: "no such choices", field: soar.Field{Name: "site", InputType: "multiselect", Values: []string{"HQ"}},
			values:  map[string][]string{"site": {"HQ", "Lab"}},
			problem: `resilient.fields.site: the field "site" does not take "HQ", "Lab"`, remedy: `write some of "HQ"`,
		},
		{
			name: "several", field: soar.Field{Name: "site"}, values: map[string][]string{"site": {"a", "b"}},
			problem: `resilient.fields.site: the field "site" does not take "a", "b"`, remedy: "write one value",
		},
		{
			name: "a fraction", field: soar.Field{Name: "cost", InputType: "number"}, values: map[string][]string{"cost": {"1.5"}},
			problem: `resilient.fields.cost: the field "cost" does not take "1.5"`, remedy: "write a whole number",
		},
		{
			name: "neither true nor false", field: soar.Field{Name: "ok", InputType: "boolean"}, values: map[string][]string{"ok": {"yes"}},
			problem: `resilient.fields.ok: the field "ok" does not take "yes"`, remedy: "write true or false",
		},
		{
			name: "no date", field: soar.Field{Name: "at", InputType: "datepicker"}, values: map[string][]string{"at": {"today"}},
			problem: `resilient.fields.at: the field "at" does not take "today"`,
			remedy:  "write a date such as 2024-08-21, or a time such as 2024-08-21T12:00:00Z",
		},
		{
			name: "another name", field: onClose, values: map[string][]string{"Site": {"HQ"}},
			problem: "resilient.fields.Site is no incident field of the organization", remedy: "write the API name of one, such as site",
		},
		{
			name: "sepwatch's own", field: onClose, values: map[string][]string{"name": {"HQ"}},
			problem: "resilient.fields.name is a field that sepwatch fills itself", remedy: "take it out",
		},
		{
			name: "the server's own", field: onClose, values: map[string][]string{"create_date": {"1"}},
			problem: "resilient.fields.create_date is a field that Resilient fills itself", remedy: "take it out",
		},
		{
			name: "for closing", field: onClose, closing: map[string][]string{"resolution_id": {"Resolved"}},
			problem: "resilient.close_fields.resolution_id is a field that sepwatch fills itself", remedy: "take it out",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.field.Required == "" {
				tt.field.Required = always
			}
			s := stand(t, soar.Options{Fields: []soar.Field{tt.field}})
			p, err := s.client(t, func(o *Options) { o.Fields, o.CloseFields = tt.values, tt.closing }).Connect(t.Context())
			require.NoError(t, err)
			unfit, other := p.Unfit, p.UnfitToClose
			if tt.closing != nil {
				unfit, other = other, unfit // which keeps no incident from being opened
			}
			require.Equal(t, []Unfit{{tt.problem, tt.remedy}}, unfit)
			require.Empty(t, other)
		})
	}
}
