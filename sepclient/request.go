package sepclient

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
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// How much of an answer is read. The largest known answer is a page of
// computers, some 5 KB each.
const (
	maxBody      = 64 << 20
	maxErrorBody = 64 << 10
)

// request is one call of SEPM's API.
type request struct {
	op      string // its fixed name, for logs and metrics
	subject string // the value in question, for errors
	method  string
	path    string // below /sepm/api/v1
	query   url.Values
	body    any
	// read is a request that changes nothing. It may be sent again, and
	// losing its answer leaves nothing in doubt.
	read bool
	// success are the contract's statuses; 200 when there are none.
	success []int
	// into takes the JSON of the answer; nil where the answer may be empty.
	into any
}

// fail makes the error of a request.
func (r request) fail(class Class, message string, cause error) *Error {
	op := r.op
	if r.subject != "" {
		op += fmt.Sprintf(" %q", r.subject)
	}
	return &Error{Op: op, Method: r.method, Path: r.path, Message: printable(message), Class: class, Err: cause}
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
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return r.fail(Permanent, "encode the request: "+err.Error(), err)
		}
	}
	a, err := c.attempt(ctx, r, body, token)
	if err != nil && r.read && a.reused.Load() && connectionLost(err) {
		// SEPM closes idle connections without notice (A1).
		a, err = c.attempt(ctx, r, body, token)
	}
	if err != nil {
		return c.unanswered(r, a, err)
	}
	if !slices.Contains(r.successes(), a.status) {
		code, message := readErrorBody(a.body)
		if message == "" {
			message = http.StatusText(a.status)
		}
		if a.status == http.StatusUnauthorized && token != "" {
			message += " (a missing right? most calls need a system administrator)"
		}
		e := r.fail(classOfStatus(a.status, r.read), message, nil)
		e.Status, e.Code = a.status, code
		return e
	}
	if r.into == nil {
		return nil
	}
	if err := json.Unmarshal(a.body, r.into); err != nil {
		e := r.fail(unsure(r.read), fmt.Sprintf("the answer is not what SEPM's API promises: %v", err), err)
		e.Status = a.status
		return e
	}
	return nil
}

func (r request) successes() []int {
	if r.success == nil {
		return []int{http.StatusOK}
	}
	return r.success
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
func (c *Client) attempt(ctx context.Context, r request, body []byte, token string) (*answer, error) {
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
	if token != "" {
		req.SetAuthToken(token)
	}
	if body != nil {
		req.SetHeader("Content-Type", "application/json").SetBody(body)
	}

	start := time.Now()
	resp, err := req.Execute(r.method, c.root+"/api/v1"+r.path)
	if err == nil {
		a.status = resp.StatusCode()
		a.body, err = readBody(resp.RawBody(), slices.Contains(r.successes(), a.status))
	}
	c.observe(ctx, r.op, a.status, time.Since(start))
	return a, err
}

func (c *Client) observe(ctx context.Context, op string, status int, d time.Duration) {
	c.options.Logger.DebugContext(ctx, "sepm request", "op", op, "status", status, "duration", d)
	if c.options.OnRequest != nil {
		c.options.OnRequest(op, status, d)
	}
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
		return nil, fmt.Errorf("the answer is larger than %d MiB: use a smaller page size", maxBody>>20)
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
		message = fmt.Sprintf("no answer in time (%v a request): %v", c.options.Timeout, err)
	}
	class := unsure(r.read)
	if !a.sent.Load() {
		class = Unreachable
		message = strings.TrimSuffix(c.root, "/sepm") + " cannot be reached: " + message
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
