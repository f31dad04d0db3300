package indicator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
)

// The tests named TestIBMGeneric hold defects that IBM's generic parsing
// script has against this package; the numbers are those of contract SEPM
// e-mail §2.2.

func TestIBMGeneric05IPv6FalsePositives(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"D:::0", "EventMap.ID:::0xxx", "src/dead::beef/x.cpp", "abc::def", "d::add(1)", "a::b", "std::vector<int>", "ns::c0de", "::", "::1", "::2",
		"at 3:40:12", "12:34:56:78", "00:50:56:8B:A6:C3", "00:50:56:8B:A6:C3:00:01", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "2001:db8::1::2",
		"x2001:db8::1", "2001:db8::1x", "2001:db8::/32", "12:3a.1.2",
	} {
		require.Empty(t, indicator.Find(text), text)
	}
	for text, want := range map[string]string{
		"fe80::":       "fe80::",
		"(fe80::1%12)": "fe80::1",
		"FE80:0000:0000:0000:FC67:074E:CD22:0188": "fe80::fc67:74e:cd22:188",
		"FEC0:0:0:0:0:0:0:1,":                     "fec0::1",
		"[2001:db8::1]:443.":                      "2001:db8::1",
		"2001:db8::1: refused":                    "2001:db8::1",
		"2001:db8::1/64":                          "2001:db8::1",
		"fd12:3456::1":                            "fd12:3456::1",
		"::ffff:10.1.2.3":                         "10.1.2.3",
		"64:ff9b::10.1.2.3":                       "64:ff9b::a01:203",
		"2001[:]db8[:]:1":                         "2001:db8::1",
	} {
		require.Equal(t, []string{want}, values(indicator.Find(text), incident.IPAddress), text)
	}
}

func TestIBMGeneric06IPv4FromVersions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"1.2.3.4.5", ".1.2.3.4", "v8.1.1.1", "8.1.1.1-beta", "foo-8.1.1.1.tgz", "x_8.1.1.1", "8.1.1.1a", "12.1.671.4971", "14.2.1031.0100", "6.1.7600.16385",
		"version 8.1.1.1", "Version: 8.1.1.1", "(ver. 8.1.1.1)", "Engine version = 8.1.1.1", "COH engine 8.1.1.1", `"engineVersion":"8.1.1.1"`,
		"Product version: 8.1.1.1, 9.1.1.1", "build (8.1.1.1)", "Version (build): 8.1.1.1", "Endpoint Protection 14.0.0.1", "Chrome/8.1.1.1 Safari/5.3.7.3", "1.3.6.1.4.1",
		"010.001.002.003", "1.2.3.04", "256.1.1.1", "1.1.1.1000", "1.2.3",
		"0.0.0.0 0.1.2.3 127.0.0.1 127.8.8.8 255.255.255.0 255.255.255.255", "10.1.0.0/16",
	} {
		require.Empty(t, indicator.Find(text), text)
	}
	for text, want := range map[string][]string{
		"8.1.1.1":        {"8.1.1.1"},
		"from 10.1.2.3.": {"10.1.2.3"},
		"Engine IP: 10.1.2.3, Windows host 10.1.2.4": {"10.1.2.3", "10.1.2.4"},
		"10.1.2.3:8080, 10.1.2.4; (10.1.2.5)":        {"10.1.2.3", "10.1.2.4", "10.1.2.5"},
		"10.1.2.3-10.1.2.9 10.2.2.3-9 10.1.0.1/16":   {"10.1.2.3", "10.1.2.9", "10.2.2.3", "10.1.0.1"},
		"host/10.1.2.3 client 10.1.2.4":              {"10.1.2.3", "10.1.2.4"},
		"Security alert: activity from 203.0.113.9":  {"203.0.113.9"},
	} {
		require.Equal(t, want, values(indicator.Find(text)), text)
	}
}

func TestIBMGeneric07URLs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"(see http://a.example/x).": {"http://a.example/x"},
		"hxxp://a.example/x":        {"http://a.example/x"},
		"HTTP://a.example/X":        {"http://a.example/X"},
		"www.evil.com/x":            {"http://www.evil.com/x"},
		"http://a[.]example/x":      {"http://a.example/x"},
		`<a href="#top">`:           nil,
	} {
		require.Equal(t, want, values(indicator.Find(text), incident.URL), text)
	}
	require.Equal(t, []string{"www.evil.com"}, values(indicator.Find("www.evil.com")), "of a page no URL is made up")
}

func TestIBMGeneric09HashLengths(t *testing.T) {
	t.Parallel()
	const md5 = "d41d8cd98f00b204e9800998ecf8427e"
	for _, text := range []string{
		md5[1:], md5 + "0", "x" + md5, md5 + "g", "da39a3ee5e6b4b0d3255bfef95601890afd8070", "da39a3ee5e6b4b0d3255bfef95601890afd807091",
		"d41d8cd9-8f00-b204-e980-0998ecf8427e", "{D41D8CD9-8F00-B204-E980-0998ECF8427E}",
	} {
		require.Empty(t, indicator.Find(text), text)
	}
	// IBM's script skipped every second one of a list.
	require.Len(t, indicator.Find(md5+" 0"+md5[1:]+",1"+md5[1:]+";2"+md5[1:]), 4)
}

// TestSEPMIDs holds contract SEPM e-mail §7 check 6: an object of SEPM has an
// id with the shape of an MD5, and so has an IPv6 address in its database.
// Only the label tells.
func TestSEPMIDs(t *testing.T) {
	t.Parallel()
	const id = "C73763EF092E5BB9462D7353C645BC2C"
	for _, text := range []string{
		"Computer id: " + id, "Computer id " + id, "COMPUTER ID:\t" + id, "Computer ids: " + id + ", A" + id[1:], "computer_id=" + id,
		`"computerId":"` + id + `"`, "Hardware key: " + id, "Group GUID: {" + id + "}", "Unique ID:\n" + id, "uuid (" + id + ")",
	} {
		require.Empty(t, indicator.Find(text), text)
	}
	for _, text := range []string{id, "MD5: " + id, "Computer id: 1, MD5: " + id, "The id is not known; hash " + id, "invalid: " + id} {
		require.Len(t, values(indicator.Find(text), incident.MD5Hash), 1, text)
	}
	for _, text := range []string{"Remote host IPv6: 20010DB8000000000000000000000001", "IP address(es)=20010DB8000000000000000000000001"} {
		require.Equal(t, []string{"2001:db8::1"}, values(indicator.Find(text)), text)
	}
}

// TestNamesThatAreNoHosts: a name of two parts may be a file's, a risk's, a
// program's or a folder's.
func TestNamesThatAreNoHosts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		// Files: of these endings there are domains too.
		"archive.zip clip.mov install.sh libx.so driver.cab README.md x.py", "foo.tar.zip", "archive.zip/inner.txt", "dir/logo.ai", `dir\evil.com`,
		"setup.exe banana.doc x.dll", "File name: eicar.com", "Application name = evil.com", "Attachment: invoice.pl",
		// Risks, as Symantec names them.
		"Trojan.Gen.NPE W32.Sality.AE Trojan.Horse WS.Reputation.1 Heur.AdvML.B SONAR.Dropper Backdoor.Graybird.AC Trojan.Gen.2",
		// Programs and sentences.
		"ASP.NET VB.Net System.IO node.js", "user.name=bob item.click() $user.name", "was found.It is e.g. etc.", `CORP.COM\bob`,
		// Folders of SEPM.
		`My Company\Default Group`, `Client Group: My Company\\Default Group`,
		// The vendor's help.
		"For more, see https://techdocs.broadcom.com/us/en/x.html, www.symantec.com/docs or support@symantec.com", "localhost http://localhost:8080/x",
	} {
		require.Empty(t, indicator.Find(text), text)
	}
	for text, want := range map[string]string{
		"Domain: evil.zip":                    "evil.zip",
		"Remote host name: evil.sh":           "evil.sh",
		"evil[.]zip":                          "evil.zip",
		"www.evil.mov":                        "www.evil.mov",
		"evil.zip:8443":                       "evil.zip",
		"tcp://evil.zip":                      "evil.zip",
		"evil.com.py":                         "evil.com.py",
		"symantec.com.evil.ru":                "symantec.com.evil.ru",
		"notsymantec.com":                     "notsymantec.com",
		"File name: x.exe, domain: evil.com.": "evil.com",
		"From evil.com":                       "evil.com",
	} {
		require.Equal(t, []string{want}, values(indicator.Find(text)), text)
	}
	require.Equal(t, []string{"http://evil.zip/x", "evil.zip"}, values(indicator.Find("http://evil.zip/x")))
}
