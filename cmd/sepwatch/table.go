package main

import (
	"cmp"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// column is one column of a table.
type column struct {
	title string
	// right puts numbers one under the other.
	right bool
	// Where the table is too wide, the column with the highest rank is cut
	// first, down to the width least, then the next. One without a rank is
	// not cut.
	rank, least int
}

// row is one line of a table. A note stands below it, whole.
type row struct {
	cells []string
	note  string
}

// table prints rows under a header, one line each, as wide as the terminal
// that it goes to, or as they are where that is none. Everything is made
// visible.
type table struct {
	out     io.Writer
	columns []column
	// limit is the terminal's width, 0 for none.
	limit  int
	indent string

	widths []int
}

func newTable(out io.Writer, columns []column) *table {
	return &table{out: out, columns: columns, limit: terminalWidth(out)}
}

// write prints the next rows, the header before the first. It may be called
// again and again with a few rows each, so that a long table needs no memory;
// then a column grows where it must.
func (t *table) write(rows []row) error {
	first := t.widths == nil
	if first {
		t.widths = make([]int, len(t.columns))
		titles := make([]string, len(t.columns))
		for i, c := range t.columns {
			titles[i] = c.title
		}
		rows = slices.Insert(slices.Clone(rows), 0, row{cells: titles})
	}
	shown := make([][]string, len(rows))
	for i, r := range rows {
		shown[i] = make([]string, len(t.columns))
		for j, cell := range r.cells {
			shown[i][j] = visible(cell)
			t.widths[j] = max(t.widths[j], columnsOf(shown[i][j]))
		}
	}
	widths := t.fitted()
	var text strings.Builder
	for i, cells := range shown {
		text.WriteString(t.line(cells, widths) + "\n")
		if note := rows[i].note; note != "" {
			text.WriteString(t.indent + "    " + visible(note) + "\n")
		}
	}
	_, err := io.WriteString(t.out, text.String())
	return err
}

const gap = "  "

// fitted are the widths of the columns after cutting.
func (t *table) fitted() []int {
	widths := slices.Clone(t.widths)
	if t.limit == 0 {
		return widths
	}
	over := len(t.indent) + len(gap)*(len(widths)-1) - t.limit
	for _, w := range widths {
		over += w
	}
	byRank := make([]int, 0, len(widths))
	for i, c := range t.columns {
		if c.rank > 0 {
			byRank = append(byRank, i)
		}
	}
	slices.SortStableFunc(byRank, func(a, b int) int { return cmp.Compare(t.columns[b].rank, t.columns[a].rank) })
	for _, i := range byRank {
		cut := max(0, min(over, widths[i]-max(t.columns[i].least, len(t.columns[i].title))))
		widths[i] -= cut
		over -= cut
	}
	return widths
}

func (t *table) line(cells []string, widths []int) string {
	var line strings.Builder
	line.WriteString(t.indent)
	for i, cell := range cells {
		cell = cutTo(cell, widths[i])
		padding := strings.Repeat(" ", widths[i]-columnsOf(cell))
		if t.columns[i].right {
			cell, padding = padding+cell, ""
		}
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(padding + gap)
		}
	}
	text := strings.TrimRight(line.String(), " ")
	if t.limit > 0 {
		return cutTo(text, t.limit) // too narrow for what is not cut
	}
	return text
}

// terminalWidth is how many columns the terminal has that out is, 80 where it
// does not say, 0 where out is none.
func terminalWidth(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns < 1 {
		return 80
	}
	return columns
}

// local is a time as a table has it.
func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

func localOptional(t *time.Time) string {
	if t == nil {
		return ""
	}
	return local(*t)
}

// number is a count or an id as a table has it.
func number[N ~int | ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }

func optionalNumber(n *int64) string {
	if n == nil {
		return ""
	}
	return number(*n)
}
