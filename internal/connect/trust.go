package connect

import (
	"crypto/tls"
	"crypto/x509"
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
}

// Config is the TLS of a connection to the host.
func (t Trust) Config(host string) *tls.Config {
	c := &tls.Config{ServerName: host, RootCAs: t.RootCAs, MinVersion: tls.VersionTLS12}
	if len(t.Fingerprints) > 0 {
		c.InsecureSkipVerify = t.RootCAs == nil // the pin is the trust
		// Unlike VerifyPeerCertificate, it is asked about resumed sessions too.
		c.VerifyConnection = t.verify
	}
	return c
}

func (t Trust) verify(state tls.ConnectionState) error {
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
