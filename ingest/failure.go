package ingest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/sepwatch/sepwatch/internal/connect"
)

// Error is why a watcher lost its mailbox or did not get it.
type Error struct {
	// Mailbox and Host name what was being watched.
	Mailbox, Host string
	// Doing is the step that failed, such as "log in".
	Doing string
	// Hint says what a person can do about it, empty if nothing is known.
	Hint string
	Err  error

	lane laneKind
}

func (e *Error) Error() string {
	s := fmt.Sprintf("mailbox %s at %s: %s: %v", e.Mailbox, e.Host, e.Doing, e.Err)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// laneKind says how soon it is tried again.
type laneKind int

const (
	laneReconnect laneKind = iota
	laneLogin
	laneStandby
)

// errSilent means that the server did not answer in time.
var errSilent = errors.New("no answer from the server")

func silence(d time.Duration) error { return fmt.Errorf("%w for %v", errSilent, d) }

// isStatus says whether the server refused a command and the connection is
// still good.
func isStatus(err error) bool {
	var status *imap.Error
	return errors.As(err, &status) && (status.Type == imap.StatusResponseTypeNo || status.Type == imap.StatusResponseTypeBad)
}

// fail wraps the error of a step with the server, and adds the hint that fits.
func (w *Watcher) fail(doing string, err error) *Error {
	var proxy *connect.ProxyError
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
	if ended && !errors.As(err, &proxy) {
		err = fmt.Errorf("the server closed the connection: %w", err)
	}
	return &Error{Mailbox: w.o.Name, Host: w.o.Address, Doing: doing, Err: err, Hint: connectHint(err)}
}

// failSink wraps an error of the sink.
func (w *Watcher) failSink(doing string, err error) *Error {
	e := &Error{Mailbox: w.o.Name, Host: w.o.Address, Doing: doing, Err: err}
	if errors.Is(err, ErrFenced) {
		e.lane = laneStandby
	}
	return e
}

func connectHint(err error) string {
	var (
		proxy  *connect.ProxyError
		record tls.RecordHeaderError
		dns    *net.DNSError
	)
	if advice, untrusted := connect.Distrust(err, "the mail server"); untrusted {
		return advice
	}
	switch {
	case errors.As(err, &proxy):
		return proxy.Advice()
	case errors.Is(err, errNoTLS):
		return "imap:// goes on over TLS alone (STARTTLS): turn it on at the server, or use imaps:// where that is served, " +
			"or imap+insecure:// on this machine; if it worked before, somebody may be taking it out of the connection"
	case errors.Is(err, errNotTLS):
		return "somebody may be putting words into the connection, or the server is broken: no password was sent"
	case errors.As(err, &record):
		return "the server does not speak TLS on this port: IMAP over TLS is usually port 993, and imap:// asks for STARTTLS on port 143"
	case errors.As(err, &dns):
		return "the host name cannot be resolved: check its spelling and the DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check host and port, and that the mail server runs"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, errSilent):
		return "the host does not answer: check the network, a firewall and the port"
	}
	return ""
}

// maxFolders bounds how many folders a hint names.
const maxFolders = 20

func folderHint(folder string, folders []string) string {
	if len(folders) == 0 {
		return fmt.Sprintf("there is no folder %q that this user may open", folder)
	}
	more := ""
	if n := len(folders) - maxFolders; n > 0 {
		folders, more = folders[:maxFolders], fmt.Sprintf(" and %d more", n)
	}
	quoted := make([]string, len(folders))
	for i, f := range folders {
		quoted[i] = fmt.Sprintf("%q", f)
	}
	return fmt.Sprintf("there is no folder %q; this user has %s%s", folder, strings.Join(quoted, ", "), more)
}
