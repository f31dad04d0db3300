package program

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/pflag"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// SEPM is the stand-in for SEPM.
type SEPM struct {
	web
	options sepm.Options
	fleet   sepm.FleetFlags
}

// Define adds the flags.
func (p *SEPM) Define(fs *pflag.FlagSet) {
	p.web.define(fs, "127.0.0.1:8446")
	p.fleet.Define(fs)
	p.options.Define(fs)
}

// Start starts it.
func (p *SEPM) Start(log Log) (Running, error) {
	p.options.Computers = p.fleet.Fleet()
	alert.Infect(p.options.Computers[:p.fleet.Computers]) // behind them are stale records
	return p.web.start(sepm.New(p.options), p.fleet.Seed, log, About{
		System: "sepm", what: fmt.Sprintf("SEPM %s stands in, with %d computers", p.options.Release, p.fleet.Computers),
		Username: p.options.Username, Password: p.options.Password, Domain: p.options.Domains[0].Name,
	})
}

// Resilient is the stand-in for Resilient.
type Resilient struct {
	web
	options soar.Options
	seed    int64
}

// Define adds the flags.
func (p *Resilient) Define(fs *pflag.FlagSet) {
	p.web.define(fs, "127.0.0.1:8443")
	fs.StringVar(&p.clientCA, "client-ca", "", "serve only clients with a certificate that one in this PEM `FILE` has signed")
	p.options.Define(fs)
	fs.Int64Var(&p.seed, "seed", 1, "another number makes other faults strike")
}

// Start starts it.
func (p *Resilient) Start(log Log) (Running, error) {
	return p.web.start(soar.New(p.options), p.seed, log, About{
		System: "resilient", what: "Resilient stands in, with no incidents yet",
		Org: p.options.Orgs[0].Name, APIKeyID: p.options.KeyID, APIKeySecret: p.options.KeySecret, ResourcePrefix: p.options.ResourcePrefix,
	})
}

// web is what the stand-ins that speak HTTP have in common.
type web struct {
	listening
	clientCA string // file; empty is none
	faults   []fault.Switch
}

func (p *web) define(fs *pflag.FlagSet, standard string) {
	p.listening.define(fs, standard)
	fs.Func("fault", "turn a fault on: `KIND[,key=value...]`, see above; may be repeated", func(text string) error {
		switches, err := fault.Parse(text)
		p.faults = append(p.faults, switches...)
		return err
	})
}

func (p *web) start(h http.Handler, seed int64, log Log, about About) (Running, error) {
	cert, err := p.tls()
	if err != nil {
		return Running{}, err
	}
	set := fault.New(seed)
	set.On(p.faults...)
	server, err := p.serve(cert, logged(set.Wrap(h), log))
	if err != nil {
		return Running{}, err
	}
	about.URL = server.URL()
	about.Fingerprint, about.CertificateFile = p.shown(cert)
	return Running{
		About:    about,
		Warnings: p.warnings(server.Address(), cert),
		Close: func() error {
			set.Close() // before the server, which waits for what is held
			return server.Close()
		},
	}, nil
}

// Check reports flags that do not go together.
func (p *web) Check() error {
	if p.plain && p.clientCA != "" {
		return errors.New("--client-ca is for TLS, and --plain goes without it")
	}
	return p.listening.Check()
}

func (p *web) serve(cert *tls.Certificate, h http.Handler) (server *serve.HTTP, err error) {
	if p.clientCA == "" {
		server, err = serve.Start(string(p.address), cert, h)
	} else {
		var data []byte
		if data, err = os.ReadFile(p.clientCA); err != nil {
			return nil, fmt.Errorf("read the certificates that sign clients': %w", err)
		}
		clients := x509.NewCertPool()
		if !clients.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", p.clientCA)
		}
		server, err = serve.StartMutual(string(p.address), *cert, clients, h)
	}
	if err != nil {
		return nil, mendable(err)
	}
	return server, nil
}

// logged tells of each request and its answer.
func logged(h http.Handler, log Log) http.Handler {
	if log == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &answer{ResponseWriter: w}
		defer func() {
			// Both are escaped, so that a terminal only shows them.
			path := r.URL.EscapedPath()
			if r.URL.RawQuery != "" {
				path += "?" + r.URL.Query().Encode()
			}
			log(fmt.Sprintf("%s %s %s", r.Method, path, seen))
		}()
		h.ServeHTTP(seen, r)
	})
}

// answer remembers the status of an answer.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a fault take the connection over.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// String is the status, or that there was none.
func (a *answer) String() string {
	if a.status == 0 {
		return "no answer"
	}
	return fmt.Sprint(a.status)
}
