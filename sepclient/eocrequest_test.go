package sepclient

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sentScan is the document of a scan as SEPM got it.
func sentScan(t *testing.T, s Scan) string {
	t.Helper()
	q := serveQueue(t, nil)
	_, err := q.client(t).Scan(t.Context(), Targets{Computers: []string{"A"}}, s)
	require.NoError(t, err)
	require.Equal(t, "/command-queue/eoc", q.sent[0].path)
	require.Equal(t, "application/xml", q.sent[0].kind)
	return q.sent[0].body
}

// The document is that of A14, to the letter.
func TestScanDocument(t *testing.T) {
	sha256, sha1, md5 := strings.Repeat("ab", 32), strings.Repeat("cd", 20), strings.Repeat("ef", 16)
	file := func(name, hash string) string { return `<File name="` + name + `" action="create">` + hash + `</File>` }
	hash := func(kind, value string) string { return `<Hash name="` + kind + `" value="` + value + `"></Hash>` }
	document := func(kind, remediation, files string) string {
		return `<EOC creator="sepwatch" version="1.0" id="1"><DataSource name="" id="" version=""></DataSource>` +
			`<ScanType>` + kind + `</ScanType>` + remediation +
			`<Threat category="" type="" severity="" time=""><Description>why</Description><Attacker></Attacker></Threat>` +
			`<Activity><OS id="0" name="" version=""><Process></Process><Files>` + files + `</Files>` +
			`<Registry></Registry><Network></Network></OS></Activity></EOC>`
	}
	all := []Evidence{
		{Hash: FileHash{SHA256, strings.ToUpper(sha256)}}, {Hash: FileHash{SHA1, sha1}}, {Hash: FileHash{"md5", md5}},
		{Name: `C:\x.exe`}, {Name: "y.exe"}, {Name: "z.exe", Hash: FileHash{SHA1, sha1}}, {Name: "y.exe"},
	}
	require.Equal(t, document("QUICK_SCAN", "", file("", hash("SHA256", sha256))+file("", hash("SHA1", sha1))+file("", hash("MD5", md5))+
		file(`C:\x.exe`, "")+file("y.exe", "")+file("z.exe", hash("SHA1", sha1))),
		sentScan(t, Scan{Description: "why", Evidence: all}))
	require.Equal(t, document("FULL_SCAN", "<RemediationAction>REMEDIATE</RemediationAction>", file("", hash("SHA1", sha1))),
		sentScan(t, Scan{Description: "why", Full: true, Remediate: true, Evidence: []Evidence{all[1], all[5]}}))
}

// fn_sep escapes nothing, so that a path can break the request or change it.
func TestPartC20EverythingIsEscaped(t *testing.T) {
	const name = `C:\R&D\"><RemediationAction>REMEDIATE</RemediationAction><x a='.exe`
	body := sentScan(t, Scan{
		Description: "]]></Description><RemediationAction>REMEDIATE</RemediationAction>\x1b[31m\n" + strings.Repeat("x", 5000),
		Evidence:    []Evidence{{Name: name}},
	})
	require.NotContains(t, body, "<RemediationAction>")
	var got struct {
		Threat struct{ Description string }
		Files  []struct {
			Name string `xml:"name,attr"`
		} `xml:"Activity>OS>Files>File"`
	}
	require.NoError(t, xml.Unmarshal([]byte(body), &got))
	require.Equal(t, name, got.Files[0].Name)
	require.True(t, strings.HasPrefix(got.Threat.Description, "]]></Description><RemediationAction>REMEDIATE</RemediationAction> [31m xxx"), got.Threat.Description)
	require.Less(t, len(got.Threat.Description), 1100)
}

// fn_sep searches for files that are called SHA256, SHA1 and MD5, and sends the
// path with a remediation, which the client then reports as UNSUPPORTED.
func TestPartC21NoBogusNames(t *testing.T) {
	h := FileHash{SHA256, strings.Repeat("ab", 32)}
	for _, s := range []Scan{
		{Evidence: []Evidence{{Hash: h}}},
		{Remediate: true, Evidence: []Evidence{{Name: `C:\x.exe`, Hash: h}}},
	} {
		body := sentScan(t, s)
		require.Equal(t, 1, strings.Count(body, "<File "))
		require.Contains(t, body, `<File name="" action="create">`)
	}
}

func TestScanRefusesBadEvidence(t *testing.T) {
	q := serveQueue(t, nil)
	c := q.client(t)
	for text, s := range map[string]Scan{
		"nothing to search for":        {},
		"has neither name nor hash":    {Evidence: []Evidence{{}}},
		`"abc" is no hash`:             {Evidence: []Evidence{{Hash: FileHash{MD5, "abc"}}}},
		"is no SHA256":                 {Evidence: []Evidence{{Hash: FileHash{SHA256, strings.Repeat("a", 32)}}}},
		`"a b.exe" is no path`:         {Evidence: []Evidence{{Name: "a\nb.exe"}}},
		`"a�.exe" is no path`:          {Evidence: []Evidence{{Name: "a\xff.exe"}}},
		"is longer than 32767":         {Evidence: []Evidence{{Name: strings.Repeat("x", 32768)}}},
		`"x.exe" has no hash, and rem`: {Remediate: true, Evidence: []Evidence{{Name: "x.exe"}}},
	} {
		_, err := c.Scan(t.Context(), Targets{Computers: []string{"A"}}, s)
		requireError(t, err, Permanent, text)
	}
	require.Empty(t, q.sent)
}
