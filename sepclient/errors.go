package sepclient

import (
	"crypto/tls"
	"crypto/x509"
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
	// Unauthorized is a refused login, a bad token or a missing right: SEPM
	// answers 401 to all three (A3).
	Unauthorized Class = "unauthorized"
	// Throttled is SEPM's 429; it lasts for the rest of a minute (A4).
	Throttled Class = "throttled"
	// NotFound is an object that SEPM does not have: 404 or 410 (A3).
	NotFound Class = "not_found"
	// Conflict is a state at SEPM that forbids the change.
	Conflict Class = "conflict"
	// Unreachable is a request that was certainly not sent: name, dial or TLS.
	Unreachable Class = "unreachable"
	// Untrusted is a certificate that was not accepted; nothing was sent.
	Untrusted Class = "untrusted"
	// Ambiguous is a change that may have been made.
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
	// Op is what was asked, with the value in question.
	Op string
	// Method and Path are the request, without its query.
	Method, Path string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Code is SEPM's errorCode: mostly the status again, sometimes a code of
	// its own (A3).
	Code string
	// Message is SEPM's own text, or what went wrong and what to do.
	Message string
	Class   Class
	// Err is the cause, when it was not an answer.
	Err error
}

// Error is one line, safe to print.
func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("sepm: %s (%s %s): %s", e.Op, e.Method, e.Path, e.Message)
	}
	return fmt.Sprintf("sepm: %s (%s %s): %d: %s", e.Op, e.Method, e.Path, e.Status, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is answers for the Err… values of this package.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Class == NotFound
	case ErrConflict:
		return e.Class == Conflict
	case ErrUnauthorized:
		return e.Class == Unauthorized
	case ErrThrottled:
		return e.Class == Throttled
	}
	return false
}

// ClassOf is the class of the [*Error] in err, or "" when there is none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

// classOfStatus sorts an answer that is not the contract's success (A3, D1).
func classOfStatus(status int, read bool) Class {
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusNotFound, status == http.StatusGone:
		return NotFound
	case status == http.StatusConflict:
		return Conflict
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusRequestTimeout, status == http.StatusLocked:
		return Temporary
	case status >= 300 && status < 500:
		return Permanent
	}
	return unsure(read)
}

// unsure is the class of a request that was sent and not properly answered.
func unsure(read bool) Class {
	if read {
		return Temporary
	}
	return Ambiguous
}

// distrust says what to do about a certificate that was not accepted.
func distrust(err error) (advice string, untrusted bool) {
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &hostname):
		return "use a name of the certificate in the SEPM url", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew SEPM's certificate, or set this machine's clock", true
	case errors.As(err, &verification), errors.As(err, &unknown), errors.As(err, &invalid):
		return "name the PEM file of SEPM's certificate, or of its authority, in ca_file", true
	}
	return "", false
}
