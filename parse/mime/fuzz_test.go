package mime

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzRead reads mails that are mutations of the project's own and, where
// they are, of the public corpora's.
func FuzzRead(f *testing.F) {
	for _, dir := range []string{filepath.Join("..", "..", "testdata", "mail"), corpora(f)} {
		if dir == "" {
			continue
		}
		require.NoError(f, filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(file) != ".eml" && filepath.Ext(file) != ".raw" {
				return err
			}
			raw, err := os.ReadFile(file)
			require.NoError(f, err)
			if len(raw) < 20_000 {
				f.Add(raw)
			}
			return nil
		}))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := string(raw)
		m := Read(raw)
		require.Equal(t, before, string(raw), "the mail is not changed")
		requireSound(t, raw, m)
		require.Positive(t, parts(m)+len(m.Warnings.Texts()), "a mail is read, or it is said why not")
	})
}

// FuzzCharset makes UTF-8 of bytes in charsets that may be theirs, which
// leads through the tables of other people's code.
func FuzzCharset(f *testing.F) {
	for _, declared := range []string{"", "utf-8", "shift_jis", "iso-2022-jp", "hz-gb-2312", "gb18030", "big5", "euc-kr", "euc-jp", "utf-16", "windows-1251", "x"} {
		for _, raw := range []string{"\x93\x8c\x8b\x9e", "\xc5\xec\xb5\xfe \xa5\xc6", "\x1b$BEl5~\x1b(B", "~{11>)~}", "\xd5\xc5\xce\xb0\x81\x30\x81\x30", "\xc8\xe2\xe0\xed\xee\xe2", "\xff\xfea\x00", "J\xfcrgen"} {
			f.Add([]byte(raw), declared)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, declared string) {
		text, applied, _ := toUTF8(raw, declared)
		require.True(t, utf8.ValidString(text))
		require.NotEmpty(t, applied)
		require.LessOrEqual(t, len(text), 4*len(raw))
	})
}

// FuzzHTML makes text of HTML, and looks for its links.
func FuzzHTML(f *testing.F) {
	for _, source := range []string{
		"", "<p>a<br/>b</p>&lt;&#0;&#xd800;", "<table><tr><th>a<td>b<tr><td><table><tr><td>c</table></td></table>", "<pre>\r\n a</pre>",
		"<style>a</style><script>b</script><title>c</title><template>d", "<!-- a --><a href=\"b\nc\">d</a><area href=e>", "</table></td></pre></p>", "<td><td></td></tr>",
		"<textarea><b>", "<![CDATA[a]]><?b?>", "<plaintext><b>", "<a href='", "\xff<\xffp \xff=\xff>",
	} {
		f.Add(source)
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "mail", "*html*.eml"))
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(Read(raw).Texts[0].Text)
	}
	f.Fuzz(func(t *testing.T, source string) {
		text := HTMLText(source)
		// Of a tag come a line end or two or a TAB, of an entity no more bytes
		// than it has.
		require.LessOrEqual(t, len(text), len(source)+3)
		if utf8.ValidString(source) {
			require.True(t, utf8.ValidString(text))
		}
		links := Links(source)
		require.LessOrEqual(t, len(links), maxLinks)
		seen := make(map[string]bool)
		for _, link := range links {
			require.False(t, seen[link], link)
			seen[link] = true
			require.NotEmpty(t, link)
			require.LessOrEqual(t, len(link), maxLink)
			require.False(t, strings.ContainsAny(link, "\r\n\t"), "%q", link)
		}
	})
}
