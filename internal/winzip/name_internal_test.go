package winzip

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// hostileNames are names and what becomes of them.
var hostileNames = map[string]string{
	"suspicious.exe":                     "suspicious.exe",
	`C:\Users\Public\suspicious.exe`:     "suspicious.exe",
	"/etc/passwd":                        "passwd",
	"../../../../tmp/evil":               "evil",
	`..\..\evil.exe`:                     "evil.exe",
	`..\../..\mixed`:                     "mixed",
	`\\server\share\x`:                   "x",
	"C:evil.exe":                         "C_evil.exe",
	"evil.exe:stream":                    "evil.exe_stream",
	`a<b>c"d|e?f*g`:                      "a_b_c_d_e_f_g",
	"..":                                 "file",
	".":                                  "file",
	" . . ":                              "file",
	"":                                   "file",
	"folder/":                            "file",
	"evil.exe. . ":                       "evil.exe",
	"-oops":                              "-oops",
	"@list":                              "@list",
	"nul\x00\x1b[31m\r\n.exe":            "nul\ufffd\ufffd[31m\ufffd .exe",
	"invoice\u202egpj.exe":               "invoice\ufffdgpj.exe",
	"bad\xff\xc0utf8":                    "bad\ufffd\ufffdutf8",
	"警报 é.exe":                           "警报 é.exe",
	strings.Repeat("警", 100) + ".exe":    strings.Repeat("警", 65) + ".exe",
	strings.Repeat("a", 70_000) + ".exe": strings.Repeat("a", 196) + ".exe",
}

func TestSafeName(t *testing.T) {
	t.Parallel()
	for name, want := range hostileNames {
		require.Equal(t, want, safeName(name), "%.80q", name)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := safeName(rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("./\\ \u202e\x00a:")))).Draw(t, "name"))
		require.True(t, utf8.ValidString(name))
		require.True(t, filepath.IsLocal(name), "%q", name)
		require.NotEqual(t, ".", name)
		require.NotContains(t, name, "/")
		require.NotContains(t, name, `\`)
		require.NotContains(t, name, ":")
		require.False(t, strings.ContainsFunc(name, unicode.IsControl), "%q", name)
		require.LessOrEqual(t, len(name), maxName)
		require.Equal(t, name, safeName(name), "safe is safe")
	})
}
