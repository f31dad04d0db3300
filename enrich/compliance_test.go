package enrich_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/sepclient"
)

// wellEndpoint is a Windows computer of SEPM 14.3 with which all is well.
func wellEndpoint(id string) sepclient.Computer {
	asOf := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	on := sepclient.EngineOn
	return sepclient.Computer{
		ID: id, Name: "PC-1", OSName: "Windows 10", OS: "Windows 10 Enterprise Edition", OnlineStatus: 1,
		QuarantineStatus: 1, QuarantineDesc: "Host Integrity check passed\n Requirement passed",
		Engines: sepclient.Engines{
			AutoProtect: on, Antivirus: on, BrowserFirefox: on, BrowserIE: on, IntrusionDriver: on, DownloadInsight: on,
			EarlyLaunch: on, Firewall: on, ExploitPrevent: on, ProactiveThreat: on, TamperProtection: on,
		},
		LastUpdate: asOf.Add(-time.Minute), LastScan: asOf.Add(-time.Hour), AsOf: asOf,
	}
}

func compliance() *enrich.Compliance { return &enrich.Compliance{Heartbeat: 15 * time.Minute} }

// TestComplianceC13C14C15 is the Host Integrity check: a check that is off has
// not failed, an osName is an osname, and a text counts on any line.
func TestComplianceC13C14C15(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		status, code int
		desc         string
		want         string
	}{
		{"passed", 1, 0, "", "Passed"},
		{"passed, in words alone", -1, -1, "Host Integrity check passed", "Passed"},
		{"passed, and on another line", -1, -1, "Host Integrity check passed\n Requirement", "Passed"},
		{"passed, in quarantine", 0, 0, "Host Integrity check passed but the client was quarantined", "Passed"},
		{"failed", 0, 101, "Host Integrity check failed.", "Failed"},
		{"failed, without words", 0, -1, "", "Failed"},
		{"failed, in words alone", -1, -1, "Host Integrity check failed", "Failed"},
		{"pending", 2, 104, "Host Integrity check is not complete.", "Pending"},
		{"pending, in words alone", -1, -1, "Host Integrity check is not complete.", "Pending"},
		{"disabled, the common default", 3, 105, "Host Integrity check is disabled.\n Host Integrity policy has been disabled by the administrator.", "Disabled"},
		{"disabled, in words alone", -1, -1, "Host Integrity check is disabled.", "Disabled"},
		{"ignored", 4, 105, "", "Ignored"},
		{"ignored, in words alone", -1, -1, "Host Integrity check is ignored.", "Ignored"},
		{"nothing said", -1, -1, "", "Not reported"},
	} {
		for _, name := range []string{"osName", "operatingSystem"} {
			c := wellEndpoint("1")
			c.OnlineStatus = 0 // so that there are details
			c.QuarantineStatus, c.QuarantineCode, c.QuarantineDesc = tt.status, tt.code, tt.desc
			if name == "osName" {
				c.OS = ""
			} else {
				c.OSName = ""
			}
			all := compliance()
			details, _ := all.Add(c)
			require.Equal(t, tt.want, details.HostIntegrity, tt.name)
			require.Equal(t, tt.want == "Failed", all.Summary().HIFailed == 1, tt.name)
		}
	}
	linux := wellEndpoint("1")
	linux.OS, linux.OSName, linux.QuarantineStatus, linux.QuarantineDesc, linux.OnlineStatus = "Ubuntu 22.04", "Ubuntu", -1, "", 0
	all := compliance()
	details, _ := all.Add(linux)
	require.Equal(t, "N/A", details.HostIntegrity)
	require.Zero(t, all.Summary().HIFailed)
}

// TestComplianceC16 names every state of an engine; disabled is just 0.
func TestComplianceC16(t *testing.T) {
	t.Parallel()
	for state, want := range map[sepclient.EngineState]string{
		0: "Disabled", 1: "Enabled", 2: "Not installed", 3: "Disabled by policy", 4: "Malfunctioning",
		5: "Disabled, unlicensed", 127: "Client not reporting", 6: "State 6",
	} {
		c := wellEndpoint("1")
		c.Engines.AutoProtect = state
		all := compliance()
		_, non := all.Add(c)
		require.Equal(t, state == 0, non, "state %d", state)
		require.Equal(t, state == 0, all.Summary().Disabled == 1, "state %d", state)

		c.ID, c.OnlineStatus = "2", 0
		details, non := all.Add(c)
		require.True(t, non)
		require.Equal(t, want, details.AutoProtect)
	}
}

// TestComplianceC17 counts by id: namesakes apart, one that comes again once,
// and one with several faults once among the non-compliant. Out of date is
// after two heartbeats, whatever the heartbeat is.
func TestComplianceC17(t *testing.T) {
	t.Parallel()
	all := compliance()
	bad := wellEndpoint("1")
	bad.OnlineStatus, bad.LastUpdate = 0, bad.AsOf.Add(-31*time.Minute)
	bad.Engines.Firewall = sepclient.EngineDisabled
	namesake := wellEndpoint("2")
	namesake.Engines.Firewall = sepclient.EngineDisabled
	details, non := all.Add(bad)
	require.True(t, non)
	require.Equal(t, enrich.ComplianceDetails{
		ComputerID: "1", ComputerName: "PC-1", HostIntegrity: "Passed", OnlineStatus: "Offline",
		LastScan: "2024-08-21 11:00:00", LastVirus: "Never", LastUpdate: "2024-08-21 11:29:00",
		AutoProtect: "Enabled", Antivirus: "Enabled", BrowserFirefox: "Enabled", BrowserIE: "Enabled", Intrusion: "Enabled",
		Download: "Enabled", EarlyLaunch: "Enabled", Firewall: "Disabled", Exploit: "Enabled", Proactive: "Enabled", Tamper: "Enabled",
	}, details)
	_, non = all.Add(bad)
	require.False(t, non, "it was counted")
	_, non = all.Add(namesake)
	require.True(t, non)
	_, non = all.Add(wellEndpoint("3"))
	require.False(t, non)
	require.Equal(t, enrich.ComplianceSummary{Total: 3, NonCompliant: 2, Offline: 1, OutOfDate: 1, UpToDate: 2, Disabled: 2}, all.Summary())

	slow := &enrich.Compliance{Heartbeat: 20 * time.Minute}
	slow.Add(bad)
	require.Equal(t, 1, slow.Summary().UpToDate)
	never := wellEndpoint("4")
	never.LastUpdate = time.Time{}
	slow.Add(never)
	require.Equal(t, 1, slow.Summary().OutOfDate)
}
