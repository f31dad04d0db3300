package config

import (
	"bytes"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/internal/connect"
)

// printed gives what Print writes, with the secrets put back.
func printed(t require.TestingT, c *Config) string {
	var out bytes.Buffer
	require.NoError(t, c.Print(&out))
	text := out.String()
	for _, secret := range inlineSecrets(c) {
		require.Contains(t, text, `"`+mask+`"`)
		text = strings.Replace(text, `"`+mask+`"`, scalarYAML(secret.Reveal()), 1)
	}
	for _, p := range proxies(c) {
		if p.User != nil {
			masked := scalarYAML(p.String())
			require.Contains(t, text, masked)
			whole := &url.URL{Scheme: p.Scheme, User: p.User, Host: p.Address}
			text = strings.Replace(text, masked, scalarYAML(whole.String()), 1)
		}
	}
	require.NotContains(t, text, `"`+mask+`"`)
	return text
}

// proxies are the proxies that Print shows, in its order.
func proxies(c *Config) (all []connect.Proxy) {
	for _, m := range c.Mailboxes {
		all = append(all, m.Proxy)
	}
	for _, s := range c.SEPM {
		all = append(all, s.Proxy)
	}
	return append(all, c.Resilient.Proxy)
}

// inlineSecrets are the secrets that Print masks, in its order.
func inlineSecrets(c *Config) []Secret {
	var all []Secret
	add := func(secret Secret, file string) {
		if secret != "" && file == "" {
			all = append(all, secret)
		}
	}
	for _, m := range c.Mailboxes {
		add(m.Password, m.PasswordFile)
	}
	for _, s := range c.SEPM {
		add(s.Password, s.PasswordFile)
	}
	add(c.Resilient.APIKeySecret, c.Resilient.APIKeySecretFile)
	add(c.Resilient.Password, c.Resilient.PasswordFile)
	add(c.Ledger.Postgres, "")
	return all
}

func TestPrintLoadsAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		files := make(map[string]string)
		opts := stubs()
		opts.ReadFile = func(path string) ([]byte, error) {
			text, ok := files[path]
			if !ok {
				return nil, os.ErrNotExist
			}
			return []byte(text), nil
		}
		c := drawConfig(t, files)
		text := printed(t, c)
		again, err := Parse("/somewhere/else.yaml", []byte(text), opts)
		require.NoError(t, err, text)
		require.Equal(t, c, again, text)
	})
}

// drawConfig draws a configuration and the files that it names.
func drawConfig(t *rapid.T, files map[string]string) *Config {
	var (
		text     = rapid.StringN(1, -1, 40).Filter(func(s string) bool { return s != mask && !strings.Contains(s, "\x00") })
		name     = rapid.StringMatching(`[a-z0-9_-]{1,12}`)
		host     = rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{2,5}){0,2}`)
		printing = text.Filter(func(s string) bool { return !strings.ContainsFunc(s, isControl) })
		whole    = rapid.Map(rapid.IntRange(1, 16_000), func(n int) time.Duration { return time.Duration(n) * 37 * time.Millisecond })
	)
	days := rapid.Map(rapid.IntRange(1, 5_000), func(n int) time.Duration { return time.Duration(n) * 11 * time.Hour })
	pins := rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 3), func(bytes []byte) (pins []connect.Fingerprint) {
		for _, b := range bytes {
			pins = append(pins, connect.Fingerprint{b, 31: b})
		}
		return pins
	})
	proxy := func() connect.Proxy {
		p := connect.Proxy{Scheme: rapid.SampledFrom([]string{"", connect.None, "http", "https", "socks5"}).Draw(t, "proxy")}
		if p.Scheme == "" || p.Scheme == connect.None {
			return p
		}
		p.Address = host.Draw(t, "proxy host") + ":3128"
		switch user := text.Draw(t, "proxy user"); rapid.IntRange(0, 2).Draw(t, "proxy login") {
		case 1:
			p.User = url.User(user)
		case 2:
			p.User = url.UserPassword(user, rapid.String().Draw(t, "proxy password"))
		}
		return p
	}
	line := text.Filter(func(s string) bool { return secretProblem(s) == "" })
	secret := func(label string) (Secret, string) {
		value := line.Draw(t, label)
		if rapid.Bool().Draw(t, label+" in a file") {
			path := "/files/" + name.Draw(t, label+" file")
			if _, taken := files[path]; !taken {
				files[path] = value + "\n"
				return Secret(value), path
			}
		}
		return Secret(value), ""
	}
	ca := func() (string, []byte) {
		if !rapid.Bool().Draw(t, "own CA") {
			return "", nil
		}
		files["/ca.pem"] = certificatePEM()
		return "/ca.pem", []byte(certificatePEM())
	}

	network := rapid.Map(rapid.Uint32(), func(n uint32) string {
		addr := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		return netip.PrefixFrom(addr, 8+int(n%25)).Masked().String()
	})
	c := &Config{
		Node:   rapid.OneOf(rapid.Just(""), name, host).Draw(t, "node"),
		Listen: rapid.SampledFrom([]string{"", "127.0.0.1:0", "[::1]:9180", ":80"}).Draw(t, "listen"),
		Alerts: Alerts{
			From:     rapid.SliceOfN(rapid.Just("sepm@example.com"), 1, 3).Draw(t, "from"),
			Unknown:  rapid.SampledFrom([]UnknownMail{UnknownIncident, UnknownIgnore}).Draw(t, "unknown"),
			Open:     some(rapid.SliceOfN(rapid.SampledFrom(operationalKinds()), 0, 2).Draw(t, "open")),
			TimeZone: rapid.SampledFrom([]string{"auto", "UTC", "Europe/Berlin"}).Draw(t, "time zone"),
			Subjects: some(rapid.SliceOfN(text.Filter(func(s string) bool { return strings.TrimSpace(s) != "" }), 0, 3).Draw(t, "subjects")),
		},
		Whitelist: Whitelist{
			Domains: some(rapid.SliceOfN(host, 0, 3).Draw(t, "domains")),
			CIDRs:   some(rapid.SliceOfN(network, 0, 3).Draw(t, "cidrs")),
		},
		Log: Log{
			Level:  rapid.SampledFrom([]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}).Draw(t, "level"),
			Format: rapid.SampledFrom([]LogFormat{LogText, LogJSON}).Draw(t, "format"),
		},
	}
	for range rapid.IntRange(0, 2).Draw(t, "labels") {
		path := "/" + name.Draw(t, "labels file") + ".yaml"
		files[path] = "nothing: [rien]\n"
		c.Alerts.LabelsFile = append(c.Alerts.LabelsFile, path)
		c.Alerts.Labels = append(c.Alerts.Labels, []byte(files[path]))
	}
	for range rapid.IntRange(0, 2).Draw(t, "only") {
		c.Whitelist.Only = append(c.Whitelist.Only, WhitelistOnly{Types: []string{"URL"}, CIDRs: []string{network.Draw(t, "network")}})
	}
	for _, n := range rapid.SliceOfNDistinct(name, 1, 3, rapid.ID).Draw(t, "mailboxes") {
		m := Mailbox{Name: n, Poll: time.Second + whole.Draw(t, "poll"), Fingerprints: pins.Draw(t, "pins"), Proxy: proxy(),
			URL:     MailboxURL{Scheme: rapid.SampledFrom([]string{IMAPS, IMAP}).Draw(t, "scheme"), User: printing.Draw(t, "user"), Host: host.Draw(t, "host"), Port: rapid.Uint16Min(1).Draw(t, "port"), Folder: printing.Draw(t, "folder")},
			Start:   Start(rapid.OneOf(rapid.SampledFrom([]time.Duration{0, math.MaxInt64}), whole, days).Draw(t, "start")),
			After:   After{Flag: rapid.SampledFrom([]Flag{FlagAuto, FlagNone, FlagSeen}).Draw(t, "flag"), Move: rapid.OneOf(rapid.Just(""), printing).Draw(t, "move")},
			MaxSize: Size(rapid.Int64Range(1, int64(maxMail)).Draw(t, "max_size")),
		}
		m.Password, m.PasswordFile = secret("imap password")
		m.CAFile, m.CA = ca()
		c.Mailboxes = append(c.Mailboxes, m)
	}
	for _, n := range rapid.SliceOfNDistinct(name, 0, 3, rapid.ID).Draw(t, "sepm") {
		s := SEPM{Name: n, URL: "https://" + host.Draw(t, "host") + ":8446", Username: text.Draw(t, "username"),
			Domain: rapid.OneOf(rapid.Just(""), text).Draw(t, "domain"), Timeout: days.Draw(t, "timeout"), Fingerprints: pins.Draw(t, "pins"), Proxy: proxy(),
			RequestsPerMinute: int(rapid.Int32Min(0).Draw(t, "requests")),
			Heartbeat:         time.Duration(rapid.Int64Range(1, int64(maxHeartbeat)).Draw(t, "heartbeat")),
			ResultsLimit:      int(rapid.Int32Min(0).Draw(t, "results")), AllowGroupTargets: rapid.Bool().Draw(t, "groups"),
			EscapeCredentials: rapid.Bool().Draw(t, "escape"), TLS: TLS{AllowCNOnly: rapid.Bool().Draw(t, "CN only")}}
		s.ScanTimeout = max(leastHeartbeats*s.Heartbeat, days.Draw(t, "scan timeout"))
		s.Password, s.PasswordFile = secret("sepm password")
		s.CAFile, s.CA = ca()
		c.SEPM = append(c.SEPM, s)
	}
	values := rapid.Map(rapid.MapOfN(text, rapid.SliceOfN(text, 1, 3), 0, 3), func(m map[string][]string) FieldValues {
		if len(m) == 0 {
			return nil
		}
		return m
	})
	c.Resilient = Resilient{URL: "https://" + host.Draw(t, "host"), Org: text.Draw(t, "org"), Timeout: whole.Draw(t, "timeout"),
		AttachMail:        rapid.SampledFrom([]AttachMail{AttachFirst, AttachAll, AttachNone}).Draw(t, "attach"),
		RequestsPerMinute: int(rapid.Int32Min(0).Draw(t, "requests")),
		ResourcePrefix:    rapid.SampledFrom([]string{"", "/api/respond"}).Draw(t, "prefix"), Fingerprints: pins.Draw(t, "pins"), Proxy: proxy(),
		Fields: values.Draw(t, "fields"), CloseFields: values.Draw(t, "close fields"), TLS: TLS{AllowCNOnly: rapid.Bool().Draw(t, "CN only")}}
	if rapid.Bool().Draw(t, "own certificate") {
		files["/own.pem"], files["/own.key"] = certificatePEM(), keyPEM()
		c.Resilient.TLS.CertificateFile, c.Resilient.TLS.Certificate = "/own.pem", []byte(certificatePEM())
		c.Resilient.TLS.KeyFile, c.Resilient.TLS.Key = "/own.key", Secret(keyPEM())
	}
	login := rapid.SampledFrom([]string{"key", "user", "both"}).Draw(t, "login")
	if login != "user" {
		c.Resilient.APIKeyID = text.Draw(t, "key")
		c.Resilient.APIKeySecret, c.Resilient.APIKeySecretFile = secret("api key secret")
	}
	if login != "key" {
		c.Resilient.Email = text.Draw(t, "email")
		c.Resilient.Password, c.Resilient.PasswordFile = secret("password")
	}
	c.Resilient.CAFile, c.Resilient.CA = ca()
	if rapid.Bool().Draw(t, "postgres") {
		c.Ledger.Postgres = Secret("postgres://u:" + name.Draw(t, "db password") + "@h/db")
	} else {
		c.Ledger.Path = "/" + name.Draw(t, "path")
	}
	return c
}

// some gives nil for a list without items, as loading does.
func some[T any](items []T) []T {
	if len(items) == 0 {
		return nil
	}
	return items
}

// FuzzParse holds every text to load, or to fail with mistakes that all have
// a place; and what loads to print as the same configuration.
func FuzzParse(f *testing.F) {
	fixtures, err := filepath.Glob("testdata/*.yaml")
	require.NoError(f, err)
	for _, fixture := range fixtures {
		data, err := os.ReadFile(fixture)
		require.NoError(f, err)
		f.Add(string(data))
	}
	f.Add(example)
	f.Add(good)
	opts := LoadOptions{
		Getenv: func(name string) (string, bool) { return "value", name == "SET" },
		ReadFile: func(path string) ([]byte, error) {
			if strings.HasSuffix(path, ".pem") {
				return []byte(certificatePEM()), nil
			}
			return []byte("secret\n"), nil
		},
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("/etc/sepwatch/sepwatch.yaml", []byte(text), opts)
		if err != nil {
			requirePlaced(t, err)
			return
		}
		again, err := Parse("/elsewhere/sepwatch.yaml", []byte(printed(t, c)), opts)
		require.NoError(t, err)
		require.True(t, reflect.DeepEqual(c, again), "printed and loaded again: %+v", again)
	})
}
