package sepm

import (
	"net/http"
	"slices"
	"strings"
)

// policy is one of those that each domain has (contract: A17).
type policy struct {
	id, kind, name string
	domain         Domain
}

// policyTypes are the types that can be asked for, in the order of the
// summary. msl is documented beside them, and refused (contract: A17).
var policyTypes = []string{"av", "fw", "ips", "mem", "exceptions", "hi", "adc", "lu", "lucontent", "hid", "ntr", "upgrade", "tdad"}

// policiesOf are the policies of a domain.
func policiesOf(d Domain) []policy {
	names := map[string][]string{
		"av": {"Virus and Spyware Protection policy - Balanced", "Virus and Spyware Protection policy - High Security"},
		"fw": {"Firewall policy"}, "ips": {"Intrusion Prevention policy"}, "mem": {"Memory Exploit Mitigation policy"},
		"exceptions": {"Exceptions policy", "Exceptions policy - Servers"}, "hi": {"Host Integrity policy"},
		"adc": {"Application and Device Control policy"}, "lu": {"LiveUpdate Settings policy"}, "lucontent": {"LiveUpdate Content policy"},
		"hid": {"System Lockdown"}, "ntr": {"Network Traffic Redirection policy"}, "upgrade": {"Upgrade policy"}, "tdad": {"TDAD policy"},
	}
	var all []policy
	for _, kind := range policyTypes {
		for _, name := range names[kind] {
			all = append(all, policy{id: hexID("policy", d.ID+kind+name), kind: kind, name: name, domain: d})
		}
	}
	return all
}

// policySummary is GET /policies/summary, of all types or one. It has the
// envelope and no pages (contract: A5).
func (s *Server) policySummary(c *call) error {
	kind := c.r.PathValue("type")
	if kind != "" && !slices.Contains(policyTypes, kind) {
		return fail(http.StatusBadRequest, "The policy type argument is invalid.")
	}
	d, err := s.domainByID(c, c.r.URL.Query().Get("domainId"))
	if err != nil {
		return err
	}
	var found []object
	for _, p := range policiesOf(d) {
		if kind != "" && p.kind != kind {
			continue
		}
		in := groupID(defaultGroup, d)
		location := hexID("location", in)
		found = append(found, object{
			"id": p.id, "name": p.name, "desc": "Created automatically during product installation.", "enabled": true,
			"policytype": p.kind, "subtype": nil, "domainid": d.ID, "lastmodifiedtime": createdAt.UnixMilli(),
			"sources": []object{}, "assignedtocloudgroups": nil,
			"assignedtolocations": []object{{"groupId": in, "defaultLocationId": location, "locationIds": []string{location}}},
		})
	}
	return s.answer(c, paging{page: 1, size: len(found)}, len(found), func(b []byte, i int) []byte {
		return append(b, encode(found[i])...)
	})
}

// policy is the one in the path, or 410.
func (s *Server) policy(c *call, kind string) (policy, error) {
	id := strings.ToUpper(c.r.PathValue("id"))
	for _, d := range s.opt.Domains {
		for _, p := range policiesOf(d) {
			if p.id == id && p.kind == kind {
				return p, nil
			}
		}
	}
	return policy{}, fail(http.StatusGone, "Policy with ID %s does not exist", id)
}

// object is the policy with what it says.
func (p policy) object(configuration, locked object) object {
	return object{"name": p.name, "desc": "Created automatically during product installation.", "enabled": true,
		"lastmodifiedtime": createdAt.UnixMilli(), "sources": nil, "lockedoptions": locked, "configuration": configuration}
}

// exceptionsPolicy is GET /policies/exceptions/{id}, in either version, which
// differ in the names of the rules that block (contract: A17, D5). Two keys of
// a file differ in nothing but their case.
func (s *Server) exceptionsPolicy(v2 bool) handler {
	return func(c *call) error {
		p, err := s.policy(c, "exceptions")
		if err != nil {
			return err
		}
		state := object{"enabled": true, "source": "PRODUCT"}
		blocked := []object{{"action": "BLOCK", "deleted": nil, "rulestate": state, "processfile": object{
			"sha2": strings.Repeat("5E", 32), "md5": strings.Repeat("5E", 16), "name": "miner.exe", "company": "", "directory": `C:\temp`,
			"size": 1071101, "description": "Bitcoin & <other> miners"}}}
		configuration := object{
			"applications": []object{{"action": "IGNORE", "deleted": nil, "rulestate": state, "processfile": object{
				"sha2": strings.Repeat("A0", 32), "md5": nil, "name": "inventory.exe", "company": "Example", "directory": nil, "size": 4096, "description": ""}}},
			"applications_to_monitor": nil, "dns_and_host_applications": nil, "webdomains": nil, "non_pe_rules": nil, "tamper_files": nil,
			"directories": []object{{"deleted": nil, "directory": `D:\Data`, "pathvariable": "[NONE]", "recursive": true, "rulestate": state,
				"scancategory": "AllScans", "scantype": "ALL"}},
			"files": []object{{"sonar": true, "SONAR": true, "applicationcontrol": false, "deleted": nil, "path": `C:\Tools\backup.exe`,
				"pathvariable": "[NONE]", "recursive": false, "rulestate": state, "scancategory": "AllScans", "securityrisk": true}},
			"extension_list": object{"deleted": nil, "extensions": []string{"mdb", "ldf"}, "rulestate": state, "scancategory": "AllScans"},
			"knownrisks":     []object{{"action": "LOG_ONLY", "deleted": nil, "rulestate": state, "threat": object{"id": "11077", "name": "AccuTracking"}}},
			"linux":          object{"directories": nil, "extension_list": nil}, "mac": object{"files": nil},
		}
		fingerprint := object{"algorithm": "SHA2", "value": strings.Repeat("C1", 32)}
		certificate := object{"deleted": nil, "rulestate": state, "signature_company_name": "Example", "signature_issuer": "Example CA"}
		if v2 {
			certificate["signature_fingerprints"] = []object{fingerprint}
			configuration["denylistrules"], configuration["dns_and_host_denylistrules"] = blocked, nil
		} else {
			certificate["signature_fingerprint"] = fingerprint
			configuration["blacklistrules"], configuration["dns_and_host_blacklistrules"] = blocked, nil
		}
		configuration["certificates"] = []object{certificate}
		return c.ok(p.object(configuration, object{"application": false, "certificate": false, "dnshostfile": false, "domain": false,
			"extension": false, "file": false, "knownrisk": false, "securityrisk": true, "sonar": false}))
	}
}

// firewallPolicy is GET /policies/firewall/{id}: many nulls, and the severity
// of a rule a number (contract: A17, D4).
func (s *Server) firewallPolicy(c *call) error {
	p, err := s.policy(c, "fw")
	if err != nil {
		return err
	}
	rule := func(name, action string, ports []object, hosts []object) object {
		return object{"name": name, "uid": hexID("rule", name), "desc": nil, "action": action, "adapters": nil, "applications": nil,
			"connections": []object{{"enabled": true, "direction_id": 0, "protocol_ids": []int{6}, "protocol_id_ranges": nil, "ports": ports,
				"icmp_types": nil, "icmp_codes": nil, "icmp_type_ranges": nil, "icmp_code_ranges": nil, "ether_type_id": 0,
				"ip_fragmented_only": false, "svc_name": nil, "svc_uid": nil}},
			"hosts": hosts, "time_slots": nil, "rulestate": object{"enabled": true, "source": "PRODUCT", "newly_added": false},
			"log_action": 1, "email_alert": false, "packet_capture": false, "screen_saver": "ANY", "severity": 3}
	}
	rules := []object{
		rule("Allow management", "ALLOW", []object{{"start": 8014, "end": 8014, "location": "REMOTE"}}, nil),
		rule("Block remote administration", "BLOCK", []object{{"start": 135, "end": 139, "location": "LOCAL"}, {"start": 445, "end": 445, "location": "LOCAL"}},
			[]object{{"location": "REMOTE", "ip": nil, "ip_range": object{"ip_start": "198.51.100.1", "ip_end": "198.51.100.254"}, "ipv4_subnet": nil,
				"ipv6_subnet": nil, "dns_host": nil, "dns_domain": nil, "mac": nil, "group_uid": nil, "group_name": nil, "local_subnet": false}}),
	}
	return c.ok(p.object(object{
		"enforced_rules": rules[:1], "baseline_rules": rules[1:], "ignore_parent_rules": nil,
		"mac": object{"enforced_rules": nil, "baseline_rules": nil, "ignore_parent_rules": nil, "autoblock": true, "autoblock_duration": 600,
			"dos": false, "port_scan": true, "smart_dhcp": true, "smart_dns": true, "antimac_spoofing": false, "endpoint_notification": nil},
		"p2p_auth": object{"enabled": false, "excludeHosts": false, "hosts": nil, "max_auth_attempts": 3, "session_timeout": 30,
			"time_before_re_auth": 30, "time_between_auth_attempts": 10, "time_for_remote_blocked": 10},
		"windows_firewall": "DISABLE_ONCE", "windows_firewall_notification": true, "endpoint_notification": nil,
		"antiIP_spoofing": false, "antimac_spoofing": false, "autoblock": true, "autoblock_duration": 600, "dos": false, "hide_os": false,
		"netbios_protection": true, "port_scan": true, "reverse_dns": false, "smart_dhcp": true, "smart_dns": true, "smart_wins": true,
		"stealth_web": false, "token_ring_traffic": true,
	}, nil))
}
