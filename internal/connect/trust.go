package connect

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

// Trust says which certificate a server may show.
type Trust struct {
	// RootCAs are the certificates to trust, of authorities or of the server
	// itself. Nil means the system's authorities, or nobody's where there are
	// Fingerprints.
	RootCAs *x509.CertPool
	// Fingerprints are those of the certificates that the server may show. Any
	// one of them is enough in place of an authority, and then name, dates and
	// issuer of the certificate do not count; where there are RootCAs as well,
	// both must hold.
	Fingerprints []Fingerprint
	// AllowCNOnly takes the common name of a certificate for its name where it
	// has no other, as certificates had it before 2000 (RFC 2818); Go by itself
	// does not.
	AllowCNOnly bool
	// Certificate is what this side shows to a server that asks for one
	// (mutual TLS); nil shows none.
	Certificate *tls.Certificate
}

// Config is the TLS of a connection to the host.
func (t Trust) Config(host string) *tls.Config {
	c := &tls.Config{ServerName: host, RootCAs: t.RootCAs, MinVersion: tls.VersionTLS12}
	if t.Certificate != nil {
		c.Certificates = []tls.Certificate{*t.Certificate}
	}
	pinned := len(t.Fingerprints) > 0
	pinAlone := pinned && t.RootCAs == nil // the pin is the trust
	byCommonName := t.AllowCNOnly && !pinAlone
	if !pinned && !byCommonName {
		return c
	}
	// What crypto/tls is told to leave out here, verifyChain does.
	c.InsecureSkipVerify = pinAlone || byCommonName
	// Unlike VerifyPeerCertificate, it is asked about resumed sessions too.
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if byCommonName {
			if err := t.verifyChain(state.PeerCertificates, host); err != nil {
				return err
			}
		}
		if pinned {
			return t.verifyPin(state)
		}
		return nil
	}
	return c
}

// verifyChain does what crypto/tls does, but for a certificate without any
// name but the common one.
func (t Trust) verifyChain(shown []*x509.Certificate, host string) error {
	leaf := shown[0]
	if IsCNOnly(leaf) {
		named := *leaf
		named.DNSNames = []string{leaf.Subject.CommonName}
		leaf = &named
	}
	o := x509.VerifyOptions{Roots: t.RootCAs, DNSName: host, Intermediates: x509.NewCertPool()}
	for _, c := range shown[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(o); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: shown, Err: err}
	}
	return nil
}

// IsCNOnly reports whether a certificate has its name in its common name only.
func IsCNOnly(c *x509.Certificate) bool {
	subjectAltName := asn1.ObjectIdentifier{2, 5, 29, 17}
	return c.Subject.CommonName != "" && !slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool {
		return e.Id.Equal(subjectAltName)
	})
}

func (t Trust) verifyPin(state tls.ConnectionState) error {
	if shown := FingerprintOf(state.PeerCertificates[0]); !slices.Contains(t.Fingerprints, shown) {
		return &FingerprintError{Shown: shown}
	}
	return nil
}

// FingerprintError is a server that showed another certificate than those
// whose fingerprints are trusted.
type FingerprintError struct {
	// Shown is the fingerprint of the certificate that it showed.
	Shown Fingerprint
}

// Error names the fingerprint.
func (e *FingerprintError) Error() string {
	return fmt.Sprintf("the certificate has the fingerprint %s, which is none of fingerprints", e.Shown)
}

// Distrust tells the error of a connection whose server showed a certificate
// that was not accepted, and says what to do about it. The server is called by
// the name given, such as "SEPM".
func Distrust(err error, server string) (advice string, untrusted bool) {
	var proxy *ProxyError
	var pinned *FingerprintError
	var refused *tls.CertificateVerificationError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &proxy):
		return "", false // it is the proxy's, whose advice is its own
	case errors.As(err, &pinned):
		return fmt.Sprintf("somebody may have come between, or the certificate was renewed: "+
			"ask who runs %s, and add the fingerprint to fingerprints only if it is the new one's", server), true
	case !errors.As(err, &refused):
		return "", false
	case errors.As(err, &hostname):
		advice = "use a name of the certificate in the url"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		advice = fmt.Sprintf("renew %s's certificate, or set this machine's clock", server)
	default:
		advice = fmt.Sprintf("name the PEM file of %s's certificate, or of its authority, in ca_file", server)
	}
	if len(refused.UnverifiedCertificates) > 0 {
		advice += fmt.Sprintf("; or, if the certificate shown is %s's own, set fingerprints: [%s] without ca_file",
			server, FingerprintOf(refused.UnverifiedCertificates[0]))
	}
	return advice, true
}
