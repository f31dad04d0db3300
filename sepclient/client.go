package sepclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/remote"
)

// What Options leave unset.
const (
	defaultTimeout  = 30 * time.Second
	defaultPageSize = 200
)

// idleConnections is how many connections are kept for later requests.
const idleConnections = 8

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
	// Fingerprints are those of the certificates that SEPM may show. They take
	// the place of authorities, unless there are RootCAs, too.
	Fingerprints []connect.Fingerprint
	// AllowCNOnly takes the common name of SEPM's certificate for its name
	// where the certificate has no other.
	AllowCNOnly bool
	// Certificate and Key, in PEM, are what is shown to a SEPM that asks for a
	// certificate; nil shows none.
	Certificate, Key []byte
	// Proxy is the proxy to go through; the environment's by default.
	Proxy connect.Proxy
	// Timeout bounds each request, its answer included; 30 s by default.
	Timeout time.Duration
	// PageSize is how many objects to ask for in one page, 200 by default.
	PageSize int
	// Budget bounds the requests, the login's too; nil is no bound.
	Budget Budget
	// Now is the clock, time.Now by default.
	Now func() time.Time
	// Logger gets one debug line a request; nothing by default.
	Logger *slog.Logger
	// OnRequest, when set, is told of every request: its fixed name, the HTTP
	// status (0 when there was no answer) and the time it took.
	OnRequest func(op string, status int, d time.Duration)
	// DryRun, when set, gets every request that changes something, as it would
	// be sent; it is not, and ends with [ErrWithheld]. What only reads is sent.
	DryRun func(Withheld)
}

// Client speaks to one SEPM with one login. It is safe for concurrent use.
type Client struct {
	options Options
	root    string // up to and without /api/v1
	http    *resty.Client
	session *session
	lists   *listLocks
	lane    Lane
}

// New makes a client. It sends nothing.
func New(o Options) (*Client, error) {
	u, err := system.ParseURL(o.URL, "https://host:8446")
	if err != nil {
		return nil, err
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
	trust := connect.Trust{RootCAs: o.RootCAs, Fingerprints: o.Fingerprints, AllowCNOnly: o.AllowCNOnly}
	if o.Certificate != nil {
		certificate, err := tls.X509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, fmt.Errorf("sepm: the certificate to show and its key: %w", err)
		}
		trust.Certificate = &certificate
	}
	web, err := system.NewHTTP(u, remote.Connection{
		Trust: trust, Proxy: o.Proxy, Timeout: o.Timeout, Idle: idleConnections,
	})
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/sepm")
	return &Client{
		options: o,
		root:    u.Scheme + "://" + u.Host + prefix + "/sepm",
		http:    web,
		session: new(session), lists: new(listLocks),
	}, nil
}

// Close logs out if a token is held and closes idle connections. It may be
// called again; a client that is used after Close logs in again.
func (c *Client) Close(ctx context.Context) error {
	defer c.http.GetClient().CloseIdleConnections()
	return c.logout(ctx)
}
