package ingest

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"
)

// place finds the place in the selected folder, and commits it where it is
// new, so that a restart does not find another one.
func (s *session) place(ctx context.Context, selected *imap.SelectData) error {
	c, log := &s.w.cursor, s.w.o.Logger
	switch {
	case c.state.UIDValidity == selected.UIDValidity:
		if next := uint32(selected.UIDNext); next != 0 && next <= c.state.Mark {
			log.Warn("mailbox went back without a new UIDVALIDITY: mails below the mark will not be seen",
				"uidnext", next, "mark", c.state.Mark)
		}
		return nil
	case c.state.UIDValidity != 0:
		s.w.unmarked = nil
		// Old UIDs mean nothing now. Reading everything again is harmless: a
		// message that is known is known by its content too.
		log.Warn("mailbox was rebuilt by the server: reading all of it again",
			"uidvalidity", selected.UIDValidity, "uidvalidity_before", c.state.UIDValidity)
		c.reset(selected.UIDValidity, 0, nil)
	case s.w.o.Start == All:
		c.reset(selected.UIDValidity, 0, nil)
	case s.w.o.Start == Now:
		mark, err := s.lastUID(ctx, selected)
		if err != nil {
			return err
		}
		c.reset(selected.UIDValidity, mark, nil)
	default:
		mark, holes, err := s.since(ctx, selected, s.w.o.Clock.Now().Add(-time.Duration(s.w.o.Start)))
		if err != nil {
			return err
		}
		c.reset(selected.UIDValidity, mark, holes)
	}
	return s.commit(ctx, c.snapshot(), nil)
}

// lastUID returns the highest UID in use so far.
func (s *session) lastUID(ctx context.Context, selected *imap.SelectData) (uint32, error) {
	if selected.UIDNext != 0 {
		return uint32(selected.UIDNext) - 1, nil
	}
	found, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{{{}}}}) // "*", the last one there
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return uint32(found[len(found)-1].Stop), nil
}
