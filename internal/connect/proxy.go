package connect

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"

	"golang.org/x/net/http/httpproxy"
)

// None is the scheme, and the whole text, of a [Proxy] that stands for no
// proxy at all.
const None = "none"

// ProxyForm is how a proxy is written.
const ProxyForm = "http://, https:// or socks5:// and [user:password@]host[:port] with user and password percent-encoded, or none"

// mask stands where user and password would be printed.
const mask = "********"

// proxyPorts has the schemes, and the port of a URL that has none.
var proxyPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080"}

// Proxy is a proxy to go through. Its zero value says nothing: whether that
// means no proxy or the environment's is its user's to say. It shows user and
// password to nobody who prints it.
type Proxy struct {
	// Scheme is http, https, socks5 or [None].
	Scheme string
	// Address is host:port.
	Address string
	// User is the login, nil for none.
	User *url.Userinfo
}

// ParseProxy reads a proxy's URL, or none. Its errors never quote the text,
// which may hold a password.
func ParseProxy(text string) (Proxy, error) {
	if text == None {
		return Proxy{Scheme: None}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return Proxy{}, errors.New("is not the URL of a proxy")
	}
	port, known := proxyPorts[u.Scheme]
	if !known {
		return Proxy{}, fmt.Errorf("has the scheme %q", u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Proxy{}, errors.New("has a port outside 1 to 65535")
	}
	p := Proxy{Scheme: u.Scheme, Address: net.JoinHostPort(u.Hostname(), port), User: u.User}
	if u.User != nil && u.User.Username() == "" {
		return Proxy{}, errors.New("has a login without a user")
	}
	if u.User != nil && u.User.Username() == mask {
		return Proxy{}, errors.New("has the mask that sepwatch prints in place of user and password")
	}
	return p, nil
}

// OrEnvironment is the proxy, or where it says nothing that of the environment
// for a URL: HTTPS_PROXY, unless NO_PROXY has the host. The environment's is
// never taken for this machine itself.
func (p Proxy) OrEnvironment(u *url.URL) (Proxy, error) {
	if p.Scheme != "" {
		return p, nil
	}
	found, err := httpproxy.FromEnvironment().ProxyFunc()(u)
	if err != nil || found == nil {
		return Proxy{}, err
	}
	if found.Scheme == "socks5h" { // the same: names are always the proxy's to resolve
		found.Scheme = "socks5"
	}
	if p, err = ParseProxy(found.String()); err != nil {
		return Proxy{}, fmt.Errorf("the environment's HTTPS_PROXY %w: write %s", err, ProxyForm)
	}
	return p, nil
}

// String is the proxy as it is written, with a mask for user and password.
func (p Proxy) String() string {
	switch {
	case p.Scheme == "" || p.Scheme == None:
		return p.Scheme
	case p.User != nil:
		return p.Scheme + "://" + mask + "@" + p.Address
	}
	return p.Scheme + "://" + p.Address
}

// Format prints String for every verb: fmt would print some from the fields.
func (p Proxy) Format(f fmt.State, _ rune) {
	// fmt.State keeps the error of its own writer.
	_, _ = io.WriteString(f, p.String())
}

// MarshalText gives String to JSON, slog and every other encoder of text.
func (p Proxy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
