package program

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// listening is where and how a stand-in listens.
type listening struct {
	address     address
	plain       bool
	certificate string
}

func (l *listening) define(fs *pflag.FlagSet, standard string) {
	l.address = address(standard)
	fs.Var(&l.address, "listen", "listen on `HOST:PORT`; port 0 is any free one")
	fs.BoolVar(&l.plain, "plain", false, "serve without TLS")
	fs.StringVar(&l.certificate, "certificate", "", "keep the certificate and its key in this PEM `FILE`, which is made when it is missing; it serves as a ca_file too")
}

// Check reports flags that do not go together.
func (l *listening) Check() error {
	if l.plain && l.certificate != "" {
		return errors.New("--certificate is for TLS, and --plain goes without it")
	}
	return nil
}

// address is a flag that takes a host and a port.
type address string

// Set implements [pflag.Value].
func (a *address) Set(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("want a host and a port such as 127.0.0.1:8446")
	}
	*a = address(text)
	return nil
}

// String implements [pflag.Value].
func (a *address) String() string { return string(*a) }

// Type implements [pflag.Value].
func (a *address) Type() string { return "address" }

// tls gives the certificate to serve with, nil without TLS.
func (l *listening) tls() (*tls.Certificate, error) {
	if l.plain {
		return nil, nil
	}
	var cert tls.Certificate
	var err error
	if l.certificate == "" {
		cert, _, err = serve.SelfSigned(l.host())
	} else {
		cert, err = serve.Kept(l.certificate, l.host())
	}
	if err != nil {
		return nil, err
	}
	return &cert, nil
}

// host is the name by which clients call the stand-in, as far as that can be
// known. The certificate names this machine's loopback beside it.
func (l *listening) host() string {
	host, _, _ := net.SplitHostPort(string(l.address)) // it could be split when it was set
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return name
		}
		return "localhost"
	}
	return host
}

// shown is what there is to say of the certificate.
func (l *listening) shown(cert *tls.Certificate) (fingerprint, file string) {
	if cert == nil {
		return "", ""
	}
	return serve.Fingerprint(*cert), l.certificate
}

// warnings are what the user may not have meant.
func (l *listening) warnings(address string, cert *tls.Certificate) []string {
	var all []string
	if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().Unmap().IsLoopback() {
		all = append(all, address+" can be reached from other machines, and this is a stand-in with public credentials")
	}
	if cert == nil {
		return all
	}
	if ended := cert.Leaf.NotAfter; time.Now().After(ended) {
		all = append(all, fmt.Sprintf("the certificate in %s ended on %s; without the file a new one is made", l.certificate, ended.Format(time.DateOnly)))
	}
	if cert.Leaf.VerifyHostname(l.host()) != nil {
		all = append(all, fmt.Sprintf("the certificate in %s does not name %s; without the file one that does is made", l.certificate, l.host()))
	}
	return all
}

// mendable says what to do about an address that cannot be listened on.
func mendable(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; name another with --listen, with port 0 for any free one", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; name a port above 1023 with --listen", err)
	case errors.As(err, &op):
		return fmt.Errorf("%w; name an address of this machine with --listen, such as 127.0.0.1:0", err)
	}
	return err
}
