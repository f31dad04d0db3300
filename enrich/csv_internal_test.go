package enrich

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/incident"
)

func TestCSVFile(t *testing.T) {
	t.Parallel()
	f := newCSVFile("Computer name", "File path", "Hash value")
	f.add("HOST-1", `C:\Program Files, Inc\a "b".exe`, "")
	f.add("ホスト", "two\r\nlines", "=cmd|' /C calc'!A0")
	require.Equal(t, &incident.Attachment{
		Key: "scan 1", Name: "scan.csv", ContentType: "text/csv",
		Content: []byte("Computer name,File path,Hash value\r\n" +
			`HOST-1,"C:\Program Files, Inc\a ""b"".exe",` + "\r\n" +
			"ホスト,two\ufffd lines,'=cmd|' /C calc'!A0\r\n"),
	}, f.attachment("scan 1", "scan.csv"))
}

func TestCSVFileWithoutRows(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a,b\r\n", string(newCSVFile("a", "b").attachment("k", "n").Content))
}

func TestCSVCell(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "",
		"HOST-1":                  "HOST-1",
		`C:\Users\a=b+c@d`:        `C:\Users\a=b+c@d`,
		"=1+1":                    "'=1+1",
		"+1":                      "'+1",
		"-1":                      "'-1",
		"@SUM(A1)":                "'@SUM(A1)",
		"＝1＋1":                    "'＝1＋1",
		"  =1":                    "'  =1",
		"\u00a0=1":                "'\u00a0=1",
		`"=1`:                     `'"=1`,
		`' "-1`:                   `'' "-1`,
		"\ttext":                  "' text",
		"\rtext":                  "'\ufffdtext",
		"\ntext":                  "' text",
		"\x00=1":                  "'\ufffd=1",
		"\u200b\ufeff=1":          "'\u200b\ufeff=1",
		"\xff=1":                  "'\ufffd=1",
		"a; b":                    "a; b",
		"a;=1":                    "a;'=1",
		`a"; "@x;b`:               `a";' "@x;b`,
		"a\tb\x1b[31m\u202egpj":   "a b\ufffd[31m\ufffdgpj",
		"bad \xc3 utf8":           "bad \ufffd utf8",
		"(=1)":                    "(=1)",
		"10.0.0.1, fe80::1":       "10.0.0.1, fe80::1",
		"a\u2028b":                "a\u2028b",
		"nothing after spaces   ": "nothing after spaces   ",
		"   ":                     "   ",
	} {
		require.Equal(t, want, cell(text), "%q", text)
	}
}

// formula is the start of what a spreadsheet calculates.
var formula = regexp.MustCompile(`^[\s"\x{200b}\x{feff}\x{fffd}]*[=+\-@＝＋－＠]`)

// Whatever the cells hold, the file reads back as they are shown, row by row,
// and starts no formula, be it commas or semicolons that part its cells.
func TestCSVFileIsSafe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(),
			rapid.StringOf(rapid.SampledFrom([]rune("=+-@＝ab ;;\"',\t\r\n\x00\u200b\u202e\ufeff"))),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }))
		rows := rapid.SliceOfN(rapid.SliceOfN(text, 3, 3), 0, 10).Draw(t, "rows")
		f := newCSVFile("a", "b", "c")
		for _, row := range rows {
			f.add(row...)
		}
		content := string(f.attachment("k", "n").Content)
		require.True(t, utf8.ValidString(content))
		lines := strings.SplitAfter(content, "\r\n")
		require.Len(t, lines, len(rows)+2, "one line a row")
		require.Empty(t, lines[len(lines)-1])
		for _, line := range lines[:len(lines)-1] {
			line = strings.TrimSuffix(line, "\r\n")
			require.False(t, strings.ContainsFunc(line, unicode.IsControl), "%q", line)
			for part := range strings.SplitSeq(line, ";") {
				require.NotRegexp(t, formula, part, "%q", line)
			}
		}

		got, err := csv.NewReader(strings.NewReader(content)).ReadAll()
		require.NoError(t, err)
		require.Len(t, got, len(rows)+1)
		for i, row := range rows {
			for j, s := range row {
				shown := got[i+1][j]
				require.NotRegexp(t, formula, shown, "%q", s)
				require.Equal(t, strings.ReplaceAll(incident.Clean(s), "'", ""), strings.ReplaceAll(shown, "'", ""), "only apostrophes are added")
			}
		}
	})
}

func TestCSVFileIsBounded(t *testing.T) {
	t.Parallel()
	const rows = 100
	f := newCSVFile("Computer name", "File path")
	f.max = 1000
	for i := range rows {
		f.add(fmt.Sprintf("HOST-%03d", i), strings.Repeat("x", 40))
		if i == 50 {
			f.add(strings.Repeat("=", 2000), "") // large or small, it comes after the cut
		}
	}
	content := f.attachment("k", "n").Content
	require.LessOrEqual(t, len(content), f.max)
	got, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	require.NoError(t, err)
	kept := len(got) - 2
	require.Equal(t, 15, kept, "800 bytes, 29 of them the header's, 51 a row's")
	for i, row := range got[1 : 1+kept] {
		require.Equal(t, fmt.Sprintf("HOST-%03d", i), row[0])
	}
	require.Equal(t, []string{fmt.Sprintf("%d more rows were left out: a file holds 1000 bytes at most", rows+1-kept), ""}, got[len(got)-1])
}

func TestCSVFileLeavesOutOneLargeRow(t *testing.T) {
	t.Parallel()
	f := newCSVFile("a", "b")
	require.Equal(t, 24<<20, f.max, "what Resilient takes")
	f.max = 1000
	f.add("1", "2")
	f.add(strings.Repeat("x", 2000), "")
	f.add("3", "4")
	require.Equal(t, "a,b\r\n1,2\r\n2 more rows were left out: a file holds 1000 bytes at most,\r\n", string(f.attachment("k", "n").Content))
}
