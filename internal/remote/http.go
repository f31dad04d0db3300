package remote

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-resty/resty/v2"
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

// NewHTTP makes an HTTP client for one server that trusts the certificates in
// roots (nil: the system's authorities) and keeps so many idle connections.
// It has no cookie jar.
func NewHTTP(roots *x509.CertPool, timeout time.Duration, idle int) *resty.Client {
	// HTTP/1.1 only: the trace in send.go then tells exactly what was sent.
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:   timeout,
		ResponseHeaderTimeout: timeout,
		MaxIdleConnsPerHost:   idle,
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
	}).SetHeader("User-Agent", "sepwatch").SetHeader("Accept", "application/json")
}
