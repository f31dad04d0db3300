package parse_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
)

func TestWhitelist(t *testing.T) {
	t.Parallel()
	w, err := parse.NewWhitelist(parse.WhitelistEntries{
		Networks: []string{"192.168.194.93", "10.0.0.0/8", "2002:835:c36d::946:c25d/128", "::ffff:172.16.0.0/108", "192.0.2.5 - 192.0.2.9", "2001:db8::1-2001:db8::ff"},
		Domains:  []string{"*.sepmdomain.com", "Example.COM", "SEPM-SERVER", "lab-*", "web*.bücher.example", "*-srv.corp.local"},
	}, parse.WhitelistEntries{
		Networks: []string{"203.0.113.0/24"}, Domains: []string{"cdn.example.net"}, Types: []incident.ArtifactType{incident.URL},
	})
	require.NoError(t, err)
	for _, test := range []struct {
		kind  incident.ArtifactType
		value string
		entry string
	}{
		{incident.IPAddress, "192.168.194.93", "192.168.194.93"},
		{incident.IPAddress, "192.168.194.94", ""},
		{incident.IPAddress, "10.255.0.1", "10.0.0.0/8"},
		{incident.IPAddress, "::ffff:10.0.0.1", "10.0.0.0/8"},
		{incident.IPAddress, "172.31.255.255", "::ffff:172.16.0.0/108"},
		{incident.IPAddress, "2002:835:c36d:0::946:c25d", "2002:835:c36d::946:c25d/128"},
		{incident.IPAddress, "2002:835:c36d:0::946:c25e", ""},
		{incident.IPAddress, "192.0.2.5", "192.0.2.5 - 192.0.2.9"},
		{incident.IPAddress, "192.0.2.9", "192.0.2.5 - 192.0.2.9"},
		{incident.IPAddress, "192.0.2.4", ""},
		{incident.IPAddress, "192.0.2.10", ""},
		{incident.IPAddress, "2001:db8::42", "2001:db8::1-2001:db8::ff"},
		{incident.IPAddress, "2001:db8::100", ""},
		{incident.IPAddress, "203.0.113.1", ""},
		{incident.SystemName, "sepm-server", "SEPM-SERVER"},
		{incident.SystemName, "SEPM-SERVER2", ""},
		{incident.SystemName, "sepm-server.example.org", ""},
		{incident.SystemName, "LAB-12", "lab-*"},
		{incident.SystemName, "lab-12.example.org", ""},
		{incident.SystemName, "mylab-12", ""},
		{incident.SystemName, "mail-srv.corp.local", "*-srv.corp.local"},
		{incident.SystemName, "host.sepmdomain.com", "*.sepmdomain.com"},
		{incident.DNSName, "sepmdomain.com.", "*.sepmdomain.com"},
		{incident.DNSName, "notsepmdomain.com", ""},
		{incident.DNSName, "example.com", "Example.COM"},
		{incident.DNSName, "a.b.example.com", ""},
		{incident.DNSName, "web7.xn--bcher-kva.example", "web*.bücher.example"},
		{incident.DNSName, "com", ""},
		{incident.DNSName, "cdn.example.net", ""},
		{incident.URL, "https://cdn.example.net/x", "cdn.example.net"},
		{incident.URL, "http://203.0.113.9/x", "203.0.113.0/24"},
		{incident.URL, "https://www.Example.com:8443/x", ""},
		{incident.URL, "https://Example.com:8443/x", "Example.COM"},
		{incident.URL, "http://10.1.2.3/x", "10.0.0.0/8"},
		{incident.URL, "http://[2002:835:c36d::946:c25d]/x", "2002:835:c36d::946:c25d/128"},
		{incident.URL, "http://evil.test/?example.com", ""},
		{incident.URL, "::not a url::", ""},
		{incident.EmailSender, "a@sub.sepmdomain.com", "*.sepmdomain.com"},
		{incident.FileName, "SEPM-SERVER", ""},
		{incident.UserAccount, "sepm-server", ""},
	} {
		entry, covered := w.Covers(test.kind, test.value)
		require.Equal(t, test.entry, entry, "%s %s", test.kind, test.value)
		require.Equal(t, test.entry != "", covered, "%s %s", test.kind, test.value)
	}
	var none *parse.Whitelist
	_, covered := none.Covers(incident.IPAddress, "10.0.0.1")
	require.False(t, covered)
}

func TestWhitelistErrors(t *testing.T) {
	t.Parallel()
	networks := []string{
		"", "10.0.0.0/33", "10.0.0", "fe80::1%eth0", "::ffff:0:0/90", "example.com",
		"0.0.0.0/0", "::/0", "::ffff:0:0/96", "127.0.0.0/8", "::1", "0.0.0.0", // all, and none
		"10.0.0.5/8", "10.0.0.9-10.0.0.1", "10.0.0.1-", "10.0.0.1-::1", "0.0.0.0-255.255.255.255", "127.0.0.1-127.0.0.9",
	}
	domains := []string{
		"", "*", "*.", "*.*", "*.com", "*.co.uk", "*.a.*.com", "http://x.com", "x.com:80", "10.0.0.1", "a..b", "two words", "-x.com",
	}
	_, err := parse.NewWhitelist(parse.WhitelistEntries{Networks: networks, Domains: domains})
	require.Error(t, err)
	for _, entry := range networks {
		require.ErrorContains(t, err, fmt.Sprintf("whitelist network %q: ", entry))
		require.Error(t, parse.CheckNetwork(entry), entry)
	}
	for _, entry := range domains {
		require.ErrorContains(t, err, fmt.Sprintf("whitelist domain %q: ", entry))
		require.Error(t, parse.CheckDomain(entry), entry)
	}
	for _, list := range []parse.WhitelistEntries{
		{Types: []incident.ArtifactType{incident.FilePath}, Domains: []string{"x.com"}},
		{Types: []incident.ArtifactType{incident.IPAddress}, Domains: []string{"x.com"}},
		{Types: []incident.ArtifactType{incident.SystemName}, Networks: []string{"10.0.0.1"}},
	} {
		_, err := parse.NewWhitelist(list)
		require.ErrorContains(t, err, fmt.Sprintf("whitelist type %q", list.Types[0]))
	}
}

// TestWhitelistArtifacts: the guide's whitelist keeps SEPM's own address and
// host out of the artifacts, and in the event.
func TestWhitelistArtifacts(t *testing.T) {
	t.Parallel()
	w, err := parse.NewWhitelist(parse.WhitelistEntries{Networks: []string{"192.168.194.94/32"}, Domains: []string{"test-endpoint"}})
	require.NoError(t, err)
	a := parse.NewReader(parse.Options{Whitelist: w}).Read(guide(t))
	for _, artifact := range a.Artifacts {
		require.NotContains(t, []string{"System Name", "IP Address"}, artifact.Type)
	}
	require.Len(t, a.Artifacts, 4)
	require.Equal(t, []parse.Whitelisted{
		{Type: "System Name", Value: "TEST-ENDPOINT", Entry: "test-endpoint"},
		{Type: "IP Address", Value: "192.168.194.94", Entry: "192.168.194.94/32"},
	}, a.Whitelisted)
	require.Equal(t, "TEST-ENDPOINT", a.Events[0].Computer)
	require.Equal(t, []string{"192.168.194.94"}, a.Events[0].IPAddresses)
}

func TestWhitelistCoversOtherAlphabets(t *testing.T) {
	t.Parallel()
	w, err := parse.NewWhitelist(parse.WhitelistEntries{Domains: []string{"*.b\u00fccher.example"}})
	require.NoError(t, err)
	for kind, value := range map[incident.ArtifactType]string{
		incident.URL:        "https://www.B\u00dcCHER.example:8443/x",
		incident.SystemName: "pc.b\u00fccher.example",
		incident.DNSName:    "xn--bcher-kva.example",
	} {
		_, covered := w.Covers(kind, value)
		require.True(t, covered, value)
	}
}

func TestWhitelistFromZeroToLoopbackHoldsHosts(t *testing.T) {
	t.Parallel()
	require.NoError(t, parse.CheckNetwork("0.0.0.0/1"))
	require.NoError(t, parse.CheckNetwork("0.0.0.0-127.0.0.1"))
	for _, entry := range []string{"0.0.0.0", "127.0.0.0/8", "127.0.0.1-127.0.0.9", "::/127", "::1"} {
		require.ErrorContains(t, parse.CheckNetwork(entry), "can never match", entry)
	}
}
