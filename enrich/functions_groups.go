package enrich

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getGroups is "SEP - Get Groups" (guide §5.10).
func getGroups() Function {
	inputs := []incident.InputDef{
		{Name: "sep_domain", Type: incident.InputText, Help: "SEPM domain, by its id or name."},
		{Name: "sep_fullpathname", Type: incident.InputText, Help: "Full path name of the group."},
		{Name: "sep_mode", Type: incident.InputText, Values: []string{"list", "tree"}, Default: "list",
			Help: "Presentation mode for the results, as a list (default) or as a tree."},
	}
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_groups", Title: "SEP - Get Groups", Help: "The properties of all groups in a domain.",
			Inputs: append(inputs, pagingInputs()...),
		},
		Keys: append([]KeyDef{
			{Name: "content[]", Help: "A group: id, name, fullPathName, description, numberOfPhysicalComputers, numberOfRegisteredUsers, createdBy, created, lastModified, policySerialNumber, policyDate, policyInheritanceEnabled, domain."},
			{Name: "content[].childGroups[]", Help: "With sep_mode tree: the groups below it.", New: true},
		}, envelopeKeys()...),
		Differs: []string{
			"sep_mode tree gives a tree; fn_sep drops it.",
			"All groups come on one page; sep_pageindex and sep_pagesize change nothing, as in fn_sep, which reads all pages too.",
			"sep_fullpathname gives just that group, in any case of letters, and in a tree those below it too.",
			"Where sep_domain is given the domain's name is there, which SEPM 14.3 leaves out.",
		},
		call: callGetGroups,
	}
}

func callGetGroups(ctx context.Context, c call) (Output, error) {
	domain, err := findDomain(ctx, c.sepm, c.in["sep_domain"])
	if err != nil {
		return Output{}, err
	}
	q := sepclient.GroupQuery{
		DomainID: domain.ID, FullPath: c.in["sep_fullpathname"], Sort: c.in["sep_sort"], Descending: c.in["sep_order"] == "DESC",
	}
	tree := c.in["sep_mode"] == "tree"
	groups := func(yield func(sepclient.GroupDetails, error) bool) {
		for g, err := range c.sepm.Groups(ctx, q) {
			if err == nil && !atPath(g.FullPath, q.FullPath, tree) {
				continue
			}
			if g.Domain.Name == "" && g.Domain.ID == domain.ID {
				g.Domain.Name = domain.Name
			}
			if !yield(g, err) {
				return
			}
		}
	}
	sorted := sortOf(q.Sort, q.Descending)
	if q.Sort == "" {
		sorted.Property = "NAME"
	}
	columns := []string{"GROUP", "ID", "DOMAIN", "COMPUTERS", "INHERITS"}
	o := Output{Columns: columns, gather: newListResult("content", c.fileName("Groups"), columns)}
	if tree {
		o.Items = groupTree(groups, sorted)
		return o, nil
	}
	o.Items = items(groups, func(g sepclient.GroupDetails) Item {
		return Item{JSON: newGroupJSON(g), Cells: groupCells(g, g.FullPath)}
	}, func(n int) Item { return Item{beside: onePage(n, sorted)} })
	return o, nil
}

// atPath reports whether a group is the one of a path, or below it. SEPM does
// not say how it compares (contract: SEPM API D6.14).
func atPath(group, path string, below bool) bool {
	path = strings.TrimSuffix(path, `\`)
	switch {
	case path == "" || strings.EqualFold(group, path):
		return true
	case !below || len(group) <= len(path):
		return false
	}
	return strings.EqualFold(group[:len(path)], path) && group[len(path)] == '\\'
}

// groupJSON is a group under SEPM's names (contract: SEPM API A11). Of a tree
// it has those below it, too.
type groupJSON struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	FullPath     string      `json:"fullPathName"`
	Description  string      `json:"description"`
	Computers    int         `json:"numberOfPhysicalComputers"`
	Users        int         `json:"numberOfRegisteredUsers"`
	CreatedBy    string      `json:"createdBy"`
	Created      int64       `json:"created"`
	Modified     int64       `json:"lastModified"`
	PolicySerial string      `json:"policySerialNumber"`
	PolicyDate   int64       `json:"policyDate"`
	Inherits     bool        `json:"policyInheritanceEnabled"`
	Domain       domainName  `json:"domain"`
	Children     []groupJSON `json:"childGroups,omitempty"`
}

type domainName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func newGroupJSON(g sepclient.GroupDetails) groupJSON {
	return groupJSON{
		ID: g.ID, Name: g.Name, FullPath: g.FullPath, Description: g.Description,
		Computers: g.Computers, Users: g.Users, CreatedBy: g.CreatedBy, Created: millis(g.Created), Modified: millis(g.Modified),
		PolicySerial: g.PolicySerial, PolicyDate: millis(g.PolicyDate), Inherits: g.InheritsPolicies, Domain: domainName(g.Domain),
	}
}

func groupCells(g sepclient.GroupDetails, name string) []string {
	return []string{name, g.ID, g.Domain.Name, strconv.Itoa(g.Computers), yesNo(g.InheritsPolicies)}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// groupTree gives one item a group for the table, and the whole tree as the
// JSON of its top.
func groupTree(groups iter.Seq2[sepclient.GroupDetails, error], sorted sortedBy) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var all []sepclient.GroupDetails
		for g, err := range groups {
			if err != nil {
				yield(Item{}, err)
				return
			}
			all = append(all, g)
		}
		tops := sepclient.GroupTree(slices.Values(all))
		for _, top := range tops {
			for depth, g := range top.Walk() {
				item := Item{Cells: groupCells(g, strings.Repeat("  ", depth)+g.Name)}
				if depth == 0 {
					item.Cells[0], item.JSON = g.FullPath, treeJSON(top)
				}
				if !yield(item, nil) {
					return
				}
			}
		}
		yield(Item{beside: onePage(len(tops), sorted)}, nil)
	}
}

func treeJSON(n *sepclient.GroupNode) groupJSON {
	g := newGroupJSON(n.GroupDetails)
	for _, child := range n.Children {
		g.Children = append(g.Children, treeJSON(child))
	}
	return g
}

// getDomains is "SEP - Get Domains" (guide §5.14).
func getDomains() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_domains", Title: "SEP - Get Domains", Help: "All domains of the SEPM.",
		},
		Keys: []KeyDef{
			{Name: "[]", Help: "The content is a list of domains: id, name, description, createdTime, enable, companyName, contactInfo, administratorCount."},
		},
		call: func(ctx context.Context, c call) (Output, error) {
			domains, err := c.sepm.Domains(ctx)
			if err != nil {
				return Output{}, err
			}
			columns := []string{"DOMAIN", "ID", "ENABLED", "DESCRIPTION"}
			return Output{
				Columns: columns, gather: newListResult("", "", columns),
				Items: items(values(domains), newDomainItem, func(int) Item { return Item{} }),
			}, nil
		},
	}
}

// domainJSON is a domain under SEPM's names (contract: SEPM API A9).
type domainJSON struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Description    string `json:"description"`
	CreatedTime    int64  `json:"createdTime"`
	Enable         bool   `json:"enable"`
	CompanyName    string `json:"companyName"`
	ContactInfo    string `json:"contactInfo"`
	Administrators int    `json:"administratorCount"`
}

func newDomainItem(d sepclient.DomainDetails) Item {
	return Item{
		JSON: domainJSON{
			ID: d.ID, Name: d.Name, Description: d.Description, CreatedTime: millis(d.Created), Enable: d.Enabled,
			CompanyName: d.Company, ContactInfo: d.Contact, Administrators: d.Administrators,
		},
		Cells: []string{d.Name, d.ID, yesNo(d.Enabled), d.Description},
	}
}
