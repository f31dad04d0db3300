package parse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/mime"
)

func TestKnownLabel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		line  string
		field field
		value string
	}{
		{"Risk name: x", riskField, "x"},
		{"RISK  NAME :x", riskField, "x"},
		{"Risk\u00a0name\u202f:\u00a0x\u00a0", riskField, "x"},
		{"Risk name：x", riskField, "x"},
		{"File path: C:\\User: x\\a.exe", pathField, `C:\User: x\a.exe`},
		{"IP address(es): ", addressField, ""},
		{"Requested action: Cleaned", noField, "Cleaned"},
	} {
		p, ok := English().knownLabel(test.line)
		require.True(t, ok, test.line)
		require.Equal(t, test.field, p.field, test.line)
		require.Equal(t, test.value, trimBlanks(p.value), test.line)
	}
	for _, line := range []string{
		"Source Computer Name: x", "Client User: bob", "http://x", "C:\\x", "my Risk name: x", "Riskname: x", ":", "",
		strings.Repeat("x", 100) + ": y", strings.Repeat("ä", 40) + ": y",
	} {
		_, ok := English().knownLabel(line)
		require.False(t, ok, line)
	}
}

// TestLabelsFit keeps the table and the length of what is looked up in step.
func TestLabelsFit(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"detected by using the application list", "action taken on risk", "database insert time"} {
		require.LessOrEqual(t, len(label), maxLabel)
	}
	_, ok := English().knownLabel("  Database   Insert   Time  : x")
	require.True(t, ok)
}

func TestUnknownLabel(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"Threat Severity: 5", "Process-ID:", "Confidence (%): 80", "Gruppe-Nr. 2: x"} {
		_, ok := unknownLabel(line)
		require.True(t, ok, line)
	}
	for _, line := range []string{`C:\x`, "http://x", "C: x", "3:40 is the time", "a long sentence that has a colon: x", "Risk:x", "<b>: x"} {
		_, ok := unknownLabel(line)
		require.False(t, ok, line)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"Feb 28, 2019 3:40:12 AM", "Feb 28, 2019, 3:40:12 AM", "Feb 28, 2019, 3:40:12\u202fAM", "Feb 28, 2019 3:40:12\u00a0AM",
		"Feb 28, 2019 03:40:12", "February 28, 2019 3:40:12 am", "Feb 28, 2019 3:40:12 a.m.", "28.02.2019 03:40:12", "28/02/2019 03:40:12",
		"02/28/2019 3:40:12 AM", "28 févr. 2019 03:40:12", "2019/02/28 3:40:12", "2019-02-28 03:40:12", "2019-02-28 03:40:12.0",
		"2019年2月28日 3:40:12",
	} {
		m, ok := English().moment(s)
		require.True(t, ok, s)
		require.Equal(t, "2019-02-28T03:40:12", m.String(), s)
		require.Empty(t, m.zone, s)
	}
	for s, want := range map[string]string{
		"Jun 26, 2024 6:46:43 AM PDT": "PDT", "Jun 26, 2024 6:46:43 AM GMT+02:00": "GMT+02:00", "2024-06-26 06:46:43 UTC": "UTC",
		"2024-06-26T06:46:43Z": "Z", "2024-06-26T06:46:43+05:30": "+05:30", "2024-06-26 06:46:43-0700": "-0700", "Jun 26, 2024 6:46:43 AM (IST)": "IST",
	} {
		m, ok := English().moment(s)
		require.True(t, ok, s)
		require.Equal(t, "2024-06-26T06:46:43", m.String(), s)
		require.Equal(t, want, m.zone, s)
	}
	for _, s := range []string{"Jan 1, 1970 12:00:00 AM", "Dec 31, 1969 4:00:00 PM", "1970-01-01 01:00:00"} {
		m, ok := English().moment(s)
		require.True(t, ok, s)
		require.Empty(t, m.String(), s)
	}
	for _, s := range []string{
		"", "never", "Feb 30, 2019 3:40:12 AM", "01/02/2019 03:40:12", "Feb 28, 2019", "3:40:12 AM", "Feb 28, 2019 25:00:00",
		"Feb 28, 2019 13:40:12 PM",
	} {
		_, ok := English().moment(s)
		require.False(t, ok, s)
	}
	m, ok := English().moment("02/02/2019 03:40:12")
	require.True(t, ok, "both readings are one date")
	require.Equal(t, "2019-02-02T03:40:12", m.String())
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for outcome, actions := range map[Outcome][]string{
		Remediated: {"Quarantined", "Deleted", "Cleaned", "Cleaned or macros deleted", "Cleaned by deletion", "Process terminated",
			"IDS block", "Firewall violation", "Attachment stripped", "CLEANED  BY deletion", "19", "削除によってクリーニングしました"},
		KeptCopy: {"Renamed", "Backed up", "Backed Up"},
		NotRemediated: {"Action invalid", "Left alone", "Left Alone", "Bad", "Partially repaired", "Access denied", "No repair available",
			"All actions failed", "Process terminate pending restartLeft alone", "Quarantine succeeded : Access denied", "RepairFailedPowerEraser", "RepairFailedPowerEraser2", "Action failed", "アクセスが拒否されました", "-1"},
		Pending: {"Pending repair", "Process termination pending restart", "Restart processing", "Details pending",
			"Reboot required - Reboot processing", "Pending Analysis"},
		Allowed: {"Saved", "Moved back", "Renamed back", "Undone", "Excluded", "Allowed by user", "102"},
		Informational: {"Suspicious", "Detected by using the commercial application list", "Forced detection by using the file name",
			"Not applicable", "Forced detection by using the file hash"},
		UnknownResult: {"", "8", "Something new", strings.Repeat("Left alone ", 20)},
	} {
		for _, action := range actions {
			require.Equal(t, outcome, English().outcome(action), action)
		}
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]Kind{
		"FW: [EXTERNAL] single risk EVENT: x": SingleRisk, "New Risk Found: x": NewRisk, "Security alert": ClientSecurity,
		"Risk outbreak": Outbreak, "Server Health Alert": ServerHealth, "New software package available": Software,
		"Informational: Symantec Endpoint Protection Computer List Changed": ClientList, "System Event Notification": System,
		"CRITICAL: OLD SONAR DEFINITIONS": Definitions, "Information: Symantec Trial license Expires In 60 Days": Licence,
		"Weekly Outbreaks": Report, "Hello": Unknown,
	} {
		kind, signals := English().kindOf(subject, &body{})
		require.Equal(t, want, kind, subject)
		require.Equal(t, want == Unknown, len(signals) == 0, subject)
	}
	for _, test := range []struct {
		subject string
		body    body
		want    Kind
		why     string
	}{
		{"Server Health Alert", body{events: []Event{{Risk: "R"}}}, Unknown, "a mail with events is no notice"},
		{"Server Health Alert", body{heading: true}, SingleRisk, "the body says what it is"},
		{"Weekly Outbreaks", body{events: []Event{{Risk: "R"}}}, Report, "a report lists what was told before"},
		{"Weekly Outbreaks", body{heading: true}, SingleRisk, "no report has the heading"},
		{"Virus!", body{events: []Event{{Attack: &Attack{IP: "10.0.0.1"}}}}, ClientSecurity, "a custom subject"},
		{"Virus!", body{text: "Server a health status: poor."}, ServerHealth, "a custom subject of a notice"},
	} {
		kind, _ := English().kindOf(test.subject, &test.body)
		require.Equal(t, test.want, kind, test.why)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	md5, sha := strings.Repeat("0A", 16), strings.Repeat("0b", 32)
	for _, test := range []struct {
		field                    field
		value, algorithm, digest string
	}{
		{hashField, md5, "md5", strings.ToLower(md5)},
		{md5Field, md5, "md5", strings.ToLower(md5)},
		{sha256Field, sha, "sha256", sha},
		{hashField, strings.Repeat("0c", 20), "sha1", strings.Repeat("0c", 20)},
		{sha256Field, md5, "", ""},
		{hashField, md5[1:], "", ""},
		{hashField, md5 + "0", "", ""},
		{hashField, strings.Repeat("0", 32), "", ""},
		{hashField, strings.Repeat("zz", 16), "", ""},
	} {
		algorithm, digest := hashOf(test.field, test.value)
		require.Equal(t, test.algorithm, algorithm, test.value)
		require.Equal(t, test.digest, digest, test.value)
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	computer, risk, action, ok := readSubject("RE: Single Risk Event: machine THE PC infected with A, action B infected with C, action Left alone")
	require.True(t, ok)
	require.Equal(t, []string{"THE PC", "A, action B infected with C", "Left alone"}, []string{computer, risk, action})

	const single = "Single Risk Event: machine THE PC infected with R, action Left alone"
	events := []Event{{Computer: "the pc", Action: "Deleted", Outcome: Remediated}}
	var warn mime.Warnings
	English().crossCheck(events, single, &warn)
	require.Equal(t, []Event{{Computer: "the pc", Risk: "R", Action: "Deleted", Outcome: Remediated}}, events, "the body counts")
	require.Len(t, warn.Texts(), 2)

	events = []Event{{Computer: "THE PC", Risk: "R", Outcome: UnknownResult}}
	English().crossCheck(events, single, &warn)
	require.Equal(t, []Event{{Computer: "THE PC", Risk: "R", Action: "Left alone", Outcome: NotRemediated}}, events)

	events = make([]Event, 2)
	English().crossCheck(events, single, &warn)
	require.Equal(t, make([]Event, 2), events, "the subject does not say which event it means")

	warn = mime.Warnings{}
	events = []Event{{Computer: "PC", Risk: "R", Action: "Cleaned by deletion"}}
	English().crossCheck(events, "Single Risk Event: machine PC infected with R, action Cleaned by", &warn)
	require.Empty(t, warn.Texts(), "a long subject is cut at its end")
}
