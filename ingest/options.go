package ingest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/sepwatch/sepwatch/internal/connect"
)

// TLSMode says how the connection to the mail server is protected.
type TLSMode string

// The ways to connect: TLS from the start, or after STARTTLS, without which no
// session goes on. None sends the password in the clear, so [New] refuses it
// for any host but this one.
const (
	Implicit TLSMode = "implicit"
	StartTLS TLSMode = "starttls"
	None     TLSMode = "none"
)

// Start says which of the mails that are there when a mailbox is opened for
// the first time are read: those that arrived no longer ago than this.
type Start time.Duration

// Where to start: with the next mail to arrive, or with the oldest one there.
const (
	Now Start = 0
	All Start = math.MaxInt64
)

// Flag says how a mail is marked in the mailbox after its commit. The mark is
// a courtesy for people: what was read is known from the [Sink] alone.
type Flag string

// The marks: a keyword where the server allows one, nothing, or \Seen.
const (
	FlagAuto Flag = "auto"
	FlagNone Flag = "none"
	FlagSeen Flag = "seen"
)

// Keyword is the IMAP keyword that [FlagAuto] sets.
const Keyword = "$Processed"

// Backoff bounds the pauses between attempts: the first lasts about Min, each
// further one about twice as long, none longer than Max.
type Backoff struct{ Min, Max time.Duration }

// Clock is where the watcher's time comes from. [time.Now] and [time.After]
// are its model.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Options configures a [Watcher]. Name, Address, Username and Password are
// required; a zero value elsewhere means the default.
type Options struct {
	// Name is what the mailbox is called in the config, in logs and in the
	// [Sink].
	Name string
	// Address is the mail server's host:port.
	Address string
	// TLS is Implicit by default.
	TLS TLSMode
	// Username and Password are sent with LOGIN.
	Username, Password string
	// Folder is INBOX by default.
	Folder string
	// RootCAs verifies the server's certificate; nil means the system's.
	RootCAs *x509.CertPool
	// Fingerprints are those of the certificates that the server may show.
	// They take the place of authorities, unless there are RootCAs, too.
	Fingerprints []connect.Fingerprint
	// Proxy is the proxy to go through, if any.
	Proxy connect.Proxy
	// Start is Now by default.
	Start Start
	// Flag is FlagAuto by default.
	Flag Flag
	// Move is the folder that a mail is moved to after its commit, if any.
	Move string
	// Poll is the pause between looks into the mailbox beside IDLE, 1 minute
	// by default. The lease that the Sink grants must outlast it.
	Poll time.Duration
	// IdleRestart bounds how long one IDLE command runs: 4 minutes by default,
	// 5 at most, as routers forget silent connections soon after.
	IdleRestart time.Duration
	// CommandTimeout is how long the server may stay silent while an answer is
	// due, 60 seconds by default.
	CommandTimeout time.Duration
	// MaxSize is the number of bytes kept of one mail, 64 MiB by default.
	MaxSize int64
	// BatchMails and BatchBytes bound what is fetched and committed together:
	// 256 mails and 4 MiB by default. One mail may be larger than BatchBytes.
	BatchMails int
	BatchBytes int64
	// Reconnect paces attempts after a lost connection (1 s to 5 min) and
	// LoginRetry those after a refused login (30 s to 15 min), which could lock
	// the account.
	Reconnect, LoginRetry Backoff
	// HoleRetry paces attempts at a mail that the server did not give (15 s to
	// 1 h).
	HoleRetry Backoff
	// Standby is the pause before the mailbox is asked for again while another
	// watcher holds it, 5 seconds by default.
	Standby time.Duration
	// Read, when set, is called with each mail of a run as it comes in, and
	// what it returns stands in [Mail.Reading]: what can be done for a mail
	// before its commit is done while the commit before it is under way.
	Read func(Mail) any
	// Clock is the system's by default.
	Clock Clock
	// Logger is slog.Default() by default.
	Logger *slog.Logger
	// Dial opens the TCP connection to the server, or to the Proxy; nil means a
	// net.Dialer with keep-alive.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// maxIdle is the longest IDLE allowed (contract: SEPM e-mail §4.2).
const maxIdle = 5 * time.Minute

func (o *Options) complete() error {
	orDefault(&o.TLS, Implicit)
	orDefault(&o.Folder, "INBOX")
	orDefault(&o.Flag, FlagAuto)
	orDefault(&o.Poll, time.Minute)
	orDefault(&o.IdleRestart, 4*time.Minute)
	orDefault(&o.CommandTimeout, time.Minute)
	orDefault(&o.MaxSize, 64<<20)
	orDefault(&o.BatchMails, 256)
	orDefault(&o.BatchBytes, 4<<20)
	orDefault(&o.Reconnect, Backoff{time.Second, 5 * time.Minute})
	orDefault(&o.LoginRetry, Backoff{30 * time.Second, 15 * time.Minute})
	orDefault(&o.HoleRetry, Backoff{15 * time.Second, time.Hour})
	orDefault(&o.Standby, 5*time.Second)
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Dial == nil {
		dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: time.Minute, Interval: 20 * time.Second, Count: 3,
		}}
		o.Dial = dialer.DialContext
	}
	o.Dial = o.Proxy.Through(o.Dial)
	return o.validate()
}

func orDefault[T comparable](value *T, def T) {
	var zero T
	if *value == zero {
		*value = def
	}
}

// validate reports every mistake at once.
func (o *Options) validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Name == "" {
		wrong("name is empty: give the mailbox a name")
	}
	if o.Username == "" {
		wrong("user name is empty")
	}
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		wrong("address %q: want host:port", o.Address)
	}
	switch o.TLS {
	case Implicit, StartTLS:
	case None:
		if err == nil && !isLoopback(host) {
			wrong("TLS is off for %s: the password would cross the network in the clear; use TLS", host)
		}
		if len(o.Fingerprints) > 0 {
			wrong("fingerprints without TLS: there is no certificate to compare them with")
		}
	default:
		wrong("TLS mode %q: want %q, %q or %q", o.TLS, Implicit, StartTLS, None)
	}
	if o.Flag != FlagAuto && o.Flag != FlagNone && o.Flag != FlagSeen {
		wrong("flag %q: want %q, %q or %q", o.Flag, FlagAuto, FlagNone, FlagSeen)
	}
	if o.Move != "" && o.Move == o.Folder {
		wrong("move to %q: that is the folder being watched", o.Move)
	}
	if o.IdleRestart > maxIdle {
		wrong("idle restart %v: want at most %v", o.IdleRestart, maxIdle)
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"start", int64(o.Start)}, {"poll", int64(o.Poll)}, {"idle restart", int64(o.IdleRestart)}, {"command timeout", int64(o.CommandTimeout)},
		{"max size", o.MaxSize}, {"batch mails", int64(o.BatchMails)}, {"batch bytes", o.BatchBytes}, {"standby", int64(o.Standby)},
	} {
		if n.value < 0 {
			wrong("%s is negative", n.name)
		}
	}
	return errors.Join(errs...)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
