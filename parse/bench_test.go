package parse_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/emersion/go-message"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// BenchmarkRead measures design §10's parse_over_mime: the guide's alert as
// it comes from a mailbox, read whole, against go-message alone reading the
// same bytes.
func BenchmarkRead(b *testing.B) {
	raw := bytes.ReplaceAll(guide(b), []byte("\n"), []byte("\r\n"))
	b.Run("sepwatch", func(b *testing.B) {
		reader := parse.NewReader(parse.Options{})
		b.ReportAllocs()
		for b.Loop() {
			reader.Read(raw)
		}
	})
	b.Run("go-message", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			entity, err := message.Read(bytes.NewReader(raw))
			require.NoError(b, err)
			_, err = io.ReadAll(entity.Body)
			require.NoError(b, err)
		}
	})
}
