package enrich

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getComputers is "SEP - Get Computers" (guide §5.4). It gives all pages of the
// list: paging is not the caller's concern.
func getComputers() Function {
	f := Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_computers", Title: "SEP - Get Computers",
			Help: "The computers that SEPM knows, all of them or those of a name, domain or operating system.",
			Inputs: []incident.InputDef{
				{Name: "sep_computername", Type: incident.InputText, Help: "Host name of computer. Wild card is supported as '*'."},
				{Name: "sep_domain", Type: incident.InputText, Help: "SEPM domain, by its id or name."},
				{Name: "sep_lastupdate", Type: incident.InputNumber, Help: "Only computers that updated their status since, in milliseconds since 1970. Default value of 0 gets all the results."},
				{Name: "sep_os", Type: incident.InputText, Help: "List of OS to filter by, parted by commas, such as Win10,Win2K19."},
			},
		},
		Columns: []string{"NAME", "ID", "ONLINE", "IP", "OS", "GROUP", "LAST UPDATE"},
	}
	f.call = func(ctx context.Context, sepm Manager, in input) iter.Seq2[Item, error] {
		q := sepclient.ComputerQuery{Name: in["sep_computername"]}
		if ms, _ := strconv.ParseInt(in["sep_lastupdate"], 10, 64); ms > 0 {
			q.UpdatedSince = time.UnixMilli(ms)
		}
		if in["sep_os"] != "" {
			q.OS = strings.Split(in["sep_os"], ",")
		}
		var err error
		if q.Domain, err = domainID(ctx, sepm, in["sep_domain"]); err != nil {
			return failed(err)
		}
		return items(sepm.Computers(ctx, q), newComputerJSON)
	}
	return f
}

// computerJSON is a computer under SEPM's names (contract: SEPM API A10).
type computerJSON struct {
	UniqueID       string    `json:"uniqueId"`
	HardwareKey    string    `json:"hardwareKey"`
	ComputerName   string    `json:"computerName"`
	Description    string    `json:"description"`
	IPAddresses    []string  `json:"ipAddresses"`
	MACAddresses   []string  `json:"macAddresses"`
	OS             string    `json:"operatingSystem"`
	OSName         string    `json:"osName"`
	OSVersion      string    `json:"osVersion"`
	OSFunction     string    `json:"osFunction"`
	LogonUser      string    `json:"logonUserName"`
	LogonDomain    string    `json:"loginDomain"`
	AgentVersion   string    `json:"agentVersion"`
	Definitions    string    `json:"avDefsetVersion"`
	Online         int       `json:"onlineStatus"`
	Infected       int       `json:"infected"`
	QuarantineDesc string    `json:"quarantineDesc"`
	LastUpdate     int64     `json:"lastUpdateTime"`
	LastScan       int64     `json:"lastScanTime"`
	LastVirus      int64     `json:"lastVirusTime"`
	Group          groupName `json:"group"`
}

type groupName struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Domain domainName `json:"domain"`
}

type domainName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func newComputerJSON(c sepclient.Computer) Item {
	online := "no"
	if c.Online() {
		online = "yes"
	}
	infected := 0
	if c.Infected {
		infected = 1
	}
	return Item{
		JSON: computerJSON{
			UniqueID: c.ID, HardwareKey: c.HardwareKey, ComputerName: c.Name, Description: c.Description,
			IPAddresses: some(c.IPAddresses), MACAddresses: some(c.MACAddresses),
			OS: c.OS, OSName: c.OSName, OSVersion: c.OSVersion, OSFunction: c.OSFunction,
			LogonUser: c.LogonUser, LogonDomain: c.LogonDomain, AgentVersion: c.AgentVersion, Definitions: c.Definitions,
			Online: c.OnlineStatus, Infected: infected, QuarantineDesc: c.QuarantineDesc,
			LastUpdate: millis(c.LastUpdate), LastScan: millis(c.LastScan), LastVirus: millis(c.LastVirus),
			Group: groupName{c.Group.ID, c.Group.Name, domainName(c.Group.Domain)},
		},
		Cells: []string{c.Name, c.ID, online, strings.Join(c.IPAddresses, ", "), c.OS, c.Group.Name, moment(c.LastUpdate)},
	}
}

// getGroups is "SEP - Get Groups" (guide §5.10).
func getGroups() Function {
	f := Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_groups", Title: "SEP - Get Groups",
			Help: "The properties of all groups in a domain.",
			Inputs: []incident.InputDef{
				{Name: "sep_domain", Type: incident.InputText, Help: "SEPM domain, by its id or name."},
				{Name: "sep_fullpathname", Type: incident.InputText, Help: "Full path name of the group."},
				{Name: "sep_mode", Type: incident.InputSelect, Values: []string{"list", "tree"},
					Help: "Presentation mode for the results, as a list (default) or as a tree."},
			},
		},
		Columns: []string{"GROUP", "ID", "DOMAIN", "COMPUTERS", "INHERITS"},
	}
	f.call = func(ctx context.Context, sepm Manager, in input) iter.Seq2[Item, error] {
		id, err := domainID(ctx, sepm, in["sep_domain"])
		if err != nil {
			return failed(err)
		}
		groups := sepm.Groups(ctx, sepclient.GroupQuery{DomainID: id, FullPath: in["sep_fullpathname"]})
		if in["sep_mode"] == "tree" {
			return groupTree(groups)
		}
		return items(groups, func(g sepclient.GroupDetails) Item {
			return Item{JSON: newGroupJSON(g), Cells: groupCells(g, g.FullPath)}
		})
	}
	return f
}

// groupJSON is a group under SEPM's names (contract: SEPM API A11). Of a tree
// it has those below it, too.
type groupJSON struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	FullPath    string      `json:"fullPathName"`
	Description string      `json:"description"`
	Computers   int         `json:"numberOfPhysicalComputers"`
	Inherits    bool        `json:"policyInheritanceEnabled"`
	Domain      domainName  `json:"domain"`
	Children    []groupJSON `json:"childGroups,omitempty"`
}

func newGroupJSON(g sepclient.GroupDetails) groupJSON {
	return groupJSON{
		ID: g.ID, Name: g.Name, FullPath: g.FullPath, Description: g.Description,
		Computers: g.Computers, Inherits: g.InheritsPolicies, Domain: domainName(g.Domain),
	}
}

func groupCells(g sepclient.GroupDetails, name string) []string {
	inherits := "no"
	if g.InheritsPolicies {
		inherits = "yes"
	}
	return []string{name, g.ID, g.Domain.Name, strconv.Itoa(g.Computers), inherits}
}

// groupTree gives one item a group for the table, and the whole tree as the
// JSON of its top.
func groupTree(groups iter.Seq2[sepclient.GroupDetails, error]) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var all []sepclient.GroupDetails
		for g, err := range groups {
			if err != nil {
				yield(Item{}, err)
				return
			}
			all = append(all, g)
		}
		for _, top := range sepclient.GroupTree(slices.Values(all)) {
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
	f := Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_domains", Title: "SEP - Get Domains", Help: "All domains of the SEPM.",
		},
		Columns: []string{"DOMAIN", "ID", "ENABLED", "DESCRIPTION"},
	}
	f.call = func(ctx context.Context, sepm Manager, _ input) iter.Seq2[Item, error] {
		domains, err := sepm.Domains(ctx)
		if err != nil {
			return failed(err)
		}
		return func(yield func(Item, error) bool) {
			for _, d := range domains {
				if !yield(newDomainItem(d), nil) {
					return
				}
			}
		}
	}
	return f
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
	enabled := "no"
	if d.Enabled {
		enabled = "yes"
	}
	return Item{
		JSON: domainJSON{
			ID: d.ID, Name: d.Name, Description: d.Description, CreatedTime: millis(d.Created), Enable: d.Enabled,
			CompanyName: d.Company, ContactInfo: d.Contact, Administrators: d.Administrators,
		},
		Cells: []string{d.Name, d.ID, enabled, d.Description},
	}
}

// getFingerprintList is "SEP - Get Fingerprint List" (guide §5.7).
func getFingerprintList() Function {
	f := Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_fingerprint_list", Title: "SEP - Get Fingerprint List",
			Help: "The fingerprint list of a name or an id, with its hashes. SEPM has no list of lists.",
			Inputs: []incident.InputDef{
				{Name: "sep_domainid", Type: incident.InputText, Help: "SEPM domain ID. Empty is the login's own."},
				{Name: "sep_fingerprintlist_id", Type: incident.InputText, Help: "ID of SEP fingerprint list."},
				{Name: "sep_fingerprintlist_name", Type: incident.InputText, Help: "Name of a SEP fingerprint list."},
			},
		},
		Columns: []string{"LIST", "ID", "MD5", "SHA-256"},
	}
	f.call = func(ctx context.Context, sepm Manager, in input) iter.Seq2[Item, error] {
		id, name := in["sep_fingerprintlist_id"], in["sep_fingerprintlist_name"]
		var list sepclient.FingerprintList
		var err error
		switch {
		case id != "" && name != "":
			return failed(f.fault("sep_fingerprintlist_id", "names a list beside the one of the name: give one of them"))
		case id != "":
			list, err = sepm.FingerprintList(ctx, id)
		case name != "":
			list, err = sepm.FingerprintListByName(ctx, name, in["sep_domainid"])
		default:
			return failed(f.fault("sep_fingerprintlist_name", "is missing: give the list's name or its id"))
		}
		if err != nil {
			return failed(err)
		}
		return listItems(list)
	}
	return f
}

// listJSON is a fingerprint list under SEPM's names, its data as v2 has them
// (contract: SEPM API A12).
type listJSON struct {
	ID          string                 `json:"id"`
	Name        string                 `json:"name"`
	Description string                 `json:"description"`
	Source      string                 `json:"source"`
	GroupIDs    []string               `json:"groupIds"`
	Data        []sepclient.ListedFile `json:"data"`
}

// listItems gives one item a file for the table, and the list as the JSON of
// the first.
func listItems(l sepclient.FingerprintList) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		whole := listJSON{l.ID, l.Name, l.Description, l.Source, some(l.GroupIDs), some(l.Files)}
		if len(l.Files) == 0 {
			yield(Item{JSON: whole, Cells: []string{l.Name, l.ID, "", ""}}, nil)
			return
		}
		for i, file := range l.Files {
			item := Item{Cells: []string{l.Name, l.ID, file.MD5, file.SHA256}}
			if i == 0 {
				item.JSON = whole
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// items makes items of what SEPM lists.
func items[T any](list iter.Seq2[T, error], item func(T) Item) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for v, err := range list {
			if err != nil {
				yield(Item{}, err)
				return
			}
			if !yield(item(v), nil) {
				return
			}
		}
	}
}

// some is a list that is [] in JSON where it is empty.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// millis is a time as SEPM writes it, 0 for never.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is a time in a table, empty for never.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}
