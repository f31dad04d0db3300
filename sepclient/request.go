package sepclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// system is how SEPM's errors and log lines call it.
var system = remote.System{
	Name: "sepm", Title: "SEPM", TimeoutNote: " a request",
	TooLargeNote: ": use a smaller page size", // a computer has some 5 KB
}

// request is one call of SEPM's API.
type request struct {
	op      string // its fixed name, for logs and metrics
	subject string // the value in question, for errors
	method  string
	path    string // below /sepm/api/v1
	query   url.Values
	header  http.Header
	body    any // JSON, unless it is an xmlBody
	// read is a request that changes nothing. It may be sent again, and
	// losing its answer leaves nothing in doubt.
	read bool
	// success are the contract's statuses; 200 when there are none.
	success []int
	// most bounds the answer in bytes, and timeout takes the place of the
	// client's; 0 is as usual.
	most    int64
	timeout time.Duration
	// into takes the JSON of the answer, by itself where it is a decoder; nil
	// where the answer may be empty.
	into any
}

// xmlBody is a body that is XML already.
type xmlBody []byte

// decoder reads the body of an answer by itself, as it comes.
type decoder interface{ decode(body io.Reader) error }

func (r request) remote() remote.Request {
	out := remote.Request{
		System: system, Op: r.op, Method: r.method, Path: r.path, Query: r.query,
		Header: r.header, Body: r.body, Read: r.read, Success: r.success,
		MaxBody: r.most, Timeout: r.timeout,
	}
	if r.subject != "" {
		out.Subject = r.subject
	}
	if r.success == nil {
		out.Success = []int{http.StatusOK}
	}
	if x, ok := r.body.(xmlBody); ok {
		// A Content is sent once, and this is made anew for each sending.
		out.Body = remote.NewContent("application/xml", int64(len(x)), bytes.NewReader(x))
	}
	if d, ok := r.into.(decoder); ok {
		out.Decode = d.decode
	}
	return out
}

// fail makes the error of a request.
func (r request) fail(class Class, message string, cause error) *Error {
	return r.remote().Fail(class, message, cause)
}

// asError is an error of a request, of which there is but one type.
func asError(r request, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return r.fail(Permanent, err.Error(), err)
}

// do sends a request with a token. When SEPM refuses the token it logs in
// again and sends the request once more; a refused request changed nothing.
func (c *Client) do(ctx context.Context, r request) error {
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	err = c.send(ctx, r, token)
	if !errors.Is(err, ErrUnauthorized) {
		return err
	}
	c.session.forget(token)
	if token, err = c.token(ctx); err != nil {
		return err
	}
	return c.send(ctx, r, token)
}

// send sends a request, with a token unless it is empty, and reads the answer.
func (c *Client) send(ctx context.Context, r request, token string) error {
	out := r.remote()
	out.Address, out.Token = c.root+"/api/v1"+r.path, token
	a, err := c.server().Send(ctx, out)
	if err != nil {
		return err
	}
	if !a.Success {
		code, message := readErrorBody(a.Body)
		e := out.Refused(a, classOfStatus(a.Status, r.read), code, cmp.Or(message, http.StatusText(a.Status)))
		if a.Status == http.StatusUnauthorized && token != "" {
			e.Hint = "the account may lack the right: most calls need a system administrator"
		}
		return e
	}
	if r.into == nil || out.Decode != nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, r.into); err != nil {
		return out.Unreadable(a, err)
	}
	return nil
}

func (c *Client) server() remote.Server {
	return remote.Server{
		HTTP: c.http, URL: strings.TrimSuffix(c.root, "/sepm"),
		Timeout: c.options.Timeout, Logger: c.options.Logger, OnRequest: c.options.OnRequest,
	}
}
