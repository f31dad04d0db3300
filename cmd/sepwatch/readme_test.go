package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/config"
)

// TestReadme holds the README to what it shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	readme := string(data)

	_, yaml, found := strings.Cut(readme, "```yaml\n")
	require.True(t, found)
	yaml, _, _ = strings.Cut(yaml, "```")
	pem, err := os.ReadFile("testdata/ca.pem")
	require.NoError(t, err)
	_, err = config.Parse("sepwatch.yaml", []byte(yaml), config.LoadOptions{ReadFile: func(path string) ([]byte, error) {
		if strings.HasSuffix(path, ".pem") {
			return pem, nil
		}
		return []byte("secret\n"), nil
	}})
	require.NoError(t, err)

	var stdout, stderr bytes.Buffer
	require.Zero(t, execute([]string{"demo", "--exit"}, strings.NewReader(""), &stdout, &stderr), stderr.String())
	shown := regexp.MustCompile(`(?m)^10 mails became .*$`)
	seconds := regexp.MustCompile(`in [0-9.]+ s`)
	require.Equal(t,
		seconds.ReplaceAllString(shown.FindString(readme), "in X s"),
		seconds.ReplaceAllString(shown.FindString(stdout.String()), "in X s"))

	for _, c := range newRoot().Commands() {
		if c.Name() != "completion" && c.Name() != "help" {
			require.Contains(t, readme, "`sepwatch "+c.Name(), "the command is not in the README")
		}
	}
}
