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
	"encoding/pem"
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

// The account that there is by default, and the folders.
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
	// Plain serves without TLS. StartTLS serves without it until the client
	// asks for it, and lets nobody log in before.
	Plain, StartTLS bool
	// Certificate is that of TLS; nil makes one.
	Certificate *tls.Certificate
	// InMemory opens no socket: connections come from [Server.Dial] alone, so
	// the server also runs where time is not real. It implies Plain.
	InMemory bool
	// Username and Password are the account, by default those of the constants.
	Username, Password string
	// NoIdle, NoMove and NoUIDPlus take a capability away. NoIdle does not go
	// with StartTLS.
	NoIdle, NoMove, NoUIDPlus bool
	// Seed makes the faults that strike at random repeatable.
	Seed uint64
	// UIDValidity is that of [Inbox], by default 1. Where one server follows
	// another at the same address, another value tells clients that the UIDs
	// which they know have gone. It is at most [MaxUIDValidity].
	UIDValidity int
	// Log, if not nil, is told of each command that is run, in one printable
	// line, by several goroutines at a time.
	Log func(line string)
}

// MaxUIDValidity bounds [Options.UIDValidity], which takes time to reach.
const MaxUIDValidity = 1 << 15

// Server is a running stand-in. Make one with [New].
type Server struct {
	o     Options
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
	switch {
	case o.Plain && o.StartTLS:
		return nil, errors.New("a mailbox is plain or offers STARTTLS, not both")
	case o.NoIdle && o.StartTLS:
		// The library itself puts TLS on top of conn, which then sees no answer
		// that it could take IDLE out of.
		return nil, errors.New("a mailbox that offers STARTTLS cannot go without IDLE")
	}
	if o.Username == "" && o.Password == "" {
		o.Username, o.Password = Username, Password
	}
	s := &Server{
		o: o, user: imapmemserver.NewUser(o.Username, o.Password), pipes: newPipeListener(),
		conns: map[*conn]struct{}{}, watchers: map[*session]struct{}{},
		injected: map[Kind]int{}, done: make(chan struct{}), random: rand.New(rand.NewPCG(o.Seed, o.Seed)),
	}
	if err := s.createFolders(); err != nil {
		return nil, err
	}
	options := imapserver.Options{
		NewSession: s.newSession,
		Caps:       o.capabilities(),
		Logger:     log.New(io.Discard, "", 0), // broken connections are this server's daily work
		// TLS ends below this package's own connections, where the library
		// does not see it.
		InsecureAuth: true,
	}
	inMemory := imapserver.New(&options)
	s.serve(inMemory, &listener{Listener: s.pipes, server: s})
	if o.InMemory {
		return s, nil
	}
	onNet, err := s.listen()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if !o.StartTLS {
		s.serve(inMemory, onNet)
		return s, nil
	}
	options.TLSConfig, onNet.tls, options.InsecureAuth = onNet.tls, nil, false
	s.serve(imapserver.New(&options), onNet)
	return s, nil
}

// createFolders makes the folders. The library counts UIDVALIDITY up by one
// for each that is made.
func (s *Server) createFolders() error {
	const passing = "passing"
	for range min(s.o.UIDValidity, MaxUIDValidity) - 1 {
		if err := errors.Join(s.user.Create(passing, nil), s.user.Delete(passing)); err != nil {
			return fmt.Errorf("count UIDVALIDITY up: %w", err)
		}
	}
	for _, folder := range []string{Inbox, Processed} {
		if err := s.user.Create(folder, nil); err != nil {
			return fmt.Errorf("create folder %s: %w", folder, err)
		}
	}
	return nil
}

func (o Options) capabilities() imap.CapSet {
	caps := imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapESearch: {}, imap.CapListExtended: {}, imap.CapStatusSize: {}}
	if !o.NoMove {
		caps[imap.CapMove] = struct{}{}
	}
	if !o.NoUIDPlus {
		caps[imap.CapUIDPlus] = struct{}{}
	}
	return caps
}

// listen opens the socket, with TLS where that is wanted.
func (s *Server) listen() (*listener, error) {
	l := &listener{server: s}
	if !s.o.Plain {
		cert := s.o.Certificate
		if cert == nil {
			made, _, err := serve.SelfSigned()
			if err != nil {
				return nil, fmt.Errorf("make the mailbox's certificate: %w", err)
			}
			cert = &made
		}
		s.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
		l.tls = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
	}
	address := s.o.Address
	if address == "" {
		address = "127.0.0.1:0"
	}
	var err error
	if s.net, err = net.Listen("tcp", address); err != nil {
		return nil, fmt.Errorf("serve the mailbox: %w", err)
	}
	l.Listener = s.net
	return l, nil
}

func (s *Server) serve(on *imapserver.Server, l net.Listener) {
	s.serving.Go(func() {
		_ = on.Serve(l) // ends when the listener is closed
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
