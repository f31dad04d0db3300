package program_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/program"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(p program.StandIn, args ...string) error {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	p.Define(fs)
	return fs.Parse(args)
}

// TestEachOptionHasAFlag holds the flags to the options of the stand-ins.
func TestEachOptionHasAFlag(t *testing.T) {
	for _, c := range []struct {
		standIn program.StandIn
		options []any
		named   map[string]string // what is not named as its field
	}{
		{&program.SEPM{}, []any{sepm.Options{}}, map[string]string{"Now": "", "Domains": "", "Groups": "", "Events": ""}},
		{&program.Resilient{}, []any{soar.Options{}, soar.Org{}}, map[string]string{
			"Now": "", "Orgs": "org", "Fields": "required-field", "Disabled": "org-disabled", "Keys": "", "Users": "", "Tables": "",
			"NoArtifactTypes": "no-artifact-type", "BlockedExtensions": "blocked-extension",
			"ID": "", "Name": "org", "UUID": "", "CloudAccount": ""}},
		{&program.Mailbox{}, []any{mailbox.Options{}}, map[string]string{
			"Address": "listen", "InMemory": "", "StartTLS": "starttls", "NoUIDPlus": "no-uidplus", "UIDValidity": "", "Log": ""}},
	} {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		c.standIn.Define(fs)
		for _, o := range c.options {
			for f := range reflect.TypeOf(o).Fields() {
				name, ok := c.named[f.Name]
				if !ok {
					name = kebab(f.Name)
				}
				if name != "" {
					require.NotNil(t, fs.Lookup(name), "%T has no flag --%s for %s", c.standIn, name, f.Name)
				}
			}
		}
	}
}

func kebab(name string) string {
	name = regexp.MustCompile(`([a-z])([A-Z0-9])|([A-Z0-9])([A-Z][a-z])`).ReplaceAllString(name, "$1$3-$2$4")
	return strings.ToLower(name)
}

func TestFlagsThatAreWrong(t *testing.T) {
	for args, want := range map[string]string{
		"--listen nowhere":         "want a host and a port",
		"--listen 127.0.0.1:http":  "want a host and a port",
		"--listen 127.0.0.1:70000": "want a host and a port",
		"--deny POST":              "want one of DELETE /incidents/{inc}, ",
		"--duplicates none":        "want existing or refuse or keep or replace",
		"--required-field A":       "want lower-case letters, digits and _",
		"--close-field A":          "want lower-case letters, digits and _",
		"--deny edit_note":         ", edit_notes, ",
		"--server-version 51.0":    "want a version such as 46.2.8131",
		"--resource-prefix api":    "want a path such as /api/respond",
		"--no-artifact-type Files": "want a type such as",
		"--blocked-extension eml":  "want an extension such as .eml",
		"--max-artifacts -1":       "want a number from 0 to 1000000",
		"--fault nosuch":           `there is no kind "nosuch"`,
	} {
		require.ErrorContains(t, parse(&program.Resilient{}, strings.Fields(args)...), want, args)
	}
	for args, want := range map[string]string{
		"--outcome 2":           "want a state from 3 to 6",
		"--outcome 4/x":         "want a number for a substate",
		"--try-v2-status 200":   "want a number from 400 to 599",
		"--unknown-command 403": "want empty or 404 or 410",
		"--move-status 201":     "want 207 or 200 or mixed",
	} {
		require.ErrorContains(t, parse(&program.SEPM{}, strings.Fields(args)...), want, args)
	}
	for args, p := range map[string]program.StandIn{
		"--plain --certificate a.pem": &program.SEPM{},
		"--plain --starttls":          &program.Mailbox{},
		"--plain --client-ca a.pem":   &program.Resilient{},
		"--no-idle --starttls":        &program.Mailbox{},
	} {
		require.NoError(t, parse(p, strings.Fields(args)...))
		require.Error(t, p.Check(), args)
	}
}

func TestNoFlagIsIgnored(t *testing.T) {
	p := &program.Resilient{}
	require.NoError(t, parse(p, "--listen", "127.0.0.1:0", "--plain", "--key-id", "k", "--key-secret", "s", "--org", "Acme",
		"--deny", "GET /types", "--required-field", "ticket", "--fault", "status,path=session,code=502,times=1"))
	require.NoError(t, p.Check())
	var mu sync.Mutex
	var lines []string
	running, err := p.Start(func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	})
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, running.About.JSON(&text))
	require.Equal(t, `{"system":"resilient","url":"`+running.About.URL+`","org":"Acme","api_key_id":"k","api_key_secret":"s"}`+"\n", text.String())
	text.Reset()
	require.NoError(t, running.About.Text(&text))
	require.Equal(t, "Resilient stands in, with no incidents yet\n  url             "+running.About.URL+
		"\n  org             Acme\n  api_key_id      k\n  api_key_secret  s\n", text.String())
	require.Empty(t, running.Warnings)

	get := func(path string) (status int) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.About.URL+path, http.NoBody)
		require.NoError(t, err)
		request.SetBasicAuth("k", "s")
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		answer, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	require.Equal(t, http.StatusBadGateway, get("/rest/session"), "the fault")
	require.Equal(t, http.StatusOK, get("/rest/session?a=%1b%c2%9b"))
	require.Equal(t, http.StatusForbidden, get("/rest/orgs/201/types"))
	require.NoError(t, running.Close())
	require.Equal(t, []string{"GET /rest/session 502", "GET /rest/session?a=%1B%C2%9B 200", "GET /rest/orgs/201/types 403"}, lines)
}

func TestAFaultTakesTheConnectionOverThoughItIsLogged(t *testing.T) {
	p := &program.SEPM{}
	require.NoError(t, parse(p, "--listen", "127.0.0.1:0", "--plain", "--computers", "0", "--fault", "reset"))
	lines := make(chan string, 1)
	running, err := p.Start(func(line string) { lines <- line })
	require.NoError(t, err)
	defer func() { require.NoError(t, running.Close()) }()
	_, err = http.Post(running.About.URL+"/x", "", strings.NewReader("body")) //nolint:bodyclose // there is no response
	require.ErrorContains(t, err, "reset by peer")
	require.Equal(t, "POST /x no answer", <-lines)
}

func TestClientsThatMustShowACertificate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clients.pem")
	start := func() (program.Running, error) {
		p := &program.Resilient{}
		require.NoError(t, parse(p, "--listen", "127.0.0.1:0", "--client-ca", file, "--resource-prefix", "/api/respond"))
		require.NoError(t, p.Check())
		return p.Start(nil)
	}
	_, err := start()
	require.ErrorContains(t, err, "read the certificates that sign clients'")
	require.NoError(t, os.WriteFile(file, []byte("nonsense"), 0o600))
	_, err = start()
	require.ErrorContains(t, err, "holds no certificate in PEM")
	writeEnded(t, file)
	running, err := start()
	require.NoError(t, err)
	require.Equal(t, "/api/respond", running.About.ResourcePrefix)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	_, err = client.Get(running.About.URL) //nolint:bodyclose // there is no response
	require.ErrorContains(t, err, "certificate required")
	require.NoError(t, running.Close())
}

func TestMailbox(t *testing.T) {
	p := &program.Mailbox{}
	require.NoError(t, parse(p, "--listen", "127.0.0.1:0", "--plain", "--username", "s@c", "--fault", "status,command=LOGIN,times=1"))
	running, err := p.Start(nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, running.Close()) }()
	where, err := url.Parse(running.About.URL)
	require.NoError(t, err)
	require.Equal(t, "imap+insecure", where.Scheme)
	require.Equal(t, "s@c", where.User.Username())
	require.Equal(t, "/INBOX", where.Path)
	c, err := imapclient.DialInsecure(where.Host, nil)
	require.NoError(t, err)
	defer func() { c.Close(); <-c.Closed() }()
	require.Error(t, c.Login("s@c", "demo").Wait(), "the fault")
	require.NoError(t, c.Login("s@c", "demo").Wait())
	selected, err := c.Select("INBOX", nil).Wait()
	require.NoError(t, err)
	require.NotEqualValues(t, 1, selected.UIDValidity, "it does not pass for the one before it")
}

func TestAddressesThatCannotBeListenedOn(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String(): "already in use; name another with --listen",
		"192.0.2.1:0":         "; name an address of this machine with --listen",
	} {
		for _, p := range []program.StandIn{&program.SEPM{}, &program.Resilient{}, &program.Mailbox{}} {
			require.NoError(t, parse(p, "--listen", address))
			_, err := p.Start(nil)
			require.ErrorContains(t, err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:0": false, "localhost:0": false, "0.0.0.0:0": true, ":0": true} {
		for _, p := range []program.StandIn{&program.SEPM{}, &program.Mailbox{}} {
			require.NoError(t, parse(p, "--listen", address, "--plain"))
			running, err := p.Start(nil)
			require.NoError(t, err)
			require.Equal(t, want, len(running.Warnings) == 1, "%s: %v", address, running.Warnings)
			require.NotContains(t, running.About.URL, "0.0.0.0")
			require.NotContains(t, running.About.URL, "[::]")
			require.NoError(t, running.Close())
		}
	}
}

func TestCertificatesThatClientsRefuse(t *testing.T) {
	start := func(address, file string) program.Running {
		p := &program.SEPM{}
		require.NoError(t, parse(p, "--listen", address, "--certificate", file, "--computers", "0"))
		running, err := p.Start(nil)
		require.NoError(t, err)
		require.NoError(t, running.Close())
		require.Equal(t, file, running.About.CertificateFile)
		return running
	}
	file := filepath.Join(t.TempDir(), "kept.pem")
	first, second := start("127.0.0.1:0", file), start("127.0.0.2:0", file)
	require.Empty(t, first.Warnings)
	require.Equal(t, first.About.Fingerprint, second.About.Fingerprint)
	require.Len(t, second.Warnings, 1)
	require.Contains(t, second.Warnings[0], "does not name 127.0.0.2")

	ended := filepath.Join(t.TempDir(), "ended.pem")
	writeEnded(t, ended)
	third := start("127.0.0.1:0", ended)
	require.Len(t, third.Warnings, 1)
	require.Contains(t, third.Warnings[0], "ended on 2024-02-03")
}

// writeEnded writes a certificate for 127.0.0.1 that has ended, and its key.
func writeEnded(t *testing.T, file string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	data := slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	require.NoError(t, os.WriteFile(file, data, 0o600))
}
