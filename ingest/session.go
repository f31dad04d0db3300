package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// session is one connection to the mailbox. Its methods are called from one
// goroutine.
type session struct {
	w *Watcher
	// readOnly opens the folder so that nothing in it changes (EXAMINE).
	readOnly bool
	conn     *countingConn
	client   *imapclient.Client
	caps     imap.CapSet

	canIdle          bool
	loggedIn, opened time.Time
	// committed is set once mails of this session are in the sink, caughtUp
	// once there was nothing more to fetch.
	committed, caughtUp bool
	marks               marks
	// committing is set while a step waits for the sink, so the server's
	// silence means nothing.
	committing atomic.Bool
	// announced holds a token when the server said that there is mail.
	announced chan struct{}
}

// countingConn counts what arrives, so that the watchdog can tell a slow
// answer from none.
type countingConn struct {
	net.Conn
	received atomic.Int64
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

// do runs one step that waits for the server and closes the connection when
// the server stays silent for CommandTimeout: the library waits for ever. The
// step has ended when do returns.
func (s *session) do(ctx context.Context, doing string, step func() error) error {
	done := make(chan error, 1)
	go func() { done <- step() }()
	for {
		before := s.conn.received.Load()
		select {
		case err := <-done:
			if err == nil {
				// A server that greets and then refuses the login answers too,
				// and no mail comes of it.
				if !s.opened.IsZero() {
					now := s.w.o.Clock.Now()
					s.w.setHealth(func(h *Health) { h.LastRoundTrip = now })
				}
				return nil
			}
			if ctx.Err() != nil {
				return s.w.fail(doing, context.Cause(ctx))
			}
			return s.w.fail(doing, err)
		case <-ctx.Done():
			s.conn.Close()
			<-done
			return s.w.fail(doing, context.Cause(ctx))
		case <-s.w.o.Clock.After(s.w.o.CommandTimeout):
			if s.conn.received.Load() != before || s.committing.Load() {
				continue
			}
			s.conn.Close()
			<-done
			return s.w.fail(doing, silence(s.w.o.CommandTimeout))
		}
	}
}

// open connects, logs in and selects the folder.
func (s *session) open(ctx context.Context) (*imap.SelectData, error) {
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	if err := s.login(ctx); err != nil {
		return nil, err
	}
	if err := s.do(ctx, "ask for capabilities", func() (err error) {
		s.caps, err = s.client.Capability().Wait()
		return err
	}); err != nil {
		return nil, err
	}
	s.canIdle = s.caps.Has(imap.CapIdle)
	return s.selectFolder(ctx)
}

func (s *session) connect(ctx context.Context) error {
	w := s.w
	const doing = "connect"
	dialCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	type dialed struct {
		conn net.Conn
		err  error
	}
	result := make(chan dialed, 1)
	go func() {
		conn, err := w.o.Dial(dialCtx, "tcp", w.o.Address)
		result <- dialed{conn, err}
	}()
	var d dialed
	select {
	case d = <-result:
	case <-w.o.Clock.After(w.o.CommandTimeout):
		cancel()
		if d = <-result; d.err != nil {
			d.err = fmt.Errorf("%w: %w", silence(w.o.CommandTimeout), d.err)
		}
	}
	if ctx.Err() != nil && d.err != nil {
		d.err = context.Cause(ctx)
	}
	if d.err != nil {
		return w.fail(doing, d.err)
	}
	s.conn = &countingConn{Conn: d.conn}

	conn, err := s.secure(ctx)
	if err != nil {
		return err
	}
	s.announced = make(chan struct{}, 1)
	s.client = imapclient.New(conn, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		// EXISTS is a hint only: it is never counted (RFC 9051 §7.4.1), what
		// is there is asked for by UID.
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				s.announce()
			}
		},
	}})
	return s.hintGreeting(s.do(ctx, "read the greeting", s.client.WaitGreeting))
}

// hintGreeting adds to a greeting that did not come what else may listen there.
func (s *session) hintGreeting(err error) error {
	var failure *Error
	var status *imap.Error
	if !errors.As(err, &failure) || errors.As(err, &status) {
		return err // none, or the server's own words
	}
	failure.Hint = "what listens there does not greet as an IMAP server does: check host and port"
	if s.w.o.TLS != Implicit && errors.Is(err, errSilent) {
		failure.Hint += ", and whether TLS is spoken there from the start"
	}
	return err
}

func (s *session) announce() {
	select {
	case s.announced <- struct{}{}:
	default:
	}
}

func (s *session) login(ctx context.Context) error {
	if s.client.State() != imap.ConnStateNotAuthenticated {
		return nil // PREAUTH
	}
	w := s.w
	err := s.do(ctx, "log in", func() error { return s.client.Login(w.o.Username, w.o.Password).Wait() })
	if err == nil {
		s.loggedIn = w.o.Clock.Now()
		return nil
	}
	var failure *Error
	if isStatus(err) && errors.As(err, &failure) {
		failure.lane = laneLogin
		failure.Hint = fmt.Sprintf("the server refused user %q: check user name and password, and that IMAP is allowed for the account", w.o.Username)
	}
	return err
}

func (s *session) selectFolder(ctx context.Context) (selected *imap.SelectData, err error) {
	w := s.w
	doing := fmt.Sprintf("open folder %q", w.o.Folder)
	if err := s.do(ctx, doing, func() (err error) {
		selected, err = s.client.Select(w.o.Folder, &imap.SelectOptions{ReadOnly: s.readOnly}).Wait()
		return err
	}); err != nil {
		return nil, s.hintFolder(ctx, w.o.Folder, err)
	}
	if selected.UIDValidity == 0 {
		return nil, w.fail(doing, errors.New("the server gives no UIDVALIDITY, so mails cannot be told apart"))
	}
	s.marks = newMarks(w.o, s.caps, selected.PermanentFlags)
	s.opened = w.o.Clock.Now()
	return selected, nil
}

// hintFolder adds to a refusal which folders there are.
func (s *session) hintFolder(ctx context.Context, folder string, err error) error {
	var failure *Error
	if isStatus(err) && errors.As(err, &failure) {
		failure.Hint = s.explainFolder(ctx, folder)
	}
	return err
}

// explainFolder asks which folders there are, for the hint.
func (s *session) explainFolder(ctx context.Context, folder string) string {
	var folders []string
	err := s.do(ctx, "list folders", func() error {
		list, err := s.client.List("", "*", nil).Collect()
		for _, f := range list {
			folders = append(folders, f.Mailbox)
		}
		return err
	})
	if err != nil || slices.Contains(folders, folder) {
		return "" // it is there, so the server's own words must do
	}
	return folderHint(folder, folders)
}

// commit hands mails to the sink. It does not touch the connection, so it may
// run beside a step.
func (s *session) commit(ctx context.Context, state State, mails []Mail) error {
	if err := s.w.sink.Commit(ctx, state, mails); err != nil {
		return s.w.failSink(fmt.Sprintf("commit %d mails", len(mails)), err)
	}
	s.w.setHealth(func(h *Health) { h.Holes = len(state.Holes) })
	return nil
}

// close ends the connection, without LOGOUT: it says nothing that the closed
// connection does not, and would have to be waited for.
func (s *session) close() {
	if s.conn == nil {
		return
	}
	s.conn.Close()
	if s.client != nil {
		s.client.Close() // the error is that it is closed
		<-s.client.Closed()
	}
}
