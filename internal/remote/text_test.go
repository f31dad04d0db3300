package remote

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBodyText(t *testing.T) {
	for body, want := range map[string]string{
		"":                                  "",
		" \r\n":                             "",
		"slow\ndown\x1b":                    "slow down",
		"one\r\nlevel=INFO \x1b[31mtwo\xff": "one level=INFO [31mtwo�",
		"a\u202eb":                          "a b", // which would turn the text around
		"<html><head><style>p{}</style><title>HTTP Status 500</title></head><body><p>Bad&nbsp;request</p><script>x()</script></body></html>": "HTTP Status 500 Bad request",
		"<h1>Service<br>away</h1><p>for <b>main</b>tenance":                                            "Service away for maintenance",
		"<html><head><title>503 Away</title></head><body><h1>503 Away</h1><p>Later.</p></body></html>": "503 Away Later.",
		"<": "<",
	} {
		require.Equal(t, want, BodyText([]byte(body)), "%q", body)
	}
}

func TestPrintableIsBounded(t *testing.T) {
	got := Printable(strings.Repeat("ä", maxMessage+1))
	require.Equal(t, strings.Repeat("ä", maxMessage)+"…", got)
	require.Equal(t, got, Printable(got))
}

func FuzzBodyText(f *testing.F) {
	for _, seed := range []string{"", "{}", "<script><p>", "<p>a<script>b", "a\x00\nb", "\u2028", strings.Repeat("x ", 2000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := BodyText(body)
		require.LessOrEqual(t, len([]rune(s)), maxMessage+1)
		require.Equal(t, s, Printable(s), "printable text stays what it is")
		require.NotContains(t, s, "\n")
	})
}
