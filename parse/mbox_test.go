package parse_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

func TestMails(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200<<10)
	tests := map[string]struct {
		file string
		want []string
	}{
		"one mail":           {"Subject: a\n\nbody\n", []string{"Subject: a\n\nbody\n"}},
		"empty file":         {"", []string{""}},
		"mbox of two":        {"From a\nS: 1\n\nx\n\nFrom b\nS: 2\n\ny\n", []string{"S: 1\n\nx\n", "S: 2\n\ny\n"}},
		"CRLF":               {"From a\r\nS: 1\r\n\r\nx\r\n\r\nFrom b\r\n\r\ny\r\n", []string{"S: 1\r\n\r\nx\r\n", "\r\ny\r\n"}},
		"From inside a mail": {"From a\nS: 1\n\nhello\nFrom here on\n", []string{"S: 1\n\nhello\nFrom here on\n"}},
		"quoted From":        {"From a\n\n>From x\n>>From y\n", []string{"\nFrom x\n>From y\n"}},
		"no final newline":   {"From a\nS: 1\n\nx", []string{"S: 1\n\nx"}},
		"long line":          {"From a\n\n" + long + "From b\n", []string{"\n" + long + "From b\n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for raw, err := range parse.Mails(iotest.OneByteReader(strings.NewReader(tt.file)), 1<<20) {
				require.NoError(t, err)
				got = append(got, string(raw))
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestMailsErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken disk")
	tests := map[string]struct {
		in   io.Reader
		want error
	}{
		"mail too large":         {strings.NewReader(strings.Repeat("x", 101)), parse.ErrTooLarge},
		"mail in mbox too large": {strings.NewReader("From a\n" + strings.Repeat("x\n", 60)), parse.ErrTooLarge},
		"unreadable":             {iotest.ErrReader(broken), broken},
		"unreadable half way":    {io.MultiReader(strings.NewReader("From a\nx\n"), iotest.ErrReader(broken)), broken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var last error
			for _, err := range parse.Mails(tt.in, 100) {
				last = err
			}
			require.ErrorIs(t, last, tt.want)
		})
	}
}
