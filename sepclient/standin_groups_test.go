package sepclient_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

func path(g sepclient.GroupDetails) string { return g.FullPath }

// The groups of a domain, as a list and by themselves, and those that a path
// may find (D6.14).
func TestStandInListsGroups(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"exact paths":    func(o *sepm.Options) { o.GroupPaths = sepm.PathExact },
		"cased paths":    func(o *sepm.Options) { o.GroupPaths = sepm.PathCased },
		"max page size":  func(o *sepm.Options) { o.MaxPageSize = 2; o.PastEnd400 = true },
		"all domains":    func(o *sepm.Options) { o.AllDomains = true },
		"domain by name": func(o *sepm.Options) { o.DomainByName = true },
	}, func(t *testing.T, o sepm.Options) {
		twoDomains(&o)
		o.Groups = []sepm.Group{
			{ID: id("E"), Name: `My Company\Zoë & Co\Deep`, Description: `"deep"`, Inherits: true}, {Name: `My Company\Workstations 2`},
		}
		o.Computers = append(sepm.Fleet(1, 40), sepm.Computer{Name: "ELSEWHERE", Domain: secondDomain, Group: sepm.Group{Name: `My Company\Far`}})
		b := standIn(t, o)
		held := map[string]sepm.Group{}
		for _, g := range b.sepm.Groups() {
			held[g.ID] = g
		}
		elsewhere := []string{`My Company`, `My Company\Default Group`, `My Company\Far`}
		all := mapped(b.sepm.Groups(), func(g sepm.Group) string { return g.Name })
		here := slices.Clone(all)
		for _, gone := range elsewhere {
			at := slices.Index(here, gone)
			here = slices.Delete(here, at, at+1)
		}

		got, err := collect(b.client.Groups(t.Context(), sepclient.GroupQuery{}))
		require.NoError(t, err)
		want := here
		if o.AllDomains {
			want = all
		}
		require.ElementsMatch(t, want, mapped(got, path))
		for _, g := range got {
			members := 0
			for _, c := range b.sepm.Computers() {
				if c.Group.ID == g.ID {
					members++
				}
			}
			require.Equal(t, held[g.ID], sepm.Group{ID: g.ID, Name: g.FullPath, Description: g.Description, Inherits: g.InheritsPolicies})
			require.Equal(t, members, g.Computers, g.FullPath)
			require.Equal(t, g.Name, g.FullPath[strings.LastIndex(g.FullPath, `\`)+1:])
			require.Equal(t, o.Release == sepm.V142, g.DefaultLocationID == "")
			require.Regexp(t, "^[0-9A-F]{32}$", g.CreatedBy, "without the blanks of 14.3")
			require.NotEmpty(t, g.Domain.Name)
			require.Equal(t, time.UnixMilli(1723541216000).UTC(), g.Created)
			again, err := b.client.Group(t.Context(), g.ID, "")
			require.NoError(t, err)
			require.Equal(t, g, again)
			again, err = b.client.Group(t.Context(), strings.ToLower(g.ID), g.Domain.ID)
			require.NoError(t, err)
			g.Domain.Name = "" // as where the domain was named (A7)
			require.Equal(t, g, again)
		}

		for domain, want := range map[string][]string{
			secondDomain.ID: elsewhere, "Second": map[bool][]string{true: elsewhere, false: {}}[o.DomainByName],
		} {
			got, err := collect(b.client.Groups(t.Context(), sepclient.GroupQuery{DomainID: domain}))
			require.NoError(t, err)
			require.Equal(t, want, mapped(got, path), domain)
			for _, g := range got {
				require.Equal(t, sepclient.Domain{ID: secondDomain.ID}, g.Domain)
				_, err := b.client.Group(t.Context(), g.ID, "")
				require.Equal(t, o.AllDomains, err == nil, "%v", err)
			}
		}

		for asked, want := range map[string][3][]string{ // by prefix, exact, in this case
			`My Company\Workstations`:  {{`My Company\Workstations`, `My Company\Workstations 2`, `My Company\Workstations\Laptops`}, {`My Company\Workstations`}, {`My Company\Workstations`}},
			`my company\zoë & co\deep`: {{`My Company\Zoë & Co\Deep`}, {`My Company\Zoë & Co\Deep`}, {}},
			`My Company\Nowhere`:       {{}, {}, {}},
		} {
			got, err := collect(b.client.Groups(t.Context(), sepclient.GroupQuery{FullPath: asked}))
			require.NoError(t, err)
			require.ElementsMatch(t, want[o.GroupPaths], mapped(got, path), asked)
		}

		tree := sepclient.GroupTree(slices.Values(got))
		require.Len(t, tree, map[bool]int{false: 1, true: 2}[o.AllDomains], "a top for each domain")
		var walked []string
		for _, top := range tree {
			for depth, g := range top.Walk() {
				require.Equal(t, strings.Count(g.FullPath, `\`), depth)
				walked = append(walked, g.FullPath)
			}
		}
		require.ElementsMatch(t, want, walked)
	})
}

// TestStandInAssignsLists: a group takes a list once, unless its lockdown is
// off, it is locked, or has its policies from above (A11).
func TestStandInAssignsLists(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"html errors": func(o *sepm.Options) { o.HTMLErrors = true },
		"off":         func(o *sepm.Options) { o.Lockdown = sepm.LockdownOff },
		"locked":      func(o *sepm.Options) { o.Lockdown = sepm.LockdownLocked },
	}, func(t *testing.T, o sepm.Options) {
		o.Groups = []sepm.Group{{ID: id("E"), Name: `My Company\Servers`}, {ID: id("F"), Name: `My Company\Servers\Web`, Inherits: true}}
		b := standIn(t, o)
		listID := b.sepm.AddList(sepm.List{Name: "list", Hashes: []sepm.Hashes{{MD5: md5Of("a")}}})
		assign := func(group, list string) error { return b.client.AssignLockdown(t.Context(), group, list) }
		require.ErrorIs(t, assign(id("F"), listID), sepclient.ErrConflict)
		require.ErrorIs(t, assign(id("9"), listID), sepclient.ErrNotFound)
		requireClass(t, sepclient.Permanent, assign(id("E"), id("9")))
		if o.Lockdown != sepm.LockdownOn {
			requireClass(t, map[sepm.Lockdown]sepclient.Class{sepm.LockdownOff: sepclient.Conflict, sepm.LockdownLocked: sepclient.Temporary}[o.Lockdown], assign(id("E"), listID))
			require.Empty(t, b.held(t, listID).Groups)
			require.True(t, b.sepm.SetLockdown(id("E"), sepm.LockdownOn))
		}
		require.NoError(t, assign(id("E"), listID))
		require.Equal(t, []string{id("E")}, b.held(t, listID).Groups)
		require.ErrorIs(t, assign(id("E"), listID), sepclient.ErrConflict, "it is assigned already")
		got, err := b.client.FingerprintList(t.Context(), listID)
		require.NoError(t, err)
		requireList(t, b, got)
	})
}

// fn_sep takes the answer about events and policies for a part of itself.
func TestPartC35EventsAndPoliciesAreRead(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"two domains": twoDomains,
		"html errors": func(o *sepm.Options) { o.HTMLErrors = true },
	}, func(t *testing.T, o sepm.Options) {
		noon := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
		o.Events = []sepm.Event{
			{ID: id("1"), Time: noon.Add(-time.Hour), Subject: "CRITICAL: SERVER HEALTH", Message: "Server: <b>A&amp;B</b><br>Reason:\r\n\tlow", Acknowledgeable: true},
			{ID: id("2"), Time: noon, Subject: "CRITICAL: ALERT", Message: "One&lt;br&gt;two"},
			{ID: id("3"), Time: noon.Add(-time.Minute), Subject: "CRITICAL: OLD", Message: "plain", Acknowledged: true, Acknowledgeable: true},
		}
		b := standIn(t, o)
		event := func(i int, message string) sepclient.CriticalEvent {
			e := b.sepm.Events()[i]
			return sepclient.CriticalEvent{ID: e.ID, Time: e.Time, TimeText: e.Time.Format("2006-01-02 15:04:05.0"), Subject: e.Subject, Message: message, Acknowledged: e.Acknowledged}
		}
		const first, second = "Server: A&B\nReason:\nlow", "One\ntwo"
		got, err := b.client.CriticalEvents(t.Context(), false)
		require.NoError(t, err)
		require.Equal(t, sepclient.CriticalEvents{
			Events: []sepclient.CriticalEvent{event(1, second), event(0, first)}, Unacknowledged: 2, LastUpdated: b.clock.Now(),
		}, got)
		require.NoError(t, b.client.AcknowledgeEvent(t.Context(), id("1")))
		require.True(t, b.sepm.Events()[0].Acknowledged)
		err = b.client.AcknowledgeEvent(t.Context(), id("2"))
		requireClass(t, sepclient.Permanent, err)
		require.False(t, b.sepm.Events()[1].Acknowledged)
		if !o.HTMLErrors {
			require.ErrorContains(t, err, "its console only")
		}
		got, err = b.client.CriticalEvents(t.Context(), true)
		require.NoError(t, err)
		require.Equal(t, []sepclient.CriticalEvent{event(1, second), event(2, "plain"), event(0, first)}, got.Events)
		require.Equal(t, 1, got.Unacknowledged)

		all, err := b.client.Policies(t.Context(), sepclient.PolicyQuery{})
		require.NoError(t, err)
		require.Len(t, all, 15)
		counts := map[sepclient.PolicyType]int{}
		for _, p := range all {
			counts[p.Type]++
			require.Equal(t, sepm.DefaultDomainID, p.DomainID)
			require.True(t, p.Enabled)
			require.Len(t, p.Locations, 1)
			_, err := b.client.Group(t.Context(), p.Locations[0].GroupID, "")
			require.NoError(t, err)
			read := b.policy(t, p)
			if p.Type == sepclient.PolicyFirewall || p.Type == sepclient.PolicyExceptions {
				require.Equal(t, sepclient.Policy{
					Name: p.Name, Description: p.Description, Enabled: p.Enabled, Modified: p.Modified, Locked: read.Locked, JSON: read.JSON,
				}, read)
			}
		}
		for kind, n := range counts {
			some, err := b.client.Policies(t.Context(), sepclient.PolicyQuery{Type: kind})
			require.NoError(t, err)
			require.Len(t, some, n, kind)
		}
		if len(o.Domains) > 1 {
			other, err := b.client.Policies(t.Context(), sepclient.PolicyQuery{DomainID: secondDomain.ID})
			require.NoError(t, err)
			require.Len(t, other, len(all))
			require.NotEqual(t, all[0].ID, other[0].ID)
		}
	})
}

// policy reads a policy in whole, as its kind is read, and looks into it.
func (b *bench) policy(t *testing.T, p sepclient.PolicySummary) sepclient.Policy {
	t.Helper()
	switch p.Type {
	case sepclient.PolicyFirewall:
		read, err := b.client.FirewallPolicy(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"Allow management"}, mapped(read.Enforced, func(r sepclient.FirewallRule) string { return r.Name }))
		require.Equal(t, "3", read.Enforced[0].Severity)
		require.Equal(t, []sepclient.FirewallHost{{Location: "REMOTE", Kind: "ip_range", Value: "198.51.100.1-198.51.100.254"}}, read.Baseline[0].Hosts)
		require.Equal(t, []sepclient.FirewallPorts{{First: 135, Last: 139, Location: "LOCAL"}, {First: 445, Last: 445, Location: "LOCAL"}}, read.Baseline[0].Connections[0].Ports)
		require.Equal(t, "DISABLE_ONCE", read.WindowsFirewall)
		require.True(t, read.Protections["port_scan"])
		require.False(t, read.Protections["dos"])
		return read.Policy
	case sepclient.PolicyExceptions:
		read, err := b.client.ExceptionsPolicy(t.Context(), p.ID)
		require.NoError(t, err)
		require.Len(t, read.Denied, 1)
		require.Equal(t, sepclient.FileDescription{
			Name: "miner.exe", Directory: `C:\temp`, Description: "Bitcoin & <other> miners", SHA2: strings.Repeat("5E", 32), MD5: strings.Repeat("5E", 16), Size: 1071101,
		}, read.Denied[0].File)
		require.Equal(t, []string{`D:\Data`}, mapped(read.Directories, func(r sepclient.PathRule) string { return r.Path }))
		require.True(t, read.Files[0].SONAR, "of the two keys that differ in case")
		require.Equal(t, []string{"mdb", "ldf"}, read.Extensions.Extensions)
		require.Equal(t, []sepclient.SignatureFingerprint{{Algorithm: "SHA2", Value: strings.Repeat("C1", 32)}}, read.Certificates[0].Fingerprints)
		require.True(t, read.Locked["securityrisk"])
		return read.Policy
	}
	_, err := b.client.FirewallPolicy(t.Context(), p.ID)
	require.ErrorIs(t, err, sepclient.ErrNotFound, "a policy is read as what it is")
	_, err = b.client.ExceptionsPolicy(t.Context(), p.ID)
	require.ErrorIs(t, err, sepclient.ErrNotFound)
	return sepclient.Policy{}
}
