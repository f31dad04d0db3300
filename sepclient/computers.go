package sepclient

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"
)

// ComputerQuery narrows a list of computers. The zero query is all computers
// of the login's domain.
type ComputerQuery struct {
	// Name may hold * as a wildcard. Do not trust a name without one to match
	// exactly (A10): compare [Computer.Name].
	Name string
	// Domain is a domain's id, not its name (A7).
	Domain string
	// ID is a computer's id, HardwareKey the key that moving takes, MAC an
	// address, in which * is a wildcard. A SEPM without [ComputerFilters]
	// ignores them: compare what comes.
	ID, HardwareKey, MAC string
	// OS are operating systems, any of which counts, in SEPM's words: Win10,
	// Win2K19, MacOSX, Ubuntu, RedHat and so on.
	OS []string
	// UpdatedSince leaves out computers whose last contact with SEPM was
	// before. SEPM does not say how it compares: compare [Computer.LastUpdate].
	UpdatedSince time.Time
	// Sort is the column that SEPM sorts by: COMPUTER_NAME, COMPUTER_ID,
	// COMPUTER_DOMAIN_NAME or DOMAIN_ID. Empty is by id, which alone is a whole
	// order: in every other a long list can miss computers, or repeat some.
	Sort string
	// Descending is the order from the last to the first.
	Descending bool
	// Whole keeps all that SEPM says of a computer, in [Computer.JSON].
	Whole bool
}

// ByNameAlone reports whether the name is all that the query asks for.
func (q ComputerQuery) ByNameAlone() bool {
	return q.Name != "" && reflect.DeepEqual(q, ComputerQuery{Name: q.Name})
}

// ComputerPage is one page of a list of computers.
type ComputerPage struct {
	// Computers are those of the page that were to be kept.
	Computers []Computer
	// Size is how many computers the page had; not 0 unless it is the last.
	Size int
	// Last is whether the list ends with this page.
	Last bool
	// Total is how many computers SEPM says the whole list has, 0 where it
	// does not say. It is a hint and not always true (A5): a list ends with
	// Last.
	Total int
}

// Computers lists computers, page by page as they are taken, and ends with
// the error where there is one. One computer may come more than once (A10). It
// changes nothing.
func (c *Client) Computers(ctx context.Context, q ComputerQuery) iter.Seq2[Computer, error] {
	return func(yield func(Computer, error) bool) {
		for page, err := range c.ComputerPages(ctx, q, 0, nil) {
			if err != nil {
				yield(Computer{}, err)
				return
			}
			for _, computer := range page.Computers {
				if !yield(computer, nil) {
					return
				}
			}
		}
	}
}

// ComputerPages is [Client.Computers] in pages of the given size, 0 for the
// client's. SEPM may cap the size without a word (A5). After an error the
// reader may go on, which asks for the same page again.
//
// Of a computer whose name keep refuses nothing else is read, which makes a
// long list cheap; it may come all the same where its name is written oddly:
// compare [Computer.Name]. A nil keep keeps all.
func (c *Client) ComputerPages(ctx context.Context, q ComputerQuery, size int, keep func(name string) bool) iter.Seq2[ComputerPage, error] {
	return func(yield func(ComputerPage, error) bool) {
		l := listing{request: q.request(), size: size, whole: q.Whole}
		if size <= 0 {
			l.size = c.options.PageSize
		}
		if keep != nil {
			l.keep = func(computer []byte) bool {
				name, plain := nameOf(computer)
				return !plain || keep(name)
			}
		}
		for p, err := range pages[computerDTO](ctx, c, l) {
			if err != nil {
				if !yield(ComputerPage{}, err) {
					return
				}
				continue
			}
			out := ComputerPage{Size: p.size, Last: p.last, Total: max(p.total.or(0), 0)}
			for i := range p.items {
				computer := p.items[i].computer()
				computer.AsOf = p.asked
				if q.Whole {
					computer.JSON = p.objects[i]
				}
				out.Computers = append(out.Computers, computer)
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

func (q ComputerQuery) request() request {
	// The order is by id because names repeat, and a walk over pages whose
	// order is not total can miss computers.
	query := url.Values{"sort": {cmp.Or(q.Sort, "COMPUTER_ID")}, "order": {order(q.Descending)}}
	for key, value := range map[string]string{
		"computerName": q.Name, "domain": q.Domain, "computer_id": q.ID, "hardware_key": q.HardwareKey, "mac": q.MAC,
	} {
		if value != "" {
			query.Set(key, value)
		}
	}
	if len(q.OS) > 0 {
		query["os"] = q.OS
	}
	if !q.UpdatedSince.IsZero() {
		query.Set("lastUpdate", strconv.FormatInt(q.UpdatedSince.UnixMilli(), 10))
	}
	return request{
		op: "list computers", subject: cmp.Or(q.Name, q.ID, q.HardwareKey, q.MAC), method: http.MethodGet, path: "/computers", query: query, read: true,
	}
}
