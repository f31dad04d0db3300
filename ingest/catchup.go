package ingest

import (
	"cmp"
	"context"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

const (
	// maxHoles bounds what is remembered of mails that the server lists and
	// does not give.
	maxHoles = 10_000
	// runMails is how many mails one command asks for at most.
	runMails = 2048
	// maxUnmarked bounds how many committed mails wait for their mark while a
	// long catch-up goes on. Marking is slow on many servers (a Maildir renames
	// a file for each mail), so the mails come first.
	maxUnmarked = 32_768
)

// catchUp fetches and commits everything that is new, then the holes that are
// due, large mails among them, and marks what was committed.
func (s *session) catchUp(ctx context.Context, announced bool) error {
	if !announced {
		// Only after a command like this one need the server show new mail
		// (RFC 9051 §7.4.1).
		if err := s.do(ctx, "ask for news", func() error { return s.client.Noop().Wait() }); err != nil {
			return err
		}
	}
	p := pipeline{s: s}
	err := s.fetchAll(ctx, &p)
	if err := cmp.Or(p.wait(), err); err != nil {
		return err
	}
	return s.mark(ctx)
}

func (s *session) fetchAll(ctx context.Context, p *pipeline) error {
	c := &s.w.cursor
	select {
	case <-s.announced: // the search covers it
	default:
	}
	found, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{searchSet(c.state)}})
	if err != nil {
		return err
	}
	c.keep(func(uid uint32) bool { return found.Contains(imap.UID(uid)) })
	if err := s.fetchNew(ctx, p, uidQueue{ranges: found, after: c.state.Mark}); err != nil {
		return err
	}
	if err := s.fetchAlone(ctx, p, c.dueHoles(s.w.o.Clock.Now())); err != nil {
		return err
	}
	if p.used {
		return nil
	}
	return p.submit(ctx, nil) // nothing new: it renews the lease
}

// fetchNew works through the queue.
func (s *session) fetchNew(ctx context.Context, p *pipeline, queue uidQueue) error {
	for {
		uids := queue.next(runMails)
		if len(uids) == 0 {
			return nil
		}
		if err := s.fetchRun(ctx, p, uids); err != nil {
			return err
		}
		if len(s.w.unmarked) >= maxUnmarked {
			if err := s.mark(ctx); err != nil {
				return err
			}
		}
	}
}

// searchSet is what is looked for: the holes, and everything after the mark.
// The server answers "n:*" with its last mail even if that is below n.
func searchSet(state State) imap.UIDSet {
	var set imap.UIDSet
	for _, uid := range state.Holes {
		set.AddNum(imap.UID(uid))
	}
	if state.Mark < ^uint32(0) {
		set.AddRange(imap.UID(state.Mark+1), 0)
	}
	return set
}

func (s *session) search(ctx context.Context, criteria *imap.SearchCriteria) (imap.UIDSet, error) {
	var found imap.UIDSet
	err := s.do(ctx, "search for mail", func() error {
		data, err := s.client.UIDSearch(criteria, nil).Wait()
		if err != nil {
			return err
		}
		found, _ = data.All.(imap.UIDSet)
		if found.Dynamic() {
			return fmt.Errorf("the server answered with an open range %q", found)
		}
		return nil
	})
	return found, err
}

// uidQueue gives the UIDs above after in ascending order, without ever
// holding all of them: a range may be as long as a hostile server likes.
type uidQueue struct {
	ranges imap.UIDSet
	after  uint32
}

func (q *uidQueue) next(n int) []uint32 {
	var uids []uint32
	for len(q.ranges) > 0 && len(uids) < n {
		r := q.ranges[0]
		first := max(uint32(r.Start), q.after+1)
		if q.after == ^uint32(0) || uint32(r.Stop) < first {
			q.ranges = q.ranges[1:]
			continue
		}
		q.after = first
		uids = append(uids, first)
	}
	return uids
}
