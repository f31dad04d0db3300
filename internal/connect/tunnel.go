package connect

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

// maxProxyAnswer bounds what is read of a proxy's answer, in bytes.
const maxProxyAnswer = 16 << 10

// Dial opens a connection, as [net.Dialer.DialContext] does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Through gives a Dial that reaches servers through the proxy: by CONNECT for
// http and https, whose certificate the system's authorities must vouch for.
// The proxy resolves the servers' names. What fails on the way is a
// [*ProxyError]. The connection to the proxy itself is opened with direct;
// without a proxy Through gives direct.
func (p Proxy) Through(direct Dial) Dial {
	switch p.Scheme {
	case "", None:
		return direct
	case "socks5":
		return p.socks(direct)
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := p.reach(ctx, network, direct)
		if err != nil {
			return nil, err
		}
		// The exchange with the proxy ends when ctx does.
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		tunnel, err := p.tunnel(ctx, conn, address)
		stop()
		if ctx.Err() != nil {
			err = p.fail("gave no answer", ctx.Err())
		}
		if err != nil {
			conn.Close()
			return nil, err
		}
		return tunnel, nil
	}
}

// reach opens the connection to the proxy.
func (p Proxy) reach(ctx context.Context, network string, direct Dial) (net.Conn, error) {
	conn, err := direct(ctx, network, p.Address)
	if err != nil {
		return nil, p.fail("cannot be reached", err)
	}
	return conn, nil
}

// tunnel asks the proxy at the other end of conn for a connection to the
// address.
func (p Proxy) tunnel(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	if p.Scheme == "https" {
		host, _, err := net.SplitHostPort(p.Address)
		if err != nil {
			return nil, p.fail("has no address", err)
		}
		secure := tls.Client(conn, Trust{}.Config(host))
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, p.fail("cannot be spoken to over TLS", err)
		}
		conn = secure
	}
	request := &http.Request{
		Method: http.MethodConnect, Host: address, URL: &url.URL{Opaque: address},
		Header: http.Header{"User-Agent": {"sepwatch"}},
	}
	if p.User != nil {
		password, _ := p.User.Password()
		login := base64.StdEncoding.EncodeToString([]byte(p.User.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+login)
	}
	if err := request.Write(conn); err != nil {
		return nil, p.fail("took no request", err)
	}
	head, err := readHead(conn)
	if err != nil {
		return nil, p.fail("gave no answer", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), request)
	if err != nil { // it quotes the answer
		return nil, p.fail("gave no answer", errors.New("what came is not HTTP"))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		e := p.fail("refused", errors.New(strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))))
		e.Status = answer.StatusCode
		return nil, e
	}
	return conn, nil
}

// readHead reads the head of an answer a byte at a time: what follows it is
// the server's and belongs to the tunnel.
func readHead(r io.Reader) ([]byte, error) {
	var head []byte
	var b [1]byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) && !bytes.HasSuffix(head, []byte("\n\n")) {
		if len(head) == maxProxyAnswer {
			return nil, fmt.Errorf("what came has no end within %d KiB", maxProxyAnswer>>10)
		}
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, err
		}
		head = append(head, b[0])
	}
	return head, nil
}

func (p Proxy) socks(direct Dial) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var login *proxy.Auth
		if p.User != nil {
			password, _ := p.User.Password()
			login = &proxy.Auth{User: p.User.Username(), Password: password}
		}
		first := dialer(func(ctx context.Context, network, _ string) (net.Conn, error) { return p.reach(ctx, network, direct) })
		d, err := proxy.SOCKS5(network, p.Address, login, first)
		if err != nil {
			return nil, p.fail("cannot be used", err)
		}
		conn, err := d.(proxy.ContextDialer).DialContext(ctx, network, address)
		var unreached *ProxyError
		var wrapped *net.OpError
		switch {
		case err == nil:
			return conn, nil
		case errors.As(err, &unreached):
			return nil, unreached
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = context.DeadlineExceeded // the library gives ctx's to the connection
		case errors.As(err, &wrapped):
			err = wrapped.Err // its text repeats the addresses
		}
		return nil, p.fail("did not connect", err)
	}
}

// dialer is a Dial as the library takes it.
type dialer Dial

// DialContext opens a connection.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// Dial opens a connection, and may take for ever.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// ProxyError is a connection that failed at its proxy, before the server.
type ProxyError struct {
	// Address is the proxy's host:port.
	Address string
	// Status is the HTTP status of the proxy's refusal, 0 for anything else.
	Status int
	// Err is what the proxy did, such as "refused: 407 …".
	Err error
}

func (p Proxy) fail(what string, cause error) *ProxyError {
	return &ProxyError{Address: p.Address, Err: fmt.Errorf("%s: %w", what, cause)}
}

// Error names the proxy.
func (e *ProxyError) Error() string { return fmt.Sprintf("proxy %s %v", e.Address, e.Err) }

// Unwrap gives the cause.
func (e *ProxyError) Unwrap() error { return e.Err }

// Advice says what to do about it.
func (e *ProxyError) Advice() string {
	switch {
	case e.Status == http.StatusProxyAuthRequired:
		return "write the proxy's user and password into its URL"
	case e.Status >= http.StatusInternalServerError:
		return "the proxy does not reach the server: check the server's host and port, and the proxy's own network"
	case e.Status != 0:
		return "allow CONNECT to this host and port at the proxy, or go without it (proxy: none)"
	}
	return "check proxy (where it is not written, HTTPS_PROXY counts for SEPM and Resilient), and that the proxy runs"
}
