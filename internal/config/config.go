// Package config reads sepwatch's configuration: strict YAML in which every
// mistake is reported at once, each with its line and column, the setting's
// path and what to write instead.
//
// The types of this file are the reference: docs/config.md and the annotated
// example are generated from their comments and tags. The tags are
//
//	yaml      the setting's name
//	required  "true" when the setting must be written
//	why       what to say to someone who left a required setting out
//	default   the value of a setting that is not written; list items are
//	          parted by "|"
//	example   the value in the annotated example
//	oneof     the words that are allowed, parted by commas
package config

import (
	"log/slog"
	"math"
	"time"

	"github.com/sepwatch/sepwatch/internal/connect"
)

//go:generate go test -run ^TestGenerated$ . -update

// Config is a whole configuration as [Load] checked it: defaults are filled
// in, secrets and CA files are read, and relative paths are made absolute. It
// is immutable: nobody changes it after loading, so it may be shared freely.
type Config struct {
	// Mailboxes are the mailboxes that SEPM sends its alerts to.
	Mailboxes []Mailbox `yaml:"mailboxes" required:"true"`
	// Alerts says which mail is an alert.
	Alerts Alerts `yaml:"alerts"`
	// Whitelist lists what never becomes an artifact (guide §2).
	Whitelist Whitelist `yaml:"whitelist"`
	// SEPM lists the Symantec Endpoint Protection Managers to ask, one for each
	// manager and domain: a login sees one domain only. The Domain and Server of
	// an alert choose the entry, by its domain and the host of its url; the first
	// is for all others. Without one, incidents are opened but nothing is looked
	// up.
	SEPM []SEPM `yaml:"sepm"`
	// Resilient is the IBM Resilient server on which incidents are opened.
	Resilient Resilient `yaml:"resilient"`
	// Ledger is the durable record of all that sepwatch knows and still has
	// to do. One of path and postgres is required. A change takes a restart:
	// a reload (SIGHUP) with one is refused.
	Ledger Ledger `yaml:"ledger"`
	// Node is the name of this process among those that share a PostgreSQL
	// ledger, where no two may have the same: letters, digits, "-", "_" and
	// ".". It stays the same from start to start. Empty is the host's name. A
	// change takes a restart: a reload (SIGHUP) with one is refused.
	Node string `yaml:"node"`
	// Listen is the host:port at which /healthz, /readyz and /metrics are
	// served over plain HTTP; port 0 takes a free one. Empty serves nothing.
	// They show no secret and change nothing, so any address is allowed; but
	// they name mailboxes and servers, so prefer a loopback one. A change
	// takes a restart: a reload (SIGHUP) with one is refused.
	Listen string `yaml:"listen" default:"" example:"127.0.0.1:9180"`
	// Log says what is logged to standard error, and how.
	Log Log `yaml:"log"`
}

// Mailbox is one IMAP mailbox.
type Mailbox struct {
	// Name identifies the mailbox in the ledger and in logs: lower-case
	// letters, digits, "-" and "_". A renamed mailbox is a new one.
	Name string `yaml:"name" required:"true" example:"soc"`
	// URL is where the mailbox is: imaps://user@host[:port]/FOLDER, with the
	// user percent-encoded. imaps:// is TLS from the start, on port 993;
	// imap:// is STARTTLS, on port 143, and a server that does not go over to
	// TLS is left before the user is named; imap+insecure:// has no TLS and is
	// accepted for loopback hosts only.
	URL MailboxURL `yaml:"url" required:"true" example:"imaps://sepm-alerts@mail.example.com/INBOX"`
	// Password is the user's password, required here or in password_file,
	// which keeps it out of this file.
	Password Secret `yaml:"password"`
	// PasswordFile is a file that holds nothing but the password.
	PasswordFile string `yaml:"password_file" example:"/etc/sepwatch/imap.password"`
	// CAFile is a PEM file of the certificates to trust instead of the
	// system's.
	CAFile string `yaml:"ca_file"`
	// CA is the content of CAFile; nil trusts the system's certificates.
	CA []byte `yaml:"-"`
	// Fingerprints pin the certificate that the server may show: the SHA-256 of
	// the certificate in DER, written as sha256: and 64 hexadecimal digits, with
	// a colon after each pair or without. More than one lets a certificate be
	// renewed. The pin is all the trust there is then, and name, dates and
	// issuer of the certificate do not count, unless ca_file is written too:
	// then both must hold.
	Fingerprints []connect.Fingerprint `yaml:"fingerprints"`
	// Proxy is the proxy to go through: http:// or https:// (by CONNECT) or
	// socks5://, and [user:password@]host[:port] with user and password
	// percent-encoded, which are kept as a secret. Without it, or with none,
	// the connection is direct.
	Proxy connect.Proxy `yaml:"proxy"`
	// Start says what is read of the mail that is there when the mailbox is
	// seen for the first time: now none of it, all every one, and a length of
	// time, such as 14d, those that arrived no longer ago than that.
	Start Start `yaml:"start" default:"now"`
	// After says what becomes of a mail once it is in the ledger.
	After After `yaml:"after"`
	// Poll is the longest time between two looks at the mailbox, for servers
	// that do not push. At least 1s and at most 10m.
	Poll time.Duration `yaml:"poll" default:"1m"`
	// MaxSize is the size above which a mail is set aside unread. At most
	// 256MiB.
	MaxSize Size `yaml:"max_size" default:"64MiB"`
}

// Start is how long ago a mail may have arrived that is read the first time
// a mailbox is seen.
type Start time.Duration

// The values of [Mailbox.Start] that are written as words.
const (
	StartNow Start = 0
	StartAll Start = math.MaxInt64
)

// After is what becomes of a mail once it is in the ledger.
type After struct {
	// Flag marks the mail: auto sets a keyword where the server allows one,
	// none leaves it untouched, seen marks it as read.
	Flag Flag `yaml:"flag" default:"auto" oneof:"auto,none,seen"`
	// Move is the folder that the mail is moved to. Empty leaves it in place.
	Move string `yaml:"move" default:""`
}

// AttachMail says which mails are attached to their incidents.
type AttachMail string

// What is attached.
const (
	AttachFirst AttachMail = "first"
	AttachAll   AttachMail = "all"
	AttachNone  AttachMail = "none"
)

// Flag is how a mail that is in the ledger is marked.
type Flag string

// The values of [After.Flag].
const (
	FlagAuto Flag = "auto"
	FlagNone Flag = "none"
	FlagSeen Flag = "seen"
)

// Alerts says which mail is an alert.
type Alerts struct {
	// From lists the addresses that SEPM sends from. Mail from anyone else
	// is ignored.
	From []string `yaml:"from" required:"true" why:"the integration guide (§7.1) requires the \"From address\" to be the one that SEPM sends its notifications from" example:"sepm@example.com"`
	// Subjects are texts, one of which the subject of an alert contains
	// (guide §7.1). A mail whose body is recognised as SEPM's is an alert
	// under any subject.
	Subjects []string `yaml:"subjects" default:"Security alert|Single Risk Event:|New Risk Found:"`
	// Unknown is what becomes of a mail from one of these addresses of which
	// neither the subject nor the body is known, and that is no notice about
	// SEPM's own running: incident opens one with its text, since it may be an
	// alert in a language or form that sepwatch does not know; ignore passes
	// over it, for an address that also sends other mail.
	Unknown UnknownMail `yaml:"unknown" default:"incident" oneof:"incident,ignore"`
	// Open lists the kinds of notices about SEPM's own running, and of
	// reports, that open an incident all the same: system, server_health,
	// definitions, client_list, software, licence, report.
	Open []string `yaml:"open"`
	// LabelsFile lists files with more labels, subjects, kinds and actions, for
	// other languages and layouts (docs/labels.md). Where they disagree with
	// what is built in, or with each other, the last one counts.
	LabelsFile []string `yaml:"labels"`
	// Labels are the contents of LabelsFile.
	Labels [][]byte `yaml:"-"`
	// TimeZone is the zone that the times in an alert are in where they have
	// none beside them: auto tells it from the Date header of the mail and the
	// time at which SEPM says it wrote it, and is UTC where that cannot be
	// told; otherwise UTC or a name such as Europe/Berlin.
	TimeZone string `yaml:"time_zone" default:"auto"`
}

// UnknownMail is what becomes of a mail of SEPM's address that is not
// understood.
type UnknownMail string

// What becomes of it.
const (
	UnknownIncident UnknownMail = "incident"
	UnknownIgnore   UnknownMail = "ignore"
)

// Whitelist lists what never becomes an artifact. The values stay in the
// incident's text, which says what held them back, and computers are looked up
// in SEPM all the same.
type Whitelist struct {
	// CIDRs are networks, single addresses, and ranges such as
	// 10.0.0.5-10.0.0.9: SEPM's own, for example.
	CIDRs []string `yaml:"cidrs" example:"192.168.194.93/32|2002:835:c36d::946:c25d/128"`
	// Domains are DNS domains and host names, such as SEPM's own, each for
	// that name alone. "*." in front stands for the domain and every name below
	// it; elsewhere "*" is any part of one label, as in SEPM-*.
	Domains []string `yaml:"domains" example:"*.sepmdomain.com|SEPM-SERVER"`
	// Only lists entries that hold back artifacts of some types only.
	Only []WhitelistOnly `yaml:"only"`
}

// WhitelistOnly is entries for some types of artifacts.
type WhitelistOnly struct {
	// Types are the artifact types: IP Address, System Name, DNS Name, URL,
	// Email Sender.
	Types []string `yaml:"types" required:"true" example:"URL|DNS Name"`
	// CIDRs are as above, for addresses and for URLs with one.
	CIDRs []string `yaml:"cidrs"`
	// Domains are as above, for all types but IP Address.
	Domains []string `yaml:"domains" example:"*.windowsupdate.com"`
}

// SEPM is one Symantec Endpoint Protection Manager.
type SEPM struct {
	// Name identifies the manager in logs: lower-case letters, digits, "-"
	// and "_".
	Name string `yaml:"name" required:"true" example:"main"`
	// URL is the base of the REST API, https://host[:port] without a path.
	// The port is 8446 when it is not written. Plain http:// is accepted for
	// loopback hosts only.
	URL string `yaml:"url" required:"true" example:"https://sepm.example.com:8446"`
	// Username is a SEPM administrator: most functions need a system
	// administrator (guide §8).
	Username string `yaml:"username" required:"true" example:"svc-sepwatch"`
	// Password is the administrator's password, required here or in
	// password_file, which keeps it out of this file.
	Password Secret `yaml:"password"`
	// PasswordFile is a file that holds nothing but the password.
	PasswordFile string `yaml:"password_file" example:"/etc/sepwatch/sepm.password"`
	// Domain is the SEPM domain to log in to. Empty is the administrator's
	// own.
	Domain string `yaml:"domain" default:"" example:"Default"`
	// EscapeCredentials percent-encodes username and password in the login,
	// for a SEPM that takes a % in them for the start of an escape.
	EscapeCredentials bool `yaml:"escape_credentials" default:"false"`
	// CAFile is a PEM file of the certificates to trust instead of the
	// system's; a self-signed SEPM needs its own certificate here, or its
	// fingerprint in fingerprints.
	CAFile string `yaml:"ca_file" example:"/etc/sepwatch/sepm.pem"`
	// CA is the content of CAFile; nil trusts the system's certificates.
	CA []byte `yaml:"-"`
	// Fingerprints pin the certificate that the server may show: the SHA-256 of
	// the certificate in DER, written as sha256: and 64 hexadecimal digits, with
	// a colon after each pair or without. More than one lets a certificate be
	// renewed. The pin is all the trust there is then, and name, dates and
	// issuer of the certificate do not count, unless ca_file is written too:
	// then both must hold.
	Fingerprints []connect.Fingerprint `yaml:"fingerprints"`
	// Proxy is the proxy to go through: http:// or https:// (by CONNECT) or
	// socks5://, and [user:password@]host[:port] with user and password
	// percent-encoded, which are kept as a secret; none for a direct
	// connection. Where it is not written, HTTPS_PROXY and NO_PROXY of the
	// environment count, but never for a loopback host.
	Proxy connect.Proxy `yaml:"proxy"`
	// RequestsPerMinute is how many requests the server gets in any minute,
	// from all nodes together; a quarter is kept for what a person waits for.
	// SEPM's own throttle, where it is on, refuses the 51st by default. 0 is no
	// bound.
	RequestsPerMinute int `yaml:"requests_per_minute" default:"45"`
	// Heartbeat is how often clients are in touch with SEPM, as their groups'
	// communication settings say. A computer that was not for twice as long is
	// out of date.
	Heartbeat time.Duration `yaml:"heartbeat" default:"15m"`
	// ScanTimeout is how long endpoints are given to end a command before it is
	// called timed out; fn_sep's sep_scan_timeout. It counts as three heartbeats
	// where it is shorter: a client hears of a command with one heartbeat, and
	// tells of its end with another.
	ScanTimeout time.Duration `yaml:"scan_timeout" default:"30m"`
	// ResultsLimit is how many rows one run adds to a table, such as matches of a
	// scan or endpoints that are not compliant; where there is more, an attachment
	// has all of them. 0 is no limit; fn_sep's sep_results_limit.
	ResultsLimit int `yaml:"results_limit" default:"200"`
	// AllowGroupTargets lets quarantine and remediation be given a group, and
	// so all endpoints that are in it or will be. Otherwise they take computers
	// only.
	AllowGroupTargets bool `yaml:"allow_group_targets" default:"false"`
	// TLS has what few servers need.
	TLS TLS `yaml:"tls"`
	// Timeout is how long one request may take.
	Timeout time.Duration `yaml:"timeout" default:"30s"`
}

// Resilient is the IBM Resilient server on which incidents are opened.
type Resilient struct {
	// URL is the server, https://host[:port] without a path. Plain http://
	// is accepted for loopback hosts only.
	URL string `yaml:"url" required:"true" example:"https://soar.example.com"`
	// Org is the name of the organization, required even where there is only
	// one.
	Org string `yaml:"org" required:"true" example:"Acme"`
	// APIKeyID is the ID of the API key to log in with, required unless email
	// is written. Where both are, the API key is used.
	APIKeyID string `yaml:"api_key_id" example:"2f1d6f5e-7a59-4b05-a8f0-0f7c6d6f9a10"`
	// APIKeySecret is the API key's secret, required with api_key_id, here or
	// in api_key_secret_file, which keeps it out of this file.
	APIKeySecret Secret `yaml:"api_key_secret"`
	// APIKeySecretFile is a file that holds nothing but the secret.
	APIKeySecretFile string `yaml:"api_key_secret_file" example:"/etc/sepwatch/soar.secret"`
	// Email is the e-mail address of the user to log in as, on a server without
	// API keys. The account must have neither a second factor nor SAML.
	Email string `yaml:"email"`
	// Password is the user's password, required with email, here or in
	// password_file, which keeps it out of this file.
	Password Secret `yaml:"password"`
	// PasswordFile is a file that holds nothing but the password.
	PasswordFile string `yaml:"password_file"`
	// Fields are the values that incident fields get when an incident is
	// opened, for those that the organization requires: the API name of a
	// field, a colon and its value, or a list for a field that takes several.
	// A choice is written as its label, a date as 2024-08-21 or
	// 2024-08-21T12:00:00Z.
	Fields FieldValues `yaml:"fields"`
	// CloseFields are, likewise, the values that fields which are required to
	// close an incident get when sepwatch closes one in which they are empty.
	CloseFields FieldValues `yaml:"close_fields"`
	// AttachMail says which mails are attached to their incidents, as they came:
	// the first alert's, all alerts' or none.
	AttachMail AttachMail `yaml:"attach_mail" default:"first" oneof:"first,all,none"`
	// RequestsPerMinute bounds how many requests are sent on average, for a
	// server that is not to be kept busy, as after an outage; 0 is no bound.
	RequestsPerMinute int `yaml:"requests_per_minute" default:"0"`
	// CAFile is a PEM file of the certificates to trust instead of the
	// system's.
	CAFile string `yaml:"ca_file"`
	// CA is the content of CAFile; nil trusts the system's certificates.
	CA []byte `yaml:"-"`
	// Fingerprints pin the certificate that the server may show: the SHA-256 of
	// the certificate in DER, written as sha256: and 64 hexadecimal digits, with
	// a colon after each pair or without. More than one lets a certificate be
	// renewed. The pin is all the trust there is then, and name, dates and
	// issuer of the certificate do not count, unless ca_file is written too:
	// then both must hold.
	Fingerprints []connect.Fingerprint `yaml:"fingerprints"`
	// Proxy is the proxy to go through: http:// or https:// (by CONNECT) or
	// socks5://, and [user:password@]host[:port] with user and password
	// percent-encoded, which are kept as a secret; none for a direct
	// connection. Where it is not written, HTTPS_PROXY and NO_PROXY of the
	// environment count, but never for a loopback host.
	Proxy connect.Proxy `yaml:"proxy"`
	// TLS has what few servers need.
	TLS TLS `yaml:"tls"`
	// ResourcePrefix is the path under which Cloud Pak for Security serves
	// the REST API, such as /api/respond. Empty on an appliance.
	ResourcePrefix string `yaml:"resource_prefix" default:""`
	// Timeout is how long one request may take.
	Timeout time.Duration `yaml:"timeout" default:"30s"`
}

// TLS is what few servers need of a connection.
type TLS struct {
	// CertificateFile is a PEM file of the certificate to show to a server that
	// asks for one (mutual TLS), with those of its authorities below it if it
	// needs them.
	CertificateFile string `yaml:"certificate_file"`
	// Certificate is the content of CertificateFile; nil shows none.
	Certificate []byte `yaml:"-"`
	// KeyFile is a PEM file of the certificate's private key, required with
	// certificate_file. It is not encrypted.
	KeyFile string `yaml:"key_file"`
	// Key is the content of KeyFile.
	Key Secret `yaml:"-"`
	// AllowCNOnly takes the common name (CN) of the server's certificate for
	// its name where the certificate has no subject alternative name, as that
	// of an old appliance. Otherwise such a certificate is refused.
	AllowCNOnly bool `yaml:"allow_cn_only" default:"false"`
}

// FieldValues are values by the API name of a field.
type FieldValues map[string][]string

// Ledger is where the ledger is kept: exactly one of the two.
type Ledger struct {
	// Path is the SQLite file. A relative path is beside this file. The file
	// and its folder are made when they are missing, for sepwatch's user only.
	Path string `yaml:"path" example:"/var/lib/sepwatch/ledger.db"`
	// Postgres is the URL of a PostgreSQL database, for several nodes:
	// postgres://user:password@host:port/database. It is kept as a secret.
	Postgres Secret `yaml:"postgres"`
}

// Log says what is logged.
type Log struct {
	// Level is the least severe level that is logged.
	Level slog.Level `yaml:"level" default:"info" oneof:"debug,info,warn,error"`
	// Format is text (key=value) or json.
	Format LogFormat `yaml:"format" default:"text" oneof:"text,json"`
}

// LogFormat is the form of a log line.
type LogFormat string

// The values of [Log.Format].
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)
