package enrich_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// fn_sep has select lists that a person keeps.
func TestPartC33ChoicesAreReadFromSEPM(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{
		Domains: []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, {ID: strings.Repeat("D", 32), Name: "Acme"}},
		Groups:  []sepm.Group{{Name: `My Company\Servers\DC`}},
	})
	tr.AddList(sepm.List{Name: "Blacklist", Hashes: []sepm.Hashes{{MD5: md5A}}})
	gone := tr.AddList(sepm.List{Name: "Old", Hashes: []sepm.Hashes{{MD5: md5A}}})
	for _, list := range []string{"Old", "Blacklist"} {
		tr.must("get_blacklist_information", anIncident, input("domain", "Default", "list", list))
	}
	tr.must("delete_blacklist", tr.onRow(incident.TableFingerprints, "list_id", gone), nil)
	c, err := tr.incident(t.Context())
	require.NoError(t, err)
	for of, want := range map[incident.Choices][]string{
		incident.Domains: {"Acme", "Default"},
		incident.Groups:  {"My Company", `My Company\Default Group`, `My Company\Servers`, `My Company\Servers\DC`},
		incident.Lists:   {"Blacklist"},
	} {
		choices, err := enrich.ChoicesOf(t.Context(), tr.client, of, c)
		require.NoError(t, err)
		require.Equal(t, want, choices, of)
	}
	_, err = enrich.ChoicesOf(t.Context(), tr.client, "printers", c)
	require.ErrorContains(t, err, `"printers"`)
}
