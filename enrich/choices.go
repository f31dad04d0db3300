package enrich

import (
	"context"
	"fmt"
	"slices"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// ChoicesOf are the things that a form's field can be given, in order: the
// names of SEPM's domains, the full paths of the groups in the login's domain,
// or the names of fingerprint lists. SEPM has no list of its lists (contract:
// SEPM API A12), so these are the ones that have a row on the incident.
func ChoicesOf(ctx context.Context, sepm Reader, of incident.Choices, c Case) ([]string, error) {
	var names []string
	switch of {
	case incident.Domains:
		domains, err := sepm.Domains(ctx)
		if err != nil {
			return nil, fmt.Errorf("look up the domains to choose from: %w", err)
		}
		for _, d := range domains {
			names = append(names, d.Name)
		}
	case incident.Groups:
		for g, err := range sepm.Groups(ctx, sepclient.GroupQuery{}) {
			if err != nil {
				return nil, fmt.Errorf("look up the groups to choose from: %w", err)
			}
			names = append(names, g.FullPath)
		}
	case incident.Lists:
		for _, row := range c.Rows {
			if row.Table == incident.TableFingerprints && row.Cells["hash_values"].String() != deleted {
				names = append(names, row.Cells["list_name"].String())
			}
		}
	default:
		return nil, fmt.Errorf("there are no choices of %q", of)
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
	return names, nil
}
