package resilient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"
)

// How much of an answer is read.
const (
	maxBody      = 64 << 20
	maxErrorBody = 64 << 10
)

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

// fail makes the error of a request.
func (r request) fail(class Class, message string, cause error) *Error {
	op := r.op
	switch subject := r.subject.(type) {
	case string:
		op += fmt.Sprintf(" %q", subject)
	case int64:
		op += fmt.Sprintf(" %d", subject)
	}
	return &Error{Op: op, Method: r.method, Path: r.path, Message: printable(message), Class: class, Err: cause}
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

// send sends a request to an address and reads the answer. Success is 200 with
// JSON, for every method in use here (§1.6).
func (c *Client) send(ctx context.Context, r request, address string) error {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return r.fail(Permanent, "encode the request: "+err.Error(), err)
		}
	}
	a, err := c.attempt(ctx, r, address, body)
	if err != nil && r.read && a.reused.Load() && connectionLost(err) {
		a, err = c.attempt(ctx, r, address, body)
	}
	if err != nil {
		return c.unanswered(r, a, err)
	}
	if a.status != http.StatusOK {
		return r.refused(a)
	}
	err = json.Unmarshal(a.body, r.into)
	if err == nil && string(a.body) == "null" {
		err = errors.New("it is null") // which must not pass for an empty list
	}
	if err != nil {
		e := r.fail(unsure(r.read), fmt.Sprintf("the answer is not what Resilient's API promises: %v", err), err)
		e.Status = a.status
		return e
	}
	return nil
}

// refused is the error of an answer that is not the contract's success.
func (r request) refused(a *answer) *Error {
	code, message := readErrorBody(a.body)
	if message == "" {
		message = http.StatusText(a.status)
	}
	switch {
	case a.status == http.StatusUnauthorized:
		message += " (the API key is wrong or blocked, or this address is banned)"
	case a.status == http.StatusForbidden && r.permission != "":
		message += fmt.Sprintf(" (does the API key have the permission %q?)", r.permission)
	}
	e := r.fail(classOfStatus(a.status, r.read), message, nil)
	e.Status, e.Code = a.status, code
	return e
}

// answer is what came back, and what the connection did meanwhile.
type answer struct {
	status int
	body   []byte
	// sent is whether the request may have left. It is set when a connection
	// was got, not when its headers were written: a request that is cancelled
	// in between can still be written.
	sent   atomic.Bool
	reused atomic.Bool
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, r request, address string, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	a := new(answer)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// net/http takes another connection for a write only when it wrote
		// nothing to the one before.
		GetConn: func(string) { a.sent.Store(false) },
		GotConn: func(i httptrace.GotConnInfo) { a.reused.Store(i.Reused); a.sent.Store(true) },
	})
	req := c.http.R().SetContext(ctx).SetDoNotParseResponse(true).SetQueryParamsFromValues(r.query)
	if body != nil {
		req.SetHeader("Content-Type", "application/json").SetBody(body)
	}

	start := time.Now()
	resp, err := req.Execute(r.method, address)
	if err == nil {
		c.readClock(resp.Header())
		a.status = resp.StatusCode()
		a.body, err = readBody(resp.RawBody(), a.status == http.StatusOK)
	}
	d := time.Since(start)
	c.options.Logger.DebugContext(ctx, "resilient request", "op", r.op, "status", a.status, "duration", d)
	if c.options.OnRequest != nil {
		c.options.OnRequest(r.op, a.status, d)
	}
	return a, err
}

// readBody reads a bounded body. Of an error only the beginning is kept.
func readBody(body io.ReadCloser, success bool) ([]byte, error) {
	defer body.Close()
	if !success {
		data, _ := io.ReadAll(io.LimitReader(body, maxErrorBody)) // the status says enough
		return data, nil
	}
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(data) > maxBody {
		return nil, fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	}
	return bytes.TrimSpace(data), nil
}

// unanswered is the error of a request that got no, or no whole, answer.
func (c *Client) unanswered(r request, a *answer, err error) *Error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // its text repeats method and URL
	}
	if advice, untrusted := distrust(err); untrusted {
		return r.fail(Untrusted, fmt.Sprintf("%v: %s", err, advice), err)
	}
	message := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		message = fmt.Sprintf("no answer in time (%v): %v", c.options.Timeout, err)
	}
	class := unsure(r.read)
	if !a.sent.Load() {
		class = Unreachable
		message = c.options.URL + " cannot be reached: " + message
	}
	e := r.fail(class, message, err)
	e.Status = a.status
	return e
}

// connectionLost tells a connection that the other side had closed.
func connectionLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
