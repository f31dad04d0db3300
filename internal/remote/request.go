package remote

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// System is how a system is called and what its errors add to the texts that
// all systems share.
type System struct {
	// Name begins errors and log lines, such as "sepm".
	Name string
	// Title is the name in advice, such as "SEPM".
	Title string
	// TimeoutNote follows the time-out that was exceeded, TooLargeNote the
	// bound that an answer was larger than.
	TimeoutNote, TooLargeNote string
}

// Request is one call of a system's API.
type Request struct {
	System System
	// Op is its fixed name, for logs and metrics.
	Op string
	// Subject is the value in question, for errors: a string, an int64 or nil.
	Subject any
	Method  string
	// Path is the path that errors name, Address the URL that it is sent to.
	Path, Address string
	Query         url.Values
	// Token is a bearer token, when there is one.
	Token string
	// Header is sent besides what every request has.
	Header http.Header
	// Body is sent as JSON, a [*Content] as it is; nil sends none.
	Body any
	// Read is a request that changes nothing. It may be sent again, and losing
	// its answer leaves nothing in doubt.
	Read bool
	// Success are the contract's statuses, whose body is read in whole.
	Success []int
	// MaxBody bounds the body of a success in bytes, 64 MiB where it is 0.
	MaxBody int64
	// Timeout, where it is set, takes the place of the server's.
	Timeout time.Duration
	// Decode, where it is set, reads the body of a success as it comes. Such a
	// body is not kept. It begins anew each time it is called: a read may be
	// sent again.
	Decode func(body io.Reader) error
}

// Fail makes the error of a request.
func (r Request) Fail(class Class, message string, cause error) *Error {
	op := r.Op
	switch subject := r.Subject.(type) {
	case string:
		op += fmt.Sprintf(" %q", subject)
	case int64:
		op += fmt.Sprintf(" %d", subject)
	}
	return &Error{
		System: r.System.Name, Op: op, Method: r.Method, Path: r.Path,
		Message: Printable(message), Class: class, Err: cause,
	}
}

// Refused is the error of an answer that is not the contract's success.
func (r Request) Refused(a *Answer, class Class, code, message string) *Error {
	e := r.Fail(class, message, nil)
	e.Status, e.Code = a.Status, code
	return e
}

// Unreadable is the error of a success whose body cannot be understood.
func (r Request) Unreadable(a *Answer, cause error) *Error {
	e := r.Fail(Unsure(r.Read), fmt.Sprintf("the answer is not what %s's API promises: %v", r.System.Title, cause), cause)
	e.Status = a.Status
	return e
}
