package acceptance

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// lines are those that contain every part.
func (j *journal) lines(parts ...string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

// TestRemoteProblemsAreOneClearLine starts the daemon with one thing wrong
// each time: the log says what, where and what to do, and nothing is
// hammered.
func TestRemoteProblemsAreOneClearLine(t *testing.T) {
	t.Parallel()
	inbox, err := mailbox.New(mailbox.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inbox.Close()) })
	platform, manager := soar.New(soar.Options{}), sepm.New(sepm.Options{})
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	soarHTTP, err := serve.Start("127.0.0.1:0", &cert, platform)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, soarHTTP.Close()) })
	sepmHTTP, err := serve.Start("127.0.0.1:0", &cert, manager)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sepmHTTP.Close()) })
	_, otherCA, err := serve.SelfSigned()
	require.NoError(t, err)
	_, err = inbox.Append(alert(sepm.Computer{Name: "HOST-1"}), time.Now())
	require.NoError(t, err)

	good := map[string]string{
		"MAIL": inbox.Address(), "MAILPW": "demo", "MAILCA": "mail.pem",
		"SEPM": sepmHTTP.URL(), "SEPMPW": "admin", "SEPMCA": "http.pem",
		"SOAR": soarHTTP.URL(), "SOARPW": "demo", "SOARCA": "http.pem", "ORG": "Demo",
	}
	const template = `
mailboxes: [{name: soc, url: "imaps://demo@MAIL/INBOX", password: "MAILPW", ca_file: MAILCA, start: all}]
alerts: {from: [sepm@example.com]}
sepm: [{name: main, url: "SEPM", username: admin, password: "SEPMPW", ca_file: SEPMCA, timeout: 2s, requests_per_minute: 0}]
resilient: {url: "SOAR", org: ORG, api_key_id: demo, api_key_secret: "SOARPW", ca_file: SOARCA, timeout: 2s}
ledger: {path: ledger.db}
`
	tests := map[string]struct {
		wrong map[string]string
		want  []string // in one line of the log
		// slow is whether a second try within the test would be hammering.
		slow bool
	}{
		"mailbox password":     {map[string]string{"MAILPW": "wr0ng"}, []string{"soc", inbox.Address(), "log in", "password"}, true},
		"mailbox certificate":  {map[string]string{"MAILCA": "other.pem"}, []string{"soc", "in ca_file"}, false},
		"mailbox unreachable":  {map[string]string{"MAIL": "127.0.0.1:1"}, []string{"soc", "127.0.0.1:1", "check host and port"}, false},
		"resilient secret":     {map[string]string{"SOARPW": "wr0ng"}, []string{"Resilient", "401", "retry_in"}, true},
		"resilient org":        {map[string]string{"ORG": "Acme"}, []string{"Resilient", "Acme", "resilient.org"}, true},
		"resilient untrusted":  {map[string]string{"SOARCA": "other.pem"}, []string{"Resilient", "ca_file"}, false},
		"resilient no answer":  {map[string]string{"SOAR": "https://127.0.0.1:1"}, []string{"Resilient", "127.0.0.1:1", "connection refused"}, false},
		"sepm password":        {map[string]string{"SEPMPW": "wr0ng"}, []string{"SEPM", "401", "retry_in"}, true},
		"sepm untrusted":       {map[string]string{"SEPMCA": "other.pem"}, []string{"SEPM", "ca_file"}, false},
		"sepm does not answer": {map[string]string{"SEPM": "https://127.0.0.1:1"}, []string{"SEPM", "127.0.0.1:1", "connection refused"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			text := template
			for key, value := range good {
				if wrong, ok := tt.wrong[key]; ok {
					value = wrong
				}
				text = replaceWord(text, key, value)
			}
			for file, data := range map[string][]byte{"mail.pem": inbox.CAPEM(), "http.pem": ca, "other.pem": otherCA, "c.yaml": []byte(text)} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), data, 0o600))
			}
			c, err := config.Load(filepath.Join(dir, "c.yaml"), config.LoadOptions{})
			require.NoError(t, err)
			var log journal
			a, err := app.New(t.Context(), app.Options{Config: c, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			require.NoError(t, err)
			a.Start()
			require.Eventually(t, func() bool { return len(log.lines(tt.want...)) > 0 }, 20*time.Second, 20*time.Millisecond)
			require.NoError(t, a.Stop())
			if tt.slow {
				require.Len(t, log.lines(tt.want...), 1)
			}
			require.Empty(t, log.lines("wr0ng"), "a password is in the log")
		})
	}
}

// replaceWord replaces a word of capitals, not a part of a longer one.
func replaceWord(text, word, value string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, word)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		if after != "" && after[0] >= 'A' && after[0] <= 'Z' {
			out.WriteString(word)
		} else {
			out.WriteString(value)
		}
		text = after
	}
}

func TestSecondDaemonOnOneLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
mailboxes: [{name: soc, url: "imap://demo@127.0.0.1:1/INBOX", password: x}]
alerts: {from: [sepm@example.com]}
resilient: {url: "http://127.0.0.1:1", org: Demo, api_key_id: demo, api_key_secret: demo}
ledger: {path: ledger.db}
`), 0o600))
	c, err := config.Load(path, config.LoadOptions{})
	require.NoError(t, err)
	first, err := app.New(context.Background(), app.Options{Config: c, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, first.Stop()) }()

	binary, err := program()
	require.NoError(t, err)
	var stderr bytes.Buffer
	second := exec.Command(binary, "run", "-c", path)
	second.Stderr = &stderr
	require.Error(t, second.Run())
	require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
	require.Contains(t, stderr.String(), "ledger.path: ")
	t.Log(stderr.String())
	require.Contains(t, stderr.String(), filepath.Join(dir, "ledger.db"))
}
