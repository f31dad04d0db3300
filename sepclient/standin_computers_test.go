package sepclient_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// integrity is what the fields that are named after quarantine say (A10).
var integrity = map[sepm.Integrity]struct {
	status, code int
	text         string
}{
	sepm.IntegrityDisabled: {3, 105, "Host Integrity check is disabled."},
	sepm.IntegrityPassed:   {1, 0, "Host Integrity check passed"},
	sepm.IntegrityFailed:   {0, 101, "Host Integrity check failed."},
	sepm.IntegrityPending:  {2, 104, "is not complete"},
	sepm.IntegrityIgnored:  {4, 105, "is ignored"},
	sepm.Quarantined:       {0, 0, "quarantined"},
}

// systems are the fleet's, in SEPM's short words.
var systems = map[string]string{
	"Win10": "Windows 10", "Win11": "Windows 11", "Win2K19": "Windows Server 2019", "Win2K22": "Windows Server 2022",
	"MacOSX": "Mac OS X", "Ubuntu": "Ubuntu", "RedHat": "Red Hat Enterprise Linux",
}

// requireComputer compares a computer with the stand-in's record of it.
func requireComputer(t *testing.T, b *bench, release sepm.Release, got sepclient.Computer) {
	t.Helper()
	want, found := b.sepm.Computer(got.ID)
	require.True(t, found, got.ID)
	require.Equal(t, sepclient.Computer{
		ID: want.ID, HardwareKey: want.HardwareKey, Name: want.Name,
		Group: sepclient.Group{ID: want.Group.ID, Name: want.Group.Name, Domain: sepclient.Domain(want.Domain)},
		OS:    got.OS, OSName: systems[want.OS], OSVersion: got.OSVersion, OSFunction: got.OSFunction,
		IPAddresses: want.IPs, MACAddresses: distinct(want.MACs), LogonUser: want.User, LogonDomain: "LocalComputer",
		AgentVersion: got.AgentVersion, Definitions: map[sepm.Release]string{sepm.V143: "240820021"}[release],
		OnlineStatus: map[bool]int{false: 1}[want.Offline], Infected: want.Infected, Deleted: want.Deleted,
		QuarantineStatus: got.QuarantineStatus, QuarantineCode: got.QuarantineCode, QuarantineDesc: got.QuarantineDesc,
		Engines: got.Engines, LastUpdate: want.LastUpdate, LastScan: want.LastScan, LastVirus: want.LastVirus,
		Created: time.UnixMilli(1723541216000).UTC(), AsOf: b.clock.Now(),
	}, got)
	require.NotEmpty(t, got.OS)
	require.NotEmpty(t, got.OSVersion)
	require.Contains(t, []string{"Workstation", "Server"}, got.OSFunction)
	require.True(t, strings.HasPrefix(got.AgentVersion, string(release)), got.AgentVersion)
	host := integrity[want.Integrity]
	require.Contains(t, got.QuarantineDesc, host.text)
	if release == sepm.V142 {
		host.status, host.code = -1, -1 // 14.2 says it in words only
	}
	require.Equal(t, [2]int{host.status, host.code}, [2]int{got.QuarantineStatus, got.QuarantineCode})
	on := func(engine string) sepclient.EngineState {
		if state, ok := want.Engines[engine]; ok {
			return sepclient.EngineState(state)
		}
		return sepclient.EngineOn
	}
	require.Equal(t, sepclient.Engines{
		AutoProtect: on("apOnOff"), Antivirus: on("avEngineOnOff"), BrowserFirefox: on("cidsBrowserFfOnOff"), BrowserIE: on("cidsBrowserIeOnOff"),
		IntrusionDriver: on("cidsDrvOnOff"), DownloadInsight: on("daOnOff"), EarlyLaunch: on("elamOnOff"), Firewall: on("firewallOnOff"),
		ExploitPrevent: on("pepOnOff"), ProactiveThreat: on("ptpOnOff"), TamperProtection: on("tamperOnOff"),
	}, got.Engines)
}

func distinct(words []string) (out []string) {
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// The whole fleet comes, each record once and as it is, in pages of any size.
func TestStandInListsTheFleet(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"max page size": func(o *sepm.Options) { o.MaxPageSize = 7 },
		"past end 400":  func(o *sepm.Options) { o.PastEnd400 = true },
		"verbose full":  func(o *sepm.Options) { o.VerboseFull = true },
		"exact names":   func(o *sepm.Options) { o.ExactNames = true },
		"two domains":   twoDomains,
		"all domains":   func(o *sepm.Options) { twoDomains(o); o.AllDomains = true },
	}, func(t *testing.T, o sepm.Options) {
		fleet := sepm.Fleet(7, 210)
		for i := range sepm.Quarantined + 1 {
			fleet[i].Integrity = i
		}
		fleet[9].Engines = map[string]int{"firewallOnOff": 5, "cidsDrvOnOff": 127, "tamperOnOff": 9, "avEngineOnOff": 0}
		if len(o.Domains) > 1 {
			fleet[3].Domain, fleet[4].Domain = secondDomain, secondDomain
			fleet[3].Group, fleet[4].Group = sepm.Group{}, sepm.Group{}
		}
		o.Computers = append(fleet, sepm.Stale(fleet, 10)...)
		b := standIn(t, o, func(so *sepclient.Options) { so.PageSize = 100 })
		var want []string
		for _, c := range b.sepm.Computers() {
			if c.Domain.ID == sepm.DefaultDomainID || o.AllDomains {
				want = append(want, c.ID)
			}
		}
		got, err := collect(b.client.Computers(t.Context(), sepclient.ComputerQuery{}))
		require.NoError(t, err)
		require.Equal(t, sorted(want), mapped(got, func(c sepclient.Computer) string { return c.ID }))
		for _, c := range got {
			requireComputer(t, b, o.Release, c)
		}

		pages, err := collect(b.client.ComputerPages(t.Context(), sepclient.ComputerQuery{}, 50, func(name string) bool { return strings.HasPrefix(name, "LAP-") }))
		require.NoError(t, err)
		var kept []string
		all := 0
		for i, p := range pages {
			require.Equal(t, len(want), p.Total)
			require.Equal(t, i == len(pages)-1, p.Last)
			require.LessOrEqual(t, p.Size, 50)
			all += p.Size
			kept = append(kept, mapped(p.Computers, func(c sepclient.Computer) string { return c.ID })...)
		}
		require.Equal(t, len(want), all)
		require.Equal(t, sorted(kept), kept)
		require.Equal(t, ids(b, o, func(c sepm.Computer) bool { return strings.HasPrefix(c.Name, "LAP-") }), kept)
	})
}

// ids are those of the stand-in's computers of the login's domain that are
// wanted, in order.
func ids(b *bench, o sepm.Options, wanted func(sepm.Computer) bool) []string {
	out := []string{}
	for _, c := range b.sepm.Computers() {
		if (c.Domain.ID == sepm.DefaultDomainID || o.AllDomains) && wanted(c) {
			out = append(out, c.ID)
		}
	}
	return sorted(out)
}

// Every filter finds what the stand-in knows that it is to find. 14.2 takes
// the newer ones and looks past them, as callers are told to expect.
func TestStandInFiltersComputers(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"exact names":          func(o *sepm.Options) { o.ExactNames = true },
		"domain by name":       func(o *sepm.Options) { o.DomainByName = true },
		"unknown computer 404": func(o *sepm.Options) { o.UnknownComputer404 = true },
		"max page size":        func(o *sepm.Options) { o.MaxPageSize = 3; o.PastEnd400 = true },
	}, func(t *testing.T, o sepm.Options) {
		twoDomains(&o)
		o.Computers = sepm.Fleet(3, 60)
		stale := sepm.Stale(o.Computers[:1], 1)[0]
		o.Computers = append(o.Computers, stale,
			sepm.Computer{Name: "PC-1", ID: id("1")}, sepm.Computer{Name: "pc-10", ID: id("2")}, sepm.Computer{Name: "PC-1 & Ä%", ID: id("3")},
			sepm.Computer{Name: "ELSEWHERE", ID: id("4"), Domain: secondDomain})
		b := standIn(t, o)
		fresh := o.Computers[0]
		newer := o.Release != sepm.V142
		older := func(wanted func(sepm.Computer) bool) func(sepm.Computer) bool {
			return func(c sepm.Computer) bool { return !newer || wanted(c) }
		}
		since := fresh.LastUpdate.Add(-time.Hour)
		for name, tt := range map[string]struct {
			query  sepclient.ComputerQuery
			wanted func(sepm.Computer) bool
		}{
			"a name": {sepclient.ComputerQuery{Name: "pc-1"}, func(c sepm.Computer) bool {
				return c.Name == "PC-1" || !o.ExactNames && strings.HasPrefix(strings.ToLower(c.Name), "pc-1")
			}},
			"an odd name":    {sepclient.ComputerQuery{Name: "PC-1 & Ä%"}, func(c sepm.Computer) bool { return c.Name == "PC-1 & Ä%" }},
			"a pattern":      {sepclient.ComputerQuery{Name: "*-0000*"}, func(c sepm.Computer) bool { return strings.Contains(c.Name, "-0000") }},
			"systems":        {sepclient.ComputerQuery{OS: []string{"Win10", "Ubuntu"}}, func(c sepm.Computer) bool { return c.OS == "Win10" || c.OS == "Ubuntu" }},
			"a time":         {sepclient.ComputerQuery{UpdatedSince: since}, func(c sepm.Computer) bool { return !c.LastUpdate.Before(since) }},
			"an id":          {sepclient.ComputerQuery{ID: strings.ToLower(stale.ID)}, older(func(c sepm.Computer) bool { return c.ID == stale.ID })},
			"an unknown id":  {sepclient.ComputerQuery{ID: id("9")}, older(func(sepm.Computer) bool { return false })},
			"a hardware key": {sepclient.ComputerQuery{HardwareKey: stale.HardwareKey}, older(func(c sepm.Computer) bool { return c.ID == fresh.ID })},
			"an address":     {sepclient.ComputerQuery{MAC: fresh.MACs[0][:8] + "*"}, older(func(c sepm.Computer) bool { return len(c.MACs) > 0 && strings.HasPrefix(c.MACs[0], fresh.MACs[0][:8]) })},
		} {
			got, err := collect(b.client.Computers(t.Context(), tt.query))
			if name == "an unknown id" && newer && o.UnknownComputer404 {
				require.ErrorIs(t, err, sepclient.ErrNotFound)
				continue
			}
			require.NoError(t, err, name)
			require.Equal(t, ids(b, o, tt.wanted), mapped(got, func(c sepclient.Computer) string { return c.ID }), name)
		}
		for domain, want := range map[string][]string{
			secondDomain.ID: {id("4")}, "Second": map[bool][]string{true: {id("4")}, false: {}}[o.DomainByName], id("9"): {},
		} {
			got, err := collect(b.client.Computers(t.Context(), sepclient.ComputerQuery{Domain: domain}))
			require.NoError(t, err)
			require.Equal(t, want, mapped(got, func(c sepclient.Computer) string { return c.ID }), domain)
		}
		_, err := collect(b.client.Computers(t.Context(), sepclient.ComputerQuery{OS: []string{"BeOS"}}))
		requireClass(t, sepclient.Permanent, err)
		require.ErrorContains(t, err, "BeOS")

		online, err := b.client.OnlineStatus(t.Context())
		require.NoError(t, err)
		want := sepclient.OnlineStatus{LastUpdated: b.clock.Now()}
		for _, c := range b.sepm.Computers() {
			if c.Offline {
				want.Offline++
			} else {
				want.Online++
			}
		}
		require.Equal(t, want, online)
	})
}

// SEPM answers a move as 200 or 207, and for each computer by itself (A10).
func TestStandInMovesComputers(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"200":   func(o *sepm.Options) { o.MoveStatus = sepm.MoveOK },
		"mixed": func(o *sepm.Options) { o.MoveStatus = sepm.MoveMixed },
		"hangs": func(o *sepm.Options) { o.MoveHangs = true },
	}, func(t *testing.T, o sepm.Options) {
		twoDomains(&o)
		target := sepm.Group{ID: id("E"), Name: `My Company\Quarantined`}
		o.Groups = []sepm.Group{target}
		o.Computers = sepm.Fleet(1, 5)
		o.Computers[4].Domain, o.Computers[4].Group = secondDomain, sepm.Group{}
		b := standIn(t, o)
		key := func(i int) string { return o.Computers[i].HardwareKey }
		moved, err := b.client.MoveComputers(t.Context(), sepclient.Move{HardwareKey: key(0), GroupID: id("E")},
			sepclient.Move{HardwareKey: id("9"), GroupID: id("E")}, sepclient.Move{HardwareKey: strings.ToLower(key(1)), GroupID: strings.ToLower(id("E"))},
			sepclient.Move{HardwareKey: key(2), GroupID: id("9")}, sepclient.Move{HardwareKey: key(4), GroupID: id("E")})
		require.NoError(t, err)
		require.Equal(t, []sepclient.Class{"", sepclient.NotFound, "", sepclient.NotFound, sepclient.Conflict},
			mapped(moved, func(m sepclient.Moved) sepclient.Class { return classOf(m.Err) }))
		require.ErrorContains(t, moved[1].Err, "does not exist")
		for i, computer := range o.Computers {
			now, _ := b.sepm.Computer(computer.ID)
			require.Equal(t, i < 2, now.Group.ID == id("E"), i)
		}

		// Two records with one key are moved both, or are what SEPM hangs at.
		twin := sepm.Stale(o.Computers[3:4], 1)[0]
		b.sepm.AddComputer(twin)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if o.MoveHangs {
			b.sepm.Before("PATCH /computers", cancel) // whoever waits loses patience
		}
		_, err = b.client.MoveComputers(ctx, sepclient.Move{HardwareKey: twin.HardwareKey, GroupID: id("E")})
		requireClass(t, map[bool]sepclient.Class{true: sepclient.Ambiguous}[o.MoveHangs], err)
		for _, computer := range []sepm.Computer{twin, o.Computers[3]} {
			now, _ := b.sepm.Computer(computer.ID)
			require.Equal(t, !o.MoveHangs, now.Group.ID == id("E"), fmt.Sprint(computer.Offline))
		}
	})
}
