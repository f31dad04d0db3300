package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	e := Request{System: System{Name: "sys"}, Op: "read", Subject: "a\nb", Method: "GET", Path: "/x"}.Fail(Permanent, "no\nway", cause)
	require.EqualError(t, e, `sys: read "a\nb" (GET /x): no way`)
	require.ErrorIs(t, e, cause)
	e = Request{System: System{Name: "sys"}, Op: "read", Subject: int64(7), Method: "GET", Path: "/x"}.
		Refused(&Answer{Status: 404}, NotFound, "c", "gone")
	require.EqualError(t, e, "sys: read 7 (GET /x): 404: gone")
	require.Equal(t, "c", e.Code)
	e.Hint = "look elsewhere"
	require.EqualError(t, e, "sys: read 7 (GET /x): 404: gone: look elsewhere")
	require.Equal(t, "read 7 (GET /x): 404: gone", e.Problem())
}

func TestUnreached(t *testing.T) {
	s := System{Title: "Sys"}
	for _, tt := range []struct {
		err  error
		hint string
	}{
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "x"}}, "check the spelling of the host in the Sys url, and the DNS"},
		{tls.RecordHeaderError{Msg: "x"}, "what listens there does not speak TLS: check the port in the Sys url"},
		{http.ErrSchemeMismatch, "what listens there does not speak TLS: check the port in the Sys url"},
		{syscall.ECONNREFUSED, "nothing listens there: check host and port of the Sys url, and that Sys runs"},
		{context.DeadlineExceeded, "the host does not answer: check the network, a firewall, and host and port of the Sys url"},
		{syscall.EHOSTUNREACH, "the host does not answer: check the network, a firewall, and host and port of the Sys url"},
		{context.Canceled, ""},
	} {
		require.Equal(t, tt.hint, s.unreached(fmt.Errorf("outer: %w", tt.err)), tt.err)
	}
}

func TestErrorIs(t *testing.T) {
	sentinels := []error{ErrNotFound, ErrConflict, ErrUnauthorized, ErrThrottled}
	for _, tt := range []struct {
		class  Class
		status int
		is     error
	}{
		{NotFound, 404, ErrNotFound},
		{Permanent, 404, ErrNotFound},
		{Permanent, 410, ErrNotFound},
		{Permanent, 400, nil},
		{Unauthorized, 404, ErrUnauthorized}, // of a login: it says nothing of the object
		{Conflict, 409, ErrConflict},
		{Conflict, 200, ErrConflict},
		{Throttled, 429, ErrThrottled},
		{Ambiguous, 0, nil},
	} {
		err := fmt.Errorf("outer: %w", &Error{Class: tt.class, Status: tt.status})
		for _, sentinel := range sentinels {
			require.Equal(t, sentinel == tt.is, errors.Is(err, sentinel), "%s %d: %v", tt.class, tt.status, sentinel)
		}
	}
}

func TestClassOfStatus(t *testing.T) {
	for status, want := range map[int][2]Class{ // of a read, of a write
		202: {Temporary, Ambiguous},
		302: {Permanent, Permanent},
		400: {Permanent, Permanent},
		401: {Unauthorized, Unauthorized},
		403: {Permanent, Permanent},
		404: {Permanent, Permanent},
		408: {Temporary, Temporary},
		409: {Conflict, Conflict},
		423: {Temporary, Temporary},
		429: {Throttled, Throttled},
		500: {Temporary, Ambiguous},
		503: {Temporary, Ambiguous},
	} {
		require.Equal(t, want, [2]Class{ClassOfStatus(status, true), ClassOfStatus(status, false)}, status)
	}
}
