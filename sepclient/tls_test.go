package sepclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cnOnly makes a self-signed certificate without any name but the common one,
// and its PEM.
func cnOnly(t *testing.T, commonName string) (pair tls.Certificate, certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: commonName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	pair, err = tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	return pair, certificate, key
}

func poolOf(certificate []byte) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return pool
}

// An old SEPM's own certificate, and one that asks for ours.
func TestCommonNameAndMutualTLS(t *testing.T) {
	server, serverPEM, _ := cnOnly(t, "localhost")
	_, ownPEM, ownKey := cnOnly(t, "sepwatch")
	_, strangePEM, strangeKey := cnOnly(t, "stranger")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"version":"14.3.1"}`)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: poolOf(ownPEM)}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	ask := func(edit func(*Options)) error {
		o := Options{
			URL: "https://localhost:" + port, Username: "u", Password: "p", RootCAs: poolOf(serverPEM),
			AllowCNOnly: true, Certificate: ownPEM, Key: ownKey,
		}
		edit(&o)
		c, err := New(o)
		require.NoError(t, err)
		_, err = c.Version(t.Context())
		require.NoError(t, c.Close(t.Context()))
		return err
	}
	require.NoError(t, ask(func(*Options) {}))
	requireError(t, ask(func(o *Options) { o.AllowCNOnly = false }), Untrusted, `set sepm[].tls.allow_cn_only to true`)
	const shown = "SEPM broke off the TLS: where it asks for a client certificate"
	requireError(t, ask(func(o *Options) { o.Certificate = nil }), Temporary, shown)
	requireError(t, ask(func(o *Options) { o.Certificate, o.Key = strangePEM, strangeKey }), Temporary, shown)

	_, err = New(Options{URL: s.URL, Username: "u", Password: "p", Certificate: ownPEM, Key: strangeKey})
	require.ErrorContains(t, err, "sepm: the certificate to show and its key: ")
}
