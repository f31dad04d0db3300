package sepclient

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPolicies(t *testing.T) {
	var asked []string
	body := `{"content":[{"sources":null,"enabled":true,"desc":"d","name":"Firewall policy","lastmodifiedtime":1523888127894,"id":"P1","domainid":"D1",
		"policytype":"fw","subtype":null,"assignedtocloudgroups":null,"assignedtolocations":[{"groupId":"G1","defaultLocationId":"L1","locationIds":["L1","L2"]}]},
		{"id":"P2","policytype":"new","enabled":false,"assignedtocloudgroups":["c"],"assignedtolocations":null}],
		"number":0,"size":2,"sort":null,"numberOfElements":2,"firstPage":true,"totalPages":1,"lastPage":true,"totalElements":2}`
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		io.WriteString(w, body)
	})
	policies, err := s.client(t).Policies(t.Context(), PolicyQuery{})
	require.NoError(t, err)
	require.Equal(t, []PolicySummary{
		{
			ID: "P1", Name: "Firewall policy", Description: "d", Type: PolicyFirewall, Enabled: true, DomainID: "D1",
			Modified: time.UnixMilli(1523888127894).UTC(), Locations: []PolicyLocations{{"G1", "L1", []string{"L1", "L2"}}},
		},
		{ID: "P2", Type: "new", CloudGroups: []string{"c"}},
	}, policies)
	_, err = s.client(t).Policies(t.Context(), PolicyQuery{Type: PolicyExceptions, DomainID: "D1"})
	require.NoError(t, err)
	require.Equal(t, []string{"/sepm/api/v1/policies/summary", "/sepm/api/v1/policies/summary/exceptions?domainId=D1"}, asked)
	body = `{"content":[],"lastPage":false}`
	_, err = s.client(t).Policies(t.Context(), PolicyQuery{})
	requireError(t, err, Permanent, "more policies follow")
}

func TestExceptionsPolicy(t *testing.T) {
	const policy = `{"name":"Exceptions","desc":"","enabled":1,"lastmodifiedtime":"1523888127894","sources":[],
		"lockedoptions":{"sonar":true,"SONAR":null,"knownrisk":false},
		"configuration":{
			"files":[{"pathvariable":"[NONE]","path":"C:\\a.exe","sonar":false,"SONAR":true,"scancategory":"AllScans","recursive":0,"rulestate":{"enabled":true,"source":"PRIMARY"}},"odd"],
			"directories":[{"pathvariable":"WINDOWS","directory":"x","recursive":true,"scantype":"ALL"}],
			"applications":[{"action":"LATER","processfile":{"sha2":"AB","size":"12","name":"a.exe"},"rulestate":null}],
			"blacklistrules":null,"denylistrules":[{"action":"BLOCK","processfile":{"md5":"CD"}}],
			"non_pe_rules":[{"action":"IGNORE","file":{"name":"f"},"actor":{"name":"g"}}],
			"knownrisks":[{"action":"LOG_ONLY","threat":{"id":1,"name":"EICAR"}}],
			"certificates":[{"signature_issuer":"CA","signature_fingerprint":{"algorithm":"SHA1","value":"EF"}},
				{"signature_company_name":"Acme","signature_fingerprints":[{"algorithm":"SHA2","value":"01"}]}],
			"webdomains":[{"domain":"example.com"}],"applications_to_monitor":[{"name":"m.exe"}],
			"extension_list":{"extensions":["a",null,"b"],"scancategory":"GESC_ALL"},
			"linux":{"directories":[{"pathvariable":"ETC","directory":"y"}],"extension_list":null},"mac":{"files":[{"path":"/z"}]},
			"something_new":[{"x":1}]}}`
	for _, refusal := range []string{"", "please try V2!", "unsupported"} {
		var asked []string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path)
			if refusal != "" && len(asked) == 1 {
				write(w, 400, map[string]string{"errorMessage": refusal})
				return
			}
			io.WriteString(w, policy)
		})
		p, err := s.client(t).ExceptionsPolicy(t.Context(), "P1")
		require.NoError(t, err)
		require.Equal(t, refusal != "", len(asked) == 2)
		require.Equal(t, refusal != "", asked[len(asked)-1] == "/sepm/api/v2/policies/exceptions/P1")
		require.Contains(t, string(p.JSON), "something_new", "nothing is dropped")
		p.JSON = nil
		require.Equal(t, ExceptionsPolicy{
			Policy: Policy{
				Name: "Exceptions", Enabled: true, Modified: time.UnixMilli(1523888127894).UTC(),
				Locked: map[string]bool{"sonar": true, "knownrisk": false},
			},
			Applications: []ApplicationRule{{Action: "LATER", File: FileDescription{Name: "a.exe", SHA2: "AB", Size: 12}}},
			Denied:       []ApplicationRule{{Action: "BLOCK", File: FileDescription{MD5: "CD"}}},
			NonPE:        []ApplicationRule{{Action: "IGNORE", File: FileDescription{Name: "f"}, Actor: FileDescription{Name: "g"}}},
			Monitored:    []NamedRule{{Name: "m.exe"}},
			WebDomains:   []NamedRule{{Name: "example.com"}},
			KnownRisks:   []KnownRiskRule{{Action: "LOG_ONLY", ThreatID: "1", ThreatName: "EICAR"}},
			Certificates: []CertificateRule{
				{Issuer: "CA", Fingerprints: []SignatureFingerprint{{"SHA1", "EF"}}},
				{Company: "Acme", Fingerprints: []SignatureFingerprint{{"SHA2", "01"}}},
			},
			Files:            []PathRule{{RuleState: RuleState{true, "PRIMARY"}, Path: `C:\a.exe`, Variable: "[NONE]", ScanCategory: "AllScans", SONAR: true}},
			Directories:      []PathRule{{Path: "x", Variable: "WINDOWS", Recursive: true, ScanType: "ALL"}},
			Extensions:       ExtensionRule{Extensions: []string{"a", "b"}, ScanCategory: "GESC_ALL"},
			MacFiles:         []PathRule{{Path: "/z"}},
			LinuxDirectories: []PathRule{{Path: "y", Variable: "ETC"}},
		}, p)
	}
}

func TestFirewallPolicy(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/sepm/api/v1/policies/firewall/P1", r.URL.Path)
		io.WriteString(w, `{"name":"Firewall","enabled":true,"lockedoptions":null,"configuration":{
			"windows_firewall":"LATER","port_scan":true,"PORT_SCAN":false,"dos":false,"autoblock_duration":600,"baseline_rules":null,
			"enforced_rules":[{"name":"Block","uid":"U1","action":"BLOCK","severity":3,"log_action":1,"screen_saver":"ANY","packet_capture":true,
				"rulestate":{"enabled":true,"source":"PRIMARY"},"adapters":null,
				"connections":[{"enabled":true,"svc_name":"web","direction_id":2,"protocol_ids":[6,"17"],"ports":[{"start":"80","end":88,"location":"REMOTE"},{"start":443}]}],
				"hosts":[{"location":"REMOTE","ip":"10.0.0.1"},{"ip_range":{"ip_start":"10.0.0.1","ip_end":"10.0.0.9"}},{"ipv4_subnet":{"ip":"10.0.0.0","mask":"255.0.0.0"}},{"local_subnet":true},{"new":1}]},
				{"name":"Ask","action":"ASK","severity":"CRITICAL","adapters":[{"enabled":1,"name":"n","type":"VPN"}],"applications":[{"name":"a.exe","md5":"AB"}]}],
			"mac":{"baseline_rules":[{"name":"Mac"}]}}}`)
	})
	p, err := s.client(t).FirewallPolicy(t.Context(), "P1")
	require.NoError(t, err)
	require.Contains(t, string(p.JSON), "autoblock_duration")
	p.JSON = nil
	require.Equal(t, FirewallPolicy{
		Policy:          Policy{Name: "Firewall", Enabled: true, Locked: map[string]bool{}},
		WindowsFirewall: "LATER", Protections: map[string]bool{"port_scan": true, "dos": false},
		MacBaseline: []FirewallRule{{Name: "Mac"}},
		Enforced: []FirewallRule{
			{
				RuleState: RuleState{true, "PRIMARY"}, UID: "U1", Name: "Block", Action: "BLOCK", Severity: "3", ScreenSaver: "ANY", LogAction: 1, CapturePacket: true,
				Connections: []FirewallConnection{{
					Enabled: true, Service: "web", Direction: "2", Protocols: []string{"6", "17"},
					Ports: []FirewallPorts{{80, 88, "REMOTE"}, {443, 443, ""}},
				}},
				Hosts: []FirewallHost{
					{"REMOTE", "ip", "10.0.0.1"}, {"", "ip_range", "10.0.0.1-10.0.0.9"}, {"", "ipv4_subnet", "10.0.0.0/255.0.0.0"}, {"", "local_subnet", "true"}, {},
				},
			},
			{
				Name: "Ask", Action: "ASK", Severity: "CRITICAL", Adapters: []FirewallAdapter{{true, "n", "VPN", ""}},
				Applications: []FileDescription{{Name: "a.exe", MD5: "AB"}},
			},
		},
	}, p)
}

func TestNoPolicy(t *testing.T) {
	for _, body := range []string{`{}`, `null`, `[]`, `{"errorCode":"410"}`, ``} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		_, err := s.client(t).FirewallPolicy(t.Context(), "P1")
		require.Equal(t, Temporary, classOf(err), body)
	}
}
