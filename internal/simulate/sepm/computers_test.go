package sepm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

func id(digit string) string { return strings.Repeat(digit, 32) }

// lab is a small fleet with everything that the filters tell apart.
func lab() sepm.Options {
	other := sepm.Domain{ID: id("B"), Name: "Lab"}
	return sepm.Options{
		Domains: []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, other},
		Computers: []sepm.Computer{
			{Name: "SRV-1", ID: id("1"), HardwareKey: id("A"), OS: "Win2K19", MACs: []string{"00-11-22-33-44-55"}, LastUpdate: time.UnixMilli(1000)},
			{Name: "srv-10", ID: id("2"), OS: "Win10", LastUpdate: time.UnixMilli(2000)},
			{Name: "SRV-1", ID: id("3"), HardwareKey: id("A"), OS: "Win2K19", LastUpdate: time.UnixMilli(3000)},
			{Name: "OLD", ID: id("4"), HardwareKey: id("A"), Deleted: true, LastUpdate: time.UnixMilli(9000)},
			{Name: "Mac", ID: id("5"), OS: "MacOSX", Domain: other, LastUpdate: time.UnixMilli(5000)},
		},
	}
}

func TestComputerFilters(t *testing.T) {
	b := loggedIn(t, lab())
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"", []string{"OLD", "SRV-1", "SRV-1", "srv-10"}},             // of the login's domain
		{"?computerName=srv-1", []string{"SRV-1", "SRV-1", "srv-10"}}, // not exact: the harder case
		{"?computerName=SRV-1*", []string{"SRV-1", "SRV-1", "srv-10"}},
		{"?computerName=*1", []string{"SRV-1", "SRV-1"}},
		{"?computerName=*rv*0", []string{"srv-10"}},
		{"?computerName=s*r*v*", []string{"SRV-1", "SRV-1", "srv-10"}},
		{"?computerName=*", []string{"OLD", "SRV-1", "SRV-1", "srv-10"}},
		{"?computerName=nobody", []string{}},
		{"?computer_id=" + strings.ToLower(id("2")) + "&computerName=OLD", []string{"srv-10"}},
		{"?computer_id=" + id("4"), []string{}},                    // deleted: no active record
		{"?computer_id=" + id("2") + "&domain=" + id("B"), nil},    // the domain is not overridden
		{"?hardware_key=" + id("A"), []string{"SRV-1"}},            // the current record of three
		{"?computer_id=" + id("9"), []string{}},                    //
		{"?mac=00-11-22*", []string{"SRV-1"}},                      //
		{"?mac=00-11-22", []string{}},                              //
		{"?domain=" + id("B"), []string{"Mac"}},                    //
		{"?domain=Lab", []string{}},                                // a name is not an id
		{"?lastUpdate=3000", []string{"OLD", "SRV-1"}},             //
		{"?lastUpdate=0&os=Win10", []string{"OLD", "srv-10"}},      //
		{"?os=Win10&os=MacOSX&domain=" + id("B"), []string{"Mac"}}, // repeatable
		{"?order=DESC", []string{"srv-10", "SRV-1", "SRV-1", "OLD"}},
		{"?sort=COMPUTER_ID", []string{"SRV-1", "srv-10", "SRV-1", "OLD"}},
		{"?sort=DOMAIN_ID&pageSize=1", []string{"OLD"}},
		{"?feature=av&verbose=true&computerName=OLD", []string{"OLD"}},
	} {
		got := b.list(tt.query).names()
		require.Equal(t, len(tt.want), len(got), "%s: %v", tt.query, got)
		require.ElementsMatch(t, tt.want, got, tt.query)
		if strings.Contains(tt.query, "sort") || strings.Contains(tt.query, "order") || tt.query == "" {
			require.Equal(t, tt.want, got, tt.query)
		}
	}
	require.Equal(t, id("3"), b.list("?hardware_key=" + id("A")).Content[0]["uniqueId"], "the record last updated")
}

func TestBadArguments(t *testing.T) {
	b := loggedIn(t, lab())
	for _, query := range []string{"pageIndex=0", "pageIndex=x", "pageIndex=99999999999999", "pageSize=0", "pageSize=-1",
		"lastUpdate=x", "os=Win95", "sort=NAME", "order=UP", "verbose=x", "feature=x"} {
		a := b.get("/computers?" + query)
		require.Equal(t, 400, a.status, query)
		require.Equal(t, "400", a.object(t)["errorCode"])
	}
}

func TestSwitchesOfTheUncertain(t *testing.T) {
	opt := lab()
	opt.ExactNames, opt.DomainByName, opt.UnknownComputer404, opt.PastEnd400, opt.MaxPageSize = true, true, true, true, 2
	opt.AllDomains = true
	b := loggedIn(t, opt)
	require.Equal(t, []string{"Mac"}, b.list("?sort=COMPUTER_DOMAIN_NAME&order=DESC&pageSize=1").names())
	require.Equal(t, []string{"SRV-1", "SRV-1"}, b.list("?computerName=srv-1").names())
	require.Equal(t, []string{"Mac"}, b.list("?domain=lab").names())
	require.Equal(t, 404, b.get("/computers?computer_id="+id("9")).status)
	require.Equal(t, 400, b.get("/computers?pageIndex=9").status)
	p := b.list("?pageSize=1000")
	require.Equal(t, 2, p.Size, "capped without a word")
	require.Equal(t, 3, p.TotalPages)
}

func TestOlderReleaseIgnoresNewerFilters(t *testing.T) {
	opt := lab()
	opt.Release = sepm.V142
	b := loggedIn(t, opt)
	require.Len(t, b.list("?computer_id="+id("2")).Content, 4)
	require.Len(t, b.list("?hardware_key="+id("A")+"&mac=x&verbose=true").Content, 4)
	require.Equal(t, 404, b.get("/requested-files/x/content").status)
	require.Equal(t, 404, b.v2("GET", "/policy-objects/fingerprints?name=x", "").status)
}

func TestEnvelope(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: sepm.Fleet(1, 45)})
	p := b.list("")
	require.Equal(t, 0, p.Number, "0-based, though pageIndex is 1-based")
	require.Equal(t, []int{20, 20, 3, 45}, []int{p.Size, p.NumberOfElements, p.TotalPages, p.TotalElements})
	require.True(t, p.FirstPage)
	require.False(t, p.LastPage)
	require.Len(t, p.Sort, 1)
	require.Equal(t, "ASC COMPUTER_NAME true", fmt.Sprint(p.Sort[0].Direction, " ", p.Sort[0].Property, " ", p.Sort[0].Ascending))

	last := b.list("?pageIndex=3")
	require.Equal(t, []int{2, 5}, []int{last.Number, last.NumberOfElements})
	require.True(t, last.LastPage)
	require.False(t, last.FirstPage)

	past := b.list("?pageIndex=4")
	require.NotNil(t, past.Content, "an empty array, not null")
	require.Empty(t, past.Content)
	require.True(t, past.LastPage)

	var walked []string
	for i := 1; ; i++ {
		p := b.list(fmt.Sprintf("?pageIndex=%d&pageSize=7", i))
		walked = append(walked, p.names()...)
		if p.LastPage {
			break
		}
	}
	require.Len(t, walked, 45)
	require.True(t, slices.IsSorted(walked))
}

func TestComputerObject(t *testing.T) {
	c := sepm.Computer{Name: "WIN-1", ID: id("1"), IPs: []string{"192.0.2.5", "fe80::1"}, Infected: true,
		Group: sepm.Group{ID: id("C"), Name: `My Company\Group1`}, Engines: map[string]int{"apOnOff": 3}}
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{c}})
	o := b.list("").Content[0]
	for key, want := range map[string]any{
		"computerName": "WIN-1", "uniqueId": id("1"), "onlineStatus": 1.0, "infected": 1.0, "deleted": 0.0, "apOnOff": 3.0, "avEngineOnOff": 1.0,
		"agentType": "105", "osName": "Windows 10", "quarantineStatus": 3.0, "quarantineCode": 105.0,
		"quarantineDesc": "Host Integrity check is disabled.\n Host Integrity policy has been disabled by the administrator.",
		"ipAddresses":    []any{"192.0.2.5", "fe80::1"}, "macAddresses": []any{}, "lastVirusTime": 0.0,
		"group": map[string]any{"id": id("C"), "name": `My Company\Group1`, "fullPathName": nil, "externalReferenceId": nil, "source": nil,
			"domain": map[string]any{"id": sepm.DefaultDomainID, "name": "Default"}},
	} {
		require.Equal(t, want, o[key], key)
	}
	require.NotContains(t, o, "osname")

	b = loggedIn(t, sepm.Options{Computers: []sepm.Computer{c}, Release: sepm.V142})
	old := b.list("").Content[0]
	for _, key := range []string{"osname", "osbitness", "osmajor", "osminor", "osfunction", "oslanguage", "osversion", "osservicePack", "osflavorNumber"} {
		require.Contains(t, old, key)
	}
	require.Equal(t, old["osName"], old["osname"])
	for _, key := range []string{"quarantineStatus", "quarantineCode", "avDefsetVersion", "tdadOnOff", "pskVersion", "wssStatus"} {
		require.Contains(t, o, key)
		require.NotContains(t, old, key)
	}
}

func TestIntegrityWords(t *testing.T) {
	for integrity, want := range map[sepm.Integrity]string{
		sepm.IntegrityPassed: "Host Integrity check passed", sepm.Quarantined: "quarantined", sepm.IntegrityFailed: "failed",
		sepm.IntegrityPending: "not complete", sepm.IntegrityIgnored: "ignored",
	} {
		b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", Integrity: integrity}}})
		require.Contains(t, b.list("").Content[0]["quarantineDesc"], want)
	}
}

func TestFleet(t *testing.T) {
	fleet := sepm.Fleet(7, 3000)
	require.Equal(t, fleet, sepm.Fleet(7, 3000), "equal seeds, equal fleets")
	require.Equal(t, fleet[:100], sepm.Fleet(7, 100))
	form := regexp.MustCompile(`^[0-9A-F]{32}$`)
	seen := map[string]bool{}
	families, groups := map[string]int{}, map[string]int{}
	var offline, several, disabled int
	for _, c := range fleet {
		require.Regexp(t, form, c.ID)
		require.Regexp(t, form, c.HardwareKey)
		for _, unique := range []string{c.ID, c.HardwareKey, c.Name, c.IPs[0]} {
			require.False(t, seen[unique], unique)
			seen[unique] = true
		}
		families[c.OS[:3]]++
		groups[c.Group.Name]++
		if c.Offline {
			offline++
		}
		if len(c.IPs) > 1 {
			several++
		}
		if c.Integrity == sepm.IntegrityDisabled {
			disabled++
		}
	}
	require.Greater(t, families["Win"], 2*families["Mac"])
	require.NotZero(t, families["Ubu"])
	require.Greater(t, len(groups), 3)
	for _, n := range []int{offline, several, disabled} {
		require.Greater(t, n, 100)
	}
}

func TestStaleRecords(t *testing.T) {
	flags := sepm.FleetFlags{Computers: 20, Seed: 1, StaleOneIn: 10}
	fleet := flags.Fleet()
	require.Equal(t, sepm.Fleet(1, 20), fleet[:20])
	require.Len(t, fleet, 22)
	b := loggedIn(t, sepm.Options{Computers: fleet})
	require.Len(t, b.list("?computerName="+fleet[0].Name).Content, 2)
	require.Equal(t, fleet[0].ID, b.list("?hardware_key=" + fleet[0].HardwareKey).Content[0]["uniqueId"])
}

func TestAddComputer(t *testing.T) {
	b := loggedIn(t, sepm.Options{})
	b.AddComputer(sepm.Computer{Name: "B"})
	b.AddComputer(sepm.Computer{Name: "A", ID: id("1")})
	b.AddComputer(sepm.Computer{Name: "C", ID: id("1")})
	require.Equal(t, []string{"B", "C"}, b.list("").names(), "one id, one record")
	b.AddComputer(sepm.Computer{Name: "B", ID: id("2")})
	require.Len(t, b.list("?computerName="+url.QueryEscape("B")).Content, 2, "one name, two records")
}

func TestCurrentRecordOfAHardwareKey(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{
		{Name: "A", ID: id("1"), HardwareKey: id("F"), LastUpdate: time.UnixMilli(1000)},
		{Name: "B", ID: id("2"), HardwareKey: id("F"), LastUpdate: time.UnixMilli(3000)},
		{Name: "C", ID: id("3"), HardwareKey: id("F"), LastUpdate: time.UnixMilli(2000)},
		{Name: "D", ID: id("4"), HardwareKey: id("F"), LastUpdate: time.UnixMilli(4000), Deleted: true},
	}})
	require.Equal(t, []string{"B"}, b.list("?hardware_key="+id("F")).names())
}

func TestReducedSet(t *testing.T) {
	fleet := []sepm.Computer{{Name: "A"}}
	b := loggedIn(t, sepm.Options{Computers: fleet})
	full := b.list("").Content[0]
	require.Len(t, b.list("?verbose=false").Content[0], len(full))
	reduced := b.list("?verbose=true&feature=fw&feature=ips").Content[0]
	require.Equal(t, "A", reduced["computerName"])
	require.Contains(t, reduced, "firewallOnOff")
	require.Contains(t, reduced, "cidsDrvOnOff")
	require.NotContains(t, reduced, "apOnOff")
	require.NotContains(t, reduced, "quarantineStatus")

	b = loggedIn(t, sepm.Options{Computers: fleet, VerboseFull: true})
	require.Len(t, b.list("?verbose=true").Content[0], len(full))
	require.Len(t, b.list("").Content[0], len(full))
	require.NotContains(t, b.list("?verbose=false").Content[0], "quarantineStatus")
}

// TestHostileNames: what a computer says of itself is a string in any case.
func TestHostileNames(t *testing.T) {
	name := "a\"\\b\x01\u2028<é>\xff"
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: name, User: `DOM\user`}}})
	c := b.list("").Content[0]
	require.Equal(t, strings.ToValidUTF8(name, "\ufffd"), c["computerName"])
	require.Equal(t, `DOM\user`, c["logonUserName"])
}

func moves(pairs ...string) string {
	var items []string
	for i := 0; i < len(pairs); i += 2 {
		items = append(items, fmt.Sprintf(`{"group":{"id":%q},"hardwareKey":%q}`, pairs[i], pairs[i+1]))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func TestMove(t *testing.T) {
	opt := lab()
	opt.Groups = []sepm.Group{{ID: id("E"), Name: `My Company\Servers`}}
	b := loggedIn(t, opt)
	a := b.do("PATCH", "/computers", moves(id("E"), strings.ToLower(id("A")), id("E"), id("F"), id("9"), id("A"), "", ""))
	require.Equal(t, 207, a.status)
	require.JSONEq(t, `[{"responseCode":"200","responseMessage":"OK"},
		{"responseCode":"410","responseMessage":"Computer with hardware key `+id("F")+` does not exist"},
		{"responseCode":"410","responseMessage":"Group with ID `+id("9")+` does not exist"},
		{"responseCode":"400","responseMessage":"The hardware key or the group is missing."}]`, a.body)
	for _, each := range []string{"1", "3", "4"} {
		c, _ := b.Computer(id(each))
		require.Equal(t, `My Company\Servers`, c.Group.Name, "every record with the hardware key")
	}
	require.Len(t, b.page("/groups/"+id("E")+"/computers").Content, 3)
	mac, _ := b.Computer(id("5"))
	require.Contains(t, b.do("PATCH", "/computers", moves(id("E"), mac.HardwareKey)).body, `"409"`, "it is in another domain")
	for _, body := range []string{"{}", "[]", "x"} {
		require.Equal(t, 400, b.do("PATCH", "/computers", body).status)
	}
}

func TestStatusOfAMove(t *testing.T) {
	good, mixed := moves(id("E"), id("A")), moves(id("E"), id("A"), id("E"), id("F"))
	for status, want := range map[sepm.MoveStatus][2]int{sepm.MoveMulti: {207, 207}, sepm.MoveOK: {200, 200}, sepm.MoveMixed: {200, 207}} {
		opt := lab()
		opt.Groups, opt.MoveStatus = []sepm.Group{{ID: id("E"), Name: `My Company\Servers`}}, status
		b := loggedIn(t, opt)
		require.Equal(t, want[0], b.do("PATCH", "/computers", good).status)
		require.Equal(t, want[1], b.do("PATCH", "/computers", mixed).status)
	}
}

func TestMoveOfDuplicatesHangs(t *testing.T) {
	opt := lab()
	opt.MoveHangs = true
	b := loggedIn(t, opt)
	ctx, cancel := context.WithCancel(t.Context())
	b.Before("PATCH /computers", func() { time.AfterFunc(10*time.Millisecond, cancel) })
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, b.url+"/sepm/api/v1/computers", strings.NewReader(moves(id("E"), id("A"))))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+b.token)
	_, err = b.http.Do(r) //nolint:bodyclose // there is no response
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 200, b.get("/computers").status, "the rest goes on")
}

func TestDelete(t *testing.T) {
	b := loggedIn(t, lab())
	for range 2 { // 204 even when absent
		require.Equal(t, 204, b.do("DELETE", "/computers/"+strings.ToLower(id("1")), "").status)
	}
	require.Equal(t, 204, b.do("POST", "/computers/delete", `[{"uniqueId":"`+id("3")+`"},{"uniqueId":"`+id("2")+`"}]`).status)
	require.Equal(t, []string{"OLD"}, b.list("").names())
	require.Empty(t, b.list("?hardware_key="+id("A")).Content, "only the deleted record has it")
}

func TestChangeComputer(t *testing.T) {
	b := loggedIn(t, lab())
	require.True(t, b.ChangeComputer(id("2"), func(c *sepm.Computer) {
		c.Name, c.HardwareKey, c.Offline, c.ID = "AAA", id("0"), true, "ignored"
	}))
	require.False(t, b.ChangeComputer(id("9"), func(*sepm.Computer) {}))
	require.Equal(t, []string{"AAA", "OLD", "SRV-1", "SRV-1"}, b.list("").names())
	require.Equal(t, []string{"AAA"}, b.list("?hardware_key="+id("0")).names())
	require.EqualValues(t, 0, b.list("?computerName=aaa").Content[0]["onlineStatus"])
	require.True(t, b.DeleteComputer(id("2")))
	require.False(t, b.DeleteComputer(id("2")))
	require.Equal(t, []string{"OLD", "SRV-1", "SRV-1"}, b.list("").names(), "a walk sees it")
}

// unread is an answer that nobody reads.
type unread struct{ header http.Header }

func (u *unread) Header() http.Header {
	if u.header == nil {
		u.header = http.Header{}
	}
	return u.header
}
func (u *unread) Write(p []byte) (int, error) { return len(p), nil }
func (u *unread) WriteHeader(int)             {}

// BenchmarkWalk is what the stand-in itself costs a client that walks a fleet.
func BenchmarkWalk(b *testing.B) {
	const computers, size = 100_000, 1000
	s := sepm.New(sepm.Options{Computers: sepm.Fleet(1, computers), AllDomains: true})
	login := httptest.NewRecorder()
	s.ServeHTTP(login, httptest.NewRequest(http.MethodPost, "/sepm/api/v1/identity/authenticate", strings.NewReader(`{"username":"admin","password":"admin"}`)))
	var user struct {
		Token string `json:"token"`
	}
	require.NoError(b, json.Unmarshal(login.Body.Bytes(), &user))
	b.ReportAllocs()
	for b.Loop() {
		for page := 1; page <= computers/size; page++ {
			r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/sepm/api/v1/computers?pageSize=%d&pageIndex=%d", size, page), nil)
			r.Header.Set("Authorization", "Bearer "+user.Token)
			s.ServeHTTP(&unread{}, r)
		}
	}
}
