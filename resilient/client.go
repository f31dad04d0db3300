package resilient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"
)

const defaultTimeout = 30 * time.Second

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
	// KeyID and KeySecret are the API key (§1.2).
	KeyID, KeySecret string
	// RootCAs are the certificates to trust, of authorities or of Resilient
	// itself. Nil trusts the system's authorities.
	RootCAs *x509.CertPool
	// Timeout bounds each request and each write in all; 30 s by default.
	Timeout time.Duration
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
	options  Options
	rest     string // up to and with /rest
	http     *resty.Client
	platform platformCache
	clock    atomic.Pointer[serverClock]
}

// New makes a client. It sends nothing.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("resilient: url: %w", err)
	}
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("resilient: url %q: want https://host", u.Redacted())
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("resilient: url %q: want a server only, no login, query or fragment", u.Redacted())
	}
	if o.KeyID == "" || o.KeySecret == "" {
		return nil, fmt.Errorf("resilient: %s: the id and the secret of an API key are needed", u.Host)
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
	root := "https://" + u.Host + strings.TrimRight(u.Path, "/")
	if prefix := strings.Trim(o.ResourcePrefix, "/"); prefix != "" {
		root += "/" + prefix
	}
	return &Client{options: o, rest: root + "/rest", http: newHTTP(o)}, nil
}

func newHTTP(o Options) *resty.Client {
	// HTTP/1.1 only: the trace in request.go then tells exactly what was sent.
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:   o.Timeout,
		ResponseHeaderTimeout: o.Timeout,
		MaxIdleConnsPerHost:   32,
		// Shorter than Tomcat's own 20 s: a write on a connection that the
		// other side is just closing would be ambiguous.
		IdleConnTimeout: 15 * time.Second,
	}
	// No cookie jar: a session cookie beside the key confuses the server (§1.2).
	return resty.NewWithClient(&http.Client{
		Transport: transport,
		// A redirect is outside the contract, and following one would turn a
		// POST into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).SetBasicAuth(o.KeyID, o.KeySecret).SetHeader("User-Agent", "sepwatch").SetHeader("Accept", "application/json")
}

// Timeout is how long a write takes at most. What became of one whose answer
// was lost is to be asked no sooner than this after its start.
func (c *Client) Timeout() time.Duration { return c.options.Timeout }

// Close closes idle connections. The client can still be used.
func (c *Client) Close() { c.http.GetClient().CloseIdleConnections() }

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

// loopback reports whether the host is this machine, where plain HTTP tells
// nobody the password.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
