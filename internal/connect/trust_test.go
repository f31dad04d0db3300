package connect_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// certified is a certificate, a pool that holds it, and its fingerprint.
func certified(t *testing.T) (tls.Certificate, *x509.CertPool, connect.Fingerprint) {
	t.Helper()
	cert, pem, err := serve.SelfSigned()
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	return cert, pool, connect.FingerprintOf(cert.Leaf)
}

// handshake connects to a server with the certificate, and says whether the
// session was one that was resumed.
func handshake(t *testing.T, server *tls.Config, client *tls.Config) (resumed bool, err error) {
	t.Helper()
	address := listens(t, func(raw net.Conn) {
		conn := tls.Server(raw, server)
		if conn.Handshake() == nil {
			_, _ = io.WriteString(conn, "x") // after the ticket
			_ = conn.Close()
		}
	})
	conn, err := tls.Dial("tcp", address, client)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	_, _ = io.ReadAll(conn)
	return conn.ConnectionState().DidResume, nil
}

func TestTrust(t *testing.T) {
	t.Parallel()
	cert, own, pin := certified(t)
	_, other, otherPin := certified(t)
	for _, tt := range []struct {
		name, host   string
		trust        connect.Trust
		ok, mismatch bool
	}{
		{"the system's authorities", "localhost", connect.Trust{}, false, false},
		{"its authority", "localhost", connect.Trust{RootCAs: own}, true, false},
		{"its authority, for another name", "sepm", connect.Trust{RootCAs: own}, false, false},
		{"its pin", "localhost", connect.Trust{Fingerprints: []connect.Fingerprint{pin}}, true, false},
		{"its pin, for another name", "sepm", connect.Trust{Fingerprints: []connect.Fingerprint{pin}}, true, false},
		{"its pin among several", "sepm", connect.Trust{Fingerprints: []connect.Fingerprint{otherPin, pin}}, true, false},
		{"another pin", "localhost", connect.Trust{Fingerprints: []connect.Fingerprint{otherPin}}, false, true},
		{"both", "localhost", connect.Trust{RootCAs: own, Fingerprints: []connect.Fingerprint{pin}}, true, false},
		{"both, for another name", "sepm", connect.Trust{RootCAs: own, Fingerprints: []connect.Fingerprint{pin}}, false, false},
		{"its authority and another pin", "localhost", connect.Trust{RootCAs: own, Fingerprints: []connect.Fingerprint{otherPin}}, false, true},
		{"its pin and another authority", "localhost", connect.Trust{RootCAs: other, Fingerprints: []connect.Fingerprint{pin}}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := handshake(t, &tls.Config{Certificates: []tls.Certificate{cert}}, tt.trust.Config(tt.host))
			require.Equal(t, tt.ok, err == nil, "%v", err)
			var mismatch *connect.FingerprintError
			require.Equal(t, tt.mismatch, errors.As(err, &mismatch), "%v", err)
			if tt.mismatch {
				require.Equal(t, pin, mismatch.Shown)
				require.EqualError(t, err, "the certificate has the fingerprint "+pin.String()+", which is none of fingerprints")
			}
		})
	}
}

func TestResumedSessionIsHeldToThePinToo(t *testing.T) {
	t.Parallel()
	cert, _, pin := certified(t)
	_, _, otherPin := certified(t)
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	sessions := tls.NewLRUClientSessionCache(1)
	connected := func(pin connect.Fingerprint) (bool, error) {
		client := connect.Trust{Fingerprints: []connect.Fingerprint{pin}}.Config("localhost")
		client.ClientSessionCache = sessions
		return handshake(t, server, client)
	}
	for _, want := range []bool{false, true} {
		resumed, err := connected(pin)
		require.NoError(t, err)
		require.Equal(t, want, resumed)
	}
	_, err := connected(otherPin)
	var mismatch *connect.FingerprintError
	require.ErrorAs(t, err, &mismatch)
}

func TestDistrust(t *testing.T) {
	t.Parallel()
	shown := &x509.Certificate{Raw: []byte("abc")}
	pin := "; or, if the certificate shown is SEPM's own, set fingerprints: [" + connect.FingerprintOf(shown).String() + "] without ca_file"
	refused := func(err error) error {
		return &tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{shown}, Err: err}
	}
	for _, tt := range []struct {
		err    error
		advice string
	}{
		{refused(x509.HostnameError{Certificate: shown}), "use a name of the certificate in the url" + pin},
		{refused(x509.CertificateInvalidError{Reason: x509.Expired}), "renew SEPM's certificate, or set this machine's clock" + pin},
		{refused(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), "name the PEM file of SEPM's certificate, or of its authority, in ca_file" + pin},
		{refused(x509.UnknownAuthorityError{}), "name the PEM file of SEPM's certificate, or of its authority, in ca_file" + pin},
		{&tls.CertificateVerificationError{Err: errors.New("x")}, "name the PEM file of SEPM's certificate, or of its authority, in ca_file"},
		{&connect.FingerprintError{}, "somebody may have come between, or the certificate was renewed: " +
			"ask who runs SEPM, and add the fingerprint to fingerprints only if it is the new one's"},
		{&connect.ProxyError{Address: "p:1", Err: refused(x509.UnknownAuthorityError{})}, ""},
		{errors.New("connection refused"), ""},
	} {
		advice, untrusted := connect.Distrust(fmt.Errorf("outer: %w", tt.err), "SEPM")
		require.Equal(t, tt.advice, advice)
		require.Equal(t, tt.advice != "", untrusted)
	}
}

// named makes a self-signed certificate with a common name and alternative
// names, if any.
func named(t *testing.T, commonName string, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: commonName}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

func TestCommonNameIsTakenOnlyWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	old, oldPool := named(t, "Soar.Example.com")
	modern, modernPool := named(t, "soar.example.com", "other.example.com")
	_, strangers, strange := certified(t)
	for _, tt := range []struct {
		name  string
		cert  tls.Certificate
		host  string
		trust connect.Trust
		ok    bool
	}{
		{"not allowed", old, "soar.example.com", connect.Trust{RootCAs: oldPool}, false},
		{"allowed", old, "soar.example.com", connect.Trust{RootCAs: oldPool, AllowCNOnly: true}, true},
		{"allowed, for another name", old, "soar", connect.Trust{RootCAs: oldPool, AllowCNOnly: true}, false},
		{"allowed, of another authority", old, "soar.example.com", connect.Trust{RootCAs: strangers, AllowCNOnly: true}, false},
		{"allowed, of no authority", old, "soar.example.com", connect.Trust{AllowCNOnly: true}, false},
		{"beside other names it does not count", modern, "soar.example.com", connect.Trust{RootCAs: modernPool, AllowCNOnly: true}, false},
		{"other names count as ever", modern, "other.example.com", connect.Trust{RootCAs: modernPool, AllowCNOnly: true}, true},
		{"with its pin", old, "soar.example.com",
			connect.Trust{RootCAs: oldPool, AllowCNOnly: true, Fingerprints: []connect.Fingerprint{connect.FingerprintOf(old.Leaf)}}, true},
		{"with another pin", old, "soar.example.com",
			connect.Trust{RootCAs: oldPool, AllowCNOnly: true, Fingerprints: []connect.Fingerprint{strange}}, false},
		{"its pin alone", old, "soar", connect.Trust{AllowCNOnly: true, Fingerprints: []connect.Fingerprint{connect.FingerprintOf(old.Leaf)}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := handshake(t, &tls.Config{Certificates: []tls.Certificate{tt.cert}}, tt.trust.Config(tt.host))
			require.Equal(t, tt.ok, err == nil, "%v", err)
			if _, untrusted := connect.Distrust(err, "Sys"); err != nil {
				require.True(t, untrusted, "%v", err)
			}
		})
	}
	require.True(t, connect.IsCNOnly(old.Leaf))
	require.False(t, connect.IsCNOnly(modern.Leaf))
}

func TestCertificateIsShownToWhoAsks(t *testing.T) {
	t.Parallel()
	cert, pool, _ := certified(t)
	own, ownPool := named(t, "sepwatch")
	server := &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ownPool, MaxVersion: tls.VersionTLS12}
	_, err := handshake(t, server, connect.Trust{RootCAs: pool}.Config("localhost"))
	require.ErrorContains(t, err, "remote error")
	_, err = handshake(t, server, connect.Trust{RootCAs: pool, Certificate: &own}.Config("localhost"))
	require.NoError(t, err)
}
