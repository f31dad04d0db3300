package main

import (
	"bufio"

	"github.com/spf13/cobra"
)

// entry is one record of a list: its JSON, its id, by which one page follows
// the other, and its cells in the table.
type entry interface {
	id() int64
	cells() []string
}

// printer prints a list page by page.
type printer[T entry] interface {
	print(records []T) error
	end() error
}

func newPrinter[T entry](cmd *cobra.Command, asJSON bool, columns []column) printer[T] {
	if asJSON {
		return &arrayPrinter[T]{out: bufio.NewWriter(cmd.OutOrStdout())}
	}
	return &tablePrinter[T]{newTable(cmd.OutOrStdout(), columns)}
}

type tablePrinter[T entry] struct{ *table }

func (p *tablePrinter[T]) print(records []T) error {
	return p.write(rowsOf(records))
}

func (p *tablePrinter[T]) end() error { return nil }

// arrayPrinter prints a JSON array, an element a line. The array of a command
// that fails on its way is not closed, so that nobody takes it for whole.
type arrayPrinter[T entry] struct {
	out   *bufio.Writer
	begun bool
}

func (p *arrayPrinter[T]) print(records []T) error {
	for _, r := range records {
		separator := ",\n"
		if !p.begun {
			separator, p.begun = "[\n", true
		}
		data, err := encode(r)
		if err != nil {
			return err
		}
		if _, err := p.out.WriteString(separator); err != nil {
			return err
		}
		if _, err := p.out.Write(data); err != nil {
			return err
		}
	}
	return p.out.Flush()
}

func (p *arrayPrinter[T]) end() error {
	end := "\n]\n"
	if !p.begun {
		end = "[]\n"
	}
	if _, err := p.out.WriteString(end); err != nil {
		return err
	}
	return p.out.Flush()
}
