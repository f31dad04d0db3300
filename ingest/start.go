package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// since finds the place of a watcher that reads, of the mails that are there,
// those that arrived at the time or later.
func (s *session) since(ctx context.Context, selected *imap.SelectData, from time.Time) (mark uint32, holes []uint32, err error) {
	last, err := s.lastUID(ctx, selected)
	if err != nil || last == 0 {
		return 0, nil, err
	}
	// SEARCH knows whole days only, in whatever zone the server dates a mail,
	// so the day before the date in UTC is the first that can have such mails.
	day := from.UTC().AddDate(0, 0, -1)
	there := []imap.UIDSet{{{Start: 1, Stop: imap.UID(last)}}}
	before, err := s.search(ctx, &imap.SearchCriteria{UID: there, Before: day})
	if err != nil {
		return 0, nil, err
	}
	after, err := s.search(ctx, &imap.SearchCriteria{UID: there, Since: day})
	if err != nil {
		return 0, nil, err
	}
	var oldest uint32 // the highest UID of a mail that is too old
	for _, r := range before {
		oldest = max(oldest, uint32(r.Stop))
	}
	var young imap.UIDSet
	queue := uidQueue{ranges: after}
	for uids := queue.next(runMails); len(uids) > 0; uids = queue.next(runMails) {
		old, err := s.arrivedBefore(ctx, uids, from)
		if err != nil {
			return 0, nil, err
		}
		for _, uid := range uids {
			if old.Contains(imap.UID(uid)) {
				oldest = max(oldest, uid)
			} else {
				young.AddNum(imap.UID(uid))
			}
		}
	}
	oldest = min(oldest, last) // whatever the server says
	mark, holes = placeAfter(oldest, young)
	if mark < oldest {
		s.w.o.Logger.Warn("mails older than the start are read too: too many younger ones lie among them",
			"start", from, "from_uid", mark+1, "to_uid", oldest)
	}
	return mark, holes, nil
}

// arrivedBefore gives those of the mails that arrived before the time. A mail
// whose date the server does not give is none of them.
func (s *session) arrivedBefore(ctx context.Context, uids []uint32, from time.Time) (old imap.UIDSet, err error) {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	err = s.do(ctx, "ask when mails arrived", func() error {
		cmd := s.client.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true})
		for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
			var uid imap.UID
			var date time.Time
			for item := msg.Next(); item != nil; item = msg.Next() {
				switch item := item.(type) {
				case imapclient.FetchItemDataUID:
					uid = item.UID
				case imapclient.FetchItemDataInternalDate:
					date = item.Time
				}
			}
			if set.Contains(uid) && !date.IsZero() && date.Before(from) {
				old.AddNum(uid)
			}
		}
		return cmd.Close()
	})
	return old, err
}

// placeAfter is the place after all mails that are too old, oldest being the
// last of them: what is young and lies before that is still to be fetched. If
// that is more than a watcher may remember, the place is before all that is
// young, so that rather too much is read than too little.
func placeAfter(oldest uint32, young imap.UIDSet) (mark uint32, holes []uint32) {
	queue := uidQueue{ranges: young}
	holes = queue.next(maxHoles + 1)
	if n := slices.IndexFunc(holes, func(uid uint32) bool { return uid > oldest }); n >= 0 {
		holes = holes[:n]
	}
	if len(holes) > maxHoles {
		return holes[0] - 1, nil
	}
	return oldest, holes
}
