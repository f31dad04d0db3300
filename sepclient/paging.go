package sepclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
)

// maxPages ends a walk that SEPM never ends: two million objects in pages of
// the default size.
const maxPages = 10_000

// envelope is SEPM's page (A5). Its counters are not used: number counts from
// 0 where pageIndex counts from 1, and recorded pages contradict themselves.
type envelope struct {
	Content  json.RawMessage `json:"content"`
	LastPage *bool           `json:"lastPage"`
}

// pages walks all pages of a list until the one that says it is the last. It
// holds one page at a time.
func pages[T any](ctx context.Context, c *Client, r request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var previous json.RawMessage
		for index := 1; ; index++ {
			var page envelope
			r.into = &page
			r.query.Set("pageIndex", strconv.Itoa(index))
			r.query.Set("pageSize", strconv.Itoa(c.options.PageSize))
			if err := c.do(ctx, r); err != nil {
				yield(none, err)
				return
			}
			var items []T
			if err := json.Unmarshal(page.Content, &items); err != nil || page.LastPage == nil {
				yield(none, r.fail(Temporary, fmt.Sprintf("page %d is not a page of objects with lastPage", index), err))
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if *page.LastPage {
				return
			}
			// Without these a walk could go on for ever, or end early and be
			// taken for complete.
			switch {
			case len(items) == 0:
				yield(none, r.fail(Temporary, fmt.Sprintf("page %d is empty and not the last", index), nil))
				return
			case bytes.Equal(previous, page.Content):
				yield(none, r.fail(Temporary, fmt.Sprintf("page %d repeats the page before", index), nil))
				return
			case index == maxPages:
				yield(none, r.fail(Permanent, fmt.Sprintf("no last page within %d pages", maxPages), nil))
				return
			}
			previous = page.Content
		}
	}
}
