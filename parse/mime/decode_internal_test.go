package mime

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTransferEncodings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		coding, raw, want string
		bad               int
	}{
		{"quoted-printable", "a=3Db=c3=A9=\r\nc\r\nd", "a=béc\r\nd", 0},
		{"quoted-printable", "C:\\Program =\nFiles\\x", "C:\\Program Files\\x", 0},
		{"quoted-printable", "a=  \t\r\nb", "ab", 0},
		{"quoted-printable", "a=\r\r\nb\r\r\nc", "ab\r\nc", 0},
		{"quoted-printable", "a \t \r\nb=20\r\nc ", "a\r\nb \r\nc", 0},
		{"quoted-printable", "a=", "a", 0},
		{"quoted-printable", "a=b c=zz d==3D e=3", "a=b c=zz d== e=3", 4},
		{"quoted-printable", "a==\nb", "a=b", 1},
		{"quoted-printable", "\xe9=E9", "\xe9\xe9", 0},
		{"base64", "YQ==", "a", 0},
		{"base64", "YWI=", "ab", 0},
		{"base64", "YWJ j\r\n\tZA", "abcd", 0},
		{"base64", "Y\r\nW\r\nI\r\n", "ab", 0},
		{"base64", "YW!Jj*ZGVm", "abcdef", 2},
		{"base64", "YQ==YWI=YWJj", "aababc", 0}, // several texts, one after the other
		{"base64", "YWJj\r\n=\r\n", "abc", 0},
		{"base64", "YWJjZ", "abc", 1},
		{"base64", "YQ== Y", "a", 1},
		{"base64", "====", "", 0},
		{"", "a=3D", "a=3D", 0},
	} {
		d := decoder{most: 100}
		d.decode(test.coding, []byte(test.raw))
		require.Equal(t, test.want, string(d.buf), "%s %q", test.coding, test.raw)
		require.Equal(t, test.bad, d.bad, "%s %q", test.coding, test.raw)
	}
}

// TestDecoderStops: what is not wanted is not decoded.
func TestDecoderStops(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789=", 1<<16)
	for coding, raw := range map[string]string{
		"base64":           base64.StdEncoding.EncodeToString([]byte(text)),
		"quoted-printable": strings.ReplaceAll(text, "=", "=3D"),
		"":                 text,
	} {
		d := decoder{most: 1000}
		d.decode(coding, []byte(raw))
		require.Greater(t, len(d.buf), 1000, coding)
		require.Less(t, len(d.buf), 1010, coding)
		require.Equal(t, text[:1000], string(d.buf[:1000]), coding)
	}
}

func TestJoinFlowed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		delSp bool
		want  string
	}{
		{"a \nb\nc\n", false, "a b\nc\n"},
		{"a \r\nb \r\nc\r\nd", false, "a b c\r\nd"},
		{"a \nb", true, "ab"},
		{"東京 \n大阪", true, "東京大阪"},
		{" a\n  b\n >c", false, "a\n b\n>c"},                  // a stuffed line
		{"> a \n> b\n>> c \n> d", false, "> a b\n>> c \n> d"}, // the depth changes
		{">a\n>  b", false, "> a\n>  b"},
		{"a \n> b", false, "a \n> b"},
		{"a\n-- \nb", false, "a\n-- \nb"}, // a signature
		{"a \n-- \nb", false, "a \n-- \nb"},
		{"a ", false, "a "},
		{"a \n", false, "a \n"},
		{"a \n\nb", false, "a \n\nb"},
		{"", false, ""},
		{"File path: C:\\Some \nFolder\\x.exe \n\nUser: a", false, "File path: C:\\Some Folder\\x.exe \n\nUser: a"},
		// An empty value, and a value that was wrapped: the reader of labels
		// tells them apart.
		{"Description: \nUser: a", false, "Description: \nUser: a"},
		{"File path: \nC:\\x.exe", false, "File path: \nC:\\x.exe"},
	} {
		require.Equal(t, test.want, joinFlowed(test.text, test.delSp), "%q", test.text)
	}
	m := Read([]byte("Content-Type: text/plain; format=Flowed; DelSp=Yes\n\na \nb"))
	require.Equal(t, "ab", m.Texts[0].Text)
	m = Read([]byte("Content-Type: text/html; format=flowed\n\na \nb"))
	require.Equal(t, "a \nb", m.Texts[0].Text)
}
