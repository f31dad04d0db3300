package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// maxMarks is how many combining marks may stand on one letter: more than any
// language needs, and fewer than spill over the lines around it.
const maxMarks = 3

// visible is text that a terminal only shows, on one line: what it would act
// on, or hide, is escaped.
func visible(s string) string {
	var shown strings.Builder
	marks := 0
	for _, r := range s {
		if zeroWidth(r) {
			marks++
		} else {
			marks = 0
		}
		if strconv.IsPrint(r) && marks <= maxMarks {
			shown.WriteRune(r)
		} else {
			quoted := strconv.QuoteRuneToASCII(r)
			shown.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return shown.String()
}

// columnsOf is how many columns of a terminal visible text takes.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	if zeroWidth(r) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

func zeroWidth(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Me) }

// cutTo cuts visible text to so many columns, and marks it where it is cut.
func cutTo(s string, columns int) string {
	if columnsOf(s) <= columns {
		return s
	}
	if columns < 1 {
		return ""
	}
	n := 1 // for the mark
	for i, r := range s {
		if n += runeColumns(r); n > columns {
			return s[:i] + "…"
		}
	}
	return s
}
