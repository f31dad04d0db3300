package main

import (
	"os"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/config"
)

// TestUnit holds the systemd unit to the program and to the configuration
// that "sepwatch check --example" prints.
func TestUnit(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../contrib/systemd/sepwatch.service")
	require.NoError(t, err)
	text := string(data)
	require.NotContains(t, readUnit(t, text), "LoadCredential", "the credentials are a choice")
	// What stands there as a choice is held to the program too.
	settings := readUnit(t, strings.ReplaceAll(text, "#LoadCredential", "LoadCredential"))

	require.Len(t, settings["ExecStart"], 1)
	command := strings.Fields(settings["ExecStart"][0])
	require.Equal(t, "sepwatch", path.Base(command[0]))
	cmd, rest, err := newRoot().Find(command[1:])
	require.NoError(t, err)
	require.Equal(t, "run", cmd.Name())
	require.NoError(t, cmd.ParseFlags(rest))
	require.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()))
	file, err := cmd.Flags().GetString("config")
	require.NoError(t, err)
	require.Contains(t, text, "sepwatch check --example >"+file)
	require.Contains(t, text, " sepwatch "+command[0], "where it is installed")

	require.Equal(t, []string{"notify"}, settings["Type"])
	require.Equal(t, []string{"/bin/kill -HUP $MAINPID"}, settings["ExecReload"])
	require.Equal(t, []string{strconv.Itoa(exitUsage)}, settings["RestartPreventExitStatus"])

	// The ledger's folder is the one that may be written, and the files that
	// are named are those of the example, or its credentials.
	pem, err := os.ReadFile("testdata/ca.pem")
	require.NoError(t, err)
	var read []string
	c, err := config.Parse(file, config.Example(), config.LoadOptions{ReadFile: func(path string) ([]byte, error) {
		if strings.HasSuffix(path, ".pem") {
			return pem, nil
		}
		read = append(read, path)
		return []byte("secret"), nil
	}})
	require.NoError(t, err)
	require.Equal(t, settings["StateDirectory"], []string{path.Base(path.Dir(c.Ledger.Path))})
	require.Equal(t, "/var/lib", path.Dir(path.Dir(c.Ledger.Path)))
	var credentials []string
	for _, credential := range settings["LoadCredential"] {
		name, from, _ := strings.Cut(credential, ":")
		require.Equal(t, path.Base(from), name)
		credentials = append(credentials, from)
	}
	require.ElementsMatch(t, read, credentials)
}

func readUnit(t *testing.T, text string) map[string][]string {
	t.Helper()
	options, err := unit.DeserializeOptions(strings.NewReader(text))
	require.NoError(t, err)
	settings := make(map[string][]string)
	for _, o := range options {
		settings[o.Name] = append(settings[o.Name], o.Value)
	}
	return settings
}
