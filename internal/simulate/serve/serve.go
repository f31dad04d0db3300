// Package serve puts a stand-in on a real socket, with TLS or without, so
// that clients meet it exactly as they meet the real server.
package serve

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxHeader bounds what is read before a handler runs. It is larger than
	// any stand-in's own limit, so that the stand-in can give its own answer.
	maxHeader = 64 << 10
	// maxBody is a little more than the largest upload that Resilient allows
	// (25 MiB, contract: Resilient API §1.10).
	maxBody = 32 << 20
	// headerTimeout bounds how long a connection may take to say what it wants.
	headerTimeout = 30 * time.Second
)

// HTTP is a handler that is being served. It must be closed.
type HTTP struct {
	server *http.Server
	listen net.Listener
	url    string
	once   sync.Once
	done   chan struct{}
	err    error // why serving ended, valid once done is closed

	// busy counts open connections and running handlers. A handler is counted
	// on top of its connection because one that takes its connection over may
	// outlive it in the eyes of net/http.
	busy sync.WaitGroup
}

// Start serves h on addr ("host:port", port 0 for any free one) until Close.
// A nil cert means plain HTTP. Only HTTP/1.1 is spoken, so that a handler may
// take a connection over (http.Hijacker) and break it. Request headers and
// bodies are bounded. The error is that of listening.
func Start(addr string, cert *tls.Certificate, h http.Handler) (*HTTP, error) {
	if cert == nil {
		return start(addr, nil, h)
	}
	return start(addr, &tls.Config{Certificates: []tls.Certificate{*cert}}, h)
}

// StartMutual is [Start] for clients that show a certificate which one of the
// given authorities has signed; others are not served.
func StartMutual(addr string, cert tls.Certificate, clients *x509.CertPool, h http.Handler) (*HTTP, error) {
	return start(addr, &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}, h)
}

func start(addr string, secure *tls.Config, h http.Handler) (*HTTP, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	scheme, listen := "http", ln
	if secure != nil {
		scheme = "https"
		secure.MinVersion, secure.NextProtos = tls.VersionTLS12, []string{"http/1.1"}
		listen = tls.NewListener(ln, secure)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s := &HTTP{listen: listen, url: scheme + "://" + Reachable(ln.Addr().String()), done: make(chan struct{})}
	s.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.busy.Add(1)
			defer s.busy.Done()
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			h.ServeHTTP(w, r)
		}),
		ConnState:         s.track,
		Protocols:         protocols,
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: headerTimeout,
		// What the server would say here is about connections that were
		// broken on purpose and clients that do not trust the certificate.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(s.listen); !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("serve on %s: %w", s.url, err)
		}
	}()
	return s, nil
}

// URL is the address of the server, such as https://127.0.0.1:8446, without a
// slash at the end.
func (s *HTTP) URL() string { return s.url }

// Address is the host:port that is listened on, with an address for the host.
func (s *HTTP) Address() string { return s.listen.Addr().String() }

// track counts connections. net/http reports a new one from the accepting
// goroutine, so once that has ended the count only falls.
func (s *HTTP) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.busy.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.busy.Done()
	}
}

// Close stops listening, cuts every connection and waits until every handler
// has returned. Closing twice does no harm. The error is what ended the
// serving early, if anything did.
func (s *HTTP) Close() error {
	s.once.Do(func() {
		// The listener's own close error says nothing that helps anybody.
		_ = s.server.Close()
	})
	<-s.done
	s.busy.Wait()
	return s.err
}

// Reachable is the host:port at which a client on this machine meets a
// listener: one on all interfaces is met on loopback.
func Reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
