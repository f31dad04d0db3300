package enrich

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getPolicySummaryNote is fn_sep's later "Get Policy Summary" (contract: SEPM
// API B7, W26).
func getPolicySummaryNote() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_policy_summary",
			Title: "Example: SEP - Get Policy Summary",
			Help:  "Looks up the policies of a domain: a note with their names and ids, and a JSON file with all that SEPM says of them.",
			On:    incident.OnIncident,
			Form:  []incident.InputDef{domainField()},
		},
		Decide: policySummary,
	}
}

func policySummary(ctx context.Context, p Plan) (incident.Step, error) {
	domain, err := domainNamed(ctx, p, p.Input["domain"])
	if err != nil {
		return incident.Step{}, err
	}
	policies, err := p.Policies(ctx, sepclient.PolicyQuery{DomainID: domain.ID})
	if err != nil {
		return incident.Step{}, fmt.Errorf("look up the policies of the domain %q: %w", domain.Name, err)
	}
	all := make([]any, len(policies))
	lines := make([]string, len(policies))
	for i, policy := range policies {
		all[i] = newPolicyItem(policy).JSON
		lines[i] = fmt.Sprintf("%s (%s, %s), in %s: %s", policy.Name, policy.Type, inForce(policy.Enabled), amount(len(policy.Locations), "group"), policy.ID)
	}
	file := p.jsonFile("SEP_policies", encode(all))
	return incident.Step{Effects: []incident.Effect{
		{Attachment: file},
		p.remark("The SEP domain <b>%s</b> has %s; what SEPM says of them is in the attachment %s.%s",
			domain.Name, policyCount(len(policies)), file.Name, inLines(lines)),
	}}, nil
}

func policyCount(n int) string {
	if n == 1 {
		return "1 policy"
	}
	return fmt.Sprintf("%d policies", n)
}

// getExceptionsPolicyNote is fn_sep's later "Get Exceptions Policy" (contract:
// SEPM API B7, W27).
func getExceptionsPolicyNote() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_exceptions_policy",
			Title: "Example: SEP - Get Exceptions Policy",
			Help:  "Looks up an exceptions policy: a note with what it excepts, and a JSON file with all of it.",
			On:    incident.OnIncident,
			Form:  []incident.InputDef{policyField("exceptions")},
		},
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			policy, err := p.ExceptionsPolicy(ctx, p.policyID())
			if err != nil {
				return incident.Step{}, fmt.Errorf("look up the exceptions policy %q: %w", p.policyID(), err)
			}
			return p.policyNote("exceptions", policy.Policy, exceptionLines(policy))
		},
	}
}

// getFirewallPolicyNote is fn_sep's later "Get Firewall Policy" (contract: SEPM
// API B7, W28).
func getFirewallPolicyNote() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_firewall_policy",
			Title: "Example: SEP - Get Firewall Policy",
			Help:  "Looks up a firewall policy: a note with its rules, and a JSON file with all of it.",
			On:    incident.OnIncident,
			Form:  []incident.InputDef{policyField("firewall")},
		},
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			policy, err := p.FirewallPolicy(ctx, p.policyID())
			if err != nil {
				return incident.Step{}, fmt.Errorf("look up the firewall policy %q: %w", p.policyID(), err)
			}
			return p.policyNote("firewall", policy.Policy, firewallLines(policy))
		},
	}
}

func policyField(of string) incident.InputDef {
	return incident.InputDef{
		Name: "policy_id", Type: incident.InputText, Required: true,
		Help: fmt.Sprintf("Id of the %s policy, as get_policy_summary tells it.", of),
	}
}

func (p Plan) policyID() string { return strings.TrimSpace(p.Input["policy_id"]) }

// policyNote is a policy as a note, with its rules as lines of cells of which
// the last says whether they are enabled, and as a file.
func (p Plan) policyNote(kind string, policy sepclient.Policy, rules [][]string) (incident.Step, error) {
	lines := make([]string, len(rules))
	for i, cells := range rules {
		what, enabled := cells[:len(cells)-1], cells[len(cells)-1]
		if enabled != yesNo(true) {
			what = append(what, inForce(false))
		}
		lines[i] = strings.Join(slices.DeleteFunc(what, func(cell string) bool { return cell == "" }), " · ")
	}
	file := p.jsonFile("SEP_"+kind+"_policy", policy.JSON)
	return incident.Step{Effects: []incident.Effect{
		{Attachment: file},
		p.remark("The %s policy <b>%s</b> is %s and has %s; all of it is in the attachment %s.%s",
			kind, policy.Name, inForce(policy.Enabled), amount(len(rules), "rule"), file.Name, inLines(lines)),
	}}, nil
}

// firewallLines are the rules of a firewall policy, in their order: name, list,
// action, and whether they are enabled.
func firewallLines(p sepclient.FirewallPolicy) (lines [][]string) {
	for _, list := range []struct {
		name  string
		rules []sepclient.FirewallRule
	}{
		{"enforced", p.Enforced}, {"baseline", p.Baseline}, {"Mac enforced", p.MacEnforced}, {"Mac baseline", p.MacBaseline},
	} {
		for _, r := range list.rules {
			lines = append(lines, []string{r.Name, list.name, r.Action, yesNo(r.Enabled)})
		}
	}
	return lines
}

func inForce(enabled bool) string {
	if enabled {
		return "enabled"
	}
	return "disabled"
}

func (p Plan) jsonFile(of string, content json.RawMessage) *incident.Attachment {
	return &incident.Attachment{
		Key: p.key("file"), Name: p.fileName(of, "json"), ContentType: "application/json", Content: content,
	}
}
