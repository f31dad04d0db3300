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
	host, _, _ := net.SplitHostPort(string(l.address)) // checked by Set
	var hosts []string
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			hosts = append(hosts, name) // without it clients on this machine still have localhost
		}
	} else {
		hosts = append(hosts, host)
	}
	if l.certificate == "" {
		cert, _, err := serve.SelfSigned(hosts...)
		return &cert, err
	}
	cert, err := serve.Kept(l.certificate, hosts...)
	return &cert, err
}

// about is what there is to say of the address and the certificate.
func (l *listening) about(cert *tls.Certificate) About {
	if cert == nil {
		return About{}
	}
	return About{Fingerprint: serve.Fingerprint(*cert), CertificateFile: l.certificate}
}

// warning is for an address that others can reach; empty for any other.
func warning(address string) string {
	if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Unmap().IsLoopback() {
		return ""
	}
	return fmt.Sprintf("%s can be reached from other machines, and this is a stand-in with public credentials", address)
}

// failed says what to do about an address that cannot be listened on.
func (l *listening) failed(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; name another with --listen, with port 0 for any free one", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; name a port above 1023 with --listen", err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("%w; name an address of this machine with --listen, such as 127.0.0.1:0", err)
	}
	return err
}
