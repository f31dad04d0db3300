package parse

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzPlain holds the short way of reading a mail against go-message's.
func FuzzPlain(f *testing.F) {
	plain := 0
	for _, pattern := range []string{"../testdata/mail/*.eml", "../../shared/corpora/*/*/*.eml", "../../shared/corpora/*/*/*.raw"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			require.NoError(f, err)
			r := &mailReader{warn: &warnings{}, bytes: maxBodies}
			if _, ok := r.plain(raw); ok {
				plain++
			}
			if len(raw) < 20_000 {
				f.Add(raw)
			}
		}
	}
	require.Greater(f, plain, 20, "most alerts are plain mails")
	for _, header := range []string{
		"SUBJECT : a\r\n b\r\n\t \r\n c", "Subject: \n a", "Subject:\nSubject: b", "From: a\nFrom: b", "From:\nFrom: b",
		"X: y\n \n z", "content-type: TEXT/PLAIN; charset=\"UTF-8\"\nMessage-id: <a", ":", "a b: c", " a: b", "Subject: a\x00\xff", "\n",
	} {
		f.Add([]byte(header + "\n\nbody\xff"))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var warnPlain, warnStrict warnings
		plain := &mailReader{warn: &warnPlain, size: len(raw), bytes: maxBodies, parts: maxParts}
		got, ok := plain.plain(raw)
		if !ok {
			return
		}
		strict := &mailReader{warn: &warnStrict, size: len(raw), bytes: maxBodies, parts: maxParts}
		want, err := strict.strict(raw, 0)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, warnStrict, warnPlain)
		require.Equal(t, strict.bytes, plain.bytes)
	})
}
