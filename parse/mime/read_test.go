package mime_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// tree writes what was read of a mail in short: a line for each text, file
// and attached mail.
func tree(m *mime.Message) []string {
	var lines []string
	for _, t := range m.Texts {
		line := t.Part
		if t.HTML {
			line += " html"
		}
		if t.Alternative != "" {
			line += " alternative " + t.Alternative
		}
		lines = append(lines, line+": "+t.Text)
	}
	for _, f := range m.Files {
		lines = append(lines, f.Part+" file "+f.Name)
	}
	for _, inner := range m.Attached {
		lines = append(lines, "mail "+inner.Subject)
		lines = append(lines, tree(inner)...)
	}
	return lines
}

// TestStructure reads mails of every shape, sound and damaged. A | stands for
// a line end.
func TestStructure(t *testing.T) {
	t.Parallel()
	const mixed = "Content-Type: multipart/mixed; boundary=b||"
	for name, test := range map[string]struct {
		raw      string
		want     []string
		warnings []string
	}{
		"nothing":          {"", []string{"1: "}, nil},
		"no header":        {"|text", []string{"1: text"}, nil},
		"only a header":    {"Subject: x", []string{"1: "}, nil},
		"plain":            {"Subject: x||a|b|", []string{"1: a|b|"}, nil},
		"HTML":             {"Content-Type: TEXT/HTML ; charset=utf-8||<p>", []string{"1 html: <p>"}, nil},
		"other text":       {"Content-Type: text/x-alert||a", []string{"1: a"}, nil},
		"a type of one":    {"Content-Type: text||a", []string{"1: a"}, nil},
		"a broken type":    {"Content-Type: ;;=||a", []string{"1: a"}, nil},
		"a file alone":     {"Content-Type: application/pdf; name=x.pdf||a", []string{"1 file x.pdf"}, nil},
		"parts":            {mixed + "before|--b||one|--b|Content-Type: text/html||two|--b--|after", []string{"1: one", "2 html: two"}, nil},
		"parts in parts":   {mixed + "--b|Content-Type: multipart/mixed; boundary=c||--c||one|--c||two|--c--|--b||three|--b--|", []string{"1.1: one", "1.2: two", "2: three"}, nil},
		"blanks at border": {mixed + "--b \t||one|--b--  |", []string{"1: one"}, nil},
		"border of a kind": {mixed + "--b||--bb|--b x|--b--x|--b--|", []string{"1: --bb|--b x|--b--x"}, nil},
		"an empty part":    {mixed + "--b|--b||--b--|", []string{"1: ", "2: "}, nil},
		"alternative": {"Content-Type: multipart/alternative; boundary=b||--b||one|--b|Content-Type: multipart/related; boundary=c||" +
			"--c|Content-Type: text/html||two|--c||three|--c--|--b--|",
			[]string{"1 alternative TEXT: one", "2.1 html alternative TEXT: two", "2.2 alternative TEXT: three"}, nil},
		"alternative in parts": {mixed + "--b|Content-Type: multipart/alternative; boundary=c||--c||one|--c||two|--c--|--b||three|--b--",
			[]string{"1.1 alternative 1: one", "1.2 alternative 1: two", "2: three"}, nil},
		"attached": {mixed + "--b||one|--b|Content-Type: message/rfc822||Subject: in||two|--b|Content-Type: message/rfc822||" +
			"Subject: alternative|Content-Type: multipart/alternative; boundary=c||--c||three|--c--|--b--|",
			[]string{"1: one", "mail in", "2.1: two", "mail alternative", "3.1 alternative 3.TEXT: three"}, nil},
		"attached alone": {"Content-Type: message/rfc822||Content-Type: message/rfc822||Subject: in||one", []string{"mail ", "mail in", "1.1.1: one"}, nil},
		"attached, encoded": {"Content-Type: message/rfc822|Content-Transfer-Encoding: base64||" +
			base64.StdEncoding.EncodeToString([]byte("Subject: in\r\n\r\none")), []string{"mail in", "1.1: one"}, nil},
		"attached as a file": {mixed + "--b|Content-Type: application/octet-stream; name=\"a.EML\"|Content-Transfer-Encoding: quoted-printable||" +
			"Subject: =3D|||one|--b--", []string{"1 file a.EML", "mail =", "1.1: |one"}, nil},
		"a digest":            {"Content-Type: multipart/digest; boundary=b||--b||Subject: in||one|--b--|", []string{"mail in", "1.1: one"}, nil},
		"an attached text":    {mixed + "--b|Content-Disposition: ATTACHMENT; filename=a.txt||one|--b--|", []string{"1 file a.txt"}, nil},
		"an inline text file": {mixed + "--b|Content-Disposition: inline; filename=a.txt||one|--b--|", []string{"1: one"}, nil},

		"no last border":    {mixed + "--b||one", []string{"1: one"}, nil},
		"border in a line":  {mixed + "--b||one--b--|", []string{"1: one"}, nil},
		"no border at all":  {mixed + "one", []string{"1: one"}, []string{"a multipart has no parts, it is read as plain text"}},
		"only a last one":   {mixed + "one|--b--", []string{"1: one|--b--"}, []string{"a multipart has no parts, it is read as plain text"}},
		"no boundary":       {"Content-Type: multipart/mixed||x|--b|Content-Type: text/html||one|--b||two|--b--", []string{"1 html: one", "2: two"}, []string{`a multipart does not name the border of its parts, "--b" was taken`}},
		"another boundary":  {"Content-Type: multipart/mixed; boundary=B||--b|content-type: text/html||one|--b--", []string{"1 html: one"}, []string{`a multipart does not name the border of its parts, "--b" was taken`}},
		"a lost type":       {"Subject: x||--b|Content-Type: text/html||one|--b--", []string{"1 html: one"}, []string{`a multipart does not name the border of its parts, "--b" was taken`}},
		"a text with lines": {"Subject: x||--b|one", []string{"1: --b|one"}, nil},
		"inner not closed":  {mixed + "--b|Content-Type: multipart/mixed; boundary=c||--c||one|--b||two|--b--|", []string{"1.1: one", "2: two"}, nil},
		"inner cut off":     {mixed + "--b|Content-Type: multipart/mixed; boundary=c||--c||one|--b||two|--c|Content-Type: text/html||three|--b--|", []string{"1.1: one", "2: two", "3 html: three"}, nil},
		"the same border":   {mixed + "--b|Content-Type: multipart/mixed; boundary=b||--b||one|--b--|--b||two|--b--|", []string{"1.1: one", "2: two"}, nil},
		"the last type":     {"Content-Type: text/html|Content-Type: text/plain||<", []string{"1: <"}, nil},

		"a bad line":           {"Subject: x|no header|Content-Type: text/html||one", []string{"1 html: one"}, []string{"1 lines of a header are none and were skipped"}},
		"a bad last line":      {"Subject: x|no header||one", []string{"1: one"}, []string{"1 lines of a header are none and were skipped"}},
		"bad lines all over":   {"Subject: x|not|folded|Content-Type: text/html|not|folded||one", []string{"1 html: one"}, []string{"4 lines of a header are none and were skipped"}},
		"a damaged line":       {mixed + "--b|Content-Tp||one|--b--", []string{"1: one"}, []string{"1 lines of a header are none and were skipped"}},
		"bad lines, encoded":   {"Content-Transfer-Encoding: base64|no header|none||b25l", []string{"1: one"}, []string{"2 lines of a header are none and were skipped"}},
		"no empty line":        {"Subject: x|Risk name: a|Computer: b||Footer", []string{"1: Risk name: a|Computer: b||Footer"}, []string{"no empty line ends a header, the text begins after its last line that is one"}},
		"a name in the text":   {"Subject: x|Computer: b|Risk name: a|", []string{"1: Computer: b|Risk name: a|"}, []string{"no empty line ends a header, the text begins after its last line that is one"}},
		"text alone":           {"Risk name: a|Computer: b|", []string{"1: Risk name: a|Computer: b|"}, []string{"no empty line ends a header, the text begins after its last line that is one"}},
		"text like a header":   {"User: a|Computer: b||c", []string{"1: User: a|Computer: b||c"}, []string{"no line of a header is one that mails have, it is read as text"}},
		"text like one, part":  {mixed + "--b|User: a|Computer: b|--b--|", []string{"1: User: a|Computer: b"}, []string{"no line of a header is one that mails have, it is read as text"}},
		"no line before parts": {"Content-Type: multipart/mixed; boundary=b|--b||one|--b--", []string{"1: one"}, nil},
		"header and border":    {mixed + "--b|Content-Type: text/html|--b||two|--b--", []string{"1 html: ", "2: two"}, nil},
		"parameter not folded": {mixed + "--b|Content-Type: application/pdf;|name=a.pdf||x|--b--", []string{"1 file a.pdf"}, nil},
		"an indented header":   {" Subject: x|Content-Type: text/html||one", []string{"1 html: one"}, nil},
		"a blank first line":   {" \t|Risk: a||b", []string{"1: Risk: a||b"}, nil},
		"an mbox":              {"From a@b Thu Feb 28 03:50:21 2019|Content-Type: text/html||one", []string{"1 html: one"}, []string{"the mail begins with the From line of an mbox, which is no header"}},
		"no mbox":              {"From here on|it is text", []string{"1: From here on|it is text"}, []string{"no empty line ends a header, the text begins after its last line that is one"}},
		"empty lines first":    {"||Content-Type: text/html||one", []string{"1 html: one"}, nil},
		"a mark first":         {"\ufeffContent-Type: text/html||one", []string{"1 html: one"}, nil},
		"an unknown encoding":  {"Content-Transfer-Encoding: base9000||one", []string{"1: one"}, []string{`the transfer encoding "base9000" is unknown, the text was read as it stands`}},
		"odd 8bit":             {"Content-Transfer-Encoding: 8-Bit (all of them)||one", []string{"1: one"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for form, end := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR CR LF": "\r\r\n", "CR": "\r"} {
				m := mime.Read([]byte(strings.ReplaceAll(test.raw, "|", end)))
				got := tree(m)
				for i := range got {
					got[i] = strings.NewReplacer("\r\r\n", "|", "\r\n", "|", "\n", "|").Replace(got[i])
				}
				require.Equal(t, test.want, got, form)
				var warnings []string
				for _, text := range m.Warnings.Texts() {
					if text != "lines end in CR CR LF, which was read as one line end" && text != "the lines of the mail end in CR alone" {
						warnings = append(warnings, text)
					}
				}
				require.Equal(t, test.warnings, warnings, form)
			}
		})
	}
}

// TestPositions: a reader can be shown which bytes of the mail a text is.
func TestPositions(t *testing.T) {
	t.Parallel()
	raw := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xef\xbb\xbfé\r\n" +
		"--b\r\nContent-Type: text/plain; charset=latin1\r\n\r\n\xe9\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n" +
		"--b\r\nContent-Type: text/plain; format=flowed\r\n\r\na \r\nb\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\r\nin\r\n--b--\r\n"
	m := mime.Read([]byte(raw))
	require.Len(t, m.Texts, 4)
	for i, want := range []mime.Text{
		{Part: "1", Text: "é", Charset: "utf-8", Offset: strings.Index(raw, "é"), Exact: true},
		{Part: "2", Text: "é", Charset: "windows-1252", Offset: strings.Index(raw, "\r\n\xe9") + 2},
		{Part: "3", Text: "é", Charset: "utf-8", Encoding: "quoted-printable", Offset: strings.Index(raw, "=C3")},
		{Part: "4", Text: "a b", Charset: "utf-8", Offset: strings.Index(raw, "a \r\n")},
	} {
		require.Equal(t, want, m.Texts[i])
	}
	require.Equal(t, []mime.Text{{Part: "5.1", Text: "in", Charset: "utf-8", Offset: strings.Index(raw, "in\r\n--b--"), Exact: true}}, m.Attached[0].Texts)

	encoded := "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("\nin"))
	require.Equal(t, []mime.Text{{Part: "1.1", Text: "in", Charset: "utf-8", Offset: -1}}, mime.Read([]byte(encoded)).Attached[0].Texts)

	require.False(t, mime.Read([]byte("Subject: x\r\ra\rb")).Texts[0].Exact, "the CR is an LF in the text")
}

// TestNotHeld: the bytes of the mail may be used again.
func TestNotHeld(t *testing.T) {
	t.Parallel()
	raw := []byte("Subject: subject\nFrom: from@example.com\nMessage-ID: <id>\n\ntext")
	m := mime.Read(raw)
	clear(raw)
	require.Equal(t, []string{"subject", "from@example.com", "id", "text"}, []string{m.Subject, m.From, m.MessageID, m.Texts[0].Text})
}

func TestFiles(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0123456789abcdef\x00\xff", 10_000)
	sum := sha256.Sum256([]byte(content))
	b64 := base64.StdEncoding.EncodeToString([]byte(content))
	var folded strings.Builder
	for ; len(b64) > 76; b64 = b64[76:] {
		folded.WriteString(b64[:76] + "\r\n")
	}
	folded.WriteString(b64)
	quoted := strings.NewReplacer("\x00", "=00", "\xff", "=FF=\n").Replace(content)
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/ZIP; name=\"other\"\n" +
		"Content-Disposition: attachment; filename*=utf-8''%C3%A9.zip\nContent-Transfer-Encoding: base64\n\n" + folded.String() +
		"\n--b\nContent-Type: application/zip\nContent-Transfer-Encoding: quoted-printable\n\n" + quoted +
		"\n--b\nContent-Type: application/zip\nContent-Transfer-Encoding: binary\n\n" + content + "\n--b--\n"
	file := mime.File{Part: "1", Name: "é.zip", Type: "application/zip", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	m := mime.Read([]byte(raw))
	require.Empty(t, m.Warnings.Texts())
	require.Len(t, m.Files, 3)
	require.Equal(t, file, m.Files[0])
	for i, part := range []string{"2", "3"} {
		file.Part, file.Name = part, ""
		require.Equal(t, file, m.Files[1+i])
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		`filename=a.txt`:                   "a.txt",
		`filename="..\..\a/b\c.txt"`:       "c.txt",
		`filename="C:\\dir\\a.txt"`:        "a.txt",
		`filename=".."`:                    "",
		`filename="a/"`:                    "",
		"filename=\"a\u202egpj.exe\"":      "a_gpj.exe",
		"filename=\"a\x1b[31m\tb\"":        "a_[31m_b",
		`filename="=?utf-8?B?w6k=?=.txt"`:  "é.txt",
		"filename=\"\xe9.txt\"":            "é.txt",
		`filename=my file.txt; size=3`:     "my file.txt",
		`filename="never closed.txt`:       "never closed.txt",
		`filename*0="a"; filename*1="b.c"`: "ab.c",
		`filename*0="a"; filename*2="c"`:   "a",
		"size=3":                           "",
	} {
		m := mime.Read([]byte("Content-Type: application/zip\nContent-Disposition: attachment; " + header + "\n\n"))
		require.Len(t, m.Files, 1)
		require.Equal(t, want, m.Files[0].Name, header)
	}
	m := mime.Read([]byte("Content-Type: application/zip; name=\"" + strings.Repeat("é", 300) + "\"\n\n"))
	require.Len(t, m.Files[0].Name, 254, "no half character")
}
