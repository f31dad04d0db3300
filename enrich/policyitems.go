package enrich

import (
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/sepclient"
)

// policyJSON is a policy under SEPM's names (contract: SEPM API A17).
type policyJSON struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"desc"`
	Enabled     bool              `json:"enabled"`
	Type        string            `json:"policytype"`
	SubType     *string           `json:"subtype"`
	DomainID    string            `json:"domainid"`
	Modified    int64             `json:"lastmodifiedtime"`
	Sources     []string          `json:"sources"`
	CloudGroups []string          `json:"assignedtocloudgroups"`
	Locations   []policyLocations `json:"assignedtolocations"`
}

type policyLocations struct {
	GroupID           string   `json:"groupId"`
	DefaultLocationID string   `json:"defaultLocationId"`
	LocationIDs       []string `json:"locationIds"`
}

func newPolicyItem(p sepclient.PolicySummary) Item {
	j := policyJSON{
		ID: p.ID, Name: p.Name, Description: p.Description, Enabled: p.Enabled, Type: string(p.Type), SubType: optional(p.SubType),
		DomainID: p.DomainID, Modified: millis(p.Modified), Sources: []string{}, CloudGroups: p.CloudGroups, Locations: []policyLocations{},
	}
	for _, l := range p.Locations {
		j.Locations = append(j.Locations, policyLocations{l.GroupID, l.DefaultLocationID, some(l.LocationIDs)})
	}
	return Item{JSON: j, Cells: []string{p.Name, string(p.Type), yesNo(p.Enabled), strconv.Itoa(len(p.Locations)), p.ID}}
}

// optional is a text as SEPM writes one that may be missing: null for none.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func exceptionLines(p sepclient.ExceptionsPolicy) (lines [][]string) {
	line := func(kind, what, action string, state sepclient.RuleState) {
		lines = append(lines, []string{kind, what, action, yesNo(state.Enabled)})
	}
	for _, kind := range []struct {
		name  string
		rules []sepclient.ApplicationRule
	}{
		{"application", p.Applications}, {"DNS and host application", p.DNSAndHostApplications},
		{"denied application", p.Denied}, {"denied DNS and host application", p.DNSAndHostDenied}, {"non-PE file", p.NonPE},
	} {
		for _, r := range kind.rules {
			line(kind.name, strings.TrimSpace(r.File.Name+" "+r.File.SHA2), r.Action, r.RuleState)
		}
	}
	for _, r := range p.KnownRisks {
		line("known risk", r.ThreatName, r.Action, r.RuleState)
	}
	for _, kind := range []struct {
		name  string
		rules []sepclient.NamedRule
	}{{"monitored application", p.Monitored}, {"web domain", p.WebDomains}} {
		for _, r := range kind.rules {
			line(kind.name, r.Name, "", r.RuleState)
		}
	}
	for _, r := range p.Certificates {
		line("certificate", r.Company, "", r.RuleState)
	}
	for _, kind := range []struct {
		name  string
		rules []sepclient.PathRule
	}{
		{"file", p.Files}, {"tamper protection file", p.TamperFiles}, {"directory", p.Directories},
		{"Mac file", p.MacFiles}, {"Linux directory", p.LinuxDirectories},
	} {
		for _, r := range kind.rules {
			line(kind.name, r.Path, r.ScanType, r.RuleState)
		}
	}
	for _, kind := range []struct {
		name string
		rule sepclient.ExtensionRule
	}{{"extensions", p.Extensions}, {"Linux extensions", p.LinuxExtensions}} {
		if len(kind.rule.Extensions) > 0 {
			line(kind.name, strings.Join(kind.rule.Extensions, ", "), "", kind.rule.RuleState)
		}
	}
	return lines
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
