package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the goldens and the generated files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "%s is not current: run go test ./internal/config -update and read the difference", path)
}

// certificatePEM is a self-signed certificate without content, keyPEM its key.
func certificatePEM() string { certificate, _ := pairPEM(); return certificate }
func keyPEM() string         { _, key := pairPEM(); return key }

var pairPEM = sync.OnceValues(func() (certificate, privateKey string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
})

// stubs has the files and variables that the fixtures name.
func stubs() LoadOptions {
	files := map[string]string{
		"/etc/sepwatch/imap.password":   "imap-secret\n",
		"/etc/sepwatch/sepm.password":   "sepm-secret\r\n",
		"/etc/sepwatch/soar.secret":     "soar-secret",
		"/etc/sepwatch/sepm.pem":        certificatePEM(),
		"/etc/sepwatch/own.pem":         certificatePEM(),
		"/etc/sepwatch/own.key":         keyPEM(),
		"/etc/sepwatch/empty":           "\n",
		"/etc/sepwatch/not.pem":         "no certificate here",
		"/etc/sepwatch/key.pem":         "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"/etc/sepwatch/broken.pem":      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"/run/credentials/imap":         "credential-secret\n",
		"/etc/sepwatch/imap":            "not this one",
		"/etc/sepwatch/beside.password": "beside-secret",
	}
	variables := map[string]string{
		"IMAP_PASSWORD":         "env-secret",
		"ORG":                   "Acme",
		"EMPTY":                 "",
		"NESTED":                "${ORG}",
		"CREDENTIALS_DIRECTORY": "/run/credentials",
	}
	return LoadOptions{
		Getenv: func(name string) (string, bool) {
			value, ok := variables[name]
			return value, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			text, ok := files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
	}
}

// TestFixtures reads testdata/good-*.yaml and testdata/bad-*.yaml: the golden
// beside each holds what Print gives, or the text of the error.
func TestFixtures(t *testing.T) {
	t.Parallel()
	fixtures, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, fixtures)
	for _, fixture := range fixtures {
		base := strings.TrimSuffix(filepath.Base(fixture), ".yaml")
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(fixture)
			require.NoError(t, err)
			c, err := Parse("/etc/sepwatch/"+base+".yaml", data, stubs())
			path := strings.TrimSuffix(fixture, ".yaml") + ".golden"
			if strings.HasPrefix(base, "good-") {
				require.NoError(t, err)
				var out strings.Builder
				require.NoError(t, c.Print(&out))
				golden(t, path, out.String())
				return
			}
			require.Error(t, err)
			require.Nil(t, c)
			golden(t, path, err.Error()+"\n")
			requirePlaced(t, err)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// requirePlaced holds every mistake to have a place, and them to be in order.
func requirePlaced(t *testing.T, err error) {
	t.Helper()
	var errs Errors
	require.ErrorAs(t, err, &errs)
	require.NotEmpty(t, errs)
	line := 0
	for _, e := range errs {
		require.Positive(t, e.Line)
		require.Positive(t, e.Column)
		require.NotEmpty(t, e.Problem)
		require.NotEmpty(t, e.Remedy)
		require.NotContains(t, e.Error(), "\n")
		require.GreaterOrEqual(t, e.Line, line)
		line = e.Line
	}
	var first *Error
	require.ErrorAs(t, err, &first)
	require.Same(t, errs[0], first)
}

// good is the smallest configuration; bad makes one of its lines wrong.
const good = `mailboxes:
  - name: soc
    url: imaps://user@mail.example.com/INBOX
    password: hunter2
alerts:
  from: [sepm@example.com]
resilient:
  url: https://soar.example.com
  org: Acme
  api_key_id: id
  api_key_secret: hunter2
ledger:
  path: ledger.db
`

func read(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("/etc/sepwatch/sepwatch.yaml", []byte(text), stubs())
	require.NoError(t, err)
	return c
}

func TestPositions(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, from, to, want string }{
		{"value of a text", "name: soc", "name: SOC", "2:11: mailboxes[0].name: "},
		{"value after a tab of comment", "org: Acme", "org: # nothing", "9:3: resilient.org: is empty; "},
		{"key that is unknown", "  org: Acme", "  orgg: Acme", "9:3: resilient.orgg: is not a setting; write org "},
		{"setting that is missing stands at its group", "  org: Acme\n", "", "7:1: resilient.org: is missing; "},
		{"item of a flow list", "[sepm@example.com]", "[sepm@example.com, x]", "6:28: alerts.from[1]: "},
		{"setting of a list's item that is missing", "    password: hunter2\n", "", "2:5: mailboxes[0].password: is missing; "},
		{"second of a pair", "path: ledger.db", "path: ledger.db\n  path: other.db", "14:3: ledger.path: is written twice, first in line 13; "},
		{"after letters of several bytes", "org: Acme", "org: \"ä\"  # ü\n  örg: 1", "10:3: resilient.\"örg\": is not a setting; "},
		{"after a byte order mark", "mailboxes:", "\ufeffmailbox:", "1:1: mailbox: is not a setting; write mailboxes "},
		{"two managers of one name", "resilient:", "sepm:\n  - {name: a, url: https://h, username: u, password: p}\n  - {name: a, url: https://i, username: u, password: p}\nresilient:", "9:12: sepm[1].name: \"a\" is the name of sepm[0] too; "},
		{"second manager", "resilient:", "sepm:\n  - {name: a, url: https://h, username: u, password: p}\n  - {name: b, url: h, username: u, password: p}\nresilient:", "9:20: sepm[1].url: "},
		{"poll too rare", "name: soc", "name: soc\n    poll: 10m1ms", "3:11: mailboxes[0].poll: \"10m1ms\" is longer than ten minutes; write 10m or less"},
		{"mail too large", "name: soc", "name: soc\n    max_size: 257MiB", "3:15: mailboxes[0].max_size: \"257MiB\" is more than sepwatch holds in memory; write 256MiB or less"},
		{"node that is no name", "ledger:", "node: a b\nledger:", "12:7: node: \"a b\" is not a name; write up to 253"},
		{"address without a port", "ledger:", "listen: 127.0.0.1\nledger:", "12:9: listen: \"127.0.0.1\" is not host:port; write an address and a port"},
		{"no login", "  api_key_id: id\n  api_key_secret: hunter2\n", "", "7:1: resilient.api_key_id: is missing; write api_key_id: and the ID of an API key, or email: and the address of a user"},
		{"a key's secret alone", "  api_key_id: id\n", "", "7:1: resilient.api_key_id: is missing; "},
		{"a user without a password", "api_key_id: id\n  api_key_secret: hunter2", "email: a@example.com", "7:1: resilient.password: is missing; write password_file: and the path"},
		{"a password alone", "api_key_id: id\n  api_key_secret: hunter2", "password: hunter2", "7:1: resilient.email: is missing; "},
		{"a key in part beside a user", "api_key_secret: hunter2", "email: a@example.com\n  password: hunter2", "7:1: resilient.api_key_secret: is missing; "},
		{"a certificate to show without its key", "org: Acme", "org: Acme\n  tls: {certificate_file: own.pem}", "10:3: resilient.tls.key_file: is missing, and certificate_file is written; "},
		{"a key without its certificate", "org: Acme", "org: Acme\n  tls: {key_file: own.key}", "10:3: resilient.tls.certificate_file: is missing, and key_file is written; "},
		{"another key than the certificate's", "org: Acme", "org: Acme\n  tls: {certificate_file: /etc/sepwatch/own.pem, key_file: /etc/sepwatch/key.pem}", "10:60: resilient.tls.key_file: the file /etc/sepwatch/key.pem is not the key of certificate_file: "},
		{"a certificate to show to a manager without TLS", "resilient:", "sepm:\n  - {name: a, url: \"http://localhost\", username: u, password: p, tls: {certificate_file: own.pem, key_file: own.key}}\nresilient:", "8:90: sepm[0].tls.certificate_file: has nobody to be shown to"},
		{"a certificate to show without TLS", "url: https://soar.example.com", "url: http://localhost\n  tls: {certificate_file: own.pem, key_file: own.key}", "9:27: resilient.tls.certificate_file: has nobody to be shown to"},
		{"neither true nor false", "org: Acme", "org: Acme\n  tls: {allow_cn_only: yes}", "10:24: resilient.tls.allow_cn_only: \"yes\" is neither true nor false; write true or false"},
		{"fields that are a text", "org: Acme", "org: Acme\n  fields: site", "10:11: resilient.fields: is not a group of fields; "},
		{"a field twice", "org: Acme", "org: Acme\n  fields: {a: x, a: y}", "10:18: resilient.fields.a: is written twice, first in line 10; "},
		{"a field without a value", "org: Acme", "org: Acme\n  close_fields:\n    a:\n    b: []", "11:5: resilient.close_fields.a: is empty; write its value"},
		{"a field of groups", "org: Acme", "org: Acme\n  fields: {a: {b: c}}", "10:15: resilient.fields.a: is not a single value; "},
		{"with CRLF", "name: soc\n", "name: SOC\r\n", "2:11: mailboxes[0].name: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("f", []byte(strings.Replace(good, tt.from, tt.to, 1)), stubs())
			require.Error(t, err)
			require.Contains(t, err.Error(), "f:"+tt.want)
			requirePlaced(t, err)
		})
	}
}

func TestDefaultsAndEmptyValues(t *testing.T) {
	t.Parallel()
	c := read(t, good)
	require.Equal(t, FlagAuto, c.Mailboxes[0].After.Flag)
	require.Equal(t, Size(64<<20), c.Mailboxes[0].MaxSize)
	require.Equal(t, uint16(993), c.Mailboxes[0].URL.Port)
	require.Nil(t, c.SEPM)
	require.Equal(t, "/etc/sepwatch/ledger.db", c.Ledger.Path)

	empty := read(t, good+"log:\nsepm:\nwhitelist: {cidrs: , domains: []}\n")
	require.Equal(t, c, empty)

	none := read(t, strings.Replace(good, "alerts:", "alerts:\n  subjects: []", 1))
	require.Empty(t, none.Alerts.Subjects, "an empty list replaces the default")
}

func TestFieldValues(t *testing.T) {
	t.Parallel()
	c := read(t, strings.Replace(good, "org: Acme", `org: Acme
  fields: {site: "${ORG}", cost.centre: 007, many: [a, "b, c"], agreed: true}
  close_fields:
    root_cause: Malware
  email: a@example.com
  password_file: /etc/sepwatch/imap.password`, 1))
	require.Equal(t, FieldValues{"site": {"Acme"}, "cost.centre": {"007"}, "many": {"a", "b, c"}, "agreed": {"true"}}, c.Resilient.Fields)
	require.Equal(t, FieldValues{"root_cause": {"Malware"}}, c.Resilient.CloseFields)
	require.Equal(t, "imap-secret", c.Resilient.Password.Reveal(), "an API key beside it is no mistake")
	require.Nil(t, read(t, strings.Replace(good, "org: Acme", "org: Acme\n  fields: {}", 1)).Resilient.Fields)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	m := read(t, strings.Replace(good, "name: soc", "name: soc\n    poll: 10m\n    max_size: 256MiB", 1)).Mailboxes[0]
	require.Equal(t, maxPoll, m.Poll)
	require.Equal(t, maxMail, m.MaxSize)
}

func TestNode(t *testing.T) {
	t.Parallel()
	require.Empty(t, read(t, good).Node, "the host's name is for the caller to find")
	require.Empty(t, read(t, good+"node: \"\"\n").Node)
	require.Equal(t, "Soc_1.example-2.com", read(t, good+"node: Soc_1.example-2.com\n").Node)
	for _, name := range []string{"a b", "a/b", "ä", "a:1", strings.Repeat("a", 254)} {
		_, err := Parse("f", []byte(good+"node: \""+name+"\"\n"), stubs())
		require.ErrorContains(t, err, "is not a name", name)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	require.Empty(t, read(t, good).Listen, "off by default")
	for _, address := range []string{"127.0.0.1:9180", "127.0.0.1:0", "[::1]:9180", "[fe80::1%eth0]:1", ":9180", "0.0.0.0:65535", "soc-1.example.com:80"} {
		require.Equal(t, address, read(t, good+"listen: \""+address+"\"\n").Listen)
	}
	for _, address := range []string{"9180", ":", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:9180", "127.0.0.1:http", "a b:1", "*.example.com:1", "http://127.0.0.1:1"} {
		_, err := Parse("f", []byte(good+"listen: \""+address+"\"\n"), stubs())
		require.ErrorContains(t, err, "is not host:port", address)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want, problem string }{
		{"plain", "plain", ""},
		{"${ORG}", "Acme", ""},
		{"a ${ORG} b ${ORG}", "a Acme b Acme", ""},
		{"$${ORG}", "${ORG}", ""},
		{"$$${ORG}", "$${ORG}", ""},
		{"$ORG $ 5$", "$ORG $ 5$", ""},
		{"${NESTED}", "${ORG}", ""},
		{"${EMPTY}x", "x", ""},
		{"${UNSET}", "", "UNSET is not set"},
		{"${", "", "does not begin"},
		{"${}", "", "does not begin"},
		{"${1A}", "", "does not begin"},
		{"${A B}", "", "does not begin"},
	}
	for _, tt := range tests {
		got, problem := expand(tt.text, stubs().Getenv)
		if tt.problem != "" {
			require.NotNil(t, problem, tt.text)
			require.Contains(t, problem.problem, tt.problem)
			continue
		}
		require.Nil(t, problem, tt.text)
		require.Equal(t, tt.want, got)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	with := func(file string) string {
		return strings.Replace(good, "password: hunter2", "password_file: "+file, 1)
	}
	t.Run("one line break is not part of the secret", func(t *testing.T) {
		require.Equal(t, "imap-secret", read(t, with("/etc/sepwatch/imap.password")).Mailboxes[0].Password.Reveal())
		require.Equal(t, "sepm-secret", read(t, with("/etc/sepwatch/sepm.password")).Mailboxes[0].Password.Reveal())
	})
	t.Run("a credential goes before a file beside", func(t *testing.T) {
		m := read(t, with("imap")).Mailboxes[0]
		require.Equal(t, "credential-secret", m.Password.Reveal())
		require.Equal(t, "/run/credentials/imap", m.PasswordFile)
	})
	t.Run("a file beside", func(t *testing.T) {
		require.Equal(t, "beside-secret", read(t, with("beside.password")).Mailboxes[0].Password.Reveal())
	})
	t.Run("certificates are kept as bytes", func(t *testing.T) {
		c := read(t, strings.Replace(good, "org: Acme", "org: Acme\n  ca_file: sepm.pem", 1))
		require.Equal(t, certificatePEM(), string(c.Resilient.CA))
		require.Equal(t, "/etc/sepwatch/sepm.pem", c.Resilient.CAFile)
	})
	t.Run("a certificate to show and its key", func(t *testing.T) {
		c := read(t, strings.Replace(good, "org: Acme", "org: Acme\n  tls: {certificate_file: own.pem, key_file: own.key, allow_cn_only: true}", 1))
		require.Equal(t, TLS{
			CertificateFile: "/etc/sepwatch/own.pem", Certificate: []byte(certificatePEM()),
			KeyFile: "/etc/sepwatch/own.key", Key: Secret(keyPEM()), AllowCNOnly: true,
		}, c.Resilient.TLS)
	})
	t.Run("a credential that may not be read is no reason to take another file", func(t *testing.T) {
		opts := stubs()
		read := opts.ReadFile
		opts.ReadFile = func(path string) ([]byte, error) {
			if path == "/run/credentials/imap" {
				return nil, fs.ErrPermission
			}
			return read(path)
		}
		_, err := Parse("/etc/sepwatch/sepwatch.yaml", []byte(with("imap")), opts)
		require.ErrorContains(t, err, "mailboxes[0].password_file: the file cannot be read: permission denied")
	})
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "sepwatch.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }

	_, err := Load(path, LoadOptions{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.False(t, errors.As(err, new(Errors)))

	write(strings.Replace(good, "password: hunter2", "password_file: pw", 1))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pw"), []byte("hunter2\n"), 0o600))
	c, err := Load(path, LoadOptions{})
	require.NoError(t, err)
	require.Equal(t, "hunter2", c.Mailboxes[0].Password.Reveal())
	require.Equal(t, filepath.Join(dir, "ledger.db"), c.Ledger.Path)

	write(good + strings.Repeat("#", maxFile))
	_, err = Load(path, LoadOptions{})
	require.ErrorContains(t, err, "larger than 1 MiB")
	_, err = Parse(path, []byte(good+strings.Repeat("#", maxFile)), LoadOptions{})
	require.ErrorContains(t, err, ":1:1: the file is larger than 1 MiB; write a smaller one")
}

// TestAbsurdFilesAreRefused: the YAML parser would need minutes for these.
func TestAbsurdFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a: 1\n", "[", "{a: ", "- ", "? ", "a: [", "!!a ", "&a "} {
		_, err := Parse("f", []byte(strings.Repeat(text, 100_000)), stubs())
		requirePlaced(t, err)
	}
}

func TestPostgresURL(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"postgres://u:hunter2@h:5432/db":          true,
		"postgresql:///db?host=/run/postgresql":   true,
		"postgres:db":                             false,
		"https://u:hunter2@h/db":                  false,
		"postgres://u:hunter2%zz@h/db":            false,
		"host=h user=u password=hunter2 dbname=d": false,
	} {
		_, err := Parse("f", []byte(strings.Replace(good, "path: ledger.db", "postgres: "+text, 1)), stubs())
		if ok {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, "ledger.postgres: is not the URL", text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
