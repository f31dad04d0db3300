package resilient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/remote"
)

const defaultTimeout = 30 * time.Second

// idleConnections is how many connections are kept for later requests.
const idleConnections = 32

// Options say where Resilient is and how to speak to it.
type Options struct {
	// URL is the server, such as https://soar.example.com. Use its DNS name:
	// fresh appliances have no other in their certificate (§1.9).
	URL string
	// ResourcePrefix stands before /rest on Cloud Pak for Security, such as
	// /api/respond (§1.1).
	ResourcePrefix string
	// Org is the organization's cloud account, UUID or name (§1.4). It is
	// needed even where there is only one.
	Org string
	// KeyID and KeySecret are the API key (§1.2), which goes before a user.
	KeyID, KeySecret string
	// Email and Password are those of a user (§1.3).
	Email, Password string
	// Fields are the values of incident fields that incidents are opened with,
	// by API name; several for one that takes several. CloseFields are those
	// that incidents are closed with where they have none.
	Fields, CloseFields map[string][]string
	// RootCAs are the certificates to trust, of authorities or of Resilient
	// itself. Nil trusts the system's authorities.
	RootCAs *x509.CertPool
	// Fingerprints are those of the certificates that Resilient may show. They take
	// the place of authorities, unless there are RootCAs, too.
	Fingerprints []connect.Fingerprint
	// AllowCNOnly takes the common name of Resilient's certificate for its name
	// where it has no other (§1.9).
	AllowCNOnly bool
	// Certificate and Key, in PEM, are what is shown to a Resilient that asks
	// for a certificate (mutual TLS); nil shows none.
	Certificate, Key []byte
	// Proxy is the proxy to go through; the environment's by default.
	Proxy connect.Proxy
	// Timeout bounds each request and each write in all; 30 s by default.
	Timeout time.Duration
	// RequestsPerMinute bounds the requests on average, 0 for no bound: see
	// [Client.Spare].
	RequestsPerMinute int
	// Now is the clock, time.Now by default.
	Now func() time.Time
	// Logger gets one debug line a request; nothing by default.
	Logger *slog.Logger
	// OnRequest, when set, is told of every request: its fixed name, the HTTP
	// status (0 when there was no answer) and the time it took.
	OnRequest func(op string, status int, d time.Duration)
}

// Client speaks to one organization of one Resilient. It is safe for
// concurrent use, but writes to one incident at the same time can answer
// [Conflict] (§11.15).
type Client struct {
	options Options
	rest    string // up to and with /rest
	http    *resty.Client
	session shared[session] // of a user
	org     shared[organization]
	clock   atomic.Pointer[serverClock]
	budget  budget
}

// New makes a client. It sends nothing.
func New(o Options) (*Client, error) {
	u, err := system.ParseURL(o.URL, "https://host")
	if err != nil {
		return nil, err
	}
	if o.byKey() && o.KeySecret == "" || !o.byKey() && (o.Email == "" || o.Password == "") {
		return nil, fmt.Errorf("resilient: %s: the id and the secret of an API key are needed, or the e-mail address and the password of a user", u.Host)
	}
	trust := connect.Trust{RootCAs: o.RootCAs, Fingerprints: o.Fingerprints, AllowCNOnly: o.AllowCNOnly}
	if o.Certificate != nil {
		certificate, err := tls.X509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, fmt.Errorf("resilient: the certificate to show and its key: %w", err)
		}
		trust.Certificate = &certificate
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	root := u.Scheme + "://" + u.Host + strings.TrimRight(u.Path, "/")
	if prefix := strings.Trim(o.ResourcePrefix, "/"); prefix != "" {
		root += "/" + prefix
	}
	// Without a jar of cookies: a session cookie beside the key confuses the
	// server (§1.2), and a session sends its own.
	web, err := system.NewHTTP(u, remote.Connection{Trust: trust, Proxy: o.Proxy, Timeout: o.Timeout, Idle: idleConnections})
	if err != nil {
		return nil, err
	}
	if o.byKey() {
		web.SetBasicAuth(o.KeyID, o.KeySecret)
	}
	return &Client{options: o, rest: root + "/rest", http: web, budget: newBudget(o.RequestsPerMinute)}, nil
}

// Timeout is how long a write takes at most. What became of one whose answer
// was lost is to be asked no sooner than this after its start.
func (c *Client) Timeout() time.Duration { return c.options.Timeout }

// write bounds a whole write, its connect and its reads included.
func (c *Client) write(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.options.Timeout)
}

// serverClock is a reading of the server's clock.
type serverClock struct{ server, here time.Time }

// ServerNow is the server's clock, from the Date of its last answer. It is
// never ahead of that clock, and behind it by less than a second and the
// answer's way. It is false until there was an answer.
func (c *Client) ServerNow() (time.Time, bool) {
	reading := c.clock.Load()
	if reading == nil {
		return time.Time{}, false
	}
	return reading.server.Add(c.options.Now().Sub(reading.here)), true
}

// readClock notes the Date of an answer.
func (c *Client) readClock(header http.Header) {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		c.clock.Store(&serverClock{server: date.UTC(), here: c.options.Now()})
	}
}
