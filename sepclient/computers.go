package sepclient

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// ComputerQuery narrows a list of computers. The zero query is all computers
// of the login's domain.
type ComputerQuery struct {
	// Name may hold * as a wildcard. Do not trust a name without one to match
	// exactly (A10): compare [Computer.Name].
	Name string
	// Domain is a domain's id, not its name (A7).
	Domain string
	// ID is a computer's id. A SEPM before 14.3 ignores it: compare
	// [Computer.ID].
	ID string
}

// Computers lists computers, page by page as they are taken, and ends with
// the error where there is one. One computer may come more than once (A10). It
// changes nothing.
func (c *Client) Computers(ctx context.Context, q ComputerQuery) iter.Seq2[Computer, error] {
	subject := q.Name
	if subject == "" {
		subject = q.ID
	}
	return func(yield func(Computer, error) bool) {
		// The order is by id because names repeat, and a walk over pages whose
		// order is not total can miss computers.
		query := url.Values{"sort": {"COMPUTER_ID"}, "order": {"ASC"}}
		for key, value := range map[string]string{"computerName": q.Name, "domain": q.Domain, "computer_id": q.ID} {
			if value != "" {
				query.Set(key, value)
			}
		}
		r := request{
			op: "list computers", subject: subject, method: http.MethodGet, path: "/computers", query: query, read: true,
		}
		for dto, err := range pages[computerDTO](ctx, c, r) {
			if err != nil {
				yield(Computer{}, err)
				return
			}
			if !yield(dto.computer(), nil) {
				return
			}
		}
	}
}
