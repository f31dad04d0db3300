package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/parse"
)

// showExplanation prints how a mail was read: its lines, each with its place
// and what it was read as, and then what became no artifact.
func showExplanation(out io.Writer, e parse.Explanation, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return enc.Encode(e)
	}
	if err := showAlert(out, e.Alert.File, e.Alert); err != nil {
		return err
	}
	for _, text := range e.Texts {
		use := "gave no event"
		if text.Used {
			use = "gave the events"
		}
		fmt.Fprintf(out, "  read as %s, which %s\n", text.Name, use)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "    LINE\tPART\tBYTES\tREAD AS\tTEXT")
		for _, l := range text.Lines {
			fmt.Fprintf(w, "    %d\t%s\t%s\t%s\t%s\n", l.Line, printable(l.Part), bytesOf(l), readAs(l), printable(l.Text))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, f := range e.Files {
		if _, err := fmt.Fprintf(out, "  file         part %s: %s, %s, %d bytes, SHA-256 %s\n", f.Part, printable(f.Name), printable(f.Type), f.Size, f.SHA256); err != nil {
			return err
		}
	}
	for _, left := range e.LeftOut {
		if _, err := fmt.Fprintf(out, "  no artifact  %s: %s, %s\n", left.Type, printable(left.Value), left.Why); err != nil {
			return err
		}
	}
	return nil
}

// bytesOf tells where a line stands; a place that is one of the decoded part
// and not of the mail has a "~".
func bytesOf(l parse.ExplainedLine) string {
	mark := "~"
	if l.InMail {
		mark = ""
	}
	return fmt.Sprintf("%s%d-%d", mark, l.Start, l.End)
}

func readAs(l parse.ExplainedLine) string {
	what := strings.Join(l.ReadAs, ", ")
	switch {
	case what == "":
		return "-"
	case l.Event >= 0:
		return fmt.Sprintf("%s of event %d", what, l.Event+1)
	}
	return what
}

// redactOne writes the masked copy of the one mail that the file holds.
func redactOne(cmd *cobra.Command, reader *parse.Reader, files []string) error {
	if len(files) != 1 {
		return errors.New("--redact takes one FILE, so that its copy is one mail")
	}
	var mails [][]byte
	err := eachMail(files[0], cmd.InOrStdin(), func(raw []byte) error {
		if mails = append(mails, raw); len(mails) > 1 {
			return fmt.Errorf("%s holds several mails: save the one to redact as a file of its own", files[0])
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, raw := range mails {
		if _, err := cmd.OutOrStdout().Write(reader.Redact(raw)); err != nil {
			return err
		}
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch: names, paths and addresses are masked; look through the copy before you send it")
	return nil
}
