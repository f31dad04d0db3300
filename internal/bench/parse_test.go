package bench

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the reference decodes what the reader decodes
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// measureParse compares reading the guide's alert with go-message reading the
// same bytes: as SEPM sends it, and in other forms in which mail systems carry
// it.
func measureParse(tb testing.TB, _ scale, got figures) {
	got["parse_over_mime"], got["reference_mime_us"] = compareParse(tb, "F02-guide-crlf")
	got["parse_over_mime_forms"], got["reference_mime_forms_us"] = compareParse(tb, "F05-quoted-printable", "F06-base64", "F15-html-br")
}

// compareParse lets both read the mails in turn. It gives the median of the
// ratios, and go-message's time for a mail in microseconds.
func compareParse(tb testing.TB, names ...string) (ratio, reference float64) {
	tb.Helper()
	var mails [][]byte
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "mail", name+".eml"))
		require.NoError(tb, err)
		mails = append(mails, raw)
	}
	reader := parse.NewReader(parse.Options{})
	for _, raw := range mails {
		require.Equal(tb, parse.Parsed, reader.Read(raw).Status)
	}
	const rounds, repeat = 21, 2000
	var ratios, references []float64
	for range rounds {
		ours := timed(repeat, func() {
			for _, raw := range mails {
				reader.Read(raw)
			}
		})
		bare := timed(repeat, func() {
			for _, raw := range mails {
				readBare(tb, raw)
			}
		})
		ratios = append(ratios, float64(ours)/float64(bare))
		references = append(references, float64(bare.Nanoseconds())/1e3/float64(repeat*len(mails)))
	}
	return median(ratios), median(references)
}

func timed(repeat int, f func()) time.Duration {
	start := time.Now()
	for range repeat {
		f()
	}
	return time.Since(start)
}

// readBare reads every part of a mail and throws it away.
func readBare(tb testing.TB, raw []byte) {
	entity, err := message.Read(bytes.NewReader(raw))
	require.NoError(tb, err)
	discard(tb, entity)
}

func discard(tb testing.TB, entity *message.Entity) {
	parts := entity.MultipartReader()
	if parts == nil {
		_, err := io.Copy(io.Discard, entity.Body)
		require.NoError(tb, err)
		return
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(tb, err)
		discard(tb, part)
	}
}
