package enrich

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/incident"
)

const (
	// maxText is how much of one text from outside a note or a cell has, in
	// characters.
	maxText = 2000
	// maxLines is how many lines of a result a note has; a file has all.
	maxLines = 20
)

// markup is HTML that is safe to send. In a note every other text is escaped.
type markup string

// remark is the note on what a run has done or found. Its format is HTML, and
// the texts among its args are made safe to stand in it.
func (p Plan) remark(format string, args ...any) incident.Effect {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = incident.EscapeHTML(shortened(text))
		}
	}
	return incident.Effect{Note: &incident.Note{Key: p.key("note"), Text: fmt.Sprintf(format, args...)}}
}

// key identifies something that a run leaves: the next run of the action
// leaves another.
func (p Plan) key(what string) string {
	of := p.Action
	if on := p.Subject.Identity(); on != "" {
		of += " on " + on
	}
	for _, field := range slices.Sorted(maps.Keys(p.Input)) {
		of += fmt.Sprintf(", %s %s", field, p.Input[field])
	}
	return fmt.Sprintf("%s of %s: %s", what, of, p.at().Format(time.RFC3339Nano))
}

// at is when the run has come to what it tells: at its last answer, or now
// where it only reads.
func (p Plan) at() time.Time {
	if n := len(p.Answers); n > 0 {
		return p.Answers[n-1].At.UTC()
	}
	return p.Now.UTC()
}

// fileName is the name of a file that a run leaves.
func (p Plan) fileName(of, extension string) string {
	return fmt.Sprintf("%s_%s.%s", of, p.at().Format("20060102150405"), extension)
}

// inLines are lines below the first one of a note, the first of them where
// there are many.
func inLines(lines []string) markup {
	var all strings.Builder
	for i, line := range lines {
		if i == maxLines {
			fmt.Fprintf(&all, "<br>… and %d more", len(lines)-i)
			break
		}
		all.WriteString("<br>" + incident.EscapeHTML(shortened(line)))
	}
	return markup(all.String())
}

// shortened is a text of which no more is left than a person reads.
func shortened(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return s
	}
	return string([]rune(s)[:maxText]) + "…"
}

// textCell is a cell with a text from outside. An empty one clears what a
// refreshed row held.
func textCell(s string) incident.Cell {
	if s == "" {
		return incident.Cell{}
	}
	return incident.Text(incident.Clean(shortened(s)))
}

// joined are things in one cell: up to max of them, and how many more there
// are.
func joined(things []string, max int) string {
	if len(things) <= max {
		return strings.Join(things, ", ")
	}
	return fmt.Sprintf("%s … and %d more", strings.Join(things[:max], ", "), len(things)-max)
}

// tabled is a result that becomes rows of a table, up to a limit (0 for none),
// and beyond it a file with all of it, too.
type tabled struct {
	limit int
	rows  []incident.Effect
	all   *csvFile
	total int
}

func (p Plan) tabled(header ...string) *tabled {
	return &tabled{limit: p.Results, all: newCSVFile(header...)}
}

// add adds a row, and the line of the file that says the same.
func (t *tabled) add(row *incident.Row, cells ...string) {
	t.total++
	if t.limit == 0 || len(t.rows) < t.limit {
		t.rows = append(t.rows, incident.Effect{Row: row})
	}
	t.all.add(cells...)
}

// effects are the rows and, where they are not all, the file; more says so in
// a note.
func (t *tabled) effects(p Plan, name string) (effects []incident.Effect, more markup) {
	if t.total == len(t.rows) {
		return t.rows, ""
	}
	file := t.all.attachment(p.key("file"), p.fileName(name, "csv"))
	more = markup(fmt.Sprintf(" The first %d are in the table, all of them in the attachment %s.", len(t.rows), file.Name))
	return append(t.rows, incident.Effect{Attachment: file}), more
}
