package parse

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// toUTF8 makes valid UTF-8 of text whose declared charset was applied
// already, or is missing or wrong. Guessed names what was assumed, when the
// bytes were not UTF-8.
func toUTF8(b []byte) (text, guessed string) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return decode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), b), "UTF-16"
	}
	switch {
	case utf8.Valid(b):
		return string(b), ""
	case mostlyUTF8(b):
		return strings.ToValidUTF8(string(b), "\ufffd"), "UTF-8 with bad bytes"
	}
	return decode(charmap.Windows1252, b), "windows-1252"
}

func decode(enc encoding.Encoding, b []byte) string {
	text, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		// These decoders replace what they cannot decode; should one fail all
		// the same, the bytes must still end as text.
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return strings.ToValidUTF8(string(text), "\ufffd")
}

// mostlyUTF8 tells UTF-8 with a damaged byte from another charset: more
// sound characters beyond ASCII than unsound bytes.
func mostlyUTF8(b []byte) bool {
	sound, bad := 0, 0
	for len(b) > 0 {
		r, width := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && width == 1:
			bad++
		case width > 1:
			sound++
		}
		b = b[width:]
	}
	return sound > bad
}
