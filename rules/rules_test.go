package rules_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/rules"
)

func TestAccept(t *testing.T) {
	t.Parallel()
	r := rules.New(rules.Options{From: []string{"Sepm@Example.com"}, Subjects: rules.DefaultSubjects()})
	event := []parse.Event{{Risk: "Trojan"}}
	tests := map[string]struct {
		alert parse.Alert
		want  parse.Status
		rule  string
	}{
		"known sender and subject":  {parse.Alert{Status: parse.Parsed, From: "sepm@EXAMPLE.com", Subject: "Fwd: single risk event: x", Events: event}, parse.Parsed, ""},
		"custom subject":            {parse.Alert{Status: parse.Partial, From: "sepm@example.com", Subject: "Virus!", Fingerprint: true, Events: event}, parse.Partial, ""},
		"known subject, new body":   {parse.Alert{Status: parse.Unparsed, From: "sepm@example.com", Subject: "Security alert"}, parse.Unparsed, ""},
		"unknown sender":            {parse.Alert{Status: parse.Parsed, From: "x@example.com", Subject: "Security alert", Events: event}, parse.Ignored, "alerts.from"},
		"look-alike sender":         {parse.Alert{Status: parse.Parsed, From: "sepm@example.com.evil.example", Subject: "Security alert", Events: event}, parse.Ignored, "alerts.from"},
		"no alert":                  {parse.Alert{Status: parse.Unparsed, From: "sepm@example.com", Subject: "Lunch"}, parse.Ignored, "alerts.subjects"},
		"operational notice":        {parse.Alert{Status: parse.Unparsed, Kind: parse.ServerHealth, From: "sepm@example.com", Subject: "Security alert", Fingerprint: true}, parse.Ignored, "kind server_health"},
		"operational with an event": {parse.Alert{Status: parse.Parsed, Kind: parse.System, From: "sepm@example.com", Fingerprint: true, Events: event}, parse.Parsed, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := r.Accept(tt.alert)
			require.Equal(t, tt.want, got.Status)
			require.True(t, strings.HasPrefix(got.Rule, tt.rule), got.Rule)
			require.Equal(t, tt.rule == "", got.Rule == "")
		})
	}
}

func TestAcceptAnySenderWithoutConfig(t *testing.T) {
	t.Parallel()
	r := rules.New(rules.Options{Subjects: rules.DefaultSubjects()})
	got := r.Accept(parse.Alert{Status: parse.Parsed, From: "anyone@example.com", Subject: "New Risk Found: x"})
	require.Equal(t, parse.Parsed, got.Status)
}

// history is a view of the past that a test makes up.
type history struct {
	open map[string]int64
	err  error
}

func (h history) OpenIncidentIDs([]string) (map[string]int64, error) { return h.open, h.err }

func TestCorrelate(t *testing.T) {
	t.Parallel()
	r := rules.New(rules.Options{Lookups: true})
	a := parse.Alert{
		Status: parse.Parsed, TimeZone: "assumed UTC", From: "sepm@example.com",
		Events: []parse.Event{
			{Digest: "d1", Risk: "Trojan", Computer: "HOST-1", Outcome: parse.NotRemediated, EventTime: "2019-02-28T03:40:12"},
			{Digest: "d2", Risk: "Worm", Computer: "HOST-2", Outcome: parse.Remediated},
			{Digest: "d1", Risk: "Trojan", Computer: "HOST-1"},
			{Digest: "d3", Risk: "Worm"},
		},
		Artifacts: []parse.Artifact{
			{Type: "System Name", Value: "HOST-1", Event: 0},
			{Type: "System Name", Value: "HOST-2", Event: 1},
			{Type: "System Name", Value: "HOST-1", Event: 2},
		},
	}
	stories, err := rules.Correlate(history{open: map[string]int64{"d2": 7}}, r.Stories(a, incident.Trust{}))
	require.NoError(t, err)
	require.Len(t, stories, 3, "events with one digest are one story")

	require.Equal(t, "d1", stories[0].Key)
	require.Zero(t, stories[0].Joins)
	require.Equal(t, []int{0, 2}, stories[0].Events)
	require.Equal(t, "SEP: Trojan on HOST-1", stories[0].Incident.Name)
	require.Equal(t, "High", stories[0].Incident.Severity)
	require.Equal(t, time.Date(2019, 2, 28, 3, 40, 12, 0, time.UTC), stories[0].Incident.Discovered)
	require.Equal(t, []incident.Artifact{{Type: incident.SystemName, Value: "HOST-1", Description: "From the SEPM alert"}}, stories[0].Artifacts)
	require.Equal(t, []incident.Run{{Action: incident.EndpointDetails, Subject: incident.Subject{Artifact: &incident.Artifact{Type: incident.SystemName, Value: "HOST-1"}}}}, stories[0].Runs)

	require.EqualValues(t, 7, stories[1].Joins)
	require.Equal(t, "Low", stories[1].Incident.Severity)
	require.Empty(t, stories[2].Runs, "an event without a computer starts no look-up")
}

func TestCorrelateWithoutSEPM(t *testing.T) {
	t.Parallel()
	stories := rules.New(rules.Options{}).Stories(parse.Alert{
		Events: []parse.Event{{Digest: "d", Computer: "HOST"}},
	}, incident.Trust{})
	require.Empty(t, stories[0].Runs)
}

func TestCorrelateUnparsed(t *testing.T) {
	t.Parallel()
	r := rules.New(rules.Options{Lookups: true})
	correlate := func(a parse.Alert) rules.Story {
		stories := r.Stories(a, incident.Trust{Proven: true, By: "dkim"})
		require.Len(t, stories, 1)
		return stories[0]
	}
	a := parse.Alert{Status: parse.Unparsed, Subject: "Security alert", Text: "port scan from <b>10.0.0.1</b>\n", From: "s@example.com"}
	story := correlate(a)
	require.Empty(t, story.Events)
	require.Contains(t, story.Incident.Description, "port scan from &lt;b&gt;10.0.0.1&lt;/b&gt;")
	require.Contains(t, story.Incident.Description, "proven by dkim")

	a.MessageID = "another mail"
	require.Equal(t, story.Key, correlate(a).Key, "the same text is the same story")
	a.Text = "something else"
	require.NotEqual(t, story.Key, correlate(a).Key)
}

func TestCorrelateFailsWithItsView(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	_, err := rules.Correlate(history{err: broken}, []rules.Story{{Key: "k"}})
	require.ErrorIs(t, err, broken)
}

func TestDescriptionIsSafeAndInTheGuidesOrder(t *testing.T) {
	t.Parallel()
	a := parse.Alert{TimeZone: "assumed UTC", From: "sepm@example.com", Warnings: []string{"line 3: <odd>"}, Events: []parse.Event{{
		Digest: "d", Risk: "<script>alert(1)</script>", FilePath: "C:\\a\u202egpj.exe", Computer: "H & M", User: "a\x1b[31m",
		ClientGroup: `My Company\G`, Action: "Left alone", EventTime: "2019-02-28T03:40:12",
	}}}
	stories := rules.New(rules.Options{Lookups: true}).Stories(a, incident.Trust{})
	got := stories[0].Incident.Description
	require.Contains(t, got, "H &amp; M: see the table &#34;Symantec SEP - Endpoint details&#34;, or a note")
	require.NotContains(t, got, "<script")
	require.NotContains(t, got, "\u202e")
	require.NotContains(t, got, "\x1b")
	require.Contains(t, got, "2019-02-28 03:40:12 (assumed UTC)")
	last := -1
	for _, label := range []string{"Risk name", "File path", "Event time", "User", "Computer", "Client Group", "Action taken on risk", "Sender", "Looked up in SEPM", "Reading"} {
		at := strings.Index(got, "<b>"+label+":</b>")
		require.Greater(t, at, last, label)
		last = at
	}
}

func TestNameIsBoundedAndClean(t *testing.T) {
	t.Parallel()
	stories := rules.New(rules.Options{}).Stories(parse.Alert{Events: []parse.Event{
		{Digest: "d1", Risk: strings.Repeat("ü", 500), Computer: "HOST"},
		{Digest: "d2", Risk: "\x1b[2Jfoo\u202egpj.exe", Computer: "HO\nST"},
	}}, incident.Trust{})
	require.Len(t, []rune(stories[0].Incident.Name), 201)
	require.Equal(t, "SEP: \ufffd[2Jfoo\ufffdgpj.exe on HO ST", stories[1].Incident.Name)
}

func TestSeverityNeverFallsForWhatIsUnknown(t *testing.T) {
	t.Parallel()
	want := map[parse.Outcome]string{
		parse.Remediated: "Low", parse.Informational: "Low",
		parse.KeptCopy: "Medium", parse.Pending: "Medium", parse.UnknownResult: "Medium", "new in 15": "Medium",
		parse.NotRemediated: "High", parse.Allowed: "High",
	}
	for outcome, severity := range want {
		stories := rules.New(rules.Options{}).Stories(parse.Alert{Events: []parse.Event{{Outcome: outcome}}}, incident.Trust{})
		require.Equal(t, severity, stories[0].Incident.Severity, outcome)
	}
}
