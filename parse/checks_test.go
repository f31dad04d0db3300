package parse_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// The checks of contract SEPM e-mail §7 that are about reading. 4, 5 and 12
// end at an incident and are tested with the rules too; 10 and 14 are
// tested where MIME and times are.

// corpus are the names of the mails in testdata/mail that match.
func corpus(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(mails, pattern+".eml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".eml")
	}
	return files
}

// TestCheck01AllFields: the 13 fields of the guide's mail, whatever its
// encoding, and nothing of the encoding in an artifact.
func TestCheck01AllFields(t *testing.T) {
	t.Parallel()
	german := []string{"file_path", `C:\Benutzer\Jürgen\böse.exe`, "file_name", "böse.exe", "user", "Jürgen"}
	japanese := []string{"file_path", `C:\ユーザー\悪い.exe`, "file_name", "悪い.exe", "computer", "端末-01"}
	changes := map[string][]string{
		"F05": {"file_path", `C:\Program Files\Päckchen = groß\suspicious_exe.exe`},
		"F07": german, "F08": german, "F09": japanese, "F10": japanese,
		"F11": {"file_path", `C:\用户\病毒.exe`, "file_name", "病毒.exe", "computer", "终端-01"},
		"F12": german, "F13": german, "F14": german,
	}
	seen := map[string]bool{}
	for _, name := range slices.Concat(corpus(t, "F0*"), corpus(t, "F1[0-5]*")) {
		number, _, _ := strings.Cut(name, "-")
		seen[number] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want{kind: parse.SingleRisk, events: []fields{theGuides().with(changes[number]...)}}.check(t, readFile(t, name))
		})
	}
	require.Len(t, seen, 15)
	for _, name := range corpus(t, "*") {
		for _, artifact := range readFile(t, name).Artifacts {
			require.Equal(t, strings.Trim(artifact.Value, " \t\r\n\u00a0\u202f\u3000\ufeff"), artifact.Value, name)
			require.NotContains(t, artifact.Value, "\r", name)
		}
	}
}

// TestCheck02EveryBlockAnEvent: each with its own values, and a cap that is
// said. TestManyEvents has the 5,000 blocks of F23.
func TestCheck02EveryBlockAnEvent(t *testing.T) {
	t.Parallel()
	a := readFile(t, "F22-fifty-blocks")
	require.Equal(t, parse.Parsed, a.Status, a.Warnings)
	require.Len(t, a.Events, 50)
	for i, e := range a.Events {
		require.Equal(t, fmt.Sprintf(`C:\Users\user%02d\AppData\Local\Temp\sample %02d.exe`, i, i), e.FilePath)
		require.Equal(t, fmt.Sprintf("PC-%03d", i), e.Computer)
		require.Equal(t, fmt.Sprintf("user%02d", i), e.User)
		require.Equal(t, fmt.Sprintf("2019-02-28T03:%02d:12", i), e.EventTime)
		require.Equal(t, []string{fmt.Sprintf("10.20.%d.%d", i/16, 10+i)}, e.IPAddresses)
	}
	a = parse.NewReader(parse.Options{MaxEvents: 10}).Read(rawFile(t, "F22-fifty-blocks"))
	require.Len(t, a.Events, 10)
	require.Equal(t, parse.Partial, a.Status)
	require.Equal(t, []string{"only the first 10 of 50 events are read"}, a.Warnings)
}

// TestCheck03FooterIsNoEvent: the filters of the footer have the labels of
// an event; their values are * or %.
func TestCheck03FooterIsNoEvent(t *testing.T) {
	t.Parallel()
	footers := 0
	for _, name := range corpus(t, "*") {
		a := readFile(t, name)
		if a.GeneratedAt != "" {
			footers++
		}
		for _, e := range a.Events {
			text, err := json.Marshal(e)
			require.NoError(t, err)
			var values map[string]any
			require.NoError(t, json.Unmarshal(text, &values))
			for field, value := range values {
				require.NotContains(t, []any{"*", "%", "My Company%"}, value, "%s of %s", field, name)
			}
			require.NotContains(t, e.Extra, "Group", name)
		}
	}
	require.Greater(t, footers, 60)
}

// TestCheck04CustomSubjectAndUnknownBody: what the rules need to tell both
// from other mail.
func TestCheck04CustomSubjectAndUnknownBody(t *testing.T) {
	t.Parallel()
	custom := readFile(t, "F38-custom-subject")
	require.True(t, custom.Fingerprint)
	require.Equal(t, parse.SingleRisk, custom.Kind)
	require.Len(t, custom.Events, 1)

	unknown := readFile(t, "F39-unknown-body")
	require.False(t, unknown.Fingerprint)
	require.Equal(t, parse.Unparsed, unknown.Status)
	require.Equal(t, parse.SingleRisk, unknown.Kind)
	require.Contains(t, unknown.Text, `C:\suspicious_exe.exe was found on TEST-ENDPOINT.`)
}

// TestCheck05Notices: SEPM's literal operational texts, by subject or, where
// it was changed, by body.
func TestCheck05Notices(t *testing.T) {
	t.Parallel()
	kinds := map[string]parse.Kind{
		"F42-health": parse.ServerHealth, "F42-health-custom-subject": parse.ServerHealth, "F42-software": parse.Software,
		"F42-client-list": parse.ClientList, "F42-licence": parse.Licence, "F42-system": parse.System, "F42-password": parse.System,
		"F42-sonar": parse.Definitions, "F43-report": parse.Report, "F43-report-mht": parse.Report,
	}
	require.Len(t, corpus(t, "F4[23]-*"), len(kinds))
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := readFile(t, name)
			require.Equal(t, kind, a.Kind)
			require.Empty(t, a.Events)
			require.Empty(t, a.Artifacts)
		})
	}
}

// TestCheck06NoFalseArtifacts: what looks like an address, a path or a hash
// and is none. The artifacts are all that these mails give.
func TestCheck06NoFalseArtifacts(t *testing.T) {
	t.Parallel()
	addresses := map[string][]string{
		"V09-addresses": {"fe80::fc67:74e:cd22:188", "fe80::1", "10.0.0.1", "192.168.194.94 10.0.0.2 10.0.0.3", "", "2001:db8::1",
			"", "", "", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
		"V15-versions":   {"10.0.0.1", "10.0.0.2", "", "", "10.0.0.5"},
		"V16-group-path": {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"},
	}
	for name, lists := range addresses {
		want := []parse.Artifact{}
		for i, list := range lists {
			add := func(kind, value string) { want = append(want, parse.Artifact{Type: kind, Value: value, Event: i}) }
			add("File Path", fmt.Sprintf(`C:\bad%d.exe`, i))
			add("File Name", fmt.Sprintf("bad%d.exe", i))
			add("System Name", fmt.Sprint("PC-", i))
			for _, address := range strings.Fields(list) {
				add("IP Address", address)
			}
			add("User Account", "Administrator")
			add("Malware Family/Variant", "Trojan.Gen.NPE")
		}
		require.ElementsMatch(t, want, readFile(t, name).Artifacts, name)
	}
	require.NotContains(t, fmt.Sprint(readFile(t, "G03-client-security-ipv6-hex").Artifacts), "Hash", "32 hex digits are an address there")
}
