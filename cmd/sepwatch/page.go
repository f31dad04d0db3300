package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// page prints one record for a person: fields, then tables. Everything is
// made visible. The first error stays.
type page struct {
	out io.Writer
	err error
}

func (p *page) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *page) title(text string) { p.printf("%s\n", visible(text)) }

// field prints what is not empty.
func (p *page) field(label, value string) {
	if value != "" {
		p.printf("  %-11s %s\n", label, visible(value))
	}
}

// table prints a table that is not empty under its name.
func (p *page) table(name string, columns []column, rows []row) {
	if p.err != nil || len(rows) == 0 {
		return
	}
	p.printf("\n%s\n", name)
	t := newTable(p.out, columns)
	t.indent = "  "
	if p.err == nil {
		p.err = t.write(rows)
	}
}

// rowsOf are the rows of a table without notes.
func rowsOf[T interface{ cells() []string }](lines []T) []row {
	rows := make([]row, len(lines))
	for i, line := range lines {
		rows[i].cells = line.cells()
	}
	return rows
}

// text prints HTML as plain text under its name, line by line.
func (p *page) text(name, html string) {
	p.printf("\n%s\n", name)
	for line := range strings.Lines(strings.TrimSpace(mime.HTMLText(html))) {
		p.printf("  %s\n", visible(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", gap)))
	}
}
