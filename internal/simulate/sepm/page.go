package sepm

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// maxPage keeps page × size well within an int.
const maxPage = 1 << 30

// paging is which page of a list is asked for (contract: A5).
type paging struct {
	page, size  int
	sort, order string
	sorts       bool // the answer says how it is sorted
}

func (s *Server) parsePaging(v url.Values, size int, sorts ...string) (paging, error) {
	p := paging{page: 1, size: size, sort: cmp.Or(v.Get("sort"), sorts[0]), order: cmp.Or(v.Get("order"), "ASC"), sorts: true}
	for name, into := range map[string]*int{"pageIndex": &p.page, "pageSize": &p.size} {
		if text := v.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxPage {
				return p, fail(http.StatusBadRequest, "The %s argument is invalid.", name)
			}
			*into = n
		}
	}
	if s.opt.MaxPageSize > 0 {
		p.size = min(p.size, s.opt.MaxPageSize)
	}
	known := false
	for _, sort := range sorts {
		known = known || sort == p.sort
	}
	if !known {
		return p, fail(http.StatusBadRequest, "The sort argument is invalid.")
	}
	if p.order != "ASC" && p.order != "DESC" {
		return p, fail(http.StatusBadRequest, "The order argument is invalid.")
	}
	return p, nil
}

// answer gives one page of total items in the envelope (contract: A5). Items
// are put together by hand, since pages of a large fleet are megabytes.
func (s *Server) answer(c *call, p paging, total int, item func(b []byte, i int) []byte) error {
	start := min((p.page-1)*p.size, total)
	if p.page > 1 && start == total && s.opt.PastEnd400 {
		return fail(http.StatusBadRequest, "The page index is past the last page.")
	}
	end, pages := min(start+p.size, total), (total+p.size-1)/p.size
	envelope := object{"number": p.page - 1, "size": p.size, "sort": nil, "numberOfElements": end - start, "firstPage": p.page == 1,
		"lastPage": p.page >= pages, "totalPages": pages, "totalElements": total}
	if p.sorts {
		envelope["sort"] = []object{{"direction": p.order, "property": p.sort, "ascending": p.order == "ASC"}}
	}
	counters := encode(envelope)
	body := []byte(`{"content":[`)
	for i := start; i < end; i++ {
		if i > start {
			body = append(body, ',')
		}
		body = item(body, i)
		if i == start {
			body = slices.Grow(body, (end-start)*(len(body)+len(body)/16)+len(counters)) // the others are about as long
		}
	}
	write(c.w, http.StatusOK, append(append(body, "],"...), counters[1:]...))
	return nil
}

// flag is a parameter that is true or false.
func flag(v url.Values, name string) (bool, error) {
	text := v.Get(name)
	if text == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, fail(http.StatusBadRequest, "The %s argument is invalid.", name)
	}
	return on, nil
}
