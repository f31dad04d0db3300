package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/sepwatch/sepwatch/internal/connect"
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

// unreached says what to do about a server to which there is no connection.
func (s System) unreached(err error) string {
	var proxy *connect.ProxyError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &proxy):
		return proxy.Advice()
	case errors.As(err, &dns):
		return fmt.Sprintf("check the spelling of the host in the %s url, and the DNS", s.Title)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Sprintf("what listens there does not speak TLS: check the port in the %s url", s.Title)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens there: check host and port of the %s url, and that %s runs", s.Title, s.Title)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Sprintf("the host does not answer: check the network, a firewall, and host and port of the %s url", s.Title)
	}
	return ""
}

// connectionLost tells a connection that the other side had closed.
func connectionLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// AdviseTLS adds to an error of TLS which setting can mend it; section is where
// these settings stand, such as resilient.tls.
func (s System) AdviseTLS(err error, section string) error {
	var e *Error
	var hostname x509.HostnameError
	var alert *net.OpError
	switch {
	case !errors.As(err, &e):
	case errors.As(err, &hostname) && connect.IsCNOnly(hostname.Certificate):
		e.Hint = fmt.Sprintf("the certificate has no name but the common name %q: use it in the url, and set %s.allow_cn_only to true; or %s",
			Printable(hostname.Certificate.Subject.CommonName), section, e.Hint)
	case errors.As(err, &alert) && alert.Op == "remote error": // crypto/tls's word for an alert
		e.Hint = fmt.Sprintf("%s broke off the TLS: where it asks for a client certificate, set one that it accepts in %s.certificate_file", s.Title, section)
	}
	return err
}
