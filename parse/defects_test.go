package parse_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// The defects of IBM's two scripts, by their numbers in contract SEPM e-mail
// §2.1 (Parser) and §2.2 (Generic). Those about the sender, incidents and
// their types are tested with the rules; those of extraction from free text,
// Generic 05, 06, 07 and 09, with package indicator.

// readText reads a mail of this body.
func readText(body string) parse.Alert {
	return parse.NewReader(parse.Options{}).Read([]byte("From: sepm@example.com\nSubject: New Risk Found: x\n\n" + body))
}

// values are those of the artifacts of a type.
func values(a parse.Alert, kind string) []string {
	list := []string{}
	for _, artifact := range a.Artifacts {
		if artifact.Type == kind {
			list = append(list, artifact.Value)
		}
	}
	return list
}

func TestIBMParser01FieldsNotExtracted(t *testing.T) {
	t.Parallel()
	a := readText("Risk name: R\nFile path: C:\\x\nEvent time: Feb 28, 2019 3:40:12 AM\nDatabase insert time: Feb 28, 2019 3:45:30 AM\n" +
		"Source: Manual Scan\nDescription: d\nClient Group: My Company\\G\nServer: S\nDomain: D\nAction taken on risk: Left alone\n" +
		"Application hash: " + strings.Repeat("0A", 32) + "\n")
	require.Len(t, a.Events, 1)
	e := a.Events[0]
	require.Equal(t, []string{"R", "2019-02-28T03:40:12", "2019-02-28T03:45:30", "Manual Scan", "d", `My Company\G`, "S", "D", "Left alone"},
		[]string{e.Risk, e.EventTime, e.InsertedTime, e.Source, e.Description, e.ClientGroup, e.Server, e.Domain, e.Action})
	require.Equal(t, map[string]string{"sha256": strings.Repeat("0a", 32)}, e.Hashes)
	require.Equal(t, []string{"R"}, values(a, "Malware Family/Variant"))
	require.Equal(t, []string{strings.Repeat("0a", 32)}, values(a, "Malware SHA-256 Hash"))
}

func TestIBMParser02AssociationLost(t *testing.T) {
	t.Parallel()
	a := readFile(t, "F21-two-blocks")
	require.Len(t, a.Events, 2)
	for i, artifacts := range [][]string{{`C:\bad1.exe`, "PC-1", "10.0.0.2"}, {`C:\bad2.exe`, "PC-2", "10.0.0.3"}} {
		require.Equal(t, artifacts, []string{a.Events[i].FilePath, a.Events[i].Computer, a.Events[i].IPAddresses[0]})
		for _, value := range artifacts {
			at := slices.IndexFunc(a.Artifacts, func(a parse.Artifact) bool { return a.Value == value })
			require.GreaterOrEqual(t, at, 0, value)
			require.Equal(t, i, a.Artifacts[at].Event, value)
		}
	}
}

func TestIBMParser03OnlyFirstComputer(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"host_1", "pc.corp.example.com", "Büro-PC", "12345"}, values(readFile(t, "V08-computers"), "System Name"))
}

func TestIBMParser04UnanchoredLabels(t *testing.T) {
	t.Parallel()
	a := readText("Risk name: R\nSource Computer: X\nComputer: Y\nClient User: bob\nFile path: C:\\x\n")
	require.Len(t, a.Events, 1)
	require.Equal(t, "Y", a.Events[0].Computer)
	require.Equal(t, "X", a.Events[0].Attack.Host, "what spread the risk is told apart from where it was found")
	require.Empty(t, values(a, "User Account"))
	require.Empty(t, a.Events[0].User)
}

func TestIBMParser05FromInText(t *testing.T) {
	t.Parallel()
	a := readFile(t, "V12-descriptions")
	require.Equal(t, "downloaded From: http://evil.example/x.exe", a.Events[0].Description)
	require.Equal(t, "sepm@example.com", a.From)
	require.Empty(t, values(a, "Email Sender"))
	a = readFile(t, "F28-outlook-forward")
	require.Equal(t, "pat.smith@example.com", a.From, "not the one of the quoted header")
	require.Empty(t, values(a, "Email Sender"))
}

func TestIBMParser06CarriageReturnStays(t *testing.T) {
	t.Parallel()
	require.Equal(t, readFile(t, "F01-guide-lf").Artifacts, readFile(t, "F02-guide-crlf").Artifacts)
	a := readText("Risk name: R\r\nFile path: C:\\x\r\nComputer: PC\r\n")
	require.Equal(t, []string{"PC"}, values(a, "System Name"))
}

func TestIBMParser07LastLineWithoutNewline(t *testing.T) {
	t.Parallel()
	a := readText("Risk name: R\nFile path: C:\\x\nComputer: PC")
	require.Equal(t, []string{"PC"}, values(a, "System Name"))
}

func TestIBMParser08LabelSpelling(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"\u00a0Computer:\u00a0", "Computer:", "COMPUTER : ", "computer：", "Computer\u202f:\u202f", "Computer name: "} {
		a := readText("Risk name: R\nFile path: C:\\x\n" + label + "PC\n")
		require.Equal(t, []string{"PC"}, values(a, "System Name"), "%q", label)
	}
	// A label in a language without a table is no reason to lose the alert.
	a := readText("Risikoname: R\nDateipfad: C:\\x\nRechner: PC\nBenutzer: bob\n")
	require.Equal(t, parse.Unparsed, a.Status)
	require.Contains(t, a.Text, `Dateipfad: C:\x`)
}

func TestIBMParser09WrappedPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"F31-wrapped-72", "F31-wrapped-76", "F31-wrapped-78", "F31-wrapped-80", "F31-flowed"} {
		a := readFile(t, name)
		require.Equal(t, []string{`C:\Documents and Settings\All Users\Application Data\Some Vendor\Product\bad file.exe`}, values(a, "File Path"), name)
		require.Equal(t, []string{"bad file.exe"}, values(a, "File Name"), name)
	}
	require.Equal(t, []string{`C:\Program Files\Päckchen = groß\suspicious_exe.exe`}, values(readFile(t, "F05-quoted-printable"), "File Path"))
}

func TestIBMParser10ArchiveMember(t *testing.T) {
	t.Parallel()
	a := readFile(t, "V03-archives")
	require.Equal(t, []string{"b.exe", "x.dll", "c.exe"}, values(a, "File Name"))
	require.Equal(t, []string{`C:\a.zip>>b.exe`, `C:\a.zip>>in.cab>>x.dll`, `C:\a.zip>>b\c.exe`}, values(a, "File Path"))
	require.Equal(t, `C:\a.zip>>in.cab`, a.Events[1].ArchivePath)
}

func TestIBMParser11EmptyValue(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{`DOM\bob`, "O'Neil, Pat", "bob@example.com"}, values(readFile(t, "V07-users"), "User Account"))
	require.Empty(t, readFile(t, "F26-empty-values").Artifacts)
}

func TestIBMParser12UncheckedAddress(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"1234567890123": "", "999.1.1.1": "", "12.1.671.4971": "",
		"FE80:0000:0000:0000:FC67:074E:CD22:0188": "fe80::fc67:74e:cd22:188",
		"fe80::1%12, 10.0.0.1":                    "fe80::1 10.0.0.1",
		"10.0.0.1; 2001:DB8::1":                   "10.0.0.1 2001:db8::1",
	} {
		a := readText("Risk name: R\nFile path: C:\\x\nIP Address: " + written + "\n")
		require.Equal(t, strings.Fields(want), values(a, "IP Address"), written)
	}
	// The sentence of a client security alert needs nothing after the
	// address.
	a := readFile(t, "G04-client-security-sentences")
	require.Equal(t, []string{"203.0.113.9", "2001:db8::1"}, values(a, "IP Address"))
}

func TestIBMParser16SenderUnreadable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"F01-guide-lf", "F06-base64", "F40-encoded-subject", "T09-bad-header-line", "T10-mbox-line"} {
		require.Equal(t, "sepm@example.com", readFile(t, name).From, name)
	}
	require.Equal(t, "juergen.mueller@example.com", readFile(t, "F28-outlook-forward-german").From, "its name is encoded")
}

func TestIBMParser17FooterFilters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"F01-guide-lf", "F34-footer-percent", "F28-forwarded-inline", "F15-html-br"} {
		a := readFile(t, name)
		require.Len(t, a.Events, 1, name)
		require.Equal(t, []string{"TEST-ENDPOINT"}, values(a, "System Name"), name)
		require.Equal(t, []string{"Trojan.Gen.NPE"}, values(a, "Malware Family/Variant"), name)
	}
	a := readText("Risk name: R\nFile path: C:\\x\nAction: Left alone\n\nThis alarm was generated by admin, with the following filters:\n\n" +
		"Domain: Default\nServer: SEPM\nComputer: PC-*\nRisk name: Trojan*\n")
	require.Len(t, a.Events, 1)
	require.Empty(t, a.Events[0].Computer+a.Events[0].Server+a.Events[0].Domain)
}

// TestIBMGeneric01SubjectAsKey: what identifies an event is what happened,
// not what the subject is.
func TestIBMGeneric01SubjectAsKey(t *testing.T) {
	t.Parallel()
	digest := func(name string) string {
		a := readFile(t, name)
		require.Len(t, a.Events, 1, name)
		return a.Events[0].Digest
	}
	first := digest("F01-guide-lf")
	for _, name := range []string{"F38-custom-subject", "F28-gmail-forward", "F15-html-br", "T01-again", "T02-resent-later", "T02-other-action"} {
		require.Equal(t, first, digest(name), name)
	}
	require.NotEqual(t, readFile(t, "T01-first").MessageID, readFile(t, "T02-resent-later").MessageID)

	// One subject, "Security alert", for all of these.
	seen := map[string]string{}
	for _, name := range []string{"G01-client-security", "G02-client-security-intrusion", "G03-client-security-ipv6-hex", "G05-client-security-several"} {
		for i, e := range readFile(t, name).Events {
			this := fmt.Sprint(name, " event ", i)
			require.Empty(t, seen[e.Digest], "%s has the digest of it", this)
			seen[e.Digest] = this
		}
	}
	events := readFile(t, "G04-client-security-sentences").Events
	require.Len(t, events, 2)
	require.NotEqual(t, events[0].Digest, events[1].Digest, "two attackers")
}

func TestIBMGeneric02SameInfectionAMonthLater(t *testing.T) {
	t.Parallel()
	now := string(guide(t))
	later := strings.ReplaceAll(now, "Feb 28, 2019 3:4", "Mar 28, 2019 3:4")
	a, b := parse.NewReader(parse.Options{}).Read([]byte(now)), parse.NewReader(parse.Options{}).Read([]byte(later))
	require.Equal(t, a.Subject, b.Subject)
	require.NotEqual(t, a.Events[0].Digest, b.Events[0].Digest)
}

// TestIBMGeneric03SharedState: a reader remembers nothing, and many may read
// with it at once.
func TestIBMGeneric03SharedState(t *testing.T) {
	t.Parallel()
	reader := parse.NewReader(parse.Options{})
	names := []string{"F01-guide-lf", "F22-fifty-blocks", "F17-html-header-row", "F29-forwarded-rfc822", "F39-unknown-body", "V09-addresses", "T13-bad-part-header"}
	raws, want := map[string][]byte{}, map[string]parse.Alert{}
	for _, name := range names {
		raws[name] = rawFile(t, name)
		want[name] = parse.NewReader(parse.Options{}).Read(raws[name])
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 2 * len(names) {
				name := names[(i+j)%len(names)]
				if got := reader.Read(raws[name]); !reflect.DeepEqual(want[name], got) {
					t.Errorf("%s differs when it is read among others", name)
				}
			}
		})
	}
	wg.Wait()
}

// TestIBMGeneric04FlagsAsCount: a whitelist of any length, in any case.
func TestIBMGeneric04FlagsAsCount(t *testing.T) {
	t.Parallel()
	var domains, computers []string
	for i := range 50 {
		domains = append(domains, fmt.Sprintf("Host%d.Example.COM", i))
		computers = append(computers, fmt.Sprintf("hOST%d.example.com", i))
	}
	white, err := parse.NewWhitelist(parse.WhitelistEntries{Domains: domains})
	require.NoError(t, err)
	reader := parse.NewReader(parse.Options{Whitelist: white})
	for _, computer := range computers {
		a := reader.Read([]byte("\nRisk name: R\nFile path: C:\\x\nComputer: " + computer + "\n"))
		require.Empty(t, values(a, "System Name"), computer)
		require.Equal(t, computer, a.Events[0].Computer)
	}
	a := reader.Read([]byte("\nRisk name: R\nFile path: C:\\x\nComputer: host50.example.com\n"))
	require.Equal(t, []string{"host50.example.com"}, values(a, "System Name"))
}

func TestIBMGeneric08SubjectNeedsDisplayName(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"sepm@example.com", "<sepm@example.com>", "SEPM <sepm@example.com>"} {
		a := parse.NewReader(parse.Options{}).Read([]byte("From: " + from + "\nSubject: Security alert\n\nx"))
		require.Equal(t, "Security alert", a.Subject, from)
		require.Equal(t, "sepm@example.com", a.From, from)
	}
}
