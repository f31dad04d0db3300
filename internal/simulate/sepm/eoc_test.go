package sepm_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

const bad = "malware" // a file's content

// echoed is what a client's result says.
type echoed struct {
	Files []struct {
		Name   string `xml:"name,attr"`
		Hashes []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"Hash"`
		Matched []matched `xml:"Matched"`
	} `xml:"Activity>OS>Files>File"`
}

type matched struct {
	Result      string `xml:"result,attr"`
	Path        string `xml:"value,attr"`
	Remediation string `xml:"remediation,attr"`
	HashType    string `xml:"hashType,attr"`
	HashValue   string `xml:"hashValue,attr"`
}

func document(head, files string) string {
	return `<EOC creator="c" version="1.0" id="i"><DataSource name="n" id="d" version="v"/>` + head +
		`<Threat category="a" type="b" severity="c" time="d"><Description>x &amp; &lt;y&gt;</Description><Attacker/></Threat>` +
		`<Activity><OS id="0" name="o" version="v"><Process/><Files>` + files + `</Files><Registry/><Network/></OS></Activity></EOC>`
}

const (
	full      = "<ScanType>FULL_SCAN</ScanType>"
	quick     = "<ScanType>QUICK_SCAN</ScanType>"
	remediate = full + "<RemediationAction>REMEDIATE</RemediationAction>"
)

func file(name, hashName, hash string) string {
	return fmt.Sprintf(`<File name="%s" action="create"><Hash name="%s" value="%s"/></File>`, name, hashName, hash)
}

// scan gives the result of a scan on the computer 1.
func (b *bench) scan(body string) string {
	b.t.Helper()
	made := b.command("eoc?computer_ids="+id("1"), body)["commandID_computer"]
	b.through()
	items := b.status(made)
	require.Len(b.t, items, 1)
	require.EqualValues(b.t, 3, items[0]["stateId"])
	text, _ := items[0]["resultInXML"].(string)
	return text
}

func (b *bench) scanned(body string) echoed {
	b.t.Helper()
	var e echoed
	require.NoError(b.t, xml.Unmarshal([]byte(b.scan(body)), &e))
	return e
}

// infected is a computer with three copies of a file, one in the recycle bin,
// and another file.
func infected() sepm.Options {
	return sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: id("1"), Files: []sepm.File{
		{Path: `C:\temp\x & y.exe`, Content: []byte(bad)},
		{Path: `C:\$Recycle.Bin\S-1-5-21\$RX.exe`, Content: []byte(bad)},
		{Path: `D:\far\x & y.exe`, Content: []byte(bad), Stuck: true, Remote: true},
		{Path: `C:\temp\SHA256`, Content: []byte("innocent")},
	}}}}
}

func TestHashSearch(t *testing.T) {
	b := loggedIn(t, infected())
	for kind, hash := range digests(bad) {
		e := b.scanned(document(full, file("", kind, strings.ToUpper(hash))))
		require.Len(t, e.Files, 1)
		require.Equal(t, hash, e.Files[0].Hashes[0].Value, "in lower case")
		require.Equal(t, []matched{
			{Result: "HASH_MATCH", Path: `C:\temp\x & y.exe`, HashType: kind},
			{Result: "HASH_MATCH", Path: `C:\$Recycle.Bin\S-1-5-21\$RX.exe`, HashType: kind},
			{Result: "HASH_MATCH", Path: `D:\far\x & y.exe`, HashType: kind},
		}, e.Files[0].Matched)
		require.Len(t, b.scanned(document(quick, file("", kind, hash))).Files[0].Matched, 2, "a quick scan does not look far")
	}
}

func TestNameSearch(t *testing.T) {
	sum := digests(bad)["SHA256"]
	at := func(result, path string) matched {
		return matched{Result: result, Path: path, HashType: "SHA256", HashValue: sum}
	}
	none := []matched{{Result: "NO_MATCH"}}
	here, bin, far := `C:\temp\x & y.exe`, `C:\$Recycle.Bin\S-1-5-21\$RX.exe`, `D:\far\x & y.exe`
	for name, want := range map[string][]matched{
		`c:\TEMP\x &amp; y.exe`:       {at("FULL_MATCH", here), at("PARTIAL_MATCH", far)},
		`x &amp; y.exe`:               {at("FULL_MATCH", here), at("FULL_MATCH", far)},
		`E:\x &amp; y.exe`:            {at("PARTIAL_MATCH", here), at("PARTIAL_MATCH", far)},
		`C:\$Recycle.Bin\$RX.exe`:     {at("PARTIAL_MATCH", bin)},
		`SHA256`:                      {{Result: "FULL_MATCH", Path: `C:\temp\SHA256`, HashType: "SHA256", HashValue: digests("innocent")["SHA256"]}},
		`C:\nothing.exe`:              none,
		``:                            none,
		`C:\temp`:                     none,
		`C:\temp\x &amp; y.exe.locky`: none,
	} {
		// Three entries, as one client sends them: each says the same again.
		e := loggedIn(t, infected()).scanned(document(full, file(name, "SHA256", "")+file(name, "SHA1", "")+file(name, "MD5", "")))
		require.Len(t, e.Files, 3)
		for _, f := range e.Files {
			require.Empty(t, f.Hashes, "an empty hash is dropped")
			require.Equal(t, want, f.Matched, name)
		}
	}
}

func TestMeaningOfPartial(t *testing.T) {
	path := `C:\temp\x &amp; y.exe`
	other := file(path, "SHA256", strings.Repeat("0", 64))
	for meaning, want := range map[sepm.PartialMatch][2]string{
		sepm.PartialPlace: {"FULL_MATCH PARTIAL_MATCH", "NO_MATCH"},
		sepm.PartialHash:  {"FULL_MATCH", "PARTIAL_MATCH"},
		sepm.PartialNever: {"FULL_MATCH", "NO_MATCH"},
	} {
		opt := infected()
		opt.PartialMatch = meaning
		e := loggedIn(t, opt).scanned(document(full, file(path, "MD5", "")+other))
		for i, want := range want {
			var got []string
			for _, m := range e.Files[i].Matched {
				got = append(got, m.Result)
			}
			require.Equal(t, want, strings.Join(got, " "))
		}
	}
}

func TestRemediation(t *testing.T) {
	b := loggedIn(t, infected())
	sum := digests(bad)["SHA256"]
	e := b.scanned(document(remediate, file(`C:\temp\x &amp; y.exe`, "SHA256", sum)+file(`C:\temp\x &amp; y.exe`, "MD5", "")))
	var got []string
	for _, f := range e.Files {
		for _, m := range f.Matched {
			got = append(got, m.Result+" "+m.Remediation)
		}
	}
	require.Equal(t, []string{"HASH_MATCH SUCCEEDED", "HASH_MATCH SUCCEEDED", "HASH_MATCH FAILED", "FULL_MATCH UNSUPPORTED", "PARTIAL_MATCH UNSUPPORTED"}, got)
	c, _ := b.Computer(id("1"))
	require.Len(t, c.Files, 2)
	require.Equal(t, `D:\far\x & y.exe`, c.Files[0].Path, "the one that is stuck")
	require.Len(t, b.Contained(id("1")), 2)
	require.Len(t, b.scanned(document(full, file("", "SHA256", sum))).Files[0].Matched, 1, "the others are gone")
}

func TestEcho(t *testing.T) {
	require.Equal(t, `<EOC creator="c" version="1.0" id="i">
    <DataSource name="n" id="d" version="v"/>
    <ScanType>FULL_SCAN</ScanType>
    <RemediationAction>REMEDIATE</RemediationAction>
    <Threat time="d" severity="c" type="b" category="a">
        <Description>x &amp; &lt;y&gt;</Description>
        <URL></URL>
        <User></User>
        <Attacker>
        </Attacker>
        <proxy ip=""/>
        <Application></Application>
    </Threat>
    <Activity>
        <OS id="0" name="o" version="v">
            <Process>
            </Process>
            <Files>
                <File name="C:\temp\SHA256" action="create">
                    <Matched result="FULL_MATCH" value="C:\temp\SHA256" remediation="UNSUPPORTED" hashType="SHA256" hashValue="`+digests("innocent")["SHA256"]+`"/></File>
                <File name="" action="create">
                    <Hash name="MD5" value="`+md5("a")+`"/>
                    <Matched result="NO_MATCH"/></File>
            </Files>
            <Registry>
            </Registry>
            <Network/>
        </OS>
    </Activity>
</EOC>`, loggedIn(t, infected()).scan(document(remediate, file(`C:\temp\SHA256`, "MD5", "")+file("", "MD5", md5("A")))))
}

func TestResultsThatAreNoResults(t *testing.T) {
	body := document(full, file("", "MD5", md5("a")))
	whole := loggedIn(t, infected()).scan(body)
	for kind, want := range map[sepm.EOCResult]any{sepm.EOCEmpty: "", sepm.EOCNull: nil, sepm.EOCCut: whole[:len(whole)/2]} {
		for _, own := range []bool{false, true} {
			opt := infected()
			if own {
				opt.Computers[0].EOCResult = kind
			} else {
				opt.EOCResult = kind
			}
			b := loggedIn(t, opt)
			made := b.command("eoc?computer_ids="+id("1"), body)["commandID_computer"]
			b.through()
			require.Equal(t, want, b.status(made)[0]["resultInXML"])
		}
	}
}

func TestBadDocuments(t *testing.T) {
	good := document(full, "")
	for name, body := range map[string]string{
		"empty": "", "JSON": `{"a":1}`, "another": "<EOD/>", "unescaped": strings.Replace(good, "&amp;", "&", 1),
		"cut": good[:len(good)/2], "more": good + "<EOC/>", "no scan type": document("", ""), "scan type": document("<ScanType>X</ScanType>", ""),
		"action first": document("<RemediationAction>REMEDIATE</RemediationAction>"+full, ""),
		"action":       document(full+"<RemediationAction>DELETE</RemediationAction>", ""),
		"hash":         document(full, file("", "SHA512", "00")),
	} {
		a := loggedIn(t, infected()).do("POST", "/command-queue/eoc?computer_ids="+id("1"), body)
		require.Equal(t, 400, a.status, name)
	}
	require.Contains(t, loggedIn(t, infected()).scan(`<EOC><ScanType>QUICK_SCAN</ScanType><Activity/></EOC>`), "<Files>", "an empty activity will do")

	opt := infected()
	opt.EOCPassedOn = true
	b := loggedIn(t, opt)
	made := b.command("eoc?computer_ids="+id("1"), "<EOC>")["commandID_computer"]
	b.through()
	require.EqualValues(t, 6, b.status(made)[0]["stateId"])
	require.Equal(t, "<EOC>", b.Commands()[0].Body)
}
