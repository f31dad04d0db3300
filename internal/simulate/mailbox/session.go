package mailbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

type memory = imapmemserver.UserSession

// session is one client's session: the library's own, with faults around the
// commands that read or change mails.
type session struct {
	*memory // nil until login
	server  *Server
	client  *imapserver.Conn
	conn    *conn
	folder  string
	news    chan struct{}
}

var _ imapserver.SessionIMAP4rev2 = (*session)(nil)

func (s *Server) newSession(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	session := &session{server: s, client: c, conn: c.NetConn().(*conn), news: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[session] = struct{}{}
	return session, nil, nil
}

// Close ends the session.
func (s *session) Close() error {
	s.server.mu.Lock()
	delete(s.server.watchers, s)
	s.server.mu.Unlock()
	defer s.server.sessions.Done()
	return s.memory.Close()
}

// request is what a command is about.
type request struct {
	name   string
	folder string      // which SELECT opens, and COPY and MOVE fill
	set    imap.NumSet // of mails
}

// command runs a command through the faults. It may run late, when this
// session is gone, so it is given the session to run in.
func (s *session) command(r request, run func(*memory, imap.NumSet) error) error {
	if s.conn.inspecting {
		return run(s.memory, r.set)
	}
	struck := s.server.faults(r.name, r.set)
	err := s.faulty(r, struck, run)
	s.log(r, struck, err)
	return err
}

func (s *session) faulty(r request, struck []Rule, run func(*memory, imap.NumSet) error) error {
	set := r.set
	lostReply := false
	for _, f := range struck {
		switch f.Kind {
		case Delay:
			if !s.server.sleep(f.Delay) {
				return fmt.Errorf("%s: server closed", r.name)
			}
		case Status:
			return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeServerBug, Text: "injected fault"}
		case Reset:
			s.conn.reset()
			return fmt.Errorf("%s: injected reset", r.name)
		case LateChange:
			s.conn.reset()
			s.server.sessions.Go(func() { s.late(f.Delay, set, run) })
			return fmt.Errorf("%s: injected late change", r.name)
		case LostReply:
			lostReply = true
		case Omit:
			set = without(set, f.UIDs)
		case Garble:
			// Not to s.conn: there may be TLS on top of it.
			if _, err := s.client.NetConn().Write([]byte("* )( injected garbage\r\n")); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	err := run(s.memory, set)
	if lostReply {
		s.conn.reset()
	}
	s.server.announce()
	return err
}

// log tells of a command that has been run. What the client chose is cut and
// quoted.
func (s *session) log(r request, struck []Rule, err error) {
	if s.server.o.Log == nil {
		return
	}
	line := r.name
	if r.set != nil {
		line += fmt.Sprintf(" %.200s", r.set)
	}
	if r.folder != "" {
		line += fmt.Sprintf(" %.200q", r.folder)
	}
	var refusal *imap.Error
	switch {
	case err == nil:
		line += ": OK"
	case errors.As(err, &refusal):
		line += fmt.Sprintf(": %s %s", refusal.Type, refusal.Text)
	default:
		line += ": " + err.Error()
	}
	for _, f := range struck {
		line += ", fault " + string(f.Kind)
	}
	s.server.o.Log(line)
}

// late runs a command in a session of its own.
func (s *session) late(delay time.Duration, set imap.NumSet, run func(*memory, imap.NumSet) error) {
	if !s.server.sleep(delay) {
		return
	}
	later := imapmemserver.NewUserSession(s.server.user)
	defer later.Close()
	if s.folder != "" {
		if _, err := later.Select(s.folder, &imap.SelectOptions{}); err != nil {
			return // the folder is gone, and so is the change
		}
	}
	_ = run(later, set) // nobody is there to be told
	s.server.announce()
}

// sleep says whether the time passed; false means that the server was closed.
func (s *Server) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.done:
		return false
	}
}

// Login checks the user.
func (s *session) Login(username, password string) error {
	err := s.command(request{name: "LOGIN"}, func(*memory, imap.NumSet) error {
		return s.server.user.Login(username, password)
	})
	if err != nil {
		return imapserver.ErrAuthFailed
	}
	s.memory = imapmemserver.NewUserSession(s.server.user)
	return nil
}

// Select opens a folder.
func (s *session) Select(name string, options *imap.SelectOptions) (data *imap.SelectData, err error) {
	err = s.command(request{name: "SELECT", folder: name}, func(m *memory, _ imap.NumSet) error {
		data, err = m.Select(name, options)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.folder = name
	// The library names only flags that are in use.
	for _, flag := range []imap.Flag{imap.FlagAnswered, imap.FlagDeleted, imap.FlagDraft, imap.FlagFlagged, imap.FlagSeen} {
		if !slices.ContainsFunc(data.Flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(flag)) }) {
			data.Flags = append(data.Flags, flag)
			data.PermanentFlags = append(data.PermanentFlags, flag)
		}
	}
	return data, nil
}

// List lists folders.
func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	return s.command(request{name: "LIST"}, func(m *memory, _ imap.NumSet) error {
		return m.List(w, ref, patterns, options)
	})
}

// Search finds mails.
func (s *session) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, options *imap.SearchOptions) (data *imap.SearchData, err error) {
	err = s.command(request{name: "SEARCH"}, func(m *memory, _ imap.NumSet) error {
		data, err = m.Search(kind, criteria, options)
		return err
	})
	return data, err
}

// Fetch gives mails.
func (s *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	return s.command(request{name: "FETCH", set: set}, func(m *memory, set imap.NumSet) error {
		return m.Fetch(w, set, options)
	})
}

// Store changes flags.
func (s *session) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, options *imap.StoreOptions) error {
	return s.command(request{name: "STORE", set: set}, func(m *memory, set imap.NumSet) error {
		return m.Store(w, set, flags, options)
	})
}

// Copy copies mails to another folder.
func (s *session) Copy(set imap.NumSet, dest string) (data *imap.CopyData, err error) {
	err = s.command(request{name: "COPY", set: set, folder: dest}, func(m *memory, set imap.NumSet) error {
		data, err = m.Copy(set, dest)
		return err
	})
	return data, err
}

// Move moves mails to another folder.
func (s *session) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	return s.command(request{name: "MOVE", set: set, folder: dest}, func(m *memory, set imap.NumSet) error {
		if uids, ok := set.(imap.UIDSet); ok {
			// The library answers a MOVE of nothing with a COPYUID that is not
			// IMAP.
			there, err := m.Search(imapserver.NumKindUID, &imap.SearchCriteria{UID: []imap.UIDSet{uids}}, &imap.SearchOptions{})
			if err != nil || there.Count == 0 {
				return err
			}
		}
		return m.Move(w, set, dest)
	})
}

// Expunge removes mails flagged \Deleted.
func (s *session) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	var set imap.NumSet
	if uids != nil {
		set = *uids
	}
	return s.command(request{name: "EXPUNGE", set: set}, func(m *memory, _ imap.NumSet) error {
		return m.Expunge(w, uids)
	})
}

// Append adds a mail.
func (s *session) Append(folder string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	data, err := s.memory.Append(folder, r, options)
	s.log(request{name: "APPEND", folder: folder}, nil, err)
	s.server.announce()
	return data, err
}

// Idle announces what is new until the client has enough. The library's own
// misses what came between the last command and IDLE.
func (s *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	return s.command(request{name: "IDLE"}, func(m *memory, _ imap.NumSet) error {
		for {
			if err := m.Poll(w, true); err != nil {
				return err
			}
			select {
			case <-s.news:
			case <-stop:
				return nil
			}
		}
	})
}
