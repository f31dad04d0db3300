package mailbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// conn is one connection to the server, with the faults that strike the
// stream of bytes.
type conn struct {
	net.Conn          // what IMAP is spoken over: raw, or TLS on it
	raw      net.Conn // the socket
	server   *Server
	// inspecting is set for the server's own connections, which have no faults.
	inspecting bool

	once, cut sync.Once
	mu        sync.Mutex
	left      int64 // bytes until the cut, negative for none
}

// Write sends p as far as the connection lives. It reports no error, as the
// library never lets go of a lock when the body of a mail cannot be written;
// that the connection is gone shows at the next read.
func (c *conn) Write(p []byte) (int, error) {
	out := p
	if c.server.o.NoIdle && isCapability(p) {
		// The library offers IDLE by itself and has no switch for it.
		out = bytes.Replace(p, []byte(" IDLE"), nil, 1)
	}
	cut := false
	c.mu.Lock()
	if c.left >= 0 {
		cut = c.left <= int64(len(out))
		out = out[:min(c.left, int64(len(out)))]
		c.left -= int64(len(out))
	}
	c.mu.Unlock()
	_, err := c.Conn.Write(out)
	if cut {
		c.cut.Do(func() { c.server.count(Reset) })
	}
	if cut || err != nil {
		c.reset()
	}
	return len(p), nil
}

func isCapability(p []byte) bool {
	line, _, _ := bytes.Cut(p, []byte("\r\n"))
	return bytes.HasPrefix(line, []byte("* CAPABILITY")) || bytes.Contains(line, []byte(" OK [CAPABILITY"))
}

// Close ends the connection. A TLS connection is not told goodbye: that could
// block on a client that does not read.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = c.raw.Close()
		c.server.mu.Lock()
		defer c.server.mu.Unlock()
		delete(c.server.conns, c)
	})
	return err
}

// reset ends the connection with RST where there is a socket.
func (c *conn) reset() {
	if tcp, ok := c.raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// listener hands connections to the library and keeps count of them.
type listener struct {
	net.Listener
	server *Server
	tls    *tls.Config
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := l.server
	c := &conn{Conn: raw, raw: raw, server: s, left: -1}
	if l.tls != nil {
		c.Conn = tls.Server(raw, l.tls)
	}
	if own, ok := raw.(inspection); ok {
		c.raw, c.Conn, c.inspecting = own.Conn, own.Conn, true
	} else {
		c.left = s.cutAfter()
	}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.sessions.Add(1) // session.Close counts down
	return c, nil
}

// inspection marks a connection of the server to itself.
type inspection struct{ net.Conn }

// pipeListener accepts connections in memory.
type pipeListener struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, wrap func(net.Conn) net.Conn) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.accepted <- wrap(server):
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
