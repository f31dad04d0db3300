package config

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// TestSecretsNeverShow prints a configuration in every way there is.
func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	c := parse(t, `
mailboxes: [{name: a, url: imaps://u@h/INBOX, password: hunter2}]
alerts: {from: [sepm@example.com]}
sepm: [{name: a, url: https://h, username: u, password: hunter2}]
resilient: {url: https://h, org: o, api_key_id: i, api_key_secret: hunter2}
ledger: {postgres: postgres://u:hunter2@h/db}
`)
	require.Equal(t, "hunter2", c.Mailboxes[0].Password.Reveal())

	var out bytes.Buffer
	require.NoError(t, c.Print(&out))
	require.Contains(t, out.String(), mask)
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "o", "U", "c", "5.3s"} {
		fmt.Fprintf(&out, "%"+verb+"\n", c)
		fmt.Fprintf(&out, "%"+verb+"\n", *c)
		fmt.Fprintf(&out, "%"+verb+"\n", c.Mailboxes[0].Password)
		fmt.Fprintf(&out, "%"+verb+"\n", &c.SEPM[0].Password)
	}
	require.NoError(t, json.NewEncoder(&out).Encode(c))
	require.NoError(t, json.NewEncoder(&out).Encode(map[string]any{"postgres": &c.Ledger.Postgres}))
	require.NoError(t, yaml.NewEncoder(&out).Encode(c))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("loaded", "config", c, "value", *c, "secret", c.Resilient.APIKeySecret)
	}

	require.NotContains(t, out.String(), "hunter2")
	require.NotContains(t, out.String(), hex.EncodeToString([]byte("hunter2")))
	require.NotContains(t, out.String(), fmt.Sprint([]byte("hunter2")))
}
