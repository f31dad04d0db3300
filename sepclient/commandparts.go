package sepclient

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// split divides targets over as many requests as it takes. Computers and
// groups go apart: so it is sure whose command an id in the answer is, and
// one unknown group does not stop what is for computers.
func (c *Client) split(r request, t Targets) ([]Targets, error) {
	var parts []Targets
	for _, kind := range []struct {
		what string
		ids  []string
		part func(ids []string) Targets
	}{
		{"computer", t.Computers, func(ids []string) Targets { return Targets{Computers: ids} }},
		{"group", t.Groups, func(ids []string) Targets { return Targets{Groups: ids} }},
	} {
		ids, err := distinct(kind.what, kind.ids)
		if err != nil {
			return nil, err
		}
		// The server is counted, too: a proxy may get it.
		room := maxRequestLine - lineLength(r.method, c.root+"/api/v1"+r.path, kind.part([]string{""}).query(r.query))
		for len(ids) > 0 {
			n := fitting(ids, room)
			if n == 0 {
				return nil, fmt.Errorf("the request would be longer than the %d bytes that SEPM is sure to take: its query without targets has %d", maxRequestLine, len(r.query.Encode()))
			}
			parts = append(parts, kind.part(ids[:n:n]))
			ids = ids[n:]
		}
	}
	if len(parts) == 0 {
		return nil, errors.New("it is for no computer and no group")
	}
	return parts, nil
}

// fitting is how many of the ids fit in, with a separator after each.
func fitting(ids []string, room int) int {
	const separator = len("%2C")
	for i, id := range ids {
		if room -= len(id) + separator; room < 0 {
			return i
		}
	}
	return len(ids)
}

// query is the query of a request for the targets.
func (t Targets) query(rest url.Values) url.Values {
	query := url.Values{}
	for key, values := range rest {
		query[key] = values
	}
	for key, ids := range map[string][]string{"computer_ids": t.Computers, "group_ids": t.Groups} {
		if len(ids) > 0 {
			query.Set(key, strings.Join(ids, ","))
		}
	}
	return query
}

// subject is the only target, or how many there are.
func (t Targets) subject() string {
	switch {
	case len(t.Computers)+len(t.Groups) == 1:
		return strings.Join(t.Computers, "") + strings.Join(t.Groups, "")
	case len(t.Groups) > 0:
		return fmt.Sprintf("%d groups", len(t.Groups))
	}
	return fmt.Sprintf("%d computers", len(t.Computers))
}

// distinct are the ids without repeated ones, in their order.
func distinct(what string, ids []string) ([]string, error) {
	seen := make(map[string]bool, len(ids))
	var out []string
	for _, id := range ids {
		if err := checkID(what, id); err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out, nil
}

// checkID refuses what cannot be an id of SEPM's, which are 32 hex digits
// (A2). An empty one in a path is a 500 (A1), and a comma or slash in one
// would make it another request.
func checkID(what, id string) error {
	const most = 64
	odd := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_'
	}
	switch {
	case id == "":
		return fmt.Errorf("the id of a %s is empty", what)
	case len(id) > most || strings.IndexFunc(id, odd) >= 0:
		return fmt.Errorf("%q is no id of a %s", remote.Printable(id), what)
	}
	return nil
}
