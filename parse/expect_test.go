package parse_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// want is what a mail of the corpus must give by the contract, written by
// hand: a golden file only says what the reader gave when it was written.
// What is empty is not looked at.
type want struct {
	status parse.Status
	kind   parse.Kind
	from   string
	// events are all of them, each with the fields that are looked at.
	events []fields
	// artifacts are some of them, as "type: value".
	artifacts []string
	// never are values that no artifact has.
	never []string
	// warned are texts, each of which stands in a warning; clean is that
	// there is none.
	warned []string
	clean  bool
}

// fields are values of an event by their names in JSON. One of several that
// are right is written as "a|b". A value under "" stands anywhere in the
// event: no field is promised for it.
type fields map[string]string

// theGuides is the event of the guide's mail, whole.
func theGuides() fields {
	return fields{
		"risk": "Trojan.Gen.NPE", "file_path": `C:\suspicious_exe.exe`, "file_name": "suspicious_exe.exe",
		"event_time": "2019-02-28T03:40:12", "inserted_time": "2019-02-28T03:45:30", "source": "Real Time Scan",
		"description": "", "user": "Administrator", "computer": "TEST-ENDPOINT", "ip_addresses": "192.168.194.94",
		"domain": "Default", "server": "SEPM-SERVER", "client_group": `My Company\TEST GROUP 1`,
		"action": "Cleaned by deletion", "outcome": "remediated", "extra": "{}",
	}
}

// with gives the fields changed in pairs of name and value.
func (f fields) with(changes ...string) fields {
	for i := 0; i < len(changes); i += 2 {
		f[changes[i]] = changes[i+1]
	}
	return f
}

// each makes an event of every value of one field.
func each(name string, values ...string) []fields {
	events := make([]fields, len(values))
	for i, v := range values {
		events[i] = fields{name: v, "computer": fmt.Sprint("PC-", i)}
	}
	return events
}

func expected() map[string]want {
	const (
		flowedPath = `C:\Documents and Settings\All Users\Application Data\Some Vendor Ltd\Product Suite\bad file.exe`
		flowedText = "a long description of what was found, which a mail program had to wrap because of the length of its line"
		long       = `C:\Users\jdoe\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\A1B2C3D4\invoice.exe`
	)
	flowed := want{status: parse.Parsed, clean: true, events: []fields{theGuides().with(
		"file_path", flowedPath, "file_name", "bad file.exe", "description", flowedText)}}
	escaped := want{kind: parse.SingleRisk, events: []fields{theGuides().with(
		"file_path", `C:\R&D\suspicious <1>.exe`, "file_name", "suspicious <1>.exe")}}
	guide := want{kind: parse.SingleRisk, events: []fields{theGuides()}}
	forward := want{kind: parse.SingleRisk, from: "pat.smith@example.com", clean: true, events: []fields{theGuides()}}
	return map[string]want{
		"F28-outlook-forward":           forward,
		"F28-outlook-forward-html-only": forward,
		"F28-gmail-forward":             forward,
		"F28-outlook-forward-german":    {kind: parse.SingleRisk, from: "juergen.mueller@example.com", events: forward.events},
		// What the disclaimer calls a location is none of the event's.
		"F30-html-banner": guide,
		// A flowed line is joined as RFC 3676 says, so nothing is in doubt.
		"F31-flowed-soft":         flowed,
		"F31-flowed-delsp":        flowed,
		"F31-flowed-quoted":       flowed,
		"F31-wrapped-value-below": {events: []fields{theGuides().with("file_path", long, "file_name", "invoice.exe")}},
		"F31-wrapped-after-backslash": {events: []fields{theGuides().with("file_path", long, "file_name", "invoice.exe",
			"client_group", `My Company\Europe\Germany\North\Hamburg Office\Workstations of the sales department`)}},
		"F37-escaped-html":       escaped,
		"F37-html-escaped-twice": escaped,
		// Plain text that reads well as it stands is not unescaped: a name
		// may hold &amp;.
		"F37-entity-in-plain-text": {clean: true, artifacts: []string{`File Path: C:\R&amp;D\a&lt;b.exe`}},
		"F38-list-prefix":          guide,
		"F39-unknown-body":         {status: parse.Unparsed, kind: parse.SingleRisk, artifacts: []string{`File Path: C:\suspicious_exe.exe`}},
		// A report shows detections of last week; each was an alert then.
		"F43-report-mht": {kind: parse.Report, events: []fields{}},

		"V04-paths":      {artifacts: []string{`Registry Key: HKEY_LOCAL_MACHINE\Software\Run`}, never: []string{"Unavailable", "Run"}},
		"V04-more-paths": {artifacts: []string{`File Path: C:\a  b\c%20d;e=f.exe`, `Registry Key: HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\Updater`, `Registry Key: HKEY_USERS\S-1-5-21-1\Software\Evil Key`}, never: []string{"Updater", "Evil Key"}},
		"V10-actions":    {events: each("outcome", outcomes()...)},
		"V11-sources": {clean: true, events: each("source", "Scheduled Scan", "Manual Scan", "Real-Time Scan", "Real Time Scan",
			"Integrity Shield", "Definition downloader", "System", "Startup Scan", "DefWatch", "Manual Quarantine", "Reboot Processing",
			"Heuristic Scan", "Console", "Idle Scan", "Auto-Protect scan", "real time scan", "Real Time", "")},
		"V13-times": {events: each("event_time", wallTimes()...), warned: []string{
			"2031", "Feb 30, 2019 3:40:12 AM", "01/02/2019 03:40:12", "yesterday"}},
		"V14-risk-names": {clean: true, never: []string{"none"}, events: each("risk", "", "EICAR Test String", "Tracking Cookies",
			"W32.Sality, variant B", "Heur.AdvML.B!200", "Adware.Gen: bundle (x86)", "none")},
		"V14-risk-comma-in-subject": {clean: true, events: []fields{{"risk": "W32.Sality, variant B", "computer": "ACCOUNTS PC"}}},
		"V14-risk-empty-in-body":    {warned: []string{"subject"}, events: []fields{theGuides()}},
		"V14-risk-empty-everywhere": {clean: true, events: []fields{{"risk": "", "action": "Left alone"}}},
		"V15-versions": {events: each("ip_addresses", "10.0.0.1", "10.0.0.2", "", "", "10.0.0.5"), never: []string{
			"8.1.1.1", "12.1.671.4971", "14.2.1031.0100", "14.2.1031.100", "6.1.7600.16385"}},
		"V16-group-path": {clean: true, events: each("client_group", `My Company\Default Group`, `My Company\\Default Group`,
			`My Company\evil.exe`, `Mon entreprise\Groupe par défaut`, `My Company\C:\Windows\x.dll`, `My Company\TEST GROUP 1`),
			never: []string{"evil.exe", `My Company\evil.exe`, "x.dll", `C:\Windows\x.dll`,
				"C73763EF092E5BB9462D7353C645BC2C", "c73763ef092e5bb9462d7353c645bc2c", "0191fa3e7f00010100dc3aafebd51e8b"}},
		"V17-mixed-locale": {clean: true, never: []string{"Système", "SYSTEM", "Par défaut"}, events: []fields{
			{"risk": "", "user": "Système", "domain": "Par défaut", "client_group": `Mon entreprise\Groupe par défaut`, "extra": "{}",
				"file_name":   "Nouveau document texte.txt",
				"description": "attaque de Audit: Malicious Scan Attempt 2 détectée mais pas bloquée. Chemin d’application : SYSTEM"},
			{"file_name": "relevé d’août.exe", "user": "Hélène d’Aubigné", "event_time": "2019-02-28T03:41:00"},
		}},

		"T05-address-in-display-name": {from: "mallory@evil.example", events: []fields{theGuides()}},
		"T05-two-from-headers":        {warned: []string{"From"}, events: []fields{theGuides()}},

		"G02-client-security-intrusion": {kind: parse.ClientSecurity, events: []fields{
			{"computer": "PC-0042", "user": "jdoe", "event_time": "2019-02-28T03:40:12", "": "[SID: 32329] Audit: Malicious Scan Attempt 2"},
		}, artifacts: []string{"System Name: PC-0042", "User Account: jdoe", "IP Address: 203.0.113.77", "IP Address: 10.20.30.42",
			"DNS Name: scanner.evil.example", "URL: http://evil.example/kit/index.php?id=1&x=2"}},
		"G03-client-security-ipv6-hex": {kind: parse.ClientSecurity, events: []fields{{"computer": "PC-0043", "": "Outbound"}},
			artifacts: []string{"System Name: PC-0043", "IP Address: 2001:db8::bad", "IP Address: fe80::43"},
			never:     []string{"20010db8000000000000000000000bad", "fe800000000000000000000000000043"}},
		"G04-client-security-sentences": {kind: parse.ClientSecurity, events: []fields{{"": "203.0.113.9"}, {"": "2001:db8::1"}},
			artifacts: []string{"IP Address: 203.0.113.9", "IP Address: 2001:db8::1"}, never: []string{"999.1.1.1"}, warned: []string{"999.1.1.1"}},
		"G05-client-security-several": {kind: parse.ClientSecurity, events: []fields{
			{"computer": "PC-0050", "": "Web Attack: Angler Exploit Kit"}, {"computer": "PC-0051", "": "445"}, {"computer": "PC-0052", "": "8080"},
		}, artifacts: []string{"IP Address: 203.0.113.50", "IP Address: 203.0.113.51", "IP Address: 203.0.113.52",
			"URL: http://evil.example/a", "URL: https://evil.example:8443/b?x=1)"}},
		"G06-client-security-html-table": {kind: parse.ClientSecurity, events: []fields{{"computer": "PC-0060"}},
			artifacts: []string{"IP Address: 203.0.113.60", "URL: http://evil.example/p?a=1&b=2"}},
		"G07-client-security-html-rows": {kind: parse.ClientSecurity, events: []fields{{"computer": "PC-0060"}, {"computer": "PC-0061"}},
			artifacts: []string{"IP Address: 203.0.113.60", "IP Address: 203.0.113.61"}},
	}
}

// outcomes are those of V10's actions, in the mail's order (contract: SEPM
// e-mail §1.6). Two actions in one text are no outcome that lowers a
// severity.
func outcomes() []string {
	const done, copied, not, pending, allowed, info, unsure = "remediated", "kept_copy", "not_remediated", "pending", "allowed", "informational", "unknown|not_remediated"
	return []string{
		not,                                 // Action invalid
		done, copied, done, not, done, done, // Quarantined … Cleaned or macros deleted
		allowed, allowed, allowed, allowed, // Saved … Undone
		not, copied, pending, not, pending, // Bad … Process termination pending restart
		allowed, pending, done, not, done, not, // Excluded … No repair available
		not, not, not, // All actions failed, the two of PowerEraser
		info, pending, done, done, allowed, // Suspicious … Allowed by user
		info, info, done, info, info, // Detected by using … Forced detection by using the file hash
		not, copied, not, done, // Action failed, Backed Up, Left Alone, CLEANED  BY DELETION
		pending, pending, pending, // Reboot required …, Terminate process required, Pending Analysis
		unsure, not, // Quarantine succeeded : Access denied, Clean failed : Quarantine failed
		allowed, "unknown|not_remediated|pending", // 102, Process terminate pending restartLeft alone
		not, not, not, not, not, done, done, done, // the Japanese ones
		not, not, "unknown", "unknown", "unknown", // -1, 4, 8, Sent to Mars and none
	}
}

// wallTimes are those of V13's event times, in the mail's order. SEPM's
// epoch is no time, and neither is what has two readings or none.
func wallTimes() []string {
	const at = "2019-02-28T03:40:12"
	return []string{
		at, at, at, at, "2019-02-28T15:40:12", at, at, at, at, at, at, at, at, "2019-02-28T00:00:00", "2019-02-28T12:00:00", at,
		"", "", "2031-02-28T03:40:12", "2019-03-10T02:30:00", "2018-11-04T01:30:00", "", "", "", "",
	}
}

func TestExpected(t *testing.T) {
	t.Parallel()
	for name, want := range expected() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want.check(t, readFile(t, name))
		})
	}
}

// readFile reads a mail of the corpus.
func readFile(t testing.TB, name string) parse.Alert {
	t.Helper()
	return parse.NewReader(parse.Options{}).Read(rawFile(t, name))
}

func rawFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(mails, name+".eml"))
	require.NoError(t, err)
	return raw
}

// check goes on after a difference, to show all of them.
func (w want) check(t *testing.T, a parse.Alert) {
	t.Helper()
	same := func(what, want, got string) {
		if want != "" && !slices.Contains(strings.Split(want, "|"), got) {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	same("status", string(w.status), string(a.Status))
	same("kind", string(w.kind), string(a.Kind))
	same("from", w.from, a.From)
	if w.events != nil && len(w.events) != len(a.Events) {
		t.Errorf("%d events, want %d", len(a.Events), len(w.events))
	}
	for i := range min(len(w.events), len(a.Events)) {
		w.events[i].check(t, i, a.Events[i])
	}
	var have []string
	for _, artifact := range a.Artifacts {
		have = append(have, artifact.Type+": "+artifact.Value)
		if slices.Contains(w.never, artifact.Value) {
			t.Errorf("artifact %s: %q", artifact.Type, artifact.Value)
		}
	}
	for _, one := range w.artifacts {
		if !slices.Contains(have, one) {
			t.Errorf("no artifact %s among %q", one, have)
		}
	}
	warnings := strings.Join(a.Warnings, "\n")
	for _, text := range w.warned {
		if !strings.Contains(warnings, text) {
			t.Errorf("no warning about %q in:\n%s", text, warnings)
		}
	}
	if w.clean && len(a.Warnings) > 0 {
		t.Errorf("warnings:\n%s", warnings)
	}
}

func (f fields) check(t *testing.T, at int, e parse.Event) {
	t.Helper()
	text, err := json.Marshal(e)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(text, &got))
	for name, want := range f {
		if name == "" {
			inner, err := json.Marshal(want)
			require.NoError(t, err)
			if !strings.Contains(string(text), strings.Trim(string(inner), `"`)) {
				t.Errorf("event %d does not hold %s: %s", at, inner, text)
			}
			continue
		}
		if have := asText(got[name]); !slices.Contains(strings.Split(want, "|"), have) {
			t.Errorf("%s of event %d is %q, want %q", name, at, have, want)
		}
	}
}

// asText is a value of JSON as a person writes it: the elements of a list
// with commas between them.
func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		var list []string
		for _, one := range v {
			list = append(list, asText(one))
		}
		return strings.Join(list, ", ")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
