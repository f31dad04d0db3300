package sepclient

import (
	"context"
	"net/http"
	"slices"
)

// FirewallPolicy is a firewall policy (A17, D4). Its words are SEPM's, and are
// not all known.
type FirewallPolicy struct {
	Policy
	// Enforced are rules that come before those of groups below, Baseline
	// those that come after them.
	Enforced, Baseline       []FirewallRule
	MacEnforced, MacBaseline []FirewallRule
	// WindowsFirewall is NO_ACTION, DISABLE_ONCE, DISABLE or ENABLE.
	WindowsFirewall string
	// Protections are the switches of the policy by SEPM's names in lower
	// case, such as port_scan.
	Protections map[string]bool
}

// FirewallRule is one rule of a firewall.
type FirewallRule struct {
	RuleState
	UID, Name, Description string
	// Action is ALLOW, BLOCK or ASK.
	Action string
	// Severity is a number from one SEPM, and a word from another.
	Severity                  string
	ScreenSaver               string // ON, OFF or ANY
	LogAction                 int
	EmailAlert, CapturePacket bool
	Adapters                  []FirewallAdapter
	Applications              []FileDescription
	Connections               []FirewallConnection
	Hosts                     []FirewallHost
}

// FirewallAdapter is a network adapter that a rule is for.
type FirewallAdapter struct {
	Enabled                    bool
	Name, Type, Identification string
}

// FirewallConnection is a service that a rule is for.
type FirewallConnection struct {
	Enabled   bool
	Service   string
	Direction string // SEPM's number
	Protocols []string
	Ports     []FirewallPorts
}

// FirewallPorts are ports from the first to the last; the location is LOCAL,
// REMOTE, SRC or DST.
type FirewallPorts struct {
	First, Last int
	Location    string
}

// FirewallHost is a host that a rule is for. Kind is SEPM's name of what it is
// told by, such as ip or dns_domain, and Value says which, a range as its two
// ends and a subnet as address and mask.
type FirewallHost struct{ Location, Kind, Value string }

// FirewallPolicy reads a firewall policy.
func (c *Client) FirewallPolicy(ctx context.Context, id string) (FirewallPolicy, error) {
	p, t, err := c.policy(ctx, request{
		op: "read firewall policy", subject: id, method: http.MethodGet, path: "/policies/firewall/" + segment(id), read: true,
	})
	if err != nil {
		return FirewallPolicy{}, err
	}
	mac := t.object("mac")
	out := FirewallPolicy{
		Policy:   p,
		Enforced: each(t, "enforced_rules", firewallRule), Baseline: each(t, "baseline_rules", firewallRule),
		MacEnforced: each(mac, "enforced_rules", firewallRule), MacBaseline: each(mac, "baseline_rules", firewallRule),
		WindowsFirewall: t.text("windows_firewall"), Protections: map[string]bool{},
	}
	for name, values := range t {
		if slices.ContainsFunc(values, func(v any) bool { _, ok := v.(bool); return ok }) {
			out.Protections[name] = t.is(name)
		}
	}
	return out, nil
}

func firewallRule(t tree) FirewallRule {
	return FirewallRule{
		RuleState: ruleState(t), UID: t.text("uid"), Name: t.text("name"), Description: t.text("desc"),
		Action: t.text("action"), Severity: t.text("severity"), ScreenSaver: t.text("screen_saver"),
		LogAction: t.number("log_action").or(0), EmailAlert: t.is("email_alert"), CapturePacket: t.is("packet_capture"),
		Adapters: each(t, "adapters", func(t tree) FirewallAdapter {
			return FirewallAdapter{t.is("enabled"), t.text("name"), t.text("type"), t.text("identification")}
		}),
		Applications: each(t, "applications", fileDescription),
		Connections:  each(t, "connections", firewallConnection),
		Hosts:        each(t, "hosts", firewallHost),
	}
}

func firewallConnection(t tree) FirewallConnection {
	return FirewallConnection{
		Enabled: t.is("enabled"), Service: t.text("svc_name"), Direction: t.text("direction_id"), Protocols: t.texts("protocol_ids"),
		Ports: each(t, "ports", func(t tree) FirewallPorts {
			first := t.number("start").or(0)
			return FirewallPorts{first, t.number("end").or(first), t.text("location")}
		}),
	}
}

func firewallHost(t tree) FirewallHost {
	h := FirewallHost{Location: t.text("location")}
	for _, kind := range []string{"ip", "ipv6_subnet", "dns_host", "dns_domain", "mac", "group_name", "group_uid"} {
		if value := t.text(kind); value != "" {
			h.Kind, h.Value = kind, value
			return h
		}
	}
	ips, subnet := t.object("ip_range"), t.object("ipv4_subnet")
	switch {
	case ips != nil:
		h.Kind, h.Value = "ip_range", ips.text("ip_start")+"-"+ips.text("ip_end")
	case subnet != nil:
		h.Kind, h.Value = "ipv4_subnet", subnet.text("ip")+"/"+subnet.text("mask")
	case t.is("local_subnet"):
		h.Kind, h.Value = "local_subnet", "true"
	}
	return h
}
