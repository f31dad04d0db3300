package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/net/html"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// show prints the first incident as it stands in Resilient.
func (w *world) show(out io.Writer) error {
	incidents := w.soar.Incidents()
	i := slices.IndexFunc(incidents, func(inc soar.Incident) bool { return inc.Open })
	if i < 0 {
		_, err := fmt.Fprintln(out, "no incident arrived")
		return err
	}
	inc := incidents[i]
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "Incident %d: %s\n", inc.ID, inc.Name)
	fmt.Fprintf(t, "  severity %s, type %s, open\n", inc.Severity, strings.Join(inc.Types, ", "))
	fmt.Fprintln(t, "\nDescription")
	for line := range strings.SplitSeq(strings.TrimSpace(plain(inc.Description)), "\n") {
		label, value, _ := strings.Cut(line, ": ")
		fmt.Fprintf(t, "  %s\t%s\n", label, value)
	}
	fmt.Fprintln(t, "\nArtifacts")
	for _, a := range inc.Artifacts {
		fmt.Fprintf(t, "  %s\t%s\n", a.Type, a.Value)
	}
	for _, row := range inc.Rows {
		table, ok := incident.TableByName(row.Table)
		if !ok {
			continue
		}
		fmt.Fprintf(t, "\n%s\n", table.Label)
		for _, column := range table.Columns {
			if v, ok := row.Cells[column.Name]; ok {
				fmt.Fprintf(t, "  %s\t%v\n", column.Label, v)
			}
		}
	}
	fmt.Fprintln(t, "\nNotes")
	for _, n := range inc.Notes {
		fmt.Fprintf(t, "  %s\n", plain(n.Text))
	}
	if len(inc.Notes) == 0 {
		fmt.Fprintln(t, "  none")
	}
	return t.Flush()
}

// plain is the text of rich text, a line for each <br>.
func plain(rich string) string {
	tokens := html.NewTokenizer(strings.NewReader(rich))
	var text strings.Builder
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return text.String()
		case html.TextToken:
			text.Write(tokens.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			if name, _ := tokens.TagName(); string(name) == "br" {
				text.WriteByte('\n')
			}
		}
	}
}
