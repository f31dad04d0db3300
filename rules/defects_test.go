package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/rules"
)

// The defects of IBM's two scripts that are about what is made of a mail,
// by their numbers in contract SEPM e-mail §2.1 (Parser) and §2.2 (Generic).
// The others are tested with package parse.

// readMail reads a mail of the corpus.
func readMail(t *testing.T, name string) parse.Alert {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../testdata/mail", name+".eml"))
	require.NoError(t, err)
	return parse.NewReader(parse.Options{}).Read(raw)
}

// guideRules are those of the guide's configuration.
func guideRules() *rules.Rules {
	return rules.New(rules.Options{From: []string{"sepm@example.com"}, Subjects: rules.DefaultSubjects()})
}

// stories are those of an accepted mail.
func stories(t *testing.T, name string) []rules.Story {
	t.Helper()
	a := guideRules().Accept(readMail(t, name))
	require.NotEqual(t, parse.Ignored, a.Status, a.Rule)
	return guideRules().Stories(a, incident.Trust{})
}

func TestIBMParser13TypePhishing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"F01-guide-lf", "F22-fifty-blocks", "F39-unknown-body", "G01-client-security"} {
		for _, s := range stories(t, name) {
			require.NotEmpty(t, s.Incident.Types, name)
			require.NotContains(t, s.Incident.Types, "Phishing", name)
		}
	}
}

// TestIBMParser14SenderContains: the address is compared whole, and not with
// what a sender writes around it; whether it was proven stands on the
// incident.
func TestIBMParser14SenderContains(t *testing.T) {
	t.Parallel()
	for _, from := range []string{
		`"sepm@example.com" <mallory@evil.example>`, "sepm@example.com.evil.example", "xsepm@example.com",
		"sepm@example.com <mallory@evil.example>", "mallory@evil.example (sepm@example.com)",
	} {
		a := parse.NewReader(parse.Options{}).Read([]byte("From: " + from + "\nSubject: Security alert\n\nRisk name: R\nFile path: x\nUser: y\nComputer: z\n"))
		require.Len(t, a.Events, 1)
		got := guideRules().Accept(a)
		require.Equal(t, parse.Ignored, got.Status, from)
		require.Contains(t, got.Rule, "alerts.from", from)
	}
	require.Equal(t, parse.Ignored, guideRules().Accept(readMail(t, "T05-address-in-display-name")).Status)

	story := guideRules().Stories(readMail(t, "T05-failing-authentication"), incident.Trust{})[0]
	require.Contains(t, story.Incident.Description, "sepm@example.com (not proven)")
}

// TestIBMParser15Repeats: what SEPM sends again joins the incident that
// tells it, whatever became of subject, Message-ID and action.
func TestIBMParser15Repeats(t *testing.T) {
	t.Parallel()
	first := stories(t, "T01-first")
	require.Len(t, first, 1)
	past := history{open: map[string]int64{first[0].Key: 7}}
	for _, name := range []string{"T01-again", "T02-resent-later", "T02-other-action", "F38-custom-subject"} {
		joined, err := rules.Correlate(past, stories(t, name))
		require.NoError(t, err)
		require.Len(t, joined, 1, name)
		require.EqualValues(t, 7, joined[0].Joins, name)
	}
	joined, err := rules.Correlate(history{}, stories(t, "T02-resent-later"))
	require.NoError(t, err)
	require.Zero(t, joined[0].Joins, "a closed incident is not opened again")
}

// TestIBMGeneric01SubjectAsKey: alerts that share a subject are different
// stories, and so are those of one mail.
func TestIBMGeneric01SubjectAsKey(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"G01-client-security", "G02-client-security-intrusion", "G04-client-security-sentences", "G05-client-security-several"} {
		for _, s := range stories(t, name) {
			require.Empty(t, seen[s.Key], "the same story as in %s", name)
			seen[s.Key] = name
		}
	}
	require.Len(t, stories(t, "G04-client-security-sentences"), 2, "two attackers")
}

// TestIBMGeneric02SameInfectionAMonthLater: host, risk and action are in the
// subject, the time is not.
func TestIBMGeneric02SameInfectionAMonthLater(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../testdata/mail/F01-guide-lf.eml")
	require.NoError(t, err)
	later := parse.NewReader(parse.Options{}).Read([]byte(strings.ReplaceAll(string(raw), "Feb 28, 2019 3:40", "Mar 28, 2019 3:40")))
	now := stories(t, "F01-guide-lf")
	joined, err := rules.Correlate(history{open: map[string]int64{now[0].Key: 7}}, guideRules().Stories(later, incident.Trust{}))
	require.NoError(t, err)
	require.Len(t, joined, 1)
	require.Equal(t, now[0].Incident.Name, joined[0].Incident.Name)
	require.Zero(t, joined[0].Joins)

	// The other half: an outbreak in one mail keeps its hosts apart, each
	// with its own artifacts.
	outbreak := stories(t, "F22-fifty-blocks")
	require.Len(t, outbreak, 50)
	for _, s := range outbreak {
		computers := 0
		for _, artifact := range s.Artifacts {
			if artifact.Type == incident.SystemName {
				computers++
			}
		}
		require.Equal(t, 1, computers)
	}
}
