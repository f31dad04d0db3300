package ingest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// run is one UID FETCH over a run of new mails, taken in as a stream: what
// came is committed in batches while the rest is on its way. Running several
// commands at once would do that too, but a server may hold back the end of
// one until the other is done, and the library reads in order.
type run struct {
	s *session
	p *pipeline
	// rest are the UIDs of the run that the cursor has not passed, ascending.
	rest []uint32
	// mails and bytes are the batch so far, last its highest UID.
	mails []Mail
	bytes int64
	last  uint32
	// large are mails of which there is more than what was asked for.
	large []uint32
}

// fetchRun fetches new mails, ascending. Suspects are not asked for, and mails
// too large to come in company become holes. When the connection is lost,
// everything that came before is committed, and the mail that was due is made
// a suspect.
func (s *session) fetchRun(ctx context.Context, p *pipeline, uids []uint32) error {
	r := &run{s: s, p: p, rest: uids}
	var set imap.UIDSet
	for _, uid := range uids {
		if !s.w.cursor.suspect(uid) {
			set.AddNum(imap.UID(uid))
		}
	}
	var sinkErr error
	err := s.fetch(ctx, set, min(s.w.o.MaxSize, s.w.o.BatchBytes), func(got received) bool {
		sinkErr = r.add(ctx, got)
		return sinkErr == nil
	})
	if sinkErr != nil {
		return sinkErr
	}
	if err == nil || isStatus(err) {
		return r.flush(ctx, uids[len(uids)-1]) // what was refused is missing
	}
	if err := r.flush(ctx, r.last); err != nil {
		return err
	}
	for _, uid := range r.rest {
		if set.Contains(imap.UID(uid)) {
			s.blame(ctx, uid)
			break
		}
	}
	return err
}

// add puts a message into the batch, and starts the commit of the batch
// before it where that is full.
func (r *run) add(ctx context.Context, got received) error {
	o := &r.s.w.o
	size := int64(len(got.raw))
	if len(r.mails) == o.BatchMails || len(r.mails) > 0 && r.bytes+size > o.BatchBytes {
		if err := r.flush(ctx, r.last); err != nil {
			return err
		}
	}
	r.last = max(r.last, got.uid)
	if got.cut() && got.limit < o.MaxSize {
		r.large = append(r.large, got.uid)
		return nil
	}
	mail := got.mail(r.s.w.cursor.state.UIDValidity)
	if o.Read != nil {
		mail.Reading = o.Read(mail)
	}
	r.mails = append(r.mails, mail)
	r.bytes += size
	return nil
}

// flush moves the cursor to upTo and starts the commit of the batch.
func (r *run) flush(ctx context.Context, upTo uint32) error {
	n := 0
	for n < len(r.rest) && r.rest[n] <= upTo {
		n++
	}
	if n == 0 && len(r.mails) == 0 {
		return nil
	}
	c := &r.s.w.cursor
	c.advance(r.rest[:n], r.mails, r.large, r.s.w.o.Clock.Now())
	mails := r.mails
	r.rest, r.mails, r.bytes = r.rest[n:], nil, 0
	if err := r.p.submit(ctx, mails); err != nil {
		return err
	}
	if n := len(c.state.Holes); n > maxHoles {
		return r.s.w.fail("fetch mails", fmt.Errorf("the server lists %d mails that it does not give", n))
	}
	return nil
}

// fetchAlone asks for each of the UIDs alone: mails too large for company,
// and mails that failed in it.
func (s *session) fetchAlone(ctx context.Context, p *pipeline, uids []uint32) error {
	c := &s.w.cursor
	for _, uid := range uids {
		var mails []Mail
		err := s.fetch(ctx, imap.UIDSetNum(imap.UID(uid)), s.w.o.MaxSize, func(got received) bool {
			mails = append(mails, got.mail(c.state.UIDValidity))
			return true
		})
		switch {
		case len(mails) > 0:
			c.fill(uid)
			err = cmp.Or(p.submit(ctx, mails), err)
		case err != nil && !isStatus(err):
			s.blame(ctx, uid)
		default:
			c.fail(uid, s.w.o.Clock.Now())
			s.w.o.Logger.Warn("the server did not give a mail: asking for it again later", "uid", uid, "attempts", c.failed[uid].attempts)
		}
		if err != nil && !isStatus(err) {
			return err
		}
	}
	return nil
}

// blame records that the connection was lost while uid was due, unless the
// watcher itself ended it.
func (s *session) blame(ctx context.Context, uid uint32) {
	if ctx.Err() != nil {
		return
	}
	c := &s.w.cursor
	c.fail(uid, s.w.o.Clock.Now())
	if n := c.failed[uid].attempts; n > 1 {
		s.w.o.Logger.Warn("the connection is lost over a mail: asking for it again later", "uid", uid, "attempts", n)
	}
}

// fetch asks for size, date and up to limit bytes of each mail, so none is
// read before its size is known to be bounded, and gives what came whole to
// each, until that says false. A status error means that the server refused
// all of it or the rest of it.
func (s *session) fetch(ctx context.Context, set imap.UIDSet, limit int64, each func(received) bool) error {
	if len(set) == 0 {
		return nil
	}
	return s.do(ctx, "fetch mails", func() error {
		cmd := s.client.Fetch(set, &imap.FetchOptions{
			UID: true, InternalDate: true, RFC822Size: true,
			BodySection: []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Size: limit}}},
		})
		for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
			got := receive(msg, limit)
			if got.broken {
				// What follows reads the rest of the literal, and so does the
				// library's reader once a literal broke: let that end first.
				s.conn.Close()
				<-s.client.Closed()
			} else if got.complete && !each(got) {
				s.conn.Close() // the session is over, the rest need not come
				break
			}
		}
		return cmd.Close()
	})
}

// received is one message of an answer.
type received struct {
	uid      uint32
	date     time.Time
	size     int64 // as announced
	raw      []byte
	limit    int64
	complete bool // raw is all that was asked for
	broken   bool // the connection ended before raw did
}

// cut says whether the mail goes on after the limit. A mail that is shorter
// than announced does not: servers count line ends differently.
func (r received) cut() bool { return int64(len(r.raw)) == r.limit && r.size > r.limit }

func (r received) mail(validity uint32) Mail {
	return Mail{
		UIDValidity: validity, UID: r.uid, InternalDate: r.date, MessageID: messageID(r.raw),
		Raw: r.raw, Truncated: r.cut(), Size: r.size,
	}
}

func receive(msg *imapclient.FetchMessageData, limit int64) received {
	r := received{limit: limit}
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			r.uid = uint32(item.UID)
		case imapclient.FetchItemDataInternalDate:
			r.date = item.Time
		case imapclient.FetchItemDataRFC822Size:
			r.size = max(r.size, item.Size)
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || r.complete {
				continue
			}
			r.size = max(r.size, item.Literal.Size())
			r.raw = make([]byte, min(item.Literal.Size(), limit))
			// The library may report a connection cut within a literal as the
			// literal's end, so the length counts.
			_, err := io.ReadFull(item.Literal, r.raw)
			r.complete, r.broken = err == nil, err != nil
			if r.broken {
				return r
			}
		}
	}
	return r
}
