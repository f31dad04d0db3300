package sepclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	path    string // below /sepm/api/v1, or v2
	v2      bool
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
	// where the answer may be empty (A11, A12): it says nothing then, but it may
	// not say that it failed.
	into any
}

// maxHead is how much Tomcat, which SEPM runs on, reads of a request line and
// the headers together, in bytes.
const maxHead = 8 << 10

// maxRequestLine is the longest request line that is sent. The headers, of
// which the token is most, take some hundred bytes.
const maxRequestLine = maxHead - 1<<10

// lineLength is how long a request line is.
func lineLength(method, uri string, query url.Values) int {
	line := len(method) + len(" ") + len(uri) + len(" HTTP/1.1")
	if len(query) > 0 {
		line += len("?") + len(query.Encode())
	}
	return line
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
	if r.v2 {
		out.Path = "/api/v2" + r.path
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

// segment is an id as a part of a path.
func segment(id string) string { return url.PathEscape(id) }

// check refuses a request that SEPM would not understand, before it is sent.
func (r request) check(address string) error {
	for part := range strings.SplitSeq(strings.TrimPrefix(r.path, "/"), "/") {
		// SEPM answers 500 to an empty part (A1); dots would be another path.
		if part == "" || part == "." || part == ".." {
			return r.fail(Permanent, fmt.Sprintf("an id in the path %q is empty or no id", r.path), nil)
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return r.fail(Permanent, err.Error(), err)
	}
	uri := u.EscapedPath()
	line := lineLength(r.method, uri, r.query)
	if line <= maxRequestLine {
		return nil
	}
	longest, size := "the path", len(uri)
	for name, values := range r.query {
		if n := len(url.Values{name: values}.Encode()); n > size || n == size && name < longest {
			longest, size = name, n
		}
	}
	return r.fail(Permanent, fmt.Sprintf("%s is too long: with its %d bytes the request line has %d, and SEPM is sure to take %d", longest, size, line, maxRequestLine), nil)
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
	if !errors.Is(err, ErrUnauthorized) || c.session.isSound(token, c.options.Now()) {
		return err
	}
	c.session.forget(token)
	if token, err = c.token(ctx); err != nil {
		return err
	}
	if err = c.send(ctx, r, token); errors.Is(err, ErrUnauthorized) {
		c.session.refusedNew(token, c.options.Now())
	}
	return err
}

// send sends a request, with a token unless it is empty, and reads the answer.
func (c *Client) send(ctx context.Context, r request, token string) error {
	out, a, err := c.sendInTurn(ctx, r, token)
	if err != nil {
		return system.AdviseTLS(err, "sepm[].tls")
	}
	if !a.Success {
		code, message := readErrorBody(a.Body)
		e := out.Refused(a, classOfStatus(a.Status, r.read), code, cmp.Or(message, http.StatusText(a.Status)))
		if a.Status == http.StatusUnauthorized && token != "" {
			e.Hint = "the account may lack the right: most calls need a system administrator"
		}
		return e
	}
	switch {
	case out.Decode != nil:
		return nil
	case r.into == nil:
		if err := silent(a.Body); err != nil {
			return out.Unreadable(a, err)
		}
		return nil
	}
	if err := json.Unmarshal(a.Body, r.into); err != nil {
		return out.Unreadable(a, err)
	}
	return nil
}

// sendInTurn sends a request as the budget allows, and again where SEPM has
// refused it as one too many.
func (c *Client) sendInTurn(ctx context.Context, r request, token string) (remote.Request, *remote.Answer, error) {
	for times := 1; ; times++ {
		out := r.remote() // anew, since its body may be read only once
		out.Address, out.Token = c.root+"/api/v1"+r.path, token
		if r.v2 {
			out.Address = c.root + out.Path
		}
		if err := r.check(out.Address); err != nil {
			return out, nil, err
		}
		if c.options.DryRun != nil && !r.read {
			return out, nil, c.withhold(r, out.Address)
		}
		if err := c.afford(ctx, r); err != nil {
			return out, nil, err
		}
		a, err := c.server().Send(ctx, out)
		if err != nil {
			return out, nil, err
		}
		again, err := c.refused(ctx, a.Status, times)
		if err != nil {
			return out, nil, r.fail(Throttled, "SEPM refuses requests for a while: "+err.Error(), err)
		}
		if !again {
			return out, a, nil
		}
	}
}

// silent takes a body that may be empty: nothing, or JSON that is not SEPM's
// of an error. A page of a proxy is no success.
func silent(body []byte) error {
	if body = bytes.TrimSpace(body); len(body) == 0 {
		return nil
	}
	if !json.Valid(body) {
		return errors.New("it is neither empty nor JSON: " + remote.BodyText(body))
	}
	if code, message := readErrorBody(body); body[0] == '{' && (code != "" || message != "") {
		return fmt.Errorf("it is an error: %s %s", code, message)
	}
	return nil
}

func (c *Client) server() remote.Server {
	return remote.Server{
		HTTP: c.http, URL: strings.TrimSuffix(c.root, "/sepm"),
		Timeout: c.options.Timeout, Logger: c.options.Logger, OnRequest: c.options.OnRequest,
	}
}
