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
	body    any
	// read is a request that changes nothing. It may be sent again, and
	// losing its answer leaves nothing in doubt.
	read bool
	// permission is what an API key needs for it.
	permission string
	// into takes the JSON of the answer.
	into any
}

// remote is the request but for its address. Success is 200 with JSON, for
// every method in use here (§1.6).
func (r request) remote() remote.Request {
	return remote.Request{
		System: system, Op: r.op, Subject: r.subject, Method: r.method, Path: r.path, Query: r.query,
		Body: r.body, Read: r.read, Success: []int{http.StatusOK},
	}
}

// fail makes the error of a request.
func (r request) fail(class Class, message string, cause error) *Error {
	return r.remote().Fail(class, message, cause)
}

// do connects where that is still to be done and sends a request of the
// organization. A 401 drops the connect, and is not tried again: repeated
// refusals get a key blocked (§11.3).
func (c *Client) do(ctx context.Context, r request) error {
	platform, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	err = c.send(ctx, r, fmt.Sprintf("%s/orgs/%d%s", c.rest, platform.OrgID, r.path))
	if errors.Is(err, ErrUnauthorized) {
		c.Forget()
	}
	return err
}

// send sends a request to an address and reads the answer.
func (c *Client) send(ctx context.Context, r request, address string) error {
	out := r.remote()
	out.Address = address
	a, err := c.server().Send(ctx, out)
	if err != nil {
		return err
	}
	if !a.Success {
		code, message := readErrorBody(a.Body)
		message = cmp.Or(message, http.StatusText(a.Status))
		e := out.Refused(a, remote.ClassOfStatus(a.Status, r.read), code, message)
		switch {
		case a.Status == http.StatusUnauthorized:
			e.Hint = "the API key is wrong or blocked, or this address is banned: check resilient.api_key_id and its secret"
		case a.Status == http.StatusForbidden && r.permission != "":
			e.Hint = fmt.Sprintf("give the API key the permission %q", r.permission)
		}
		return e
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
