package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Size is a number of bytes, written in IEC units: 512KiB, 64MiB, 1GiB.
type Size int64

// sizeUnits are in the order in which String tries them.
var sizeUnits = [...]struct {
	suffix string
	bytes  int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String writes the size in the largest unit that leaves no fraction.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if int64(s)%u.bytes == 0 && s != 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// parseSize reads a positive size.
func parseSize(text string) (Size, bool) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64/u.bytes {
			return 0, false
		}
		return Size(n * u.bytes), true
	}
	return 0, false
}

// The schemes of a [MailboxURL]: TLS from the start, STARTTLS, and no TLS, on
// this machine.
const (
	IMAPS        = "imaps"
	IMAP         = "imap"
	IMAPInsecure = "imap+insecure"
)

// MailboxURL says where a mailbox is.
type MailboxURL struct {
	// Scheme is IMAPS, IMAP or IMAPInsecure.
	Scheme string
	// User is the login name, decoded.
	User string
	// Host is a DNS name or an address, without brackets.
	Host string
	// Port is never 0: 993 for imaps and 143 for the others when none is
	// written.
	Port uint16
	// Folder is the IMAP folder, decoded.
	Folder string
}

const mailboxForm = "imaps://user@host[:port]/FOLDER, or imap:// for STARTTLS, with user and folder percent-encoded"

// Address returns host:port, ready to dial.
func (u MailboxURL) Address() string {
	return net.JoinHostPort(u.Host, strconv.Itoa(int(u.Port)))
}

// String writes the URL with its port, percent-encoded.
func (u MailboxURL) String() string {
	if u == (MailboxURL{}) {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, User: url.User(u.User), Host: u.Address(), Path: "/" + u.Folder}).String()
}

// parseMailboxURL never quotes the text: it may hold a password, also where
// it cannot be read.
func parseMailboxURL(text string) (MailboxURL, *fault) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return MailboxURL{}, &fault{"is not the URL of a mailbox", mailboxForm}
	}
	if _, has := u.User.Password(); has {
		return MailboxURL{}, &fault{"holds a password", "the URL without it, and password_file beside it"}
	}
	m := MailboxURL{Scheme: u.Scheme, User: u.User.Username(), Host: u.Hostname(), Folder: strings.TrimPrefix(u.Path, "/")}
	switch {
	case !slices.Contains([]string{IMAPS, IMAP, IMAPInsecure}, u.Scheme):
		return MailboxURL{}, &fault{fmt.Sprintf("has the scheme %q", u.Scheme), mailboxForm}
	case u.Scheme == IMAPInsecure && !loopback(m.Host):
		return MailboxURL{}, &fault{"would send the password in the clear: imap+insecure:// is for loopback hosts only", "imaps://, or imap:// for STARTTLS, in place of imap+insecure://"}
	case m.User == "":
		return MailboxURL{}, &fault{"names no user", mailboxForm}
	case m.Host == "":
		return MailboxURL{}, &fault{"names no host", mailboxForm}
	case m.Folder == "":
		return MailboxURL{}, &fault{"names no folder", "/INBOX or another folder at its end"}
	case strings.ContainsFunc(m.User+m.Folder, isControl):
		return MailboxURL{}, &fault{"has a control character in its user or folder", mailboxForm}
	}
	m.Port = 143
	if m.Scheme == IMAPS {
		m.Port = 993
	}
	if text := u.Port(); text != "" {
		port, ok := parsePort(text)
		if !ok {
			return MailboxURL{}, &fault{"has a port outside 1 to 65535", mailboxForm}
		}
		m.Port = port
	}
	return m, nil
}

// parseBaseURL reads https://host[:port] and gives it with a port where the
// text has none and defaultPort is not empty. Like parseMailboxURL it never
// quotes the text.
func parseBaseURL(text, defaultPort string) (string, *fault) {
	form := "https://host[:port]"
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", &fault{"is not the URL of a server", form}
	}
	if u.User != nil {
		return "", &fault{"holds a user", form + ", and the user in the setting of its own"}
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "", &fault{fmt.Sprintf("has the scheme %q", u.Scheme), form}
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", &fault{"would send credentials in the clear: http:// is for loopback hosts only", "https:// in place of http://"}
	case u.Path != "" && u.Path != "/":
		return "", &fault{"has a path", u.Scheme + "://" + u.Host}
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	} else if _, ok := parsePort(port); !ok {
		return "", &fault{"has a port outside 1 to 65535", form}
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

func parsePort(text string) (uint16, bool) {
	port, err := strconv.ParseUint(text, 10, 16)
	return uint16(port), err == nil && port > 0
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
