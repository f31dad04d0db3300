package remote

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/sepwatch/sepwatch/internal/connect"
)

// ParseURL reads the URL of a server: HTTPS, or plain HTTP on this machine,
// and nothing but a server and a path. The example says what is wanted.
func (s System) ParseURL(raw, example string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: url: %w", s.Name, err)
	}
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("%s: url %q: want %s", s.Name, u.Redacted(), example)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s: url %q: want a server only, no login, query or fragment", s.Name, u.Redacted())
	}
	return u, nil
}

// loopback reports whether the host is this machine, where plain HTTP tells
// nobody the password.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Connection is how a server is connected to.
type Connection struct {
	// Trust says which certificates the server may show.
	Trust connect.Trust
	// Proxy is the proxy to go through. Where it says nothing, that of the
	// environment counts.
	Proxy connect.Proxy
	// Timeout is how long one request may take.
	Timeout time.Duration
	// Idle is how many connections are kept for later requests.
	Idle int
}

// NewHTTP makes an HTTP client for the server of a URL. It has no cookie jar.
func (s System) NewHTTP(u *url.URL, c Connection) (*resty.Client, error) {
	proxy, err := c.Proxy.OrEnvironment(u)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	dial := proxy.Through((&net.Dialer{KeepAlive: 30 * time.Second}).DialContext)
	// HTTP/1.1 only: the trace in send.go then tells exactly what was sent.
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			// A little less than the request has, whose own end would not say
			// which address or proxy it was that did not answer.
			ctx, cancel := context.WithTimeout(ctx, c.Timeout-c.Timeout/10)
			defer cancel()
			return dial(ctx, network, address)
		},
		TLSClientConfig:       c.Trust.Config(u.Hostname()),
		TLSHandshakeTimeout:   c.Timeout,
		ResponseHeaderTimeout: c.Timeout,
		MaxIdleConnsPerHost:   c.Idle,
		// Shorter than the 20 s of Tomcat, which both systems run on: a write
		// on a connection that the other side is just closing would be
		// ambiguous.
		IdleConnTimeout: 15 * time.Second,
	}
	return resty.NewWithClient(&http.Client{
		Transport: transport,
		// A redirect is outside the contracts, and following one would turn a
		// POST into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).SetHeader("User-Agent", "sepwatch").SetHeader("Accept", "application/json").
		SetDisableWarn(true). // its warning is about plain HTTP, which is for loopback only
		SetPreRequestHook(putContent), nil
}
