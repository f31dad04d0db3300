package enrich

import (
	"context"
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getCriticalEvents is "SEP - Get Critical Events Info".
func getCriticalEvents() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "sep_get_critical_events_info", Title: "SEP - Get Critical Events Info",
			Help: "The critical events that nobody has acknowledged yet, the newest first.",
			Inputs: []incident.InputDef{
				{Name: "sep_results_limit", Type: incident.InputNumber, Help: "How many events to give, the newest; 0 or none is all."},
			},
		},
		Keys: []KeyDef{
			{Name: "criticalEventsInfoList[]", Help: "An event: eventId, eventDateTime, subject, message, acknowledged."},
			{Name: "lastUpdated, totalUnacknowledgedMessages", Help: "When SEPM looked, and how many events there are."},
			{Name: "truncated, att_name", Help: "Only where the list is cut off at 1 MiB.", New: true},
		},
		Differs: []string{"sep_results_limit counts; SEPM and so fn_sep give all.", "Each event comes once, its text without HTML."},
		call: func(ctx context.Context, c call) (Output, error) {
			most := c.in.number("sep_results_limit")
			if most < 0 {
				return Output{}, c.fault("sep_results_limit", "is less than 0")
			}
			all, err := c.sepm.CriticalEvents(ctx, false)
			if err != nil {
				return Output{}, err
			}
			events := all.Events
			if most > 0 && len(events) > most {
				events = events[:most]
			}
			type counts struct {
				LastUpdated    int64 `json:"lastUpdated"`
				Unacknowledged int   `json:"totalUnacknowledgedMessages"`
			}
			columns := []string{"TIME", "SUBJECT", "MESSAGE", "ID"}
			return Output{
				Columns: columns, gather: newListResult("criticalEventsInfoList", c.fileName("Critical_events"), columns),
				Items: items(values(events), newEventItem, func(int) Item { return Item{beside: counts{millis(all.LastUpdated), all.Unacknowledged}} }),
			}, nil
		},
	}
}

// eventJSON is a critical event under SEPM's names (contract: SEPM API A17).
type eventJSON struct {
	ID           string `json:"eventId"`
	Time         string `json:"eventDateTime"`
	Subject      string `json:"subject"`
	Message      string `json:"message"`
	Acknowledged int    `json:"acknowledged"`
}

func newEventItem(e sepclient.CriticalEvent) Item {
	j := eventJSON{e.ID, e.TimeText, e.Subject, e.Message, 0}
	if e.Acknowledged {
		j.Acknowledged = 1
	}
	return Item{JSON: j, Cells: []string{moment(e.Time), e.Subject, e.Message, e.ID}}
}

// getPolicySummary is "SEP - Get Policy Summary".
func getPolicySummary() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "sep_get_policy_summary", Title: "SEP - Get Policy Summary", Help: "All policies of a domain, and the groups that they are assigned to.",
			Inputs: []incident.InputDef{
				{Name: "sep_domainid", Type: incident.InputText, Help: "SEPM domain, by its id or name."},
			},
		},
		Keys: append([]KeyDef{
			{Name: "content[]", Help: "A policy: id, name, desc, enabled, policytype, subtype, domainid, lastmodifiedtime, sources, assignedtocloudgroups, assignedtolocations."},
		}, envelopeKeys()...),
		Unset: loginDomain(),
		call: func(ctx context.Context, c call) (Output, error) {
			domain, err := c.domainID(ctx, "sep_domainid")
			if err != nil {
				return Output{}, err
			}
			policies, err := c.sepm.Policies(ctx, sepclient.PolicyQuery{DomainID: domain})
			if err != nil {
				return Output{}, err
			}
			columns := []string{"POLICY", "TYPE", "ENABLED", "GROUPS", "ID"}
			return Output{
				Columns: columns, gather: newListResult("content", c.fileName("Policies"), columns),
				Items: items(values(policies), newPolicyItem, func(n int) Item { return Item{beside: onePage(n)} }),
			}, nil
		},
	}
}

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

// policyKeys describe a policy.
func policyKeys() []KeyDef {
	return []KeyDef{
		{Name: "name, desc, enabled, lastmodifiedtime, sources, lockedoptions, configuration", Help: "The policy as SEPM wrote it."},
		{Name: "truncated, att_name", Help: "In place of all else, where it is larger than 1 MiB: true, and the name of the attachment that has it.", New: true},
	}
}

// getExceptionsPolicy is "SEP - Get Exceptions Policy".
func getExceptionsPolicy() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "sep_get_exceptions_policy", Title: "SEP - Get Exceptions Policy", Help: "All of an exceptions policy.",
			Inputs: []incident.InputDef{
				{Name: "sep_exceptions_id", Type: incident.InputText, Required: true, Help: "ID of the exceptions policy."},
			},
		},
		Keys:    policyKeys(),
		Differs: []string{"A policy that the first version of SEPM's API cannot say comes through the second."},
		call: func(ctx context.Context, c call) (Output, error) {
			p, err := c.sepm.ExceptionsPolicy(ctx, c.in["sep_exceptions_id"])
			if err != nil {
				return Output{}, err
			}
			return policyOutput(c, p.Policy, []string{"EXCEPTION", "WHAT", "ACTION", "ENABLED"}, exceptionLines(p)), nil
		},
	}
}

// policyOutput is a policy with a line for each of its rules.
func policyOutput(c call, p sepclient.Policy, columns []string, lines [][]string) Output {
	if len(lines) == 0 {
		lines = [][]string{make([]string, len(columns))}
	}
	out := one(p.JSON, columns, lines...)
	out.gather = &singleResult{file: strings.TrimSuffix(c.fileName("Policy"), ".csv") + ".json"}
	return out
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

// getFirewallPolicy is "SEP - Get Firewall Policy".
func getFirewallPolicy() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "sep_get_firewall_policy", Title: "SEP - Get Firewall Policy", Help: "All of a firewall policy.",
			Inputs: []incident.InputDef{
				{Name: "sep_firewall_id", Type: incident.InputText, Required: true, Help: "ID of the firewall policy."},
			},
		},
		Keys: policyKeys(),
		call: func(ctx context.Context, c call) (Output, error) {
			p, err := c.sepm.FirewallPolicy(ctx, c.in["sep_firewall_id"])
			if err != nil {
				return Output{}, err
			}
			var lines [][]string
			for _, list := range []struct {
				name  string
				rules []sepclient.FirewallRule
			}{{"enforced", p.Enforced}, {"baseline", p.Baseline}, {"Mac enforced", p.MacEnforced}, {"Mac baseline", p.MacBaseline}} {
				for _, r := range list.rules {
					lines = append(lines, []string{r.Name, list.name, r.Action, yesNo(r.Enabled)})
				}
			}
			return policyOutput(c, p.Policy, []string{"RULE", "LIST", "ACTION", "ENABLED"}, lines), nil
		},
	}
}
