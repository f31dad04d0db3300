package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// marks is what is done in the mailbox to a mail that was committed. All of
// it is best effort.
type marks struct {
	flag   imap.Flag // empty: none
	folder string    // empty: not moved
	how    moveKind
}

type moveKind int

const (
	moveNever  moveKind = iota // the server cannot remove single mails
	moveAtOnce                 // MOVE (RFC 6851)
	moveByCopy                 // COPY, STORE \Deleted, UID EXPUNGE (RFC 4315)
)

func newMarks(o Options, caps imap.CapSet, permanent []imap.Flag) marks {
	m := marks{folder: o.Move}
	allowed := func(flag imap.Flag) bool { // flags ignore case (RFC 9051 §2.3.2)
		return slices.ContainsFunc(permanent, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(flag)) })
	}
	switch {
	case o.Flag == FlagSeen && allowed(imap.FlagSeen):
		m.flag = imap.FlagSeen
	case o.Flag == FlagAuto && (allowed(imap.FlagWildcard) || allowed(Keyword)):
		m.flag = Keyword
	}
	switch {
	case caps.Has(imap.CapMove):
		m.how = moveAtOnce
	case caps.Has(imap.CapUIDPlus):
		m.how = moveByCopy
	default:
		if m.folder != "" {
			o.Logger.Warn("mails stay where they are: the server has neither MOVE nor UIDPLUS", "move", m.folder)
		}
		m.folder = ""
	}
	return m
}

// mark flags and moves the mails that were committed and not marked yet. A
// refusal is logged once and ends marking for this session; only a lost
// connection is an error.
func (s *session) mark(ctx context.Context) error {
	uids := s.w.unmarked
	// Tried once: a copy whose answer was lost must not be made again.
	s.w.unmarked = nil
	for some := range slices.Chunk(uids, runMails) {
		var set imap.UIDSet
		for _, uid := range some {
			set.AddNum(imap.UID(uid))
		}
		if err := s.flagMails(ctx, set); err != nil {
			return err
		}
		if err := s.moveMails(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) flagMails(ctx context.Context, set imap.UIDSet) error {
	if s.marks.flag == "" {
		return nil
	}
	err := s.store(ctx, "flag mails", set, s.marks.flag)
	if !isStatus(err) {
		return err
	}
	s.w.o.Logger.Warn("mails are not flagged until the next connection", "error", cause(err), "flag", s.marks.flag)
	s.marks.flag = ""
	return nil
}

func (s *session) moveMails(ctx context.Context, set imap.UIDSet) error {
	if s.marks.folder == "" {
		return nil
	}
	err := s.move(ctx, set)
	if !isStatus(err) {
		return err
	}
	s.w.o.Logger.Warn("mails are not moved until the next connection", "error", cause(err),
		"move", s.marks.folder, "hint", s.explainFolder(ctx, s.marks.folder))
	s.marks.folder = ""
	return nil
}

func cause(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (s *session) store(ctx context.Context, doing string, set imap.UIDSet, flag imap.Flag) error {
	return s.do(ctx, doing, func() error {
		return s.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	})
}

// move never uses the library's stand-in for MOVE: that sends COPY, STORE and
// EXPUNGE together, and so deletes the mails even when the copy was refused.
func (s *session) move(ctx context.Context, set imap.UIDSet) error {
	doing := fmt.Sprintf("move mails to %q", s.marks.folder)
	if s.marks.how == moveAtOnce {
		return s.do(ctx, doing, func() error {
			_, err := s.client.Move(set, s.marks.folder).Wait()
			return err
		})
	}
	if err := s.do(ctx, doing, func() error {
		_, err := s.client.Copy(set, s.marks.folder).Wait()
		return err
	}); err != nil {
		return err
	}
	if err := s.store(ctx, "delete moved mails", set, imap.FlagDeleted); err != nil {
		return err
	}
	return s.do(ctx, "delete moved mails", func() error { return s.client.UIDExpunge(set).Close() })
}
