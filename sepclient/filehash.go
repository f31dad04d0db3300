package sepclient

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// HashKind is the algorithm of a file's hash, as an EOC document names it.
type HashKind string

// The kinds of hash that SEPM knows.
const (
	MD5    HashKind = "MD5"
	SHA1   HashKind = "SHA1"
	SHA256 HashKind = "SHA256"
)

// FileHash is the hash of a file. The zero one is none.
type FileHash struct {
	Kind HashKind
	// Value is in lower-case hex.
	Value string
}

// ParseFileHash reads a hash in hex, whose kind its length tells.
func ParseFileHash(s string) (FileHash, error) {
	value := strings.ToLower(strings.TrimSpace(s))
	h := FileHash{Value: value}
	switch len(value) {
	case 32:
		h.Kind = MD5
	case 40:
		h.Kind = SHA1
	case 64:
		h.Kind = SHA256
	}
	if _, err := hex.DecodeString(value); err != nil || h.Kind == "" {
		return FileHash{}, fmt.Errorf("%q is no hash: want 32 (MD5), 40 (SHA-1) or 64 (SHA-256) hex digits", remote.Printable(s))
	}
	return h, nil
}

// check says whether a hash that somebody put together is one.
func (h FileHash) check() error {
	read, err := ParseFileHash(h.Value)
	if err != nil {
		return err
	}
	if h.Kind != read.Kind {
		return fmt.Errorf("%q is no %s", h.Value, remote.Printable(string(h.Kind)))
	}
	return nil
}

// canonical is the hash as it compares with others.
func (h FileHash) canonical() FileHash {
	h.Kind = HashKind(strings.ReplaceAll(strings.ToUpper(string(h.Kind)), "-", ""))
	h.Value = strings.ToLower(h.Value)
	return h
}
