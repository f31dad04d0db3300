package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/parse"
)

const (
	minPoll = time.Second
	// maxPoll bounds how long a lost connection or lease goes unnoticed.
	maxPoll = 10 * time.Minute
	// maxMail bounds the memory that one mail takes while it is fetched,
	// stored and read.
	maxMail = Size(256 << 20)
	// maxHeartbeat is longer than SEPM lets clients be away.
	maxHeartbeat = 24 * time.Hour
	// leastHeartbeats are how many of them a command is given at least.
	leastHeartbeats = 3
)

// checker holds a decoded configuration to the rules that one value alone
// cannot break, and reads the files that it names. It looks only at what the
// decoder could read.
type checker struct {
	*decoder
	dir      string
	readFile func(string) ([]byte, error)
}

func (c checker) config(config *Config) {
	firsts := make(map[string]string)
	for i := range config.Mailboxes {
		path := fmt.Sprintf("mailboxes[%d]", i)
		c.name(path, config.Mailboxes[i].Name, firsts)
		c.mailbox(path, &config.Mailboxes[i])
	}
	c.alerts(&config.Alerts)
	c.whitelist(config.Whitelist)
	firsts = make(map[string]string)
	for i := range config.SEPM {
		path := fmt.Sprintf("sepm[%d]", i)
		c.name(path, config.SEPM[i].Name, firsts)
		c.sepm(path, &config.SEPM[i])
	}
	c.resilient("resilient", &config.Resilient)
	c.ledger("ledger", &config.Ledger)
	if c.written("node") && !isNode(config.Node) {
		c.report("node", c.shown("node")+" is not a name", `up to 253 letters, digits, "-", "_" and "."`)
	}
	if c.written("listen") && config.Listen != "" && !isListen(config.Listen) {
		c.report("listen", c.shown("listen")+" is not host:port", "an address and a port, such as 127.0.0.1:9180")
	}
}

// name checks the name of a list's item; firsts has the items by name.
func (c checker) name(item, name string, firsts map[string]string) {
	path := item + ".name"
	if !c.written(path) {
		return
	}
	if !plainName(name) {
		c.report(path, c.shown(path)+" is not a name", `up to 64 lower-case letters, digits, "-" and "_"`)
		return
	}
	if first, taken := firsts[name]; taken {
		c.report(path, c.shown(path)+" is the name of "+first+" too", "another name")
		return
	}
	firsts[name] = item
}

func plainName(name string) bool {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, bad)
}

// isNode accepts what host names hold, and the empty text, which stands for
// the host's.
func isNode(name string) bool {
	bad := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}
	return len(name) <= 253 && !strings.ContainsFunc(name, bad)
}

// isListen accepts host:port where the host is an address, a name, or
// nothing, which stands for all addresses. Ports have numbers only: what a
// name of one means is another machine's matter.
func isListen(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	_, err = netip.ParseAddr(host)
	return host == "" || err == nil || isDomain(host) && !strings.HasPrefix(host, "*.")
}

// shown gives a value as it is written, for a message.
func (c checker) shown(path string) string { return quote(c.places[path].written) }

func (c checker) mailbox(path string, m *Mailbox) {
	c.secret(path+".password", &m.Password, &m.PasswordFile)
	m.CA = c.certificates(path+".ca_file", &m.CAFile)
	c.pins(path, m.Fingerprints, m.URL.Scheme == IMAPInsecure)
	if poll := path + ".poll"; c.written(poll) && m.Poll < minPoll {
		c.report(poll, "is shorter than a second", "1s or more")
	} else if c.written(poll) && m.Poll > maxPoll {
		c.report(poll, c.shown(poll)+" is longer than ten minutes", "10m or less")
	}
	if size := path + ".max_size"; c.written(size) && m.MaxSize > maxMail {
		c.report(size, c.shown(size)+" is more than sepwatch holds in memory", "256MiB or less")
	}
	if strings.ContainsFunc(m.After.Move, isControl) {
		c.report(path+".after.move", "has a control character", "the name of a folder")
	}
}

// pins refuses fingerprints that would be compared with nothing.
func (c checker) pins(path string, pins []connect.Fingerprint, plain bool) {
	if plain && len(pins) > 0 {
		c.report(path+".fingerprints", "has nothing to compare: the url is one without TLS, where no certificate is shown", "a url with TLS, or leave it out")
	}
}

func (c checker) alerts(a *Alerts) {
	for i, address := range a.From {
		path := fmt.Sprintf("alerts.from[%d]", i)
		parsed, err := mail.ParseAddress(address)
		if c.written(path) && (err != nil || parsed.Address != address) {
			c.report(path, c.shown(path)+" is not an address", "the address alone, such as sepm@example.com")
		}
	}
	for i, text := range a.Subjects {
		path := fmt.Sprintf("alerts.subjects[%d]", i)
		if c.written(path) && strings.TrimSpace(text) == "" {
			c.report(path, "is empty, which every subject contains", "a part of the subject, such as Single Risk Event:")
		}
	}
	for i, kind := range a.Open {
		path := fmt.Sprintf("alerts.open[%d]", i)
		if c.written(path) && !parse.Kind(kind).Operational() {
			c.report(path, c.shown(path)+" is no kind of notice about SEPM's own running", OneOf(kind, operationalKinds()))
		}
	}
	if path := "alerts.time_zone"; c.written(path) {
		if _, err := parse.ParseZone(a.TimeZone); err != nil {
			c.report(path, c.shown(path)+" is no time zone", "auto, UTC or a name such as Europe/Berlin")
		}
	}
	c.labels(a)
}

// labels reads the files with more words for reading alerts.
func (c checker) labels(a *Alerts) {
	if len(a.LabelsFile) == 0 {
		return
	}
	words := parse.English()
	for i := range a.LabelsFile {
		path := fmt.Sprintf("alerts.labels[%d]", i)
		if !c.written(path) {
			continue
		}
		data, ok := c.read(path, &a.LabelsFile[i])
		if !ok {
			continue
		}
		with, err := words.With(a.LabelsFile[i], data)
		if err != nil {
			c.report(path, "holds mistakes: "+err.Error(), "words in the form that docs/labels.md shows")
			continue
		}
		words = with
		a.Labels = append(a.Labels, data)
	}
}

func operationalKinds() []string {
	var kinds []string
	for _, kind := range parse.Kinds() {
		if kind.Operational() {
			kinds = append(kinds, string(kind))
		}
	}
	return kinds
}

func (c checker) whitelist(w Whitelist) {
	c.whitelistEntries("whitelist", w.CIDRs, w.Domains)
	for i, only := range w.Only {
		path := fmt.Sprintf("whitelist.only[%d]", i)
		c.whitelistEntries(path, only.CIDRs, only.Domains)
		for j, name := range only.Types {
			at := fmt.Sprintf("%s.types[%d]", path, j)
			list := parse.WhitelistEntries{Networks: only.CIDRs, Domains: only.Domains}
			if err := parse.CheckWhitelistType(incident.ArtifactType(name), list); err != nil && c.written(at) {
				c.report(at, c.shown(at)+" "+err.Error(), "a type that the entries fit, or the entries into a group of their own")
			}
		}
		if len(only.CIDRs)+len(only.Domains) == 0 && c.reached(path+".types") {
			c.report(path, "has no entries", "cidrs: or domains: with the values to hold back")
		}
	}
}

func (c checker) whitelistEntries(path string, networks, domains []string) {
	for i, entry := range networks {
		at := fmt.Sprintf("%s.cidrs[%d]", path, i)
		if err := parse.CheckNetwork(entry); err != nil && c.written(at) {
			c.report(at, c.shown(at)+" "+err.Error(), "an address, a network or a range, such as 192.168.194.93, 10.0.0.0/8 or 10.0.0.5-10.0.0.9")
		}
	}
	for i, entry := range domains {
		at := fmt.Sprintf("%s.domains[%d]", path, i)
		if err := parse.CheckDomain(entry); err != nil && c.written(at) {
			c.report(at, c.shown(at)+" "+err.Error(), "a name such as SEPM-SERVER, SEPM-*, example.com or *.example.com")
		}
	}
}

// isDomain accepts "_" too, which Windows computer names may hold.
func isDomain(text string) bool {
	name := strings.TrimPrefix(text, "*.")
	if len(name) > 253 {
		return false
	}
	bad := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.ContainsFunc(label, bad) {
			return false
		}
	}
	return true
}

func (c checker) sepm(path string, s *SEPM) {
	c.baseURL(path+".url", &s.URL, "8446")
	c.secret(path+".password", &s.Password, &s.PasswordFile)
	c.tls(path+".tls", &s.TLS, strings.HasPrefix(s.URL, "http:"))
	s.CA = c.certificates(path+".ca_file", &s.CAFile)
	c.pins(path, s.Fingerprints, strings.HasPrefix(s.URL, "http:"))
	if at := path + ".heartbeat"; c.written(at) && s.Heartbeat > maxHeartbeat {
		c.report(at, c.shown(at)+" is longer than a day", "how often clients are in touch with SEPM, such as 15m")
	}
	s.ScanTimeout = max(s.ScanTimeout, leastHeartbeats*s.Heartbeat)
}

func (c checker) resilient(path string, r *Resilient) {
	c.baseURL(path+".url", &r.URL, "")
	c.resilientLogin(path, r)
	c.tls(path+".tls", &r.TLS, strings.HasPrefix(r.URL, "http:"))
	r.CA = c.certificates(path+".ca_file", &r.CAFile)
	c.pins(path, r.Fingerprints, strings.HasPrefix(r.URL, "http:"))
	if p := r.ResourcePrefix; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.ContainsAny(p, "?#") || strings.ContainsFunc(p, isControl)) {
		at := path + ".resource_prefix"
		c.report(at, c.shown(at)+" is not the beginning of a path", "/api/respond or another path without a slash at its end")
	}
}

// resilientLogin wants an API key or a user, and all of what is there of
// either.
func (c checker) resilientLogin(path string, r *Resilient) {
	id, email := path+".api_key_id", path+".email"
	key := r.APIKeyID != "" || r.APIKeySecret != "" || r.APIKeySecretFile != ""
	user := r.Email != "" || r.Password != "" || r.PasswordFile != ""
	if !key && !user || key && r.APIKeyID == "" {
		c.absent(id, "api_key_id: and the ID of an API key, or email: and the address of a user")
	}
	if key || !user {
		c.secret(path+".api_key_secret", &r.APIKeySecret, &r.APIKeySecretFile)
	}
	if user && r.Email == "" {
		c.absent(email, "email: and the address of the user")
	}
	if user {
		c.secret(path+".password", &r.Password, &r.PasswordFile)
	}
}

// absent reports a setting that is needed and is not written, or is empty.
func (c checker) absent(path, remedy string) {
	switch {
	case c.failed[path], !c.reached(path):
	case c.written(path):
		c.report(path, "is empty", remedy)
	default:
		c.report(path, "is missing", remedy)
	}
}

// tls reads the certificate to show and its key.
func (c checker) tls(path string, t *TLS, plain bool) {
	certificate, key := path+".certificate_file", path+".key_file"
	switch {
	case t.CertificateFile == "" && t.KeyFile == "":
		return
	case t.CertificateFile == "":
		c.report(certificate, "is missing, and key_file is written", "certificate_file: and the path of the key's certificate")
		return
	case t.KeyFile == "":
		c.report(key, "is missing, and certificate_file is written", "key_file: and the path of the certificate's private key")
		return
	case plain:
		c.report(certificate, "has nobody to be shown to: the url is one without TLS", "a url with TLS, or leave it out")
		return
	}
	t.Certificate = c.certificates(certificate, &t.CertificateFile)
	data, ok := c.read(key, &t.KeyFile)
	if !ok || t.Certificate == nil {
		return
	}
	if _, err := tls.X509KeyPair(t.Certificate, data); err != nil {
		c.report(key, "the file "+t.KeyFile+" is not the key of certificate_file: "+err.Error(), "the path of the certificate's own private key, in PEM and not encrypted")
		return
	}
	t.Key = Secret(data)
}

func (c checker) baseURL(path string, text *string, defaultPort string) {
	if !c.written(path) {
		return
	}
	base, problem := parseBaseURL(*text, defaultPort)
	if problem != nil {
		c.report(path, problem.problem, problem.remedy)
		return
	}
	*text = base
}

func (c checker) ledger(path string, l *Ledger) {
	file, postgres := path+".path", path+".postgres"
	switch {
	case c.failed[path], c.failed[file], c.failed[postgres]:
		return
	case l.Path != "" && l.Postgres != "":
		c.report(postgres, "a ledger is kept in one place, and path is written too", "path or postgres")
	case l.Path == "" && l.Postgres == "":
		c.report(path, "needs path or postgres", "path: /var/lib/sepwatch/ledger.db")
	case l.Path != "":
		l.Path = c.beside(l.Path)
	default:
		// The host may be empty: ?host= names the folder of a socket.
		u, err := url.Parse(l.Postgres.Reveal())
		if err != nil || !slices.Contains([]string{"postgres", "postgresql"}, u.Scheme) || u.Opaque != "" {
			c.report(postgres, "is not the URL of a PostgreSQL database", "postgres://user:password@host:port/database")
		}
	}
}
