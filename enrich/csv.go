package enrich

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode"

	"github.com/sepwatch/sepwatch/incident"
)

const (
	// maxCSV bounds a CSV file, in bytes.
	maxCSV = maxAttachment
	// csvRest is kept free for the line that says what was left out.
	csvRest = 200
)

// csvFile is a full result as a CSV file (RFC 4180, UTF-8), for an attachment
// beside the rows of a table. What hosts and SEPM have written stands in it as
// one line a cell, as [incident.Clean] has it, and starts no formula where a
// spreadsheet opens it: see [cell].
type csvFile struct {
	buf     bytes.Buffer
	w       *csv.Writer
	columns int
	max     int // bytes
	left    int // rows left out
}

func newCSVFile(header ...string) *csvFile {
	f := &csvFile{columns: len(header), max: maxCSV}
	f.w = csv.NewWriter(&f.buf)
	f.w.UseCRLF = true
	f.write(header)
	return f
}

// add adds a row. From the first on that the file has no room for, rows are
// only counted.
func (f *csvFile) add(cells ...string) {
	if f.left > 0 {
		f.left++
		return
	}
	before := f.buf.Len()
	f.write(cells)
	if f.buf.Len() > f.max-csvRest {
		f.buf.Truncate(before)
		f.left = 1
	}
}

func (f *csvFile) write(cells []string) {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = cell(c)
	}
	// A buffer takes every write.
	_ = f.w.Write(safe)
	f.w.Flush()
}

// attachment gives the file, whose last line says how many rows were left out,
// if any. Nothing is added after it.
func (f *csvFile) attachment(key, name string) *incident.Attachment {
	if f.left > 0 {
		last := make([]string, f.columns)
		last[0] = fmt.Sprintf("%d more rows were left out: a file holds %d bytes at most", f.left, f.max)
		f.write(last)
	}
	return &incident.Attachment{Key: key, Name: name, ContentType: "text/csv", Content: f.buf.Bytes()}
}

// contentKey is the key of an attachment by its name and content: one key has
// one content.
func contentKey(name string, content []byte) string {
	return fmt.Sprintf("%s %x", name, sha256.Sum256(content))
}

// cell is a text that a spreadsheet shows and does not calculate. An
// apostrophe stands before one that would start a formula: before =, +, - or
// @, in full width too, with spaces, quotes or what does not show before it or
// not, and before a tab or line break that starts it. A negative number gets
// one as well. The same goes for what follows a semicolon, which parts cells
// where a comma parts a number's decimals.
func cell(s string) string {
	parts := strings.Split(s, ";")
	for i, part := range parts {
		if startsFormula(part) {
			parts[i] = "'" + part
		}
	}
	return incident.Clean(strings.Join(parts, ";"))
}

func startsFormula(s string) bool {
	if s != "" && strings.ContainsRune("\t\r\n", rune(s[0])) {
		return true
	}
	s = strings.TrimLeftFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar || strings.ContainsRune(`"'`, r)
	})
	for _, r := range s {
		return strings.ContainsRune("=+-@＝＋－＠", r)
	}
	return false
}
