package sepclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"strconv"
	"time"
)

// maxPages ends a walk that SEPM never ends: two million objects in pages of
// the default size.
const maxPages = 10_000

// page is one page of a list as SEPM writes it (A5).
type page[T any] struct {
	asked time.Time
	// size is how many objects the page has, items are those that were to be
	// kept; sum tells its content from that of another page.
	size  int
	items []T
	// objects are the items as SEPM wrote them, where the list is to be whole.
	objects []json.RawMessage
	sum     uint64
	// last is whether no page follows.
	last bool
	// total is how many objects SEPM says the whole list has. It is a hint:
	// recorded pages contradict themselves. The other counters are not read;
	// number counts from 0 where pageIndex counts from 1.
	total number
}

var sumSeed = maphash.MakeSeed()

// objectReader is an object of a page that is not read by encoding/json alone.
type objectReader interface{ read(object []byte) error }

// pageDecoder reads a page, an object at a time.
type pageDecoder[T any] struct {
	*page[T]
	// keep is whether an object is to be decoded; nil is yes.
	keep  func(object []byte) bool
	whole bool
	index int
}

func (d pageDecoder[T]) decode(body io.Reader) error {
	p := page[T]{asked: d.asked}
	var sum maphash.Hash
	sum.SetSeed(sumSeed)
	rest, found, err := cutPage(body, func(object []byte) error {
		p.size++
		_, _ = sum.Write(object) // it never fails
		if d.keep != nil && !d.keep(object) {
			return nil
		}
		if d.whole {
			p.objects = append(p.objects, bytes.Clone(object))
		}
		var item T
		var err error
		if r, ok := any(&item).(objectReader); ok {
			err = r.read(object)
		} else {
			err = json.Unmarshal(object, &item)
		}
		if err != nil {
			return fmt.Errorf("page %d, object %d: %w", d.index, p.size, err)
		}
		p.items = append(p.items, item)
		return nil
	})
	if err != nil {
		return err
	}
	var fields struct {
		LastPage      *bool  `json:"lastPage"`
		TotalElements number `json:"totalElements"`
	}
	if err := json.Unmarshal(rest, &fields); err != nil {
		return err
	}
	if !found || fields.LastPage == nil {
		return fmt.Errorf("page %d is not a page of objects with lastPage", d.index)
	}
	p.sum, p.last, p.total = sum.Sum64(), *fields.LastPage, fields.TotalElements
	*d.page = p
	return nil
}

// listing is a list that is walked page by page.
type listing struct {
	request
	// size is how many objects to ask for in one page.
	size int
	// keep is whether an object is to be decoded; nil is yes.
	keep func(object []byte) bool
	// whole keeps the objects themselves, too.
	whole bool
}

// order is the order of a list as SEPM names it.
func order(descending bool) string {
	if descending {
		return "DESC"
	}
	return "ASC"
}

// pages walks all pages of a list until the one that says it is the last. It
// holds one page at a time. Whoever goes on after an error asks for the same
// page once more.
func pages[T any](ctx context.Context, c *Client, l listing) iter.Seq2[page[T], error] {
	return func(yield func(page[T], error) bool) {
		var previous uint64
		for index := 1; ; {
			p, err := onePage[T](ctx, c, l, index)
			// Without these a walk could go on for ever, or end early and be
			// taken for complete.
			switch {
			case err != nil || p.last:
			case p.size == 0:
				err = l.fail(Temporary, fmt.Sprintf("page %d is empty and not the last", index), nil)
			case index > 1 && p.sum == previous:
				err = l.fail(Temporary, fmt.Sprintf("page %d repeats the page before", index), nil)
			case index == maxPages:
				err = l.fail(Permanent, fmt.Sprintf("no last page within %d pages", maxPages), nil)
			}
			if err != nil {
				if !yield(page[T]{}, err) {
					return
				}
				continue
			}
			if !yield(p, nil) || p.last {
				return
			}
			previous = p.sum
			index++
		}
	}
}

func onePage[T any](ctx context.Context, c *Client, l listing, index int) (page[T], error) {
	l.query.Set("pageIndex", strconv.Itoa(index))
	l.query.Set("pageSize", strconv.Itoa(l.size))
	p := page[T]{asked: c.options.Now()}
	l.into = pageDecoder[T]{page: &p, keep: l.keep, whole: l.whole, index: index}
	if err := c.do(ctx, l.request); err != nil {
		return page[T]{}, err
	}
	return p, nil
}
