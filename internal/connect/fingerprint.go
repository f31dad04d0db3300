package connect

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Fingerprint is the SHA-256 of a certificate in DER, as browsers and
// "openssl x509 -fingerprint -sha256" show it.
type Fingerprint [sha256.Size]byte

// FingerprintForm is how a fingerprint is written.
const FingerprintForm = "sha256: and 64 hexadecimal digits, with a colon after each pair or without"

const algorithm = "sha256:"

// FingerprintOf is a certificate's fingerprint.
func FingerprintOf(c *x509.Certificate) Fingerprint { return sha256.Sum256(c.Raw) }

// ParseFingerprint reads 64 hexadecimal digits of any case, in pairs parted by
// colons or all in one, with "sha256:" before them or not.
func ParseFingerprint(text string) (Fingerprint, error) {
	digits := text
	if n := len(algorithm); len(text) > n && strings.EqualFold(text[:n], algorithm) {
		digits = text[n:]
	}
	if pairs := strings.Split(digits, ":"); len(pairs) > 1 {
		for _, pair := range pairs {
			if len(pair) != 2 {
				return Fingerprint{}, errors.New("is not a SHA-256 fingerprint")
			}
		}
		digits = strings.Join(pairs, "")
	}
	raw, err := hex.DecodeString(digits)
	if err != nil && !errors.Is(err, hex.ErrLength) {
		return Fingerprint{}, errors.New("is not a SHA-256 fingerprint")
	}
	if len(digits) != 2*sha256.Size {
		return Fingerprint{}, fmt.Errorf("has %d hexadecimal digits, not %d", len(digits), 2*sha256.Size)
	}
	return Fingerprint(raw), nil
}

// String is the fingerprint as it is written in the configuration.
func (f Fingerprint) String() string {
	pairs := make([]string, len(f))
	for i, b := range f {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return algorithm + strings.Join(pairs, ":")
}
