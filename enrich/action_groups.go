package enrich

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getGroupsInformation is the guide's "Get Groups information" (§5.10).
func getGroupsInformation() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_groups_information",
			Title: "Example: SEP - Get Groups information",
			Help:  "Looks up the groups of a domain: a row for each, and where they are more than results_limit a CSV file of all.",
			On:    incident.OnIncident,
			Form:  []incident.InputDef{domainField()},
		},
		Decide: groupsInformation,
	}
}

func groupsInformation(ctx context.Context, p Plan) (incident.Step, error) {
	domain, err := domainNamed(ctx, p, p.Input["domain"])
	if err != nil {
		return incident.Step{}, err
	}
	result := p.tabled("Group", "SEP group id", "Description", "Computers", "Inherits policies", "Domain", "SEP domain id")
	for g, err := range p.Groups(ctx, sepclient.GroupQuery{DomainID: domain.ID}) {
		if err != nil {
			return incident.Step{}, fmt.Errorf("look up the groups of the domain %q: %w", domain.Name, err)
		}
		g.Domain = domain // 14.3 leaves its name out (contract: SEPM API A7)
		result.add(groupRow(g, p.Now),
			g.FullPath, g.ID, g.Description, count(g.Computers), strconv.FormatBool(g.InheritsPolicies), domain.Name, domain.ID)
	}
	effects, more := result.effects(p, "SEP_groups")
	return incident.Step{Effects: append(effects,
		p.remark("The SEP domain <b>%s</b> has %s.%s", domain.Name, amount(result.total, "group"), more))}, nil
}

func groupRow(g sepclient.GroupDetails, now time.Time) *incident.Row {
	return &incident.Row{Table: incident.TableGroups, Cells: map[string]incident.Cell{
		"query_execution_date":      incident.Text(moment(now)),
		"group_id":                  textCell(g.ID),
		"group_name":                textCell(g.Name),
		"fullPathName":              textCell(g.FullPath),
		"group_description":         textCell(g.Description),
		"numberOfPhysicalComputers": textCell(count(g.Computers)),
		"policyInheritanceEnabled":  incident.Bool(g.InheritsPolicies),
		"domain_id":                 textCell(g.Domain.ID),
		"domain_name":               textCell(g.Domain.Name),
	}}
}

// count is a number that SEPM may not say, and then is negative.
func count(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// domainField is where a form asks for a domain.
func domainField() incident.InputDef {
	return incident.InputDef{
		Name: "domain", Type: incident.InputText, Choices: incident.Domains,
		Help: "Name of the SEPM domain. It may be left out where SEPM has only one.",
	}
}

// domainNamed is the domain that a person has named, and the only one where
// they have not.
func domainNamed(ctx context.Context, sepm Reader, name string) (sepclient.Domain, error) {
	domains, err := sepm.Domains(ctx)
	if err != nil {
		return sepclient.Domain{}, fmt.Errorf("look up the domains: %w", err)
	}
	name = strings.TrimSpace(name)
	if name == "" && len(domains) == 1 {
		return domains[0].Domain, nil
	}
	names := make([]string, len(domains))
	for i, d := range domains {
		if name != "" && (d.Name == name || strings.EqualFold(d.ID, name)) {
			return d.Domain, nil
		}
		names[i] = d.Name
	}
	if name == "" {
		return sepclient.Domain{}, mistake("domain is missing: SEPM has %s", joined(names, maxLines))
	}
	return sepclient.Domain{}, mistake("SEPM has no domain %q; it has %s", shortened(name), joined(names, maxLines))
}
