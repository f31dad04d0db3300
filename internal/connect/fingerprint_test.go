package connect_test

import (
	"crypto/x509"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/connect"
)

func TestParseFingerprint(t *testing.T) {
	t.Parallel()
	want := connect.FingerprintOf(&x509.Certificate{Raw: []byte("abc")})
	colons := "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
	require.Equal(t, "sha256:"+colons, want.String(), "the SHA-256 of FIPS 180-2's first example")
	digits := strings.ReplaceAll(colons, ":", "")
	for _, text := range []string{colons, digits, strings.ToLower(colons), strings.ToLower(digits), "sha256:" + digits, "SHA256:" + colons, want.String(), hex.EncodeToString(want[:])} {
		got, err := connect.ParseFingerprint(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, problem := range map[string]string{
		"":                        "has 0 hexadecimal digits, not 64",
		"sha256:":                 "is not a SHA-256 fingerprint", // a colon with nothing before or after
		digits[:63]:               "has 63 hexadecimal digits, not 64",
		digits + "00":             "has 66 hexadecimal digits, not 64",
		colons[:59]:               "has 40 hexadecimal digits, not 64", // a SHA-1
		digits[:63] + "g":         "is not a SHA-256 fingerprint",
		colons + ":":              "is not a SHA-256 fingerprint",
		"B:A7" + colons[5:]:       "is not a SHA-256 fingerprint",
		"sha1:" + colons:          "is not a SHA-256 fingerprint",
		"sha256:sha256:" + digits: "is not a SHA-256 fingerprint",
		" " + digits:              "is not a SHA-256 fingerprint",
	} {
		_, err := connect.ParseFingerprint(text)
		require.EqualError(t, err, problem, text)
	}
}
