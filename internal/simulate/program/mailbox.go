package program

import (
	"errors"
	"math/rand/v2"
	"net/url"

	"github.com/spf13/pflag"

	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// Mailbox is the stand-in for a mail server.
type Mailbox struct {
	listening
	options mailbox.Options
	faults  []mailbox.Rule
}

// Define adds the flags.
func (p *Mailbox) Define(fs *pflag.FlagSet) {
	p.listening.define(fs, "127.0.0.1:8993")
	p.options.Define(fs)
	fs.Func("fault", "turn a fault on: `KIND[,key=value...]`, see above; may be repeated", func(text string) error {
		rules, err := mailbox.Parse(text)
		p.faults = append(p.faults, rules...)
		return err
	})
}

// Check reports flags that do not go together.
func (p *Mailbox) Check() error {
	if p.plain && p.options.StartTLS {
		return errors.New("--starttls is for TLS, and --plain goes without it")
	}
	if p.options.NoIdle && p.options.StartTLS {
		return errors.New("--no-idle and --starttls do not go together")
	}
	return p.listening.Check()
}

// Start starts it.
func (p *Mailbox) Start(log Log) (Running, error) {
	cert, err := p.tls()
	if err != nil {
		return Running{}, err
	}
	p.options.Address, p.options.Plain, p.options.Certificate, p.options.Log = string(p.address), p.plain, cert, log
	// A stand-in that is started again is empty, and must not look like the
	// one before it to a client that remembers.
	p.options.UIDValidity = 2 + rand.IntN(mailbox.MaxUIDValidity-1)
	server, err := mailbox.New(p.options)
	if err != nil {
		return Running{}, mendable(err)
	}
	server.SetFaults(p.faults...)
	where := url.URL{Scheme: "imaps", User: url.User(p.options.Username), Host: serve.Reachable(server.Address()), Path: "/" + mailbox.Inbox}
	what := "A mail server stands in, with no mail yet"
	switch {
	case p.options.StartTLS:
		where.Scheme, what = "imap", what+"; TLS begins with STARTTLS"
	case p.plain:
		where.Scheme = "imap"
	}
	about := About{
		System: "mailbox", what: what, URL: where.String(), StartTLS: p.options.StartTLS,
		Username: p.options.Username, Password: p.options.Password, Folder: mailbox.Inbox,
	}
	about.Fingerprint, about.CertificateFile = p.shown(cert)
	return Running{About: about, Warnings: p.warnings(server.Address(), cert), Close: server.Close}, nil
}
