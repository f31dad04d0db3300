package sepclient

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChooseAServer(t *testing.T) {
	servers, err := NewServers(
		Server{Name: "main", URL: "https://sepm.example.com:8446", Domain: "Default"},
		Server{Name: "main-branch", URL: "https://sepm.example.com:8446", Domain: "Branch"},
		Server{Name: "other", URL: "https://10.0.0.7:8446", Domain: "Default", Hosts: []string{"SEPM-7", "sepm-8.example.com"}},
		Server{Name: "own", URL: "https://sepm9:8446"},
	)
	require.NoError(t, err)
	for alert, want := range map[[2]string]string{
		{"", ""}:                              "main",
		{"Nowhere", "UNKNOWN"}:                "main",
		{"default", "SEPM"}:                   "main",
		{"Branch", "SEPM"}:                    "main-branch",
		{"branch", "sepm.EXAMPLE.com"}:        "main-branch",
		{"Branch", "UNKNOWN"}:                 "main-branch", // the domain alone
		{"Default", "sepm-7"}:                 "other",
		{"Branch", "SEPM-8.example.com"}:      "other", // the server before the domain
		{"Default", "10.0.0.7"}:               "other",
		{"Default", "10"}:                     "main", // no name of an address
		{"Default", "SEPM9"}:                  "own",
		{"Nowhere", "sepm.other.example.com"}: "main",
	} {
		require.Equal(t, want, servers.Choose(alert[0], alert[1]).Name, "%q", alert)
	}
	require.Equal(t, "main", servers.Default().Name)
	require.Len(t, servers.All(), 4)
	own, found := servers.Named("own")
	require.True(t, found)
	require.Equal(t, "https://sepm9:8446", own.URL)
	_, found = servers.Named("Own")
	require.False(t, found)
}

func TestNoServers(t *testing.T) {
	_, err := NewServers()
	require.ErrorContains(t, err, "there is no server")
	_, err = NewServers(Server{Name: "a"}, Server{Name: "a"})
	require.ErrorContains(t, err, `two servers are named "a"`)
}
