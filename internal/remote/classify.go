package remote

import (
	"errors"
	"io"
	"net/http"
	"syscall"
)

// ClassOfStatus sorts an answer that is not the contract's success. A read is
// a request that changes nothing.
func ClassOfStatus(status int, read bool) Class {
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusConflict:
		return Conflict
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusRequestTimeout, status == http.StatusLocked:
		return Temporary
	case status >= 300 && status < 500:
		return Permanent
	}
	return Unsure(read)
}

// Unsure is the class of a request that was sent and not properly answered.
func Unsure(read bool) Class {
	if read {
		return Temporary
	}
	return Ambiguous
}

// connectionLost tells a connection that the other side had closed.
func connectionLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
