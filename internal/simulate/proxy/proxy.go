// Package proxy is a stand-in for a proxy: HTTP CONNECT and SOCKS5 on one
// socket, for those who test what goes through one.
package proxy

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// Options configures a [Server]. The zero value lets everybody through.
type Options struct {
	// Username and Password are asked for when there is a Username.
	Username, Password string
	// Certificate makes the proxy speak TLS.
	Certificate *tls.Certificate
	// Refuse is an HTTP status that every CONNECT with the right login is
	// answered with. SOCKS5 answers that its rules do not allow it.
	Refuse int
}

// Server is a running stand-in. Make one with [Start].
type Server struct {
	o       Options
	listen  net.Listener
	running sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]struct{} // nil once closed
	targets []string
}

// Start starts a proxy on a free loopback port.
func Start(o Options) (*Server, error) {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve a proxy: %w", err)
	}
	s := &Server{o: o, listen: listen, conns: map[net.Conn]struct{}{}}
	s.running.Go(func() {
		for {
			conn, err := listen.Accept()
			if err != nil {
				return // closed
			}
			s.running.Go(func() { s.serve(conn) })
		}
	})
	return s, nil
}

// Address is the proxy's host:port.
func (s *Server) Address() string { return s.listen.Addr().String() }

// Targets are the addresses that were asked for with the right login, in order.
func (s *Server) Targets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.targets...)
}

func (s *Server) asked(target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets = append(s.targets, target)
}

// Close cuts every connection and waits for all that was started.
func (s *Server) Close() error {
	err := s.listen.Close()
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.running.Wait()
	return err
}

// keep says whether the connection may go on; Close then cuts it.
func (s *Server) keep(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Server) serve(raw net.Conn) {
	defer raw.Close()
	if !s.keep(raw) {
		return
	}
	conn := raw
	if s.o.Certificate != nil {
		conn = tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{*s.o.Certificate}, MinVersion: tls.VersionTLS12})
	}
	r := bufio.NewReader(conn)
	first, err := r.Peek(1)
	if err != nil {
		return
	}
	target, granted, refused := "", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n\r\n"
	if first[0] == 5 {
		target, granted, refused = s.socks(r, conn), "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"
	} else {
		target = s.connect(r, conn)
	}
	if target == "" {
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		_, _ = io.WriteString(conn, refused) // whoever left need not know
		return
	}
	defer server.Close()
	if !s.keep(server) {
		return
	}
	if _, err := io.WriteString(conn, granted); err != nil {
		return
	}
	s.running.Go(func() {
		_, _ = io.Copy(server, r)
		server.Close()
	})
	_, _ = io.Copy(conn, server)
}

// connect reads a CONNECT and gives its target, or answers that it may not be.
func (s *Server) connect(r *bufio.Reader, w io.Writer) (target string) {
	request, err := http.ReadRequest(r)
	if err != nil || request.Method != http.MethodConnect {
		return ""
	}
	status := http.StatusProxyAuthRequired
	login := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.o.Username+":"+s.o.Password))
	if s.o.Username == "" || request.Header.Get("Proxy-Authorization") == login {
		if s.asked(request.Host); s.o.Refuse == 0 {
			return request.Host
		}
		status = s.o.Refuse
	}
	_, _ = fmt.Fprintf(w, "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", status)
	return ""
}

// socks does the same for SOCKS5 (RFC 1928, RFC 1929).
func (s *Server) socks(r *bufio.Reader, w io.Writer) (target string) {
	block := func() []byte { // a length and so many bytes
		n, err := r.ReadByte()
		if err != nil {
			return nil
		}
		b := make([]byte, n)
		_, _ = io.ReadFull(r, b) // what is missing is zero, and refused
		return b
	}
	_, _ = r.Discard(1)
	block() // methods
	if s.o.Username == "" {
		_, _ = io.WriteString(w, "\x05\x00")
	} else {
		_, _ = io.WriteString(w, "\x05\x02")
		_, _ = r.Discard(1)
		if username, password := block(), block(); string(username) != s.o.Username || string(password) != s.o.Password {
			_, _ = io.WriteString(w, "\x01\x01")
			return ""
		}
		_, _ = io.WriteString(w, "\x01\x00")
	}
	head := make([]byte, 4)
	_, _ = io.ReadFull(r, head)
	var host string
	switch head[3] {
	case 1:
		ip := make(net.IP, net.IPv4len)
		_, _ = io.ReadFull(r, ip)
		host = ip.String()
	case 3:
		host = string(block())
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(r, port); err != nil {
		return ""
	}
	target = net.JoinHostPort(host, fmt.Sprint(int(port[0])<<8|int(port[1])))
	if s.asked(target); s.o.Refuse != 0 {
		_, _ = io.WriteString(w, "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")
		return ""
	}
	return target
}
