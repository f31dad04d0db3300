package ledger

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestMicros(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for name, test := range map[string]struct {
		in   time.Time
		want int64
	}{
		"none":              {time.Time{}, 0},
		"before 1970":       {time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), -1_000_000},
		"another zone":      {time.Date(1970, 1, 1, 1, 0, 1, 0, berlin), 1_000_000},
		"finer than stored": {time.Unix(1, 1999), 1_000_001},
	} {
		require.Equal(t, test.want, micros(test.in), name)
		require.Equal(t, test.want, micros(timeOf(test.want)), name)
	}
	require.True(t, timeOf(0).IsZero())
	require.Equal(t, time.UTC, timeOf(math.MaxInt32).Location())
}

// FuzzStorable holds text to what PostgreSQL takes, and leaves the rest as it
// is.
func FuzzStorable(f *testing.F) {
	for _, seed := range []string{"", "plain", "Grüße – 警报", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "\uFFFD"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := storable(s)
		require.True(t, utf8.ValidString(got))
		require.NotContains(t, got, "\x00")
		require.Equal(t, got, storable(got))
		if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
			require.Equal(t, s, got)
		}
		require.Equal(t, keyHash(s), keyHash(got), "a key is found by what was stored of it")
	})
}
