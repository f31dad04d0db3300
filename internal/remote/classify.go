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

// distrust says what to do about a certificate that was not accepted.
func (s System) distrust(err error) (advice string, untrusted bool) {
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &hostname):
		return fmt.Sprintf("use a name of the certificate in the %s url", s.Title), true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("renew %s's certificate, or set this machine's clock", s.Title), true
	case errors.As(err, &verification), errors.As(err, &unknown), errors.As(err, &invalid):
		return fmt.Sprintf("name the PEM file of %s's certificate, or of its authority, in ca_file", s.Title), true
	}
	return "", false
}

// unreached says what to do about a server to which there is no connection.
func (s System) unreached(err error) string {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	switch {
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
