package indicator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/parse/indicator"
)

func itoa(b byte) string { return strconv.Itoa(int(b)) }

// accepted and refused are values by type (contract: Resilient API §3.3).
var accepted = map[incident.ArtifactType][]string{
	incident.DNSName:     {"evil.com", "SEPM-SERVER", "_x.evil.com", "xn--p1ai"},
	incident.IPAddress:   {"10.1.2.3", "fe80::1", "2001:db8:0:0:0:0:0:1", "::ffff:10.1.2.3", "FE80::1"},
	incident.URL:         {"http://evil.com", "https://a/b?c#d", "ftp://a", "file:///C:/x", "gopher://a", "http://a/сайт"},
	incident.MD5Hash:     {"d41d8cd98f00b204e9800998ecf8427e", "0xD41D8CD98F00B204E9800998ECF8427E"},
	incident.SHA1Hash:    {strings.Repeat("a1", 20)},
	incident.SHA256Hash:  {strings.Repeat("a1", 32)},
	incident.SHA512Hash:  {strings.Repeat("a1", 64), "0x" + strings.Repeat("A1", 64)},
	incident.MACAddress:  {"00-50-56-8B-A6-C3", "00:50:56:8b:a6:c3"},
	incident.CVEID:       {"CVE-2021-44228", "cve-2021-44228"},
	incident.RegistryKey: {`HKLM\x`, `hkcu/x y`, `HKEY_LOCAL_MACHINE\SOFTWARE\Ü`},
	incident.FilePath:    {`C:\x y,z`, "x"},
	incident.UserAccount: {`CORP\bob`},
}

var refused = map[incident.ArtifactType][]string{
	incident.DNSName:     {"", " ", "evil com", "evil,com", "bücher.de", "evil.com:80"},
	incident.IPAddress:   {"", "10.1.2", "10.1.2.3.4", "256.1.1.1", "fe80::1%12", "10.1.2.3 10.1.2.4", "1:2:3:4:5:6:1.2.3.4", "x"},
	incident.URL:         {"evil.com", "HTTP://a", "hxxp://a", "ldap://a", "http://", "http://a b", "http://a,b", "http://a\u00a0b"},
	incident.MD5Hash:     {"d41d8cd98f00b204e9800998ecf8427", "d41d8cd98f00b204e9800998ecf8427ex", "g41d8cd98f00b204e9800998ecf8427e", "0xd41d8cd98f00b204e9800998ecf8427"},
	incident.SHA256Hash:  {strings.Repeat("a1", 20)},
	incident.MACAddress:  {"0050568BA6C3", "00-50-56-8B-A6", "00-50-56-8B-A6-CX", "00.50.56.8B.A6.C3", "00-50-56-8B-A6-C33"},
	incident.CVEID:       {"Cve-2021-44228", "CVE-21-44228", "CVE-2021-", "CVE-2021-x", "CVE", "CVE-2021"},
	incident.RegistryKey: {`HKLM`, `HKLM\`, `HKLMx\y`, `HKEY_\x`, "HKLM\\a\nb", `Software\x`},
	incident.FilePath:    {"", " \t", "a\x00b", "a\xffb"},
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	for kind, list := range accepted {
		for _, value := range list {
			require.True(t, indicator.Accepts(kind, value), "%s %q", kind, value)
		}
	}
	for kind, list := range refused {
		for _, value := range list {
			require.False(t, indicator.Accepts(kind, value), "%s %q", kind, value)
		}
	}
}

// TestServerTakesAll: what is accepted or found is one artifact for the
// stand-in, which has the patterns of a real server.
func TestServerTakesAll(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(soar.New(soar.Options{}))
	t.Cleanup(server.Close)
	post := func(path string, body any) (status int, answer []byte) {
		data, err := json.Marshal(body)
		require.NoError(t, err)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(string(data)))
		require.NoError(t, err)
		request.SetBasicAuth("demo", "demo")
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		var raw json.RawMessage
		require.NoError(t, json.NewDecoder(response.Body).Decode(&raw))
		return response.StatusCode, raw
	}
	status, answer := post("/rest/orgs/201/incidents", map[string]any{"name": "n", "discovered_date": 1})
	require.Equal(t, http.StatusOK, status, string(answer))
	var opened struct{ ID int }
	require.NoError(t, json.Unmarshal(answer, &opened))

	all := map[incident.ArtifactType][]string{}
	for kind, list := range accepted {
		all[kind] = append(all[kind], list...)
	}
	cases, err := os.ReadFile("../../testdata/xioc/tests.json")
	require.NoError(t, err)
	for _, i := range indicator.Find(string(cases)) {
		all[i.Type] = append(all[i.Type], i.Value)
	}
	for kind, list := range all {
		for _, value := range list {
			status, answer := post("/rest/orgs/201/incidents/"+strconv.Itoa(opened.ID)+"/artifacts", map[string]any{"type": kind, "value": value})
			require.Equal(t, http.StatusOK, status, "%s %q: %s", kind, value, answer)
			var made []json.RawMessage
			require.NoError(t, json.Unmarshal(answer, &made))
			require.Len(t, made, 1, "%s %q", kind, value)
		}
	}
}
