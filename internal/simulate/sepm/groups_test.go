package sepm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// grouped is a fleet in a few groups of two domains.
func grouped() sepm.Options {
	other := sepm.Domain{ID: id("B"), Name: "Lab"}
	servers := sepm.Group{ID: id("E"), Name: `My Company\Servers`, Description: "racks"}
	laptops := sepm.Group{ID: id("F"), Name: `My Company\Servers\Web`, Inherits: true}
	return sepm.Options{
		Domains: []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, other},
		Groups:  []sepm.Group{servers, laptops},
		Computers: []sepm.Computer{{Name: "A", ID: id("1"), Group: servers}, {Name: "B", ID: id("2"), Group: servers},
			{Name: "C", ID: id("3"), Group: laptops}, {Name: "D", ID: id("4")}, {Name: "M", ID: id("5"), Domain: other}},
	}
}

func (p page) paths() []string {
	paths := []string{}
	for _, g := range p.Content {
		paths = append(paths, fmt.Sprint(g["fullPathName"]))
	}
	return paths
}

// A group has the id that was said of it, whoever names its path alone.
func TestGroupsKeepTheirIDs(t *testing.T) {
	b := loggedIn(t, sepm.Options{
		Groups:    []sepm.Group{{ID: id("E"), Name: `My Company\Servers`, Description: "racks"}, {ID: id("F"), Name: `My Company\Servers\Web`}},
		Computers: []sepm.Computer{{Name: "A", ID: id("1"), Group: sepm.Group{Name: `My Company\Servers`}}, {Name: "B", ID: id("2"), Group: sepm.Group{ID: id("F"), Name: `My Company\Servers\Web`}}},
	})
	b.ChangeComputer(id("2"), func(c *sepm.Computer) { c.Group = sepm.Group{Name: `My Company\Servers`} })
	g := b.get("/groups/" + id("E")).object(t)
	require.Equal(t, "racks", g["description"])
	require.EqualValues(t, 2, g["numberOfPhysicalComputers"])
	for _, c := range b.Computers() {
		require.Equal(t, sepm.Group{ID: id("E"), Name: `My Company\Servers`, Description: "racks"}, c.Group)
	}
}

func TestGroups(t *testing.T) {
	b := loggedIn(t, grouped())
	p := b.page("/groups")
	require.Equal(t, []string{"My Company", `My Company\Default Group`, `My Company\Servers`, `My Company\Servers\Web`}, p.paths())
	require.Equal(t, 25, p.Size)
	require.Equal(t, "NAME", p.Sort[0].Property)
	g := p.Content[2]
	require.Equal(t, "Servers", g["name"], "the leaf, other than in a computer's group")
	require.EqualValues(t, 2, g["numberOfPhysicalComputers"])
	require.Equal(t, "racks", g["description"])
	require.Equal(t, false, g["policyInheritanceEnabled"])
	require.Equal(t, true, p.Content[3]["policyInheritanceEnabled"])
	require.Len(t, g["createdBy"], 128, "padded with blanks")
	require.Equal(t, map[string]any{"id": sepm.DefaultDomainID, "name": "Default"}, g["domain"])

	named := b.page("/groups?domain=" + sepm.DefaultDomainID + "&pageSize=3&pageIndex=2&order=DESC")
	require.Equal(t, []string{"My Company"}, named.paths())
	require.Equal(t, map[string]any{"id": sepm.DefaultDomainID, "name": nil}, named.Content[0]["domain"], "without the name where it was asked for")
	require.Len(t, b.page("/groups?domain="+id("B")).Content, 2)

	for _, query := range []string{"mode=forest", "sort=ID", "pageSize=0"} {
		require.Equal(t, 400, b.get("/groups?"+query).status, query)
	}
	old := grouped()
	old.Release = sepm.V142
	g = loggedIn(t, old).page("/groups").Content[0]
	require.NotContains(t, g, "defaultLocationId")
	require.Less(t, len(fmt.Sprint(g["createdBy"])), 40)
}

func TestGroupPaths(t *testing.T) {
	lower, exact := `my company\servers`, `My Company\Servers`
	both := []string{exact, exact + `\Web`}
	for paths, want := range map[sepm.GroupPaths][2][]string{
		sepm.PathPrefix: {both, both},
		sepm.PathExact:  {{exact}, {exact}},
		sepm.PathCased:  {{}, {exact}},
	} {
		opt := grouped()
		opt.GroupPaths = paths
		b := loggedIn(t, opt)
		require.Equal(t, want[0], b.page("/groups?fullPathName="+query(lower)).paths())
		require.Equal(t, want[1], b.page("/groups?fullPathName="+query(exact)).paths())
	}
}

func TestGroupTree(t *testing.T) {
	b := loggedIn(t, grouped())
	p := b.page("/groups?mode=tree")
	require.Equal(t, []string{"My Company"}, p.paths())
	require.Equal(t, 1, p.TotalElements)
	children, _ := p.Content[0]["childGroups"].([]any)
	require.Len(t, children, 2)
	servers, _ := children[1].(map[string]any)
	require.Equal(t, "Servers", servers["name"])
	require.Len(t, servers["childGroups"], 1)
}

func TestGroupOfItsOwn(t *testing.T) {
	b := loggedIn(t, grouped())
	require.Equal(t, "Servers", b.get("/groups/" + strings.ToLower(id("E"))).object(t)["name"])
	require.Equal(t, 410, b.get("/groups/"+id("9")).status)
	require.Equal(t, 410, b.get("/groups/"+id("E")+"?domainId="+id("B")).status, "in another domain")
	require.Equal(t, []string{"A", "B"}, b.page("/groups/"+id("E")+"/computers").names(), "not those of groups below")
	require.Equal(t, 410, b.get("/groups/"+id("9")+"/computers").status)
	a := b.get("/groups/" + id("E") + "/locations")
	require.Regexp(t, `^\["https://.*/sepm/api/v1/groups/`+id("E")+`/locations/[0-9A-F]{32}"\]$`, a.body)
}

func TestChangingGroups(t *testing.T) {
	b := loggedIn(t, grouped())
	a := b.do("POST", "/groups/"+id("E"), `{"name":"Mail","description":"d","inherits":true}`)
	require.Equal(t, 201, a.status)
	require.Empty(t, a.body)
	made := b.page("/groups?fullPathName=" + query(`My Company\Servers\Mail`)).Content[0]
	require.Equal(t, true, made["policyInheritanceEnabled"])
	require.Equal(t, 409, b.do("POST", "/groups/"+id("E"), `{"name":"Mail"}`).status)
	require.Equal(t, 400, b.do("POST", "/groups/"+id("E"), `{"name":""}`).status)
	require.Equal(t, 410, b.do("POST", "/groups/"+id("9"), `{"name":"X"}`).status)

	require.Equal(t, 200, b.do("PATCH", "/groups/"+id("E"), `{"name":"Racks"}`).status)
	require.Equal(t, []string{`My Company\Racks`, `My Company\Racks\Mail`, `My Company\Racks\Web`}, b.page("/groups?fullPathName="+query(`My Company\Racks`)).paths())
	c, _ := b.Computer(id("3"))
	require.Equal(t, `My Company\Racks\Web`, c.Group.Name)
	require.Equal(t, 409, b.do("PATCH", "/groups/"+id("E"), `{"name":"Default Group"}`).status)

	require.Equal(t, 204, b.do("DELETE", "/groups/"+fmt.Sprint(made["id"]), "").status)
	require.Equal(t, 409, b.do("DELETE", "/groups/"+id("E"), "").status, "with clients in it")
	require.Equal(t, 410, b.do("DELETE", "/groups/"+id("9"), "").status)
	require.Len(t, b.Groups(), 6)
}
