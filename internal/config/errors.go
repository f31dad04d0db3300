package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a configuration file.
type Error struct {
	// File is the file's name as it was given.
	File string
	// Line and Column count from 1; a column is a character.
	Line, Column int
	// Path is the setting, such as mailboxes[0].url; empty when the file as
	// a whole is at fault.
	Path string
	// Problem says what is wrong. It never holds a secret's value.
	Problem string
	// Remedy says what to write instead.
	Remedy string
}

// Error gives "FILE:LINE:COLUMN: PATH: PROBLEM; write REMEDY".
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; write " + e.Remedy)
	}
	return b.String()
}

// Errors are all mistakes in a configuration file, in the order in which
// they stand there.
type Errors []*Error

// Error gives one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the mistakes one by one to errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
}

// fault is a mistake whose place its finder does not know. A nil fault is
// none.
type fault struct{ problem, remedy string }
