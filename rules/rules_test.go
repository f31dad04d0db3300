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
		"nothing known":             {parse.Alert{Status: parse.Unparsed, From: "sepm@example.com", Subject: "Virus gefunden"}, parse.Unparsed, ""},
		"a report with events":      {parse.Alert{Status: parse.Parsed, Kind: parse.Report, From: "sepm@example.com", Fingerprint: true, Events: event}, parse.Ignored, "kind report"},
		"an unmanaged computer":     {parse.Alert{Status: parse.Unparsed, Kind: parse.Unmanaged, From: "sepm@example.com"}, parse.Unparsed, ""},
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

func TestAcceptByConfig(t *testing.T) {
	t.Parallel()
	r := rules.New(rules.Options{From: []string{"sepm@example.com"}, Open: []parse.Kind{parse.Licence}, IgnoreUnknown: true})
	mail := parse.Alert{Status: parse.Unparsed, From: "sepm@example.com", Subject: "Lunch"}
	require.Contains(t, r.Accept(mail).Rule, "alerts.unknown")
	mail.Kind = parse.Definitions
	require.Contains(t, r.Accept(mail).Rule, "alerts.open")
	mail.Kind = parse.Licence
	got := r.Accept(mail)
	require.Equal(t, parse.Unparsed, got.Status)
	require.Equal(t, []string{"sender: sepm@example.com is listed in alerts.from", "kind: licence is listed in alerts.open"}, got.Signals)
	require.Empty(t, mail.Signals)
}

func TestAcceptAnySenderWithoutConfig(t *testing.T) {
	t.Parallel()
	r := rules.New(rules.Options{Subjects: rules.DefaultSubjects()})
	got := r.Accept(parse.Alert{Status: parse.Parsed, From: "anyone@example.com", Subject: "New Risk Found: x"})
	require.Equal(t, parse.Parsed, got.Status)
	got = r.Accept(parse.Alert{Status: parse.Unparsed, From: "anyone@example.com", Subject: "Lunch"})
	require.Contains(t, got.Rule, "alerts.subjects", "nothing says that SEPM wrote it")
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
			{Digest: "d1", Risk: "Trojan", Computer: "HOST-1", Outcome: parse.NotRemediated, EventTime: "2019-02-28T03:40:12", EventTimeUTC: "2019-02-28T03:40:12Z"},
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
	a.Subject = "RE: [EXTERNAL]  Security alert"
	require.Equal(t, story.Key, correlate(a).Key, "what a relay puts before a subject is no other story")
	a.Text = "something else"
	require.NotEqual(t, story.Key, correlate(a).Key)
}

// TestNoticesRepeat: a server in a poor way says so every few hours.
func TestNoticesRepeat(t *testing.T) {
	t.Parallel()
	key := func(kind parse.Kind, text string) string {
		return rules.New(rules.Options{}).Stories(parse.Alert{Kind: kind, Subject: "Server Health Alert", Text: text}, incident.Trust{})[0].Key
	}
	const first = "Server c95648v1 health status: poor.\nStatus reported on Jun 26, 2024 7:02:34 AM."
	later := strings.Replace(first, "Jun 26, 2024 7:02:34 AM", "Jul 8, 2024, 10:54:58\u202fPM PDT", 1)
	other := strings.Replace(first, "c95648v1", "c95648v2", 1)
	require.Equal(t, key(parse.ServerHealth, first), key(parse.ServerHealth, later))
	require.NotEqual(t, key(parse.ServerHealth, first), key(parse.ServerHealth, other))
	require.NotEqual(t, key(parse.Unknown, first), key(parse.Unknown, later), "of a text that is not known nothing is left out")
}

func TestCorrelateText(t *testing.T) {
	t.Parallel()
	a := parse.Alert{Kind: parse.ServerHealth, Subject: "Server Health Alert", Artifacts: []parse.Artifact{
		{Type: "URL", Value: "http://evil.example/", Event: -1, Confidence: parse.LowConfidence},
	}}
	story := rules.New(rules.Options{}).Stories(a, incident.Trust{})[0]
	require.Equal(t, []incident.Artifact{{Type: incident.URL, Value: "http://evil.example/",
		Description: "Found in the text of the SEPM alert (low confidence)"}}, story.Artifacts)
	require.Empty(t, story.Incident.Types, "a notice about SEPM itself is no malware")
}

func TestDescribeAttack(t *testing.T) {
	t.Parallel()
	a := parse.Alert{
		TimeZone: "assumed UTC-07:00",
		Events: []parse.Event{{
			Digest: "d", Computer: "PC-1", EventTime: "2024-06-26T06:46:43", EventTimeUTC: "2024-06-26T13:46:43Z",
			Attack: &parse.Attack{IP: "203.0.113.9", Signature: "Web Attack: <X>", RemotePort: 443, IntrusionURL: "evil.example/x"},
		}},
		Whitelisted: []parse.Whitelisted{{Type: "System Name", Value: "PC-1", Event: 0, Entry: "pc-*"}, {Value: "of another", Event: 1}},
	}
	got := rules.New(rules.Options{}).Stories(a, incident.Trust{})[0].Incident
	require.Equal(t, "SEP: Web Attack: <X> from 203.0.113.9 on PC-1", got.Name)
	require.Equal(t, time.Date(2024, 6, 26, 13, 46, 43, 0, time.UTC), got.Discovered)
	for _, want := range []string{
		"2024-06-26 06:46:43 (assumed UTC-07:00, 2024-06-26 13:46:43 UTC)", "<b>Attacker:</b> 203.0.113.9<br>",
		"Web Attack: &lt;X&gt;", "<b>Remote port:</b> 443", "System Name PC-1 is no artifact because of the entry pc-*",
	} {
		require.Contains(t, got.Description, want)
	}
	require.NotContains(t, got.Description, "of another")
	require.NotContains(t, got.Description, "Local port")
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
