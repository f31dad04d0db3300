package config

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// mask stands wherever a secret would be printed.
const mask = "********"

// Secret is a text that shows itself to nobody but the caller of
// [Secret.Reveal]: fmt, JSON, YAML and slog print a mask. Never make it the
// key of a map: encoding/json writes keys of kind string as they are.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns the mask.
func (s Secret) String() string { return mask }

// GoString returns the mask.
func (s Secret) GoString() string { return mask }

// Format prints the mask for every verb: fmt asks String only for some, and
// would print the rest from the bytes.
func (s Secret) Format(f fmt.State, _ rune) {
	// fmt.State keeps the error of its own writer.
	_, _ = io.WriteString(f, mask)
}

// MarshalText gives the mask to JSON and to every other encoder of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalYAML gives the mask to YAML encoders, not all of which ask
// MarshalText.
func (s Secret) MarshalYAML() (any, error) { return mask, nil }

// LogValue gives the mask to slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// secretProblem says why a text cannot be a secret; empty where it can. A
// file of another kind or a stray line break would be refused by the server
// only, as a wrong password.
func secretProblem(text string) string {
	switch {
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		return "is not text: it holds a NUL or is not valid UTF-8"
	case text != "" && strings.TrimSpace(text) == "":
		return "holds nothing but blanks"
	case strings.ContainsAny(text, "\r\n"):
		return "has more than one line"
	}
	return ""
}
