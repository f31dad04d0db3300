package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"plain":              {`C:\a b\"c".exe 'd'`, `C:\a b\"c".exe 'd'`},
		"other scripts":      {"Grüße 警报 тест 🛡", "Grüße 警报 тест 🛡"},
		"lines":              {"a\r\n\tb", `a\r\n\tb`},
		"terminal sequences": {"\x1b]0;pwned\a\x1b[2J\x9b31m", `\x1b]0;pwned\a\x1b[2J` + "\uFFFD31m"},
		"C1":                 {"a\u009b31mb\u0085", `a\u009b31mb\u0085`},
		"bidi overrides":     {"exe.\u202efdp\u2066x\u200f", `exe.\u202efdp\u2066x\u200f`},
		"hidden":             {"a\u200bb\ufeffc\u00add", `a\u200bb\ufeffc\u00add`},
		"DEL and NUL":        {"a\x7fb\x00", `a\x7fb\x00`},
		"beyond 16 bits":     {"a\U000e0041", `a\U000e0041`},
		"marks":              {"e\u0301\u0302", "e\u0301\u0302"},
		"too many marks":     {"e" + strings.Repeat("\u0301", 5), "e\u0301\u0301\u0301" + `\u0301\u0301`},
	} {
		require.Equal(t, test.want, visible(test.in), name)
	}
}

func TestCutTo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in      string
		columns int
		want    string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdef", 5, "abcd…"},
		{"abcdef", 1, "…"},
		{"abcdef", 0, ""},
		{"警报警报", 8, "警报警报"},
		{"警报警报", 7, "警报警…"},
		{"警报警报", 6, "警报…"}, // half a character does not fit
		{"ﾊﾝｶｸ", 3, "ﾊﾝ…"},
		{"ｆｕｌｌ", 5, "ｆｕ…"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"🛡️🛡️", 2, "🛡️🛡️"},
	} {
		got := cutTo(test.in, test.columns)
		require.Equal(t, test.want, got, "%q to %d", test.in, test.columns)
		require.LessOrEqual(t, columnsOf(got), test.columns)
	}
}

// lines prints rows to a terminal of a width and gives the lines.
func lines(t *testing.T, columns []column, width int, pages ...[]row) []string {
	t.Helper()
	var out bytes.Buffer
	table := newTable(&out, columns)
	table.limit = width
	for _, rows := range pages {
		require.NoError(t, table.write(rows))
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestTable(t *testing.T) {
	t.Parallel()
	columns := []column{{title: "ID", right: true}, {title: "FROM", rank: 2, least: 5}, {title: "STATE"}, {title: "SUBJECT", rank: 1, least: 9}}
	rows := []row{
		{cells: []string{"7", "sepm@example.com", "parsed", "Single Risk Event"}},
		{cells: []string{"12", "警报警报警报", "", "a\nb\x1b[31m"}, note: "why\u202e"},
	}
	require.Equal(t, []string{
		`ID  FROM              STATE   SUBJECT`,
		` 7  sepm@example.com  parsed  Single Risk Event`,
		`12  警报警报警报              a\nb\x1b[31m`,
		`    why\u202e`,
	}, lines(t, columns, 0, rows), "no terminal cuts nothing")
	require.Equal(t, []string{
		`ID  FROM        STATE   SUBJECT`,
		` 7  sepm@exam…  parsed  Single Risk Event`,
		`12  警报警报…   parsed  a`,
	}, lines(t, columns, 41, []row{rows[0], {cells: []string{"12", "警报警报警报", "parsed", "a"}}}), "the least important first")
	require.Equal(t, []string{
		`ID  FROM   STATE   SUBJECT`,
		` 7  sepm…  parsed  Single R…`,
	}, lines(t, columns, 28, rows[:1]), "then the next")
	require.Equal(t, []string{
		`ID  FROM   STATE …`,
		` 7  sepm…  parsed…`,
	}, lines(t, columns, 18, rows[:1]), "then the line")
	for width := 1; width < 60; width++ {
		for _, line := range lines(t, columns, width, rows[:1]) {
			require.LessOrEqual(t, columnsOf(line), width)
			require.True(t, utf8.ValidString(line))
		}
	}
	require.Equal(t, []string{
		`ID  FROM  STATE  SUBJECT`,
		` 7  a     b      c`,
		`1234567  a     longer  c`,
		`      8  a     b       c`,
	}, lines(t, columns, 80,
		[]row{{cells: []string{"7", "a", "b", "c"}}},
		[]row{{cells: []string{"1234567", "a", "longer", "c"}}, {cells: []string{"8", "a", "b", "c"}}}), "page by page")
	require.Equal(t, []string{`ID  FROM  STATE  SUBJECT`}, lines(t, columns, 80, nil), "nothing")
}

func TestNoTerminal(t *testing.T) {
	t.Parallel()
	require.Zero(t, terminalWidth(&bytes.Buffer{}))
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	require.Zero(t, terminalWidth(file))
}
