package enrich

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/sepclient"
)

const (
	// walkPage is the page size of a walk. SEPM's largest is not known; other
	// clients use this one (contract: SEPM API A5).
	walkPage = 500
	// longestWalk is when a walk is given up.
	longestWalk = 10 * time.Minute
	// maxKept is how many computers a walk keeps.
	maxKept = 10_000
)

// walk goes over the whole fleet and finds the computers of the lookups. It
// never ends early, since one name may be on several pages: their order is by
// id. It gives nothing where it was given up, and then each name can still be
// asked for; an error is SEPM's answer to everyone.
func (l *Lookups) walk(ctx context.Context, lookups []*lookup) (whole *walk, err error) {
	defer guard(&err)
	w := newWalk(lookups)
	began, failures := l.clock.Now(), 0
	for page, err := range l.source.ComputerPages(ctx, sepclient.ComputerQuery{}, walkPage, w.wants) {
		if err != nil {
			failures++
			if w.pages > 0 && l.patient(ctx, err, failures) {
				continue // with the same page
			}
			if answersNobody(err) || ctx.Err() != nil {
				return nil, err
			}
			l.learn(noWalk)
			return nil, nil
		}
		failures = 0
		w.take(page)
		if page.Last {
			l.learn(w.pages)
			return w, nil
		}
		rest := w.rest(page)
		if rest < 1 || w.pages >= len(lookups) || l.clock.Now().Sub(began) > longestWalk {
			l.learn(noWalk) // the counter does not tell, or the walk takes too long
			return nil, nil
		}
		l.learn(w.pages + rest)
		if rest >= len(lookups) {
			return nil, nil
		}
	}
	return nil, nil
}

// patient waits where a walk that has come some way can soon go on: SEPM's
// throttle lasts for the rest of a minute (contract: SEPM API A4), and a walk
// that began anew in each of them might never end.
func (l *Lookups) patient(ctx context.Context, err error, failures int) bool {
	var e *sepclient.Error
	if !errors.As(err, &e) {
		return false
	}
	var pause time.Duration
	switch {
	case e.Class == sepclient.Throttled && failures <= 4:
		pause = 20 * time.Second
	case e.Class == sepclient.Temporary && failures == 1:
		pause = time.Second
	default:
		return false
	}
	select {
	case <-l.clock.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// settleWalked settles what a whole walk has settled.
func (l *Lookups) settleWalked(w *walk, lookups []*lookup) (left []*lookup) {
	for _, p := range lookups {
		computers, whole := w.found[p.key]
		if !whole || len(computers) == 0 && !w.steady() {
			left = append(left, p)
			continue
		}
		l.settle(p, computers, nil)
	}
	return left
}

// walk is what a walk over the fleet has found.
type walk struct {
	// found are the computers of each name that is looked for, by key. A name
	// that has too many to keep is not there any more.
	found map[string][]sepclient.Computer
	kept  int

	// pages and computers are how many have come.
	pages, computers int
	// total is the size of the fleet as the first page has it, moved whether
	// a later one has another.
	total int
	moved bool
}

func newWalk(lookups []*lookup) *walk {
	w := &walk{found: make(map[string][]sepclient.Computer, len(lookups))}
	for _, p := range lookups {
		w.found[p.key] = nil
	}
	return w
}

func (w *walk) wants(name string) bool {
	_, wanted := w.found[fold(name)]
	return wanted
}

func (w *walk) take(page sepclient.ComputerPage) {
	if w.pages == 0 {
		w.total = page.Total
	}
	w.pages++
	w.computers += page.Size
	w.moved = w.moved || page.Total != w.total
	for _, c := range page.Computers {
		key := fold(c.Name)
		same, wanted := w.found[key]
		if !wanted || len(same) > maxEndpoints {
			continue
		}
		more := appendNew(same, c)
		w.found[key] = more
		if w.kept += len(more) - len(same); w.kept > maxKept {
			delete(w.found, key)
			w.kept -= len(more)
		}
	}
}

// rest is how many pages are to come, if SEPM's counter tells the truth: it
// is counted in pages as they came, since SEPM may cap their size.
func (w *walk) rest(page sepclient.ComputerPage) int {
	return (page.Total - w.computers + page.Size - 1) / page.Size
}

// steady reports whether the fleet was, by SEPM's counters, the same from
// the first page to the last. A computer that goes moves all behind it up by
// one, and the first of a page to the page before, where it is not seen.
func (w *walk) steady() bool {
	return w.pages == 1 || !w.moved && w.computers == w.total
}

// appendNew appends a computer unless it is there already (one may come more
// than once, see [sepclient.Client.Computers]).
func appendNew(computers []sepclient.Computer, c sepclient.Computer) []sepclient.Computer {
	same := func(other sepclient.Computer) bool { return other.ID == c.ID }
	if c.ID != "" && slices.ContainsFunc(computers, same) {
		return computers
	}
	return append(computers, c)
}
