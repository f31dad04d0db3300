package sepclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Found is what [Client.Probe] learned.
type Found struct {
	Version
	// Domain is the name of the domain that the login sees (A7), and Domains
	// are all there are; nil where the account may not list them.
	Domain  string
	Domains []string
	// Role is the administrator's, in words, and Rights are those that SEPM
	// lists; nil where it lists none.
	Role   string
	Rights *Rights
	// Computers is how many computers the domain has; -1 where SEPM does not
	// say.
	Computers int64
}

// Probe asks SEPM for its version, logs in once, and proves that the login
// sees the domain of the options and may list its computers. It changes
// nothing and may be repeated, but a wrong password counts as one attempt at
// the account.
func (c *Client) Probe(ctx context.Context) (Found, error) {
	version, err := c.Version(ctx)
	if err != nil {
		return Found{}, err
	}
	found := Found{Version: version}
	token, err := c.token(ctx)
	if err != nil {
		return Found{}, c.hintLogin(err)
	}
	// A refused token is not asked for anew: it is new, so a right is missing.
	var said userToken
	r := readUser(&said)
	if err := c.send(ctx, r, token); err != nil {
		return Found{}, err
	}
	user := said.user()
	found.Domain, found.Role, found.Rights = user.Domain.Name, user.Role.String(), user.Rights
	if found.Domains, err = c.domains(ctx, token); err != nil && !errors.Is(err, ErrUnauthorized) {
		return Found{}, err
	}
	if want := c.options.Domain; want != "" && found.Domain != "" && !strings.EqualFold(want, found.Domain) {
		e := r.fail(Permanent, fmt.Sprintf("SEPM logged %q in to domain %q in place of %q", c.options.Username, found.Domain, want), nil)
		e.Hint = fmt.Sprintf("set domain to one that SEPM has: %q", found.Domains)
		return Found{}, e
	}
	found.Computers, err = c.countComputers(ctx, token)
	var e *Error
	if errors.As(err, &e) && e.Class == Unauthorized && found.Role != "" && user.Role.Kind != SystemAdministrator {
		e.Hint = fmt.Sprintf("%q is a %s: make it a %s in SEPM, which the API asks for", c.options.Username, found.Role, SystemAdministrator)
	}
	return found, err
}

// hintLogin adds to a refused login what to do. SEPM does not say which of
// user name, password and domain is wrong, and to find out would take more
// attempts, which could lock the account.
func (c *Client) hintLogin(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Class != Unauthorized {
		return err
	}
	switch {
	case e.Status == http.StatusBadRequest && strings.Contains(e.Message, "URLDecoder"):
		e.Hint = "SEPM takes a % in a user name or password for the start of an escape: set escape_credentials to true"
	case c.options.Domain == "":
		e.Hint = fmt.Sprintf("check username %q and its password, and that the account is not locked; an account that is no system administrator also needs its domain", c.options.Username)
	default:
		e.Hint = fmt.Sprintf("SEPM does not say which of the three is wrong: check username %q, its password (and that the account is not locked), and domain %q; "+
			"without domain a system administrator is let in with the right password", c.options.Username, c.options.Domain)
	}
	return e
}

// domains are the names of all domains (A9).
func (c *Client) domains(ctx context.Context, token string) (names []string, err error) {
	var list []domainDTO
	err = c.send(ctx, readDomains(&list), token)
	for _, d := range list {
		names = append(names, string(d.Name))
	}
	return names, err
}

// countComputers reads the shortest page of computers.
func (c *Client) countComputers(ctx context.Context, token string) (int64, error) {
	var page struct {
		Total number `json:"totalElements"`
	}
	err := c.send(ctx, request{
		op: "list computers", method: http.MethodGet, path: "/computers", read: true, into: &page,
		query: url.Values{"pageIndex": {"1"}, "pageSize": {"1"}},
	}, token)
	if !page.Total.known {
		return -1, err
	}
	return page.Total.value, err
}
