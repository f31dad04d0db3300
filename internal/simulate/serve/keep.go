package serve

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Kept is the certificate in a file, with its key. Where the file is missing
// one is made as [SelfSigned] makes it and kept there, readable by the owner
// alone, so that a client's trust outlives the stand-in. The certificate comes
// first, so the file serves as a client's CA file too.
func Kept(file string, hosts ...string) (tls.Certificate, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return keep(file, hosts)
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read the certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(data, data)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s does not hold a certificate and its key in PEM: %w; name another file, and one that is missing is made", file, err)
	}
	return cert, nil
}

func keep(file string, hosts []string) (tls.Certificate, error) {
	cert, certPEM, err := SelfSigned(hosts...)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("write the key of a self-signed certificate: %w", err)
	}
	data := append(certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	// Whole or not at all, and not in place of what another stand-in kept there
	// at the same time.
	temp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keep the certificate: %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Link(temp.Name(), file)
	}
	if errors.Is(err, fs.ErrExist) {
		return Kept(file, hosts...)
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keep the certificate: %w", err)
	}
	return cert, nil
}

// Fingerprint is the SHA-256 of a certificate, as clients pin it.
func Fingerprint(cert tls.Certificate) string {
	sum := sha256.Sum256(cert.Certificate[0])
	return "sha256:" + hex.EncodeToString(sum[:])
}
