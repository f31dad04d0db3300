package resilient

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// system is how Resilient's errors and log lines call it.
var system = remote.System{Name: "resilient", Title: "Resilient"}

// names asks for the names of handles in place of their ids, which differ
// from one organization to the next (§1.5).
var names = url.Values{"handle_format": {"names"}}

// request is one call of Resilient's API.
type request struct {
	op      string // its fixed name, for logs and metrics
	subject any    // the value in question, for errors
	method  string
	path    string // below /rest/orgs/{org}, escaped
	query   url.Values
	header  http.Header
	body    any
	// read is a request that changes nothing. It may be sent again, and
	// losing its answer leaves nothing in doubt.
	read bool
	// permission is what the caller needs for it.
	permission string
	// success are the statuses of success: 200 alone where none are named
	// (§1.6).
	success []int
	// into takes the JSON of the answer, answered its header; nil takes neither.
	into     any
	answered *http.Header
}

// remote is the request but for its address.
func (r request) remote() remote.Request {
	success := r.success
	if success == nil {
		success = []int{http.StatusOK}
	}
	return remote.Request{
		System: system, Op: r.op, Subject: r.subject, Method: r.method, Path: r.path, Query: r.query,
		Header: r.header, Body: r.body, Read: r.read, Success: success,
	}
}

// fail makes the error of a request.
func (r request) fail(class Class, message string, cause error) *Error {
	return r.remote().Fail(class, message, cause)
}

// do connects where that is still to be done and sends a request of the
// organization. A 401 drops the connect, and an API key's is not tried again:
// repeated refusals get a key blocked (§11.3).
func (c *Client) do(ctx context.Context, r request) error {
	org, err := c.organization(ctx)
	if err != nil {
		return err
	}
	err = c.authorized(ctx, r, c.address(org.OrgID, r))
	if errors.Is(err, ErrUnauthorized) {
		c.org.drop(org)
	}
	return err
}

// address is where a request of an organization goes.
func (c *Client) address(org int, r request) string {
	return fmt.Sprintf("%s/orgs/%d%s", c.rest, org, r.path)
}

// send sends a request to an address and reads the answer.
func (c *Client) send(ctx context.Context, r request, address string) error {
	out := r.remote()
	out.Address = address
	c.charge()
	a, err := c.server().Send(ctx, out)
	if err != nil {
		return system.AdviseTLS(err, "resilient.tls")
	}
	if !a.Success {
		code, message := readErrorBody(a.Body)
		message = cmp.Or(message, http.StatusText(a.Status))
		e := out.Refused(a, remote.ClassOfStatus(a.Status, r.read), code, message)
		switch {
		case a.Status == http.StatusUnauthorized:
			e.Hint = c.options.refused()
		case a.Status == http.StatusForbidden && r.permission != "":
			e.Hint = fmt.Sprintf("give %s the permission %q", c.options.caller(), r.permission)
		}
		return e
	}
	if r.answered != nil {
		*r.answered = a.Header
	}
	if r.into == nil {
		return nil
	}
	err = json.Unmarshal(a.Body, r.into)
	if err == nil && string(a.Body) == "null" {
		err = errors.New("it is null") // which must not pass for an empty list
	}
	if err != nil {
		return out.Unreadable(a, err)
	}
	return nil
}

func (c *Client) server() remote.Server {
	return remote.Server{
		HTTP: c.http, URL: c.options.URL, Timeout: c.options.Timeout,
		Logger: c.options.Logger, OnRequest: c.options.OnRequest, OnHeader: c.readClock,
	}
}
