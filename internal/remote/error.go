package remote

import (
	"errors"
	"fmt"
	"net/http"
)

// Class says what a failure means for the caller. Only Ambiguous leaves open
// whether something was changed; after every other class nothing was.
type Class string

// The classes of failure.
const (
	// Temporary may go away by itself: a 5xx on a read, a lost answer.
	Temporary Class = "temporary"
	// Permanent is the answer to this request and will not change.
	Permanent Class = "permanent"
	// Unauthorized is a caller that the system does not let in.
	Unauthorized Class = "unauthorized"
	// Throttled is a 429.
	Throttled Class = "throttled"
	// NotFound is an object that the system does not have, where its client
	// takes a 404 as saying so.
	NotFound Class = "not_found"
	// Conflict is a state of the system that forbids the change.
	Conflict Class = "conflict"
	// Unreachable is a request that was certainly not sent: name, dial or TLS.
	Unreachable Class = "unreachable"
	// Untrusted is a certificate that was not accepted; nothing was sent.
	Untrusted Class = "untrusted"
	// Ambiguous is a change that may have been made: the answer was lost, or
	// was a 5xx.
	Ambiguous Class = "ambiguous"
)

// What errors.Is can ask of an [*Error].
var (
	ErrNotFound     = errors.New("not found")
	ErrConflict     = errors.New("conflict")
	ErrUnauthorized = errors.New("unauthorized")
	ErrThrottled    = errors.New("throttled")
)

// Error is a request that failed.
type Error struct {
	// System is the system's name, such as "sepm".
	System string
	// Op is what was asked, with the value in question.
	Op string
	// Method and Path are the request, without its query.
	Method, Path string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Code is the system's own error code.
	Code string
	// Message is the system's own text, or what went wrong.
	Message string
	// Hint says what a person can do about it, empty if nothing is known.
	Hint  string
	Class Class
	// Err is the cause, when it was not an answer.
	Err error
}

// Error is one line, safe to print.
func (e *Error) Error() string {
	s := e.System + ": " + e.Problem()
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Problem is what failed and how, without the system's name and the hint.
func (e *Error) Problem() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s (%s %s): %s", e.Op, e.Method, e.Path, e.Message)
	}
	return fmt.Sprintf("%s (%s %s): %d: %s", e.Op, e.Method, e.Path, e.Status, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is answers for the Err… values of this package. ErrNotFound is the class
// NotFound, and a 404 or 410 whose class is Permanent; an error that was put
// into another class says nothing of the object.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Class == NotFound || e.Class == Permanent && isAbsence(e.Status)
	case ErrConflict:
		return e.Class == Conflict
	case ErrUnauthorized:
		return e.Class == Unauthorized
	case ErrThrottled:
		return e.Class == Throttled
	}
	return false
}

func isAbsence(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }
