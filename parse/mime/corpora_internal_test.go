package mime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// corpora gives the folder of public mail corpora, which lies beside the
// project where there is one: shared/corpora in a folder above. It is empty in
// a fresh clone.
func corpora(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		found := filepath.Join(dir, "shared", "corpora")
		if _, err := os.Stat(found); err == nil {
			return found
		}
		if dir == filepath.Dir(dir) {
			t.Log("there are no corpora beside the project, so none was read")
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

// TestCorpora reads every mail of the public corpora, in the forms that line
// ends can have: none may be dropped, and what is read of it is sound.
func TestCorpora(t *testing.T) {
	t.Parallel()
	dir := corpora(t)
	if dir == "" {
		return
	}
	read := 0
	require.NoError(t, filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".eml" && filepath.Ext(file) != ".raw" {
			return err
		}
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		for _, form := range [][]byte{raw, lf, bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")),
			bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\r\n")), bytes.ReplaceAll(lf, []byte("\n"), []byte("\r"))} {
			m := Read(form)
			requireSound(t, form, m)
			require.Positive(t, parts(m), "%s is dropped", file)
		}
		read++
		return nil
	}))
	require.Greater(t, read, 100)
	t.Logf("%d mails read", read)
}

// parts counts what was read of a mail.
func parts(m *Message) int {
	n := len(m.Texts) + len(m.Files) + len(m.Attached)
	for _, inner := range m.Attached {
		n += parts(inner)
	}
	return n
}

// requireSound fails unless the message is bounded and says the truth about
// where it stands in the mail.
func requireSound(t testing.TB, raw []byte, m *Message) {
	t.Helper()
	total := 0
	var check func(m *Message)
	check = func(m *Message) {
		for _, s := range append([]string{m.Subject, m.From, m.MessageID}, m.Warnings.Texts()...) {
			require.True(t, utf8.ValidString(s), "%q", s)
			require.NotContains(t, s, "\n")
			require.LessOrEqual(t, len(s), 3*maxHeader)
		}
		for _, text := range m.Texts {
			require.True(t, utf8.ValidString(text.Text))
			require.NotContains(t, text.Text, "\x00")
			require.NotEmpty(t, text.Part)
			require.NotEmpty(t, text.Charset)
			require.LessOrEqual(t, text.Offset, len(raw))
			if text.Exact {
				require.Equal(t, text.Text, string(raw[text.Offset:][:len(text.Text)]))
			}
			total += len(text.Text)
		}
		for _, f := range m.Files {
			require.True(t, utf8.ValidString(f.Name))
			require.NotContains(t, f.Name, "/")
			require.LessOrEqual(t, len(f.Name), maxName)
		}
		for _, inner := range m.Attached {
			check(inner)
		}
	}
	check(m)
	require.LessOrEqual(t, total, 3*maxText)
	require.LessOrEqual(t, parts(m), 2*maxParts+2)
}

// oracle is what stalwart's mail parser reads of a mail.
type oracle struct {
	TextBody []int `json:"text_body"`
	HTMLBody []int `json:"html_body"`
	Parts    []oraclePart
}

type oraclePart struct {
	Headers []struct {
		Name  json.RawMessage // a string, or an object for a header without a meaning
		Value json.RawMessage
	}
	Body struct {
		Text, Html *string
		Message    *oracle
	}
	Offset int `json:"offset_body"`
}

// disagreements are the texts that are read otherwise here, and why.
var disagreements = map[string]string{
	"malformed/012.eml at 216":  "the oracle does not end a mail at the border of the multipart around it, and finds one mail less",
	"malformed/019.eml at 2763": "a part that begins with a line that is no header: the oracle drops the line, here it is text",
}

// TestOracle holds the text bodies against those that stalwart's mail parser
// finds in its own corpus, at the same positions of the mail.
func TestOracle(t *testing.T) {
	t.Parallel()
	dir := corpora(t)
	if dir == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "stalwart", "*", "*.eml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	bodies, agree := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")) // as the oracle was run
		expected, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + ".json")
		require.NoError(t, err)
		var o oracle
		require.NoError(t, json.Unmarshal(expected, &o))
		folder, name := filepath.Split(file)
		o.compare(Read(raw), filepath.Base(folder)+"/"+name, func(place, want, got string) {
			bodies++
			if want == got {
				agree++
				require.NotContains(t, disagreements, place, "they agree")
				return
			}
			require.Contains(t, disagreements, place, "want %q\ngot  %q", want, got)
		})
	}
	t.Logf("%d of %d text bodies agree", agree, bodies)
	require.Equal(t, len(disagreements), bodies-agree, "each exception is met")
	require.Greater(t, bodies, 100)
	require.GreaterOrEqual(t, float64(agree)/float64(bodies), 0.98)
}

// compare visits the text bodies of a mail, and of those in it, with what was
// read at the same position. In a mail that was encoded the positions are of
// its own bytes, and the order tells which text is meant.
func (o *oracle) compare(m *Message, place string, visit func(place, want, got string)) {
	at := make(map[int]string)
	collect(m, at)
	inner, texts := 0, 0
	for n, part := range o.Parts {
		if part.Body.Message != nil {
			read := m
			if inner < len(m.Attached) && encoded(m.Attached[inner]) {
				read = m.Attached[inner]
			}
			part.Body.Message.compare(read, place, visit)
			inner++
		}
		want := part.Body.Text
		if want == nil {
			want = part.Body.Html
		}
		if want == nil {
			continue
		}
		texts++
		if !slices.Contains(o.TextBody, n) && !slices.Contains(o.HTMLBody, n) {
			continue
		}
		got, ok := at[part.Offset]
		if encoded(m) {
			got, ok = m.Texts[texts-1].Text, true
		}
		if !ok {
			got = "(nothing)"
		}
		visit(fmt.Sprint(place, " at ", part.Offset), part.text(*want), strings.ReplaceAll(got, "\r\n", "\n"))
	}
}

// collect gives the texts by their position.
func collect(m *Message, at map[int]string) {
	for _, text := range m.Texts {
		at[text.Offset] = text.Text
	}
	for _, inner := range m.Attached {
		collect(inner, at)
	}
}

func encoded(m *Message) bool { return len(m.Texts) > 0 && m.Texts[0].Offset < 0 }

// text makes of the oracle's text what is promised here: no NUL, line ends
// that were not in the mail are LF, and lines joined that belong together.
func (p *oraclePart) text(s string) string {
	s = strings.NewReplacer("\x00", "\ufffd", "\r\n", "\n").Replace(s)
	for _, h := range p.Headers {
		if string(h.Name) == `"content_type"` && bytes.Contains(h.Value, []byte(`"flowed"`)) {
			return joinFlowed(s, false)
		}
	}
	return s
}
