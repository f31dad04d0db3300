package sepclient

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
	"time"

	"github.com/go-resty/resty/v2"
)

// What Options leave unset.
const (
	defaultTimeout  = 30 * time.Second
	defaultPageSize = 200
)

// Options say where SEPM is and how to speak to it.
type Options struct {
	// URL is the server, such as https://sepm.example.com:8446. The path
	// /sepm is added here (A1).
	URL string
	// Username, Password and Domain are the login. A token sees one domain
	// only (A7); an empty Domain works for system administrators.
	Username, Password, Domain string
	// EscapeCredentials percent-encodes user name and password in the login,
	// for a SEPM that decodes them (A6: some clients must, most must not).
	EscapeCredentials bool
	// RootCAs are the certificates to trust, of authorities or of SEPM
	// itself, whose own certificate is normally self-signed. Nil trusts the
	// system's authorities.
	RootCAs *x509.CertPool
	// Timeout bounds each request, its answer included; 30 s by default.
	Timeout time.Duration
	// PageSize is how many objects to ask for in one page, 200 by default.
	PageSize int
	// Now is the clock, time.Now by default.
	Now func() time.Time
	// Logger gets one debug line a request; nothing by default.
	Logger *slog.Logger
	// OnRequest, when set, is told of every request: its fixed name, the HTTP
	// status (0 when there was no answer) and the time it took.
	OnRequest func(op string, status int, d time.Duration)
}

// Client speaks to one SEPM with one login. It is safe for concurrent use.
type Client struct {
	options Options
	root    string // up to and without /api/v1
	http    *resty.Client
	session session
}

// New makes a client. It sends nothing.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("sepm: url: %w", err)
	}
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("sepm: url %q: want https://host:8446", u.Redacted())
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("sepm: url %q: want a server only, no login, query or fragment", u.Redacted())
	}
	if o.Username == "" || o.Password == "" {
		return nil, fmt.Errorf("sepm: %s: username and password are needed", u.Host)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.PageSize <= 0 {
		o.PageSize = defaultPageSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	prefix := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/sepm")
	return &Client{
		options: o,
		root:    "https://" + u.Host + prefix + "/sepm",
		http:    newHTTP(o),
	}, nil
}

func newHTTP(o Options) *resty.Client {
	// HTTP/1.1 only, which is what SEPM's Tomcat speaks: the trace in
	// request.go then tells exactly what was sent.
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:   o.Timeout,
		ResponseHeaderTimeout: o.Timeout,
		MaxIdleConnsPerHost:   8,
		// Shorter than Tomcat's own 20 s: a write on a connection that the
		// other side is just closing would be ambiguous.
		IdleConnTimeout: 15 * time.Second,
	}
	return resty.NewWithClient(&http.Client{
		Transport: transport,
		// A redirect is outside the contract, and following one would turn a
		// POST into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).SetHeader("User-Agent", "sepwatch").SetHeader("Accept", "application/json")
}

// Close logs out if a token is held and closes idle connections. It may be
// called again; a client that is used after Close logs in again.
func (c *Client) Close(ctx context.Context) error {
	defer c.http.GetClient().CloseIdleConnections()
	return c.logout(ctx)
}

// loopback reports whether the host is this machine, where plain HTTP tells
// nobody the password.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
