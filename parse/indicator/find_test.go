package indicator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
)

// TestFind states one text in full: every type, the order, the ranges.
func TestFind(t *testing.T) {
	t.Parallel()
	const text = `bob@evil.com got hxxps://dl[.]evil.com:8443/a,b from 10.1.2.3 and FE80::1%12 (CVE-2021-44228). ` +
		`It dropped C:\x.exe (D41D8CD98F00B204E9800998ECF8427E) and set HKLM\Software\x; mirror: www.evil.org`
	at := func(t incident.ArtifactType, value, raw string) indicator.Indicator {
		start := strings.Index(text, raw)
		return indicator.Indicator{Type: t, Value: value, Raw: raw, Start: start, End: start + len(raw)}
	}
	require.Equal(t, []indicator.Indicator{
		at(incident.EmailSender, "bob@evil.com", "bob@evil.com"),
		at(incident.URL, "https://dl.evil.com:8443/a%2Cb", "hxxps://dl[.]evil.com:8443/a,b"),
		at(incident.DNSName, "dl.evil.com", "dl[.]evil.com"),
		at(incident.IPAddress, "10.1.2.3", "10.1.2.3"),
		at(incident.IPAddress, "fe80::1", "FE80::1%12"),
		at(incident.CVEID, "CVE-2021-44228", "CVE-2021-44228"),
		at(incident.FilePath, `C:\x.exe`, `C:\x.exe`),
		at(incident.MD5Hash, "d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E"),
		at(incident.RegistryKey, `HKLM\Software\x`, `HKLM\Software\x`),
		at(incident.DNSName, "www.evil.org", "www.evil.org"),
	}, indicator.Find(text))
	require.Empty(t, indicator.Find(""))
}

func TestEachOnce(t *testing.T) {
	t.Parallel()
	found := indicator.Find(`1.2.3.4 1[.]2.3.4 C:\x C:\x EVIL.com http://evil.com/ evil.com`)
	require.Equal(t, []string{"1.2.3.4", `C:\x`, "evil.com", "http://evil.com/"}, values(found))
	require.Zero(t, found[0].Start)
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		// Public suffixes.
		"evil.com evil.co.uk deep.sub.evil.co.uk":    {"evil.com", "evil.co.uk", "deep.sub.evil.co.uk"},
		"com co.uk .com uk. com.":                    nil,
		"x.kawasaki.jp a.x.kawasaki.jp":              {"a.x.kawasaki.jp"}, // *.kawasaki.jp is a suffix
		"city.kawasaki.jp www.ck x.ck":               {"city.kawasaki.jp", "www.ck"},
		"evil.github.io github.io evil.web.app":      {"evil.github.io", "github.io", "evil.web.app"},
		"srv.corp.local x.invalid y.onion a.b.c.exe": {"y.onion"},
		// Names.
		"gqtavlakkdkcryl.xn--pgbs0dh papaya.рф bücher.de": {"gqtavlakkdkcryl.xn--pgbs0dh", "papaya.xn--p1ai", "xn--bcher-kva.de"},
		"EVIL.COM Evil.com":                            {"evil.com"},
		"evil.com. evil.org.":                          {"evil.com", "evil.org"},
		"_dmarc.evil.com my_host.evil.com my_evil.com": {"_dmarc.evil.com", "my_host.evil.com", "evil.com"},
		"_フ_ファァイルevil.co":                              {"evil.co"},
		"--evil.com a.-evil.org evil-.com evil.net---": {"evil.com", "evil.org", "evil.net"},
		"r4---sn-abc.evil.com":                         {"r4---sn-abc.evil.com"},
		strings.Repeat("a", 63) + ".com":               {strings.Repeat("a", 63) + ".com"},
		strings.Repeat("a", 64) + ".com":               nil,
		strings.Repeat("a.", 130) + "com":              nil,
		"ファイルevil.comをダウンロード 请访问1.2.3.4查看":             {"evil.com", "1.2.3.4"},
		// A path behind a host is none of names.
		"evil.com/other.org/x.zip?y=a.net evil.com:8080/b.org": {"evil.com"},
		"www.evil.com/a?b www.evil.com www.evil.org":           {"http://www.evil.com/a?b", "www.evil.com", "www.evil.org"},
	} {
		require.Equal(t, want, values(indicator.Find(text)), text)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"HTTP://EVIL.example/A?B#C":                            {"http://evil.example/A?B#C"},
		"(http://evil.example/a(b)), <http://evil.example>.":   {"http://evil.example/a(b)", "http://evil.example"},
		`href="http://evil.example/x" 'http://evil.example/y'`: {"http://evil.example/x", "http://evil.example/y"},
		"http://evil.example/x,http://evil.example/y;hxxp://evil.example/z": {
			"http://evil.example/x", "http://evil.example/y", "http://evil.example/z"},
		"http://evil.example/x\u00a0y http://evil.example/x…":             {"http://evil.example/x"},
		"http://u:p@evil.example:81/ http://intranet/x http://c2.onion":   {"http://u:p@evil.example:81/", "http://intranet/x", "http://c2.onion"},
		"http://[2001:db8::1]:80/x http://1.2.3.4/ http://3232235777/":    {"http://[2001:db8::1]:80/x", "http://1.2.3.4/", "http://3232235777/"},
		"file:///C:/x.exe file://srv/share ftp://evil.example gopher://a": {"file:///C:/x.exe", "file://srv/share", "ftp://evil.example", "gopher://a"},
		"http://папайя.рф/сайт":                                           {"http://xn--80aa1avb2h.xn--p1ai/сайт"},
		"URLhttp://evil.example/ view-source:http://evil.example/x":       {"http://evil.example/", "http://evil.example/x"},
		// None.
		"http:// https://or. http://: http://[::: http://-a/ http://a..b/ http://1.2.3.400/": {"https://or"},
		"http://127.0.0.1/x http://localhost:80/ http://[::1]/ http://0.0.0.0":               nil,
		"http://<host>/x http://%s/x http://${h}/x http://ev!l ldap://evil.example/x ://x":   nil,
		`href="#top" href="/x" mailto:x tel:1 http:/evil.example http//evil.example`:         nil,
		"http://evil.example/" + strings.Repeat("x", 5000):                                   nil,
	} {
		require.Equal(t, want, values(indicator.Find(text), incident.URL), text)
	}
}

func TestEmails(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Bob.B+x@Evil.COM, <a@b.evil.co.uk>; 'o'neil@evil.org'": {"bob.b+x@evil.com", "a@b.evil.co.uk", "o'neil@evil.org"},
		"mailto:a@evil.com?subject=x user=b@evil.com":           {"a@evil.com", "b@evil.com"},
		"root@1.2.3.4": {"root@1.2.3.4"},
		"a@b@evil.com a..b@evil.com a.@evil.com a@evil a@evil.exe @evil.com a@-evil.com":               {"b@evil.com"},
		strings.Repeat("a", 65) + "@evil.com":                                                          nil,
		"Message-ID: <x@mail.evil.com>\nReferences: <y@mail.evil.com>\nIn-Reply-To: <z@mail.evil.com>": nil,
		"Reply-To: x@evil.com\nTo: y@evil.com":                                                         {"x@evil.com", "y@evil.com"},
		"http://a:b@evil.com/":                                                                         nil,
	} {
		require.Equal(t, want, values(indicator.Find(text), incident.EmailSender), text)
	}
	require.Equal(t, []string{"root@1.2.3.4", "1.2.3.4"}, values(indicator.Find("root@1.2.3.4")))
}

func TestHashesAndCVEs(t *testing.T) {
	t.Parallel()
	hex := func(n int) string { return strings.Repeat("0123456789abcdef", 8)[:n] }
	for text, want := range map[string][]string{
		hex(32) + "," + hex(40) + ";" + strings.ToUpper(hex(64)) + "|" + hex(128): {hex(32), hex(40), hex(64), hex(128)},
		"0x" + hex(32) + " sha1-" + hex(40) + " /" + hex(64) + ".exe":             {hex(32), hex(40), hex(64)},
		hex(32) + ".evil.com": {hex(32) + ".evil.com"},
		strings.Repeat("0", 32) + " " + strings.Repeat("f", 64) + " " + strings.Repeat("12", 16): nil,
		"cve-2021-44228, exploit_CVE-2014-0160.py CVE\u20112017\u20110144":                       {"CVE-2021-44228", "CVE-2014-0160", "CVE-2017-0144"},
		"CVE-2021-123 CVE-21-44228 CVE2021-44228 XCVE-2021-44228 CVE-2021-4422a":                 nil,
	} {
		require.Equal(t, want, values(indicator.Find(text)), text)
	}
}

// TestBounded: what a hostile text can make is little, and soon made. Time
// that grew with the square of these lengths would run into the limit of the
// test.
func TestBounded(t *testing.T) {
	t.Parallel()
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < 1<<20; i++ {
			fmt.Fprintf(&b, format, i%256, i/256%256)
		}
		return b.String()
	}
	found := indicator.Find(many("1.2.%d.%d "))
	require.Len(t, found, 200)
	require.Equal(t, "1.2.199.0", found[199].Value)
	mixed := indicator.Find(many(`1.2.%d.%d C:\x`) + many(`http://x%d-%d.com `))
	require.Len(t, mixed, 200)
	require.Equal(t, "1.2.0.0", mixed[0].Value)

	for _, piece := range []string{
		"a.", "a-", "a@", "a+", "1.", "1:", "f:", "::", "://", "http://", "http://a", "http://a,", "[", "[.", "[.]", "(dot)", " dot ", "a dot ",
		"a at ", `\\a\b `, `C:\a `, `"C:\a `, "“C:\\a b ", `“\\a\b `, "/tmp/a ", "'/tmp/a ", "HKLM\\a ", "%a%\\b ", "%", `\`, `C:\a>>`, "C:\\a:",
		"=d41d8cd98f00b204e9800998ecf8427e,", "id ", "é", "é.", "xn--", "CVE-2021-", "http://a/(", "http://a/)", "\xff", "\u200b", "．", "e\u0301",
	} {
		require.LessOrEqual(t, len(indicator.Find(strings.Repeat(piece, 1<<18/len(piece)))), 200, piece)
	}
	require.Empty(t, indicator.Find(strings.Repeat("é", 1<<20)+" evil.com"), "the rest of a large text is not read")
}

// TestOperationalNotices holds contract SEPM e-mail §7 check 5 for free text:
// what SEPM says of itself has nothing to look up.
func TestOperationalNotices(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/mail/F42-*.eml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		_, body, _ := strings.Cut(string(raw), "\n\n")
		require.Empty(t, indicator.Find(body), file)
	}
	raw, err := os.ReadFile("../../testdata/mail/F01-guide-lf.eml")
	require.NoError(t, err)
	_, body, _ := strings.Cut(string(raw), "\n\n")
	require.Equal(t, []string{`C:\suspicious_exe.exe`, "192.168.194.94"}, values(indicator.Find(body)))
}
