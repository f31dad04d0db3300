package config

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// TestSecretsNeverShow prints a configuration in every way there is.
func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	c := read(t, `
mailboxes: [{name: a, url: imaps://u@h/INBOX, password: hunter2, proxy: "socks5://hunter2:x@p"}]
alerts: {from: [sepm@example.com]}
sepm: [{name: a, url: https://h, username: u, password: hunter2, proxy: "http://u:hunter2@p:3128"}]
resilient: {url: https://h, org: o, api_key_id: i, api_key_secret: hunter2, proxy: "https://u:hunter2@p"}
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
		fmt.Fprintf(&out, "%"+verb+"\n", &c.SEPM[0].Proxy)
	}
	require.NoError(t, json.NewEncoder(&out).Encode(c))
	require.NoError(t, json.NewEncoder(&out).Encode(map[string]any{"postgres": &c.Ledger.Postgres}))
	require.NoError(t, yaml.NewEncoder(&out).Encode(c))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("loaded", "config", c, "value", *c, "secret", c.Resilient.APIKeySecret, "proxy", c.Resilient.Proxy)
	}

	require.NotContains(t, out.String(), "hunter2")
	require.NotContains(t, out.String(), hex.EncodeToString([]byte("hunter2")))
	require.NotContains(t, out.String(), fmt.Sprint([]byte("hunter2")))
}

// TestSecretsAreOneLineOfText holds secrets in files, in variables and in the
// configuration itself to the same.
func TestSecretsAreOneLineOfText(t *testing.T) {
	t.Parallel()
	for text, problem := range map[string]string{
		"hunter2":            "",
		" hunter 2\t":        "",
		"пароль":             "",
		"hunter2\x00":        "is not text",
		"hunter2\xff":        "is not text",
		"\xff\xfeh\x00u\x00": "is not text", // UTF-16, as Windows editors write
		"hunter2\nhunter2":   "has more than one line",
		"hunter2\rhunter2":   "has more than one line",
		"hunter2\n\n":        "has more than one line",
		"hunter2\r\n\r\n":    "has more than one line",
		" \t":                "holds nothing but blanks",
		"\n\n ":              "holds nothing but blanks",
		"\u00a0":             "holds nothing but blanks",
	} {
		opts := stubs()
		opts.ReadFile = func(string) ([]byte, error) { return []byte(text + "\n"), nil }
		opts.Getenv = func(name string) (string, bool) { return text, name == "SECRET" }
		for _, setting := range []string{"password_file: /pw", `password: "${SECRET}"`} {
			c, err := Parse("f", []byte(strings.Replace(good, "password: hunter2", setting, 1)), opts)
			if problem == "" {
				require.NoError(t, err, "%s %q", setting, text)
				require.Equal(t, text, c.Mailboxes[0].Password.Reveal())
				continue
			}
			require.ErrorContains(t, err, problem, "%s %q", setting, text)
			require.NotContains(t, err.Error(), "hunter")
			requirePlaced(t, err)
		}
	}
	for _, written := range []string{`"hunter2\0"`, "|\n      hunter2\n", `" "`} {
		_, err := Parse("f", []byte(strings.Replace(good, "password: hunter2", "password: "+written, 1)), stubs())
		requirePlaced(t, err)
		require.NotContains(t, err.Error(), "hunter")
	}
}
