package connect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/proxy"
)

// Only on Linux can a test say who the system's authorities are.
func TestThroughAProxyOverTLS(t *testing.T) {
	server := greets(t)
	p := stand(t, proxy.Options{Certificate: &authority, Username: "u", Password: "p"})
	conn, err := through(t, "https://u:p@"+p.Address())(t.Context(), "tcp", server)
	require.NoError(t, err)
	requireTunnel(t, conn)
	require.Equal(t, []string{server}, p.Targets())
}
