package enrich

import (
	"bytes"
	"encoding/csv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// csvFile is a table as RFC 4180 has it, for people who open it in a
// spreadsheet: no cell is taken for a formula. Rows that do not fit into an
// attachment are left out, and the last row says how many.
type csvFile struct {
	data bytes.Buffer
	out  *csv.Writer
	left int
}

func newCSV(header ...string) *csvFile {
	f := new(csvFile)
	f.out = csv.NewWriter(&f.data)
	f.out.UseCRLF = true
	f.add(header...)
	return f
}

func (f *csvFile) add(row ...string) {
	if f.data.Len() > maxAttachment {
		f.left++
		return
	}
	cells := make([]string, len(row))
	for i, cell := range row {
		cells[i] = csvCell(cell)
	}
	_ = f.out.Write(cells) // into memory, which never fails
	f.out.Flush()
}

// csvCell keeps a spreadsheet from running what a cell says.
func csvCell(text string) string {
	text = incident.Clean(text)
	if text != "" && strings.ContainsRune("=+-@", rune(text[0])) {
		return "'" + text
	}
	return text
}

func (f *csvFile) attachment(name string) *incident.Attachment {
	if f.left > 0 {
		_ = f.out.Write([]string{counted(f.left, "more row") + " did not fit"})
		f.out.Flush()
	}
	return newAttachment(name, "text/csv", f.data.Bytes())
}
