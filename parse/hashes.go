package parse

import "strings"

// hashOf reads a hex digest: its algorithm and its lower-case form, which is
// empty when the value is none. A digest of one repeated digit is a
// placeholder.
func hashOf(f field, value string) (algorithm, digest string) {
	digest = strings.ToLower(value)
	if strings.Trim(digest, "0123456789abcdef") != "" || strings.Trim(digest, digest[:1]) == "" {
		return "", ""
	}
	switch {
	case len(digest) == 32 && (f == hashField || f == md5Field):
		return "md5", digest
	case len(digest) == 40 && (f == hashField || f == sha1Field):
		return "sha1", digest
	case len(digest) == 64 && (f == hashField || f == sha256Field):
		return "sha256", digest
	}
	return "", ""
}
