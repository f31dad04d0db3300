package sepclient

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"iter"
	"strconv"
	"time"
)

// maxPages ends a walk that SEPM never ends: two million objects in pages of
// the default size.
const maxPages = 10_000

// envelope is a page as SEPM writes it (A5).
type envelope struct {
	// content are the objects of the page, not decoded; nil is no list.
	content [][]byte
	// last is whether no page follows, nil where SEPM does not say.
	last *bool
	// total is how many objects SEPM says the whole list has. It is a hint:
	// recorded pages contradict themselves. The other counters are not read;
	// number counts from 0 where pageIndex counts from 1.
	total number
}

func (e *envelope) decode(body []byte) error {
	rest, content, err := cutPage(body)
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
	e.content, e.last, e.total = content, fields.LastPage, fields.TotalElements
	return nil
}

var sumSeed = maphash.MakeSeed()

// sum tells the content of one page from that of another.
func (e *envelope) sum() uint64 {
	var hash maphash.Hash
	hash.SetSeed(sumSeed)
	for _, object := range e.content {
		_, _ = hash.Write(object) // it never fails
	}
	return hash.Sum64()
}

// page is one page of a list.
type page[T any] struct {
	envelope
	asked time.Time
	// items are the objects that were to be kept.
	items []T
}

// listing is a list that is walked page by page.
type listing struct {
	request
	// size is how many objects to ask for in one page.
	size int
	// keep is whether an object is to be decoded; nil is yes.
	keep func(object []byte) bool
}

// pages walks all pages of a list until the one that says it is the last. It
// holds one page at a time. Whoever goes on after an error asks for the same
// page once more.
func pages[T any](ctx context.Context, c *Client, l listing) iter.Seq2[page[T], error] {
	return func(yield func(page[T], error) bool) {
		var previous uint64
		for index := 1; ; {
			p, err := onePage[T](ctx, c, l, index)
			sum := p.sum()
			// Without these a walk could go on for ever, or end early and be
			// taken for complete.
			switch {
			case err != nil || *p.last:
			case len(p.content) == 0:
				err = l.fail(Temporary, fmt.Sprintf("page %d is empty and not the last", index), nil)
			case index > 1 && sum == previous:
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
			if !yield(p, nil) || *p.last {
				return
			}
			previous = sum
			index++
		}
	}
}

func onePage[T any](ctx context.Context, c *Client, l listing, index int) (page[T], error) {
	l.query.Set("pageIndex", strconv.Itoa(index))
	l.query.Set("pageSize", strconv.Itoa(l.size))
	p := page[T]{asked: c.options.Now()}
	l.into = &p.envelope
	if err := c.do(ctx, l.request); err != nil {
		return page[T]{}, err
	}
	none := func(cause error) (page[T], error) {
		return page[T]{}, l.fail(Temporary, fmt.Sprintf("page %d is not a page of objects with lastPage", index), cause)
	}
	if p.content == nil || p.last == nil {
		return none(nil)
	}
	for _, object := range p.content {
		if l.keep != nil && !l.keep(object) {
			continue
		}
		var item T
		if err := json.Unmarshal(object, &item); err != nil {
			return none(err)
		}
		p.items = append(p.items, item)
	}
	return p, nil
}
