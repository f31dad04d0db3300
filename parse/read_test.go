package parse_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

var update = flag.Bool("update", false, "write the golden files anew")

const mails = "../testdata/mail"

// TestGolden reads every mail of testdata/mail. Their numbers are those of
// contract SEPM e-mail §1.10; G, and T from T09 on, are our own.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(mails, "*.eml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			got, err := json.MarshalIndent(parse.NewReader(parse.Options{}).Read(raw), "", "  ")
			require.NoError(t, err)
			golden := strings.TrimSuffix(file, ".eml") + ".json"
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644))
				return
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "run the test with -update to write it")
			require.Equal(t, string(want), string(got)+"\n")
		})
	}
}

func guide(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(mails, "F01-guide-lf.eml"))
	require.NoError(t, err)
	return raw
}

// TestSameAlert holds the forms that the guide's mail can take against each
// other: transport, charset and layout change nothing in what is read.
func TestSameAlert(t *testing.T) {
	t.Parallel()
	want := parse.NewReader(parse.Options{}).Read(guide(t))
	for _, name := range []string{
		"F02-guide-crlf", "F03-bare-cr", "F06-base64", "F15-html-br", "F16-html-table", "F16-html-table-no-colon",
		"F18-alternative-differs", "F19-related-logo", "F24-shuffled", "F28-forwarded-inline", "F32-blanks-and-colons",
		"F33-label-case", "F34-footer-percent", "T09-bad-header-line", "T10-mbox-line", "T11-cr-cr-lf", "T13-bad-part-header",
	} {
		raw, err := os.ReadFile(filepath.Join(mails, name+".eml"))
		require.NoError(t, err)
		got := parse.NewReader(parse.Options{}).Read(raw)
		require.Equal(t, want.Events, got.Events, name)
		require.Equal(t, want.Artifacts, got.Artifacts, name)
		require.Equal(t, want.GeneratedAt, got.GeneratedAt, name)
		require.True(t, got.Fingerprint, name)
	}
}

// TestGuide states design §8's example in full, whatever the goldens say.
func TestGuide(t *testing.T) {
	t.Parallel()
	a := parse.NewReader(parse.Options{}).Read(guide(t))
	require.Equal(t, parse.Parsed, a.Status, a.Warnings)
	require.Equal(t, parse.SingleRisk, a.Kind)
	require.Equal(t, "sepm@example.com", a.From)
	require.Equal(t, "2019-02-28T03:50:21", a.GeneratedAt)
	require.Equal(t, "assumed UTC", a.TimeZone)
	require.Len(t, a.Events, 1)
	e := a.Events[0]
	require.Equal(t, e.ContentDigest(), e.Digest)
	e.Digest = ""
	require.Equal(t, parse.Event{
		Risk: "Trojan.Gen.NPE", FilePath: `C:\suspicious_exe.exe`, FileName: "suspicious_exe.exe",
		Computer: "TEST-ENDPOINT", IPAddresses: []string{"192.168.194.94"}, User: "Administrator",
		Domain: "Default", Server: "SEPM-SERVER", ClientGroup: `My Company\TEST GROUP 1`,
		Source: "Real Time Scan", SourceKind: "real_time", Action: "Cleaned by deletion", Outcome: parse.Remediated,
		EventTime: "2019-02-28T03:40:12", InsertedTime: "2019-02-28T03:45:30",
		EventTimeUTC: "2019-02-28T03:40:12Z", InsertedTimeUTC: "2019-02-28T03:45:30Z",
		Hashes: map[string]string{}, Extra: map[string]string{},
	}, e)
	require.Equal(t, []parse.Artifact{
		{Type: "File Path", Value: `C:\suspicious_exe.exe`},
		{Type: "File Name", Value: "suspicious_exe.exe"},
		{Type: "System Name", Value: "TEST-ENDPOINT"},
		{Type: "IP Address", Value: "192.168.194.94"},
		{Type: "User Account", Value: "Administrator"},
		{Type: "Malware Family/Variant", Value: "Trojan.Gen.NPE"},
	}, a.Artifacts)
}

func TestMissingField(t *testing.T) {
	t.Parallel()
	whole := string(guide(t))
	labels := 0
	for line := range strings.Lines(whole) {
		label, _, ok := strings.Cut(line, ": ")
		if strings.HasPrefix(line, "This alarm") {
			break
		}
		if !ok || strings.HasPrefix(line, " ") || strings.Contains("From To Subject Date Message-ID", label) {
			continue
		}
		labels++
		a := parse.NewReader(parse.Options{}).Read([]byte(strings.Replace(whole, line, "", 1)))
		require.Len(t, a.Events, 1, "without %s", label)
	}
	require.Equal(t, 12, labels, "of the 13 labels one has no value")
}

func TestManyEvents(t *testing.T) {
	t.Parallel()
	mail := func(n int) []byte {
		var b strings.Builder
		b.WriteString("Subject: New Risk Found: many\r\n\r\nAt least one security risk found:\r\n")
		for i := range n {
			fmt.Fprintf(&b, "Risk name: R%d\r\nFile path: C:\\%d.exe\r\nComputer: PC-%d\r\n", i, i, i)
		}
		return []byte(b.String())
	}
	a := parse.NewReader(parse.Options{}).Read(mail(50))
	require.Equal(t, parse.Parsed, a.Status, a.Warnings)
	require.Len(t, a.Events, 50)
	for i, e := range a.Events {
		require.Equal(t, fmt.Sprint("R", i), e.Risk)
		require.Equal(t, fmt.Sprint(i, ".exe"), e.FileName)
		require.Equal(t, fmt.Sprint("PC-", i), e.Computer)
	}

	a = parse.NewReader(parse.Options{}).Read(mail(5000))
	require.Equal(t, parse.Partial, a.Status)
	require.Len(t, a.Events, 1000)
	require.Equal(t, []string{"only the first 1000 of 5000 events are read"}, a.Warnings)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	a := parse.NewReader(parse.Options{MaxValue: 10}).Read(guide(t))
	require.Equal(t, parse.Partial, a.Status)
	require.Equal(t, `C:\suspici`, a.Events[0].FilePath)
	require.Contains(t, a.Warnings, `line 3: "File path" is cut at 10 bytes`)

	bad := strings.Repeat("Risk name: x\nEvent time: never\nIP Address: nowhere\n", 500)
	a = parse.NewReader(parse.Options{}).Read([]byte("Subject: x\n\n" + bad))
	require.Len(t, a.Events, 500)
	require.Len(t, a.Warnings, 21)
	require.Equal(t, "and 980 more warnings", a.Warnings[20])

	long := "Subject: x\n\n" + strings.Repeat("words without labels\n", 1<<20)
	a = parse.NewReader(parse.Options{}).Read([]byte(long))
	require.Equal(t, parse.Unparsed, a.Status)
	require.Contains(t, a.Warnings[0], "bytes of text are read")
	require.Len(t, a.Text, 256<<10)
}

func TestAttachedBesideEvents(t *testing.T) {
	t.Parallel()
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nRisk name: a\nComputer: b\n--b\nContent-Type: message/rfc822\n\n" +
		string(guide(t)) + "--b--\n"
	a := parse.NewReader(parse.Options{}).Read([]byte(raw))
	require.Len(t, a.Events, 1)
	require.Equal(t, "b", a.Events[0].Computer)
	require.Equal(t, []string{"1 attached mails are not read, the mail has events of its own"}, a.Warnings)
}

// TestHostile reads what would cost hours, or gigabytes, if any of it were
// done again for each line, tag or level.
func TestHostile(t *testing.T) {
	t.Parallel()
	nested := "Subject: x\n\nx\n"
	for range 40 {
		nested = "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n" + nested +
			"\n--b\nno header\n\nx\n--b--\n"
	}
	const block = "Risk name: x\nFile path: y\nComputer: z\n"
	for name, raw := range map[string]string{
		"nested mails":   nested,
		"header lines":   "x: y\n" + strings.Repeat(" x\n", 1<<20) + "bad\n\nx",
		"headers":        "bad\n" + strings.Repeat("x: y\n", 1<<19),
		"parts":          "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n", 1<<19),
		"bad parts":      "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nbad\n", 1<<19),
		"addresses":      "\n" + block + strings.Repeat("IP Address: 10.0.0.1\n", 1<<17),
		"address lines":  "\n" + block + "IP Address: 10.0.0.1\n" + strings.Repeat("10.0.0.1\n", 1<<18),
		"a description":  "\n" + block + "Description: x\n" + strings.Repeat("x\n", 1<<20),
		"unknown labels": "\n" + block + strings.Repeat("ab: x\n", 1<<18) + block,
		"other labels":   "\n" + block + strings.Repeat("Machine: x\n", 1<<18),
		"repeats":        "\n" + strings.Repeat("Count: x\n", 1<<18),
		"pairs":          "\n" + strings.Repeat("Count:\t", 1<<18),
		"cells":          "\n" + strings.Repeat("Count\t", 1<<18),
		"TABs":           "\nUser: " + strings.Repeat("\t", 1<<20) + "x",
		"tags":           "Content-Type: text/html\n\n" + strings.Repeat("<table><tr><td>", 1<<18),
		"an open tag":    "Content-Type: text/html\n\n<a " + strings.Repeat("x=y ", 1<<19),
		"quotes":         "\n" + strings.Repeat(">", 1<<20),
		"returns":        "\n" + strings.Repeat("\r", 1<<20),
		"not UTF-8":      "\n" + strings.Repeat("\xff", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sound(t, []byte(raw), parse.NewReader(parse.Options{}).Read([]byte(raw)))
		})
	}
}

func TestWarningsAreEscaped(t *testing.T) {
	t.Parallel()
	a := parse.NewReader(parse.Options{}).Read([]byte("Subject: x\n\nRisk name: x\nFile path: y\nEvent time: \x1b[31m\u202enever\n"))
	require.Equal(t, []string{`line 3: "Event time" has no date that has one meaning: "\x1b[31m\u202enever"`}, a.Warnings)
}

func TestEmptyJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(parse.Alert{Events: []parse.Event{{}}})
	require.NoError(t, err)
	require.NotContains(t, string(got), "null")
	got, err = json.Marshal(parse.NewReader(parse.Options{}).Read(nil))
	require.NoError(t, err)
	require.JSONEq(t, `{"status":"unparsed","kind":"unknown","subject":"","from":"","message_id":"","events":[],
		"artifacts":[],"generated_at":"","generated_at_utc":"","time_zone":"assumed UTC","time_zone_from":"default",
		"signals":[],"whitelisted":[],"warnings":[]}`, string(got))
}

// sound fails unless the alert is bounded and holds nothing that a store, a
// terminal or JSON could not take.
func sound(t testing.TB, raw []byte, a parse.Alert) {
	t.Helper()
	require.Contains(t, []parse.Status{parse.Parsed, parse.Partial, parse.Unparsed}, a.Status)
	require.Equal(t, a.Status == parse.Unparsed, len(a.Events) == 0)
	require.LessOrEqual(t, len(a.Events), 1000)
	require.LessOrEqual(t, len(a.Warnings), 21)
	require.LessOrEqual(t, len(a.Text), 256<<10)
	require.NotContains(t, a.Text, "\x00")
	require.True(t, utf8.ValidString(a.Text))
	for _, s := range append([]string{a.Subject, a.From, a.MessageID}, a.Warnings...) {
		require.True(t, utf8.ValidString(s), "%q", s)
		require.NotContains(t, s, "\n")
		require.LessOrEqual(t, len(s), 4<<10)
	}
	for _, artifact := range a.Artifacts {
		require.Less(t, artifact.Event, len(a.Events))
		require.NotEmpty(t, artifact.Value)
		require.NotContains(t, artifact.Value, "\r")
		require.True(t, utf8.ValidString(artifact.Value), "%q", artifact.Value)
	}
	out, err := json.Marshal(a)
	require.NoError(t, err)
	require.NotContains(t, string(out), ":null")
	require.LessOrEqual(t, len(out), 64<<10+50*len(raw))
}

// TestCorpora reads public mail corpora where they lie beside the project.
func TestCorpora(t *testing.T) {
	t.Parallel()
	reader := parse.NewReader(parse.Options{})
	read, texts := 0, 0
	err := filepath.WalkDir("../../shared/corpora", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".eml" && filepath.Ext(file) != ".raw" {
			return nil
		}
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		a := reader.Read(raw)
		sound(t, raw, a)
		require.Empty(t, a.Events, file)
		read++
		if a.Text != "" {
			texts++
		}
		return nil
	})
	require.NoError(t, err)
	t.Logf("%d mails read, %d with text", read, texts)
}
