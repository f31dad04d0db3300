package parse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
)

func TestWhitelist(t *testing.T) {
	t.Parallel()
	w, err := parse.NewWhitelist(
		[]string{"192.168.194.93", "10.0.0.0/8", "2002:835:c36d::946:c25d/128", "::ffff:172.16.0.0/108"},
		[]string{"*.sepmdomain.com", "Example.COM", "SEPM-SERVER"})
	require.NoError(t, err)
	for _, test := range []struct {
		kind  incident.ArtifactType
		value string
		want  bool
	}{
		{incident.IPAddress, "192.168.194.93", true},
		{incident.IPAddress, "192.168.194.94", false},
		{incident.IPAddress, "10.255.0.1", true},
		{incident.IPAddress, "::ffff:10.0.0.1", true},
		{incident.IPAddress, "172.31.255.255", true},
		{incident.IPAddress, "2002:835:c36d:0::946:c25d", true},
		{incident.IPAddress, "2002:835:c36d:0::946:c25e", false},
		{incident.SystemName, "sepm-server", true},
		{incident.SystemName, "SEPM-SERVER2", false},
		{incident.SystemName, "sepm-server.example.org", false},
		{incident.SystemName, "host.sepmdomain.com", true},
		{incident.DNSName, "sepmdomain.com.", true},
		{incident.DNSName, "notsepmdomain.com", false},
		{incident.DNSName, "a.b.example.com", true},
		{incident.DNSName, "com", false},
		{incident.URL, "https://www.Example.com:8443/x", true},
		{incident.URL, "http://10.1.2.3/x", true},
		{incident.URL, "http://[2002:835:c36d::946:c25d]/x", true},
		{incident.URL, "http://evil.test/?example.com", false},
		{incident.URL, "::not a url::", false},
		{incident.FileName, "SEPM-SERVER", false},
		{incident.UserAccount, "sepm-server", false},
	} {
		require.Equal(t, test.want, w.Covers(test.kind, test.value), "%s %s", test.kind, test.value)
	}
	var none *parse.Whitelist
	require.False(t, none.Covers(incident.IPAddress, "10.0.0.1"))
}

func TestWhitelistErrors(t *testing.T) {
	t.Parallel()
	networks := []string{"", "10.0.0.0/33", "10.0.0", "10.0.0.1-10.0.0.9", "fe80::1%eth0", "::ffff:0:0/90", "example.com"}
	domains := []string{"", "*", "*.", "a.*.com", "http://x.com", "x.com:80", "10.0.0.1", "a..b", "two words"}
	_, err := parse.NewWhitelist(networks, domains)
	require.Error(t, err)
	require.Len(t, strings.Split(err.Error(), "\n"), len(networks)+len(domains), "every bad entry is named:\n%s", err)
}

// TestWhitelistArtifacts: the guide's whitelist keeps SEPM's own address and
// host out of the artifacts, and in the event.
func TestWhitelistArtifacts(t *testing.T) {
	t.Parallel()
	w, err := parse.NewWhitelist([]string{"192.168.194.94/32"}, []string{"test-endpoint"})
	require.NoError(t, err)
	a := parse.NewReader(parse.Options{Whitelist: w}).Read(guide(t))
	for _, artifact := range a.Artifacts {
		require.NotContains(t, []string{"System Name", "IP Address"}, artifact.Type)
	}
	require.Len(t, a.Artifacts, 4)
	require.Equal(t, "TEST-ENDPOINT", a.Events[0].Computer)
	require.Equal(t, []string{"192.168.194.94"}, a.Events[0].IPAddresses)
}
