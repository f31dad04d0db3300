// Package mailbox is a stand-in for a mail server: IMAP on a real socket (or
// in memory), one user, mails held in memory, and faults on demand.
//
// It serves go-imap's memory server. What the library lets nobody see, such
// as the flags of a mail, it asks of itself over a connection in memory.
package mailbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// The account and its folders.
const (
	Username  = "demo"
	Password  = "demo"
	Inbox     = "INBOX"
	Processed = "Processed"
)

// Options configures a [Server]. The zero value is a server with TLS on a
// free loopback port that can do everything.
type Options struct {
	// Address is the host:port to listen on, a free loopback port by default.
	Address string
	// Plain serves without TLS.
	Plain bool
	// InMemory opens no socket: connections come from [Server.Dial] alone, so
	// the server also runs where time is not real. It implies Plain.
	InMemory bool
	// NoIdle, NoMove and NoUIDPlus take a capability away.
	NoIdle, NoMove, NoUIDPlus bool
	// Seed makes the faults that strike at random repeatable.
	Seed uint64
}

// Server is a running stand-in. Make one with [New].
type Server struct {
	o     Options
	imap  *imapserver.Server
	user  *imapmemserver.User
	net   net.Listener // nil in memory
	pipes *pipeListener
	caPEM []byte

	serving  sync.WaitGroup // listeners
	sessions sync.WaitGroup // connections, and the late changes they left

	mu       sync.Mutex
	conns    map[*conn]struct{}
	watchers map[*session]struct{}
	rules    []*rule
	injected map[Kind]int
	random   *rand.Rand
	closed   bool
	done     chan struct{} // closed by Close
}

// New starts a server with the folders [Inbox] and [Processed].
func New(o Options) (*Server, error) {
	s := &Server{
		o: o, user: imapmemserver.NewUser(Username, Password), pipes: newPipeListener(),
		conns: map[*conn]struct{}{}, watchers: map[*session]struct{}{},
		injected: map[Kind]int{}, done: make(chan struct{}), random: rand.New(rand.NewPCG(o.Seed, o.Seed)),
	}
	for _, folder := range []string{Inbox, Processed} {
		if err := s.user.Create(folder, nil); err != nil {
			return nil, fmt.Errorf("create folder %s: %w", folder, err)
		}
	}
	caps := imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapESearch: {}, imap.CapListExtended: {}, imap.CapStatusSize: {}}
	if !o.NoMove {
		caps[imap.CapMove] = struct{}{}
	}
	if !o.NoUIDPlus {
		caps[imap.CapUIDPlus] = struct{}{}
	}
	s.imap = imapserver.New(&imapserver.Options{
		NewSession: s.newSession,
		Caps:       caps,
		Logger:     log.New(io.Discard, "", 0), // broken connections are this server's daily work
		// TLS ends below this package's own connections, where the library
		// does not see it.
		InsecureAuth: true,
	})
	var secure *tls.Config
	if !o.Plain && !o.InMemory {
		cert, caPEM, err := serve.SelfSigned()
		if err != nil {
			return nil, fmt.Errorf("make the mailbox's certificate: %w", err)
		}
		s.caPEM = caPEM
		secure = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	s.serve(&listener{Listener: s.pipes, server: s})
	if !o.InMemory {
		address := o.Address
		if address == "" {
			address = "127.0.0.1:0"
		}
		var err error
		if s.net, err = net.Listen("tcp", address); err != nil {
			s.Close()
			return nil, fmt.Errorf("serve the mailbox: %w", err)
		}
		s.serve(&listener{Listener: s.net, server: s, tls: secure})
	}
	return s, nil
}

func (s *Server) serve(l net.Listener) {
	s.serving.Go(func() {
		_ = s.imap.Serve(l) // ends when the listener is closed
	})
}

// Address returns the host:port that the server listens on, empty in memory.
func (s *Server) Address() string {
	if s.net == nil {
		return ""
	}
	return s.net.Addr().String()
}

// CAPEM returns the server's certificate in PEM, nil without TLS.
func (s *Server) CAPEM() []byte { return s.caPEM }

// Dial connects in memory, without TLS. The arguments are not read, so that
// it can stand in for net.Dialer.DialContext. Faults apply.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return s.pipes.dial(ctx, func(c net.Conn) net.Conn { return c })
}

// Append puts a mail into [Inbox] and announces it. A zero time means now.
func (s *Server) Append(raw []byte, when time.Time) (uid uint32, err error) {
	data, err := s.user.Append(Inbox, bytes.NewReader(raw), &imap.AppendOptions{Time: when})
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", Inbox, err)
	}
	s.announce()
	return uint32(data.UID), nil
}

// Rebuild gives [Inbox] a new UIDVALIDITY and its mails new UIDs from 1 up,
// as a mail server does after a restore, and cuts all connections.
func (s *Server) Rebuild() error {
	messages, err := s.Messages(Inbox)
	if err != nil {
		return err
	}
	if err := s.user.Delete(Inbox); err != nil {
		return fmt.Errorf("rebuild %s: %w", Inbox, err)
	}
	if err := s.user.Create(Inbox, nil); err != nil {
		return fmt.Errorf("rebuild %s: %w", Inbox, err)
	}
	for _, m := range messages {
		if _, err := s.user.Append(Inbox, bytes.NewReader(m.Raw), &imap.AppendOptions{Time: m.Date, Flags: m.Flags}); err != nil {
			return fmt.Errorf("rebuild %s: %w", Inbox, err)
		}
	}
	s.Disconnect()
	return nil
}

// Disconnect cuts all connections.
func (s *Server) Disconnect() {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		c.reset()
	}
}

// Connections returns the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// announce wakes the sessions that wait in IDLE.
func (s *Server) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.watchers {
		select {
		case session.news <- struct{}{}:
		default:
		}
	}
}

// Close stops the server and waits for everything it started.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errors.New("mailbox is closed already")
	}
	s.closed = true
	s.mu.Unlock()
	close(s.done)
	// Not through the library's Close, which races with a Serve just begun.
	s.pipes.Close()
	var err error
	if s.net != nil {
		err = s.net.Close()
	}
	s.serving.Wait() // no more connections after this
	s.Disconnect()
	s.sessions.Wait()
	return err
}
