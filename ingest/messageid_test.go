package ingest

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestMessageID(t *testing.T) {
	for name, tc := range map[string]struct{ raw, want string }{
		"usual":                {"From: a\r\nMessage-ID: <1@host>\r\n\r\n", "1@host"},
		"any case, LF, blanks": {"MESSAGE-id :   <1@host>  \n\n", "1@host"},
		"folded":               {"Message-ID:\r\n <1@host>\r\nTo: b\r\n\r\n", "1@host"},
		"the first one":        {"Message-ID: <1@host>\r\nMessage-ID: <2@host>\r\n\r\n", "1@host"},
		"not in a fold":        {"Subject: x\r\n Message-ID: <1@host>\r\n\r\n", ""},
		"not in the body":      {"From: a\r\n\r\nMessage-ID: <1@host>\r\n", ""},
		"after a broken line":  {"nonsense\r\nMessage-ID: <1@host>\r\n\r\n", "1@host"},
		"no brackets":          {"Message-ID: 1@host\r\n\r\n", "1@host"},
		"text after":           {"Message-ID: <1@host> (comment)\r\n\r\n", "1@host"},
		"control characters":   {"Message-ID: <1\x00\x1b@host>\r\n\r\n", "1@host"},
		"not UTF-8":            {"Message-ID: <1\xff@host>\r\n\r\n", "1@host"},
		"empty":                {"Message-ID:\r\n\r\n", ""},
		"no header end":        {"Message-ID: <1@host>", "1@host"},
		"none":                 {"", ""},
		"endless":              {"Message-ID: <" + strings.Repeat("x", 1<<20), "<" + strings.Repeat("x", 996)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, messageID([]byte(tc.raw)))
		})
	}
}

func FuzzMessageID(f *testing.F) {
	f.Add([]byte("From: a\r\nMessage-ID:\r\n\t<1@host>\r\n\r\nbody"))
	f.Add([]byte("message-id: <\x00\xff>\n"))
	f.Add([]byte("Message-ID: " + strings.Repeat("é", 600)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		id := messageID(raw)
		if len(id) > maxMessageID || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
			t.Fatalf("Message-ID %q", id)
		}
	})
}
