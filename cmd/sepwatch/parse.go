package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/rules"
)

func newParse() *cobra.Command {
	var path string
	var asJSON, explain, redact bool
	cmd := &cobra.Command{
		Use:   "parse [--json] [--explain | --redact] [-c FILE] FILE...",
		Short: "Read mail files and print what they say",
		Long: `Read mail files and print what they say, one JSON object a mail with --json.
A file holds one mail or is an mbox; "-" is standard input. With a
configuration its senders, subjects, labels, time zone and whitelists apply;
without one every sender is accepted.

--explain shows beside each line of a mail what it was read as and where in
the mail it stands, and why a value is no artifact.

--redact writes a copy of one mail that can be shown to others, such as the
maintainers of sepwatch: it is read with the same result, and all names, paths
and addresses in it are masked. Look through it before you send it.`,
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return errors.New("name a mail FILE, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			reader := parse.NewReader(parse.Options{})
			accept := rules.New(rules.Options{Subjects: rules.DefaultSubjects()})
			if path != "" {
				c, err := loadConfig(path)
				if err != nil {
					return err
				}
				if reader, accept, err = app.Reading(c); err != nil {
					return err
				}
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			show := showAlert
			if asJSON {
				show = encodeAlert
			}
			if redact {
				return redactOne(cmd, reader, files)
			}
			var failed []error
			for _, file := range files {
				err := eachMail(file, cmd.InOrStdin(), func(raw []byte) error {
					if explain {
						e := reader.Explain(raw)
						e.Alert = accept.Accept(e.Alert)
						e.Alert.File = file
						return showExplanation(out, e, asJSON)
					}
					return show(out, file, accept.Accept(reader.Read(raw)))
				})
				if err != nil {
					failed = append(failed, err) // the other files are read all the same
				}
			}
			return errors.Join(append(failed, out.Flush())...)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a mail")
	cmd.Flags().BoolVar(&explain, "explain", false, "show what each line was read as, and why a value is no artifact")
	cmd.Flags().BoolVar(&redact, "redact", false, "write a copy of one mail with everything masked that is not SEPM's own")
	cmd.MarkFlagsMutuallyExclusive("redact", "explain")
	cmd.MarkFlagsMutuallyExclusive("redact", "json")
	return cmd
}

// maxMailFile bounds one mail that is read from a file.
const maxMailFile = 256 << 20

// eachMail gives the mails of a file, which is one mail or an mbox.
func eachMail(file string, stdin io.Reader, each func(raw []byte) error) error {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	for raw, err := range parse.Mails(in, maxMailFile) {
		var named *fs.PathError
		if errors.As(err, &named) {
			return err // it says what was done to which file
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		if err := each(raw); err != nil {
			return err
		}
	}
	return nil
}

func encodeAlert(out io.Writer, file string, a parse.Alert) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	a.File = file
	return enc.Encode(a)
}

// showAlert prints an alert for a person. Values are quoted where they hold
// what a terminal would act on.
func showAlert(out io.Writer, file string, a parse.Alert) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s, %s\n", printable(file), a.Status, a.Kind)
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&text, "  %-12s %s\n", label, printable(value))
		}
	}
	line("subject", a.Subject)
	line("from", a.From)
	line("rule", a.Rule)
	for i, e := range a.Events {
		fmt.Fprintf(&text, "  event %d\n", i+1)
		line("  risk", e.Risk)
		line("  file", e.FilePath)
		line("  computer", e.Computer)
		line("  addresses", strings.Join(e.IPAddresses, ", "))
		line("  user", e.User)
		line("  group", e.ClientGroup)
		line("  action", e.Action)
		line("  outcome", string(e.Outcome))
		line("  time", e.EventTime)
		line("  in UTC", e.EventTimeUTC)
		if e.Attack != nil {
			line("  attacker", strings.TrimSpace(e.Attack.IP+" "+e.Attack.Host))
			line("  signature", e.Attack.Signature)
			line("  url", e.Attack.IntrusionURL)
		}
	}
	for _, artifact := range a.Artifacts {
		confidence := ""
		if artifact.Confidence != "" {
			confidence = " (" + artifact.Confidence + " confidence)"
		}
		line("artifact", artifact.Type+": "+artifact.Value+confidence)
	}
	for _, held := range a.Whitelisted {
		line("whitelisted", held.Type+": "+held.Value+", by "+held.Entry)
	}
	for _, w := range a.Warnings {
		line("warning", w)
	}
	for _, signal := range a.Signals {
		line("known by", signal)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// printable is text that a terminal only shows.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
