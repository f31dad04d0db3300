package enrich_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

var anIncident = incident.Subject{}

func input(pairs ...string) map[string]string {
	in := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		in[pairs[i]] = pairs[i+1]
	}
	return in
}

// SEPM 14.3 leaves the domain's name out of groups that are listed by domain,
// and fn_sep keeps domains by hand (C33).
func TestPartC33GroupsHaveTheirDomainsName(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		tr := newTrial(t, sepm.Options{
			Release: release,
			Groups:  []sepm.Group{{ID: strings.Repeat("A", 32), Name: `My Company\Servers`, Description: "all of them", Inherits: true}},
			Computers: []sepm.Computer{
				{Name: "H", ID: strings.Repeat("1", 32), Group: sepm.Group{ID: strings.Repeat("A", 32), Name: `My Company\Servers`, Inherits: true}},
			},
		})
		tr.must("get_groups_information", anIncident, nil)
		require.Equal(t, map[string]string{
			"query_execution_date": "2026-03-04 05:07:07", "group_id": strings.Repeat("A", 32), "group_name": "Servers",
			"fullPathName": `My Company\Servers`, "group_description": "all of them", "numberOfPhysicalComputers": "1",
			"policyInheritanceEnabled": "true", "domain_id": sepm.DefaultDomainID, "domain_name": "Default",
		}, texts(tr.row(incident.TableGroups, "group_name", "Servers")))
		require.Contains(t, tr.note(), "<b>Default</b> has 3 groups.")
		require.Empty(t, tr.attachments)

		before := len(tr.rows)
		tr.must("get_groups_information", anIncident, input("domain", "Default"))
		require.Len(t, tr.rows, before, "a second run adds no row")
		require.Len(t, tr.notes, 2, "and says what it found")
	}
}

func TestGroupsOfTheDomainThatWasNamed(t *testing.T) {
	t.Parallel()
	other := sepm.Domain{ID: strings.Repeat("D", 32), Name: "<b>Other</b>"}
	tr := newTrial(t, sepm.Options{Domains: []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, other}})
	tr.must("get_groups_information", anIncident, input("domain", other.Name))
	require.Len(t, tr.rows, 2)
	for _, row := range tr.rows {
		require.Equal(t, other.ID, row.Cells["domain_id"].String())
	}
	require.Contains(t, tr.note(), "&lt;b&gt;Other&lt;/b&gt;")
	require.Equal(t, "domain is missing: SEPM has Default, <b>Other</b>", tr.refused("get_groups_information", anIncident, nil))
	require.Equal(t, `SEPM has no domain "default"; it has Default, <b>Other</b>`, tr.refused("get_groups_information", anIncident, input("domain", "default")))
}

// fn_sep ends a list of groups by its counters, and makes a row of each.
func TestPartC29GroupsOfEveryPageUpToTheLimit(t *testing.T) {
	t.Parallel()
	o := sepm.Options{}
	for i := range 300 {
		o.Groups = append(o.Groups, sepm.Group{Name: fmt.Sprintf(`My Company\=%03d`, i), Description: "a\r\nb\x1b"})
	}
	tr := newTrial(t, o)
	tr.results = 7
	tr.must("get_groups_information", anIncident, nil)
	require.Len(t, tr.rows, 7)
	require.Contains(t, tr.note(), "has 302 groups. The first 7 are in the table, all of them in the attachment SEP_groups_20260304050707.csv.")
	require.Len(t, tr.attachments, 1)
	lines, err := csv.NewReader(strings.NewReader(string(tr.attachments[0].Content))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 303)
	require.Equal(t, []string{`My Company\=000`, "a\ufffd b\ufffd"}, []string{lines[2][0], lines[2][2]})

	tr.results = 0 // no limit
	tr.must("get_groups_information", anIncident, nil)
	require.Len(t, tr.rows, 302)
	require.Len(t, tr.attachments, 1)
}
