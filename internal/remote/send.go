package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/sepwatch/sepwatch/internal/connect"
)

// How much of an answer is read.
const (
	maxBody      = 64 << 20
	maxErrorBody = 64 << 10
)

// Server is where requests go and how.
type Server struct {
	// HTTP is the client of [NewHTTP].
	HTTP *resty.Client
	// URL is the server as errors name it.
	URL string
	// Timeout bounds each sending, its answer included.
	Timeout time.Duration
	// Logger gets one debug line a sending.
	Logger *slog.Logger
	// OnRequest, when set, is told of every sending: the request's Op, the
	// HTTP status (0 when there was no answer) and the time it took.
	OnRequest func(op string, status int, d time.Duration)
	// OnHeader, when set, gets the header of every answer as soon as it is there.
	OnHeader func(http.Header)
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	// Body is the whole body of a success that was not decoded, and the
	// beginning of any other.
	Body []byte
	// Success is whether Status is among the request's.
	Success bool
}

// Send sends a request and reads the answer, whatever its status. It sends it
// again only if it is a read and a kept-alive connection turned out to be
// dead. Its error is an [*Error].
func (s Server) Send(ctx context.Context, r Request) (*Answer, error) {
	r.Timeout = cmp.Or(r.Timeout, s.Timeout)
	body := r.Body
	switch b := body.(type) {
	case nil:
	case *Content:
		// Whoever gave it may go on with what it reads from.
		defer b.Close()
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return nil, r.Fail(Permanent, "encode the request: "+err.Error(), err)
		}
		body = data
	}
	a, err := s.attempt(ctx, r, body)
	if err != nil && r.Read && a.reused.Load() && connectionLost(err) {
		a, err = s.attempt(ctx, r, body)
	}
	switch {
	case err != nil:
		return nil, s.unanswered(r, a, err)
	case a.misread != nil:
		return nil, r.Unreadable(&a.Answer, a.misread)
	}
	return &a.Answer, nil
}

// attempt is one sending: its answer, and what the connection did meanwhile.
type attempt struct {
	Answer
	// sent is whether the request may have left. It is set when a connection
	// was got, not when its headers were written: a request that is cancelled
	// in between can still be written.
	sent   atomic.Bool
	reused atomic.Bool
	// misread is what the request's Decode said of an answer that was whole.
	misread error
}

// attempt sends a request once, with its body as it goes out.
func (s Server) attempt(ctx context.Context, r Request, body any) (*attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	a := new(attempt)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// net/http takes another connection for a write only when it wrote
		// nothing to the one before.
		GetConn: func(string) { a.sent.Store(false) },
		GotConn: func(i httptrace.GotConnInfo) { a.reused.Store(i.Reused); a.sent.Store(true) },
	})
	content, _ := body.(*Content)
	if content != nil {
		ctx = context.WithValue(ctx, contentKey{}, content)
	}
	req := s.HTTP.R().SetContext(ctx).SetDoNotParseResponse(true).SetQueryParamsFromValues(r.Query)
	if r.Token != "" {
		req.SetAuthToken(r.Token)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	switch {
	case content != nil:
		req.SetHeader("Content-Type", content.Type)
	case body != nil:
		req.SetHeader("Content-Type", "application/json").SetBody(body)
	}

	start := time.Now()
	resp, err := req.Execute(r.Method, r.Address)
	if err == nil {
		if s.OnHeader != nil {
			s.OnHeader(resp.Header())
		}
		a.Status, a.Header = resp.StatusCode(), resp.Header()
		a.Success = slices.Contains(r.Success, a.Status)
		err = a.read(resp.RawBody(), r)
	}
	d := time.Since(start)
	s.Logger.DebugContext(ctx, r.System.Name+" request", "op", r.Op, "status", a.Status, "duration", d)
	if s.OnRequest != nil {
		s.OnRequest(r.Op, a.Status, d)
	}
	return a, err
}

// read reads a bounded body. Of an error only the beginning is kept.
func (a *attempt) read(body io.ReadCloser, r Request) error {
	defer body.Close()
	if !a.Success {
		a.Body, _ = io.ReadAll(io.LimitReader(body, maxErrorBody)) // the status says enough
		return nil
	}
	most := cmp.Or(r.MaxBody, maxBody)
	b := &bounded{body: body, most: most, left: most, tooLarge: r.System.TooLargeNote}
	if r.Decode == nil {
		data, _ := io.ReadAll(b)
		a.Body = bytes.TrimSpace(data)
	} else if a.misread = r.Decode(b); a.misread == nil {
		_, _ = io.Copy(io.Discard, b) // the connection is used again only then
	}
	return b.err
}

// bounded reads up to a bound, and keeps the error that it came to before the
// end.
type bounded struct {
	body       io.Reader
	most, left int64
	tooLarge   string
	err        error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left+1)])
	if int64(n) > b.left {
		n, err = int(b.left), fmt.Errorf("the answer is larger than %d MiB%s", b.most>>20, b.tooLarge)
		b.err = err
	} else if err != nil && err != io.EOF {
		b.err = fmt.Errorf("read the answer: %w", err)
		err = b.err
	}
	b.left -= int64(n)
	return n, err
}

// unanswered is the error of a request that got no, or no whole, answer.
func (s Server) unanswered(r Request, a *attempt, err error) *Error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // its text repeats method and URL
	}
	if advice, untrusted := connect.Distrust(err, r.System.Title); untrusted {
		e := r.Fail(Untrusted, err.Error(), err)
		e.Hint = advice
		return e
	}
	message := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		message = fmt.Sprintf("no answer in time (%v%s): %v", r.Timeout, r.System.TimeoutNote, err)
	}
	class, hint := Unsure(r.Read), ""
	switch {
	case !a.sent.Load():
		class, hint = Unreachable, r.System.unreached(err)
		message = s.URL + " cannot be reached: " + message
	case errors.Is(err, context.DeadlineExceeded):
		hint = fmt.Sprintf("see whether %s is overloaded, or allow it more time", r.System.Title)
	}
	e := r.Fail(class, message, err)
	e.Status, e.Hint = a.Status, hint
	return e
}
