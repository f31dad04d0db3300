package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/sepclient"
)

func newSEP() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sep FUNCTION",
		Short: "Call one of the SEP functions",
		Long: `Call one of the SEP functions, on the SEPM of the configuration, and print its
result. Its requests count for sepm[].requests_per_minute, and come before
those that the daemon makes by itself.`,
		// Of an unknown function the flags are unknown too, and say less.
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
	}
	var names []string
	for _, f := range enrich.Functions() {
		function := newFunction(f)
		names = append(names, function.Name())
		cmd.AddCommand(function)
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{errors.New("name a function: " + strings.Join(names, ", "))}
		}
		return usageError{fmt.Errorf("there is no function %q; write %s", args[0], config.OneOf(args[0], names))}
	}
	return cmd
}

// newFunction is the command of a function, with a flag for each input.
func newFunction(f enrich.Function) *cobra.Command {
	var path, server string
	var asJSON bool
	values := make(map[string]*inputValue)
	name := strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(f.Name, "fn_"), "sep_"), "_", "-")
	cmd := &cobra.Command{
		Use:   name + " -c FILE",
		Short: f.Title,
		Long: wrapped(f.Help) + changesNote(f) + `

Where standard output is a terminal, long cells are cut to its width; elsewhere,
and with --json, everything is whole. The fields of the JSON are named as SEPM
and fn_sep name them; docs/functions.md tells what they are.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			entry, err := entryOf(c.SEPM, server)
			if err != nil {
				return usageError{err}
			}
			inputs := make(map[string]string)
			for input, value := range values {
				if value.text != "" {
					inputs[input] = value.text
				}
			}
			warn := func(err error) { fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch:", err) }
			return app.WithSEPM(cmd.Context(), c, entry, warn, func(client *sepclient.Client) error {
				return printOutput(cmd, f, client, inputs, enrich.Options{Limits: app.Limits(entry), Server: entry.Name}, asJSON)
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&server, "server", "", "ask the sepm entry of this `NAME`, not the first")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array and nothing else")
	for _, def := range f.Inputs {
		value := &inputValue{kind: def.Type}
		values[def.Name] = value
		cmd.Flags().Var(value, flagOf(def.Name), flagHelp(f, def))
		if def.Type == incident.InputBoolean {
			cmd.Flags().Lookup(flagOf(def.Name)).NoOptDefVal = "true" // so that the flag alone says yes
		}
	}
	return cmd
}

// wrapped breaks a text into the lines of a help.
func wrapped(text string) string {
	const width = 80
	var out strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column > 0 && column+1+len(word) > width:
			out.WriteString("\n")
			column = 0
		case column > 0:
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	return out.String()
}

func changesNote(f enrich.Function) string {
	if !f.Changes {
		return ""
	}
	return "\n\nIt changes something at SEPM, at once and without asking."
}

// flagOf is the flag of an input: its name without sep_, in kebab case.
func flagOf(input string) string {
	return strings.ReplaceAll(strings.TrimPrefix(input, "sep_"), "_", "-")
}

// inputValue is the value of an input's flag, which the function checks.
type inputValue struct {
	kind incident.InputType
	text string
}

func (v *inputValue) String() string        { return v.text }
func (v *inputValue) Type() string          { return string(v.kind) }
func (v *inputValue) Set(text string) error { v.text = text; return nil }

// entryOf is the SEPM entry of a name, the first where the name is empty.
func entryOf(entries []config.SEPM, name string) (config.SEPM, error) {
	if len(entries) == 0 {
		return config.SEPM{}, errors.New("the configuration has no sepm")
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		if name == "" || e.Name == name {
			return e, nil
		}
		names[i] = e.Name
	}
	return config.SEPM{}, fmt.Errorf("--server %q: write %s", name, config.OneOf(name, names))
}

// flagHelp is the help of an input's flag.
func flagHelp(f enrich.Function, def incident.InputDef) string {
	help := strings.TrimSuffix(strings.ReplaceAll(def.Help, "`", "'"), ".")
	if !told(help, def.Values) {
		help += " (" + strings.Join(def.Values, " or ") + ")"
	}
	if def.Required && f.Unset[def.Name] == "" {
		help += " (required)"
	}
	return help
}

// told reports whether a help names all the words.
func told(help string, words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(help, word) })
}

// flagsIn writes the flags for the inputs that a text names.
func flagsIn(f enrich.Function, text string) string {
	for _, def := range f.Inputs {
		text = regexp.MustCompile(`\b`+def.Name+`\b`).ReplaceAllString(text, "--"+flagOf(def.Name))
	}
	return text
}

// resultLine is one item of a result.
type resultLine struct{ enrich.Item }

func (resultLine) id() int64                      { return 0 } // a result has no pages
func (l resultLine) cells() []string              { return l.Cells }
func (l resultLine) MarshalJSON() ([]byte, error) { return encode(l.JSON) }

// resultPage is how many items are printed at a time.
const resultPage = 200

// printOutput prints a result as it comes, so that a large fleet needs no
// memory. Sentences about it go to standard error.
func printOutput(cmd *cobra.Command, f enrich.Function, sepm enrich.Manager, inputs map[string]string, o enrich.Options, asJSON bool) error {
	output, err := f.Call(cmd.Context(), sepm, inputs, o)
	var mistake *enrich.InputError
	if errors.As(err, &mistake) {
		return usageError{fmt.Errorf("--%s %s", flagOf(mistake.Input), flagsIn(f, mistake.Problem))}
	}
	if err != nil {
		return err
	}
	for _, warning := range output.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch:", warning)
	}
	columns := make([]column, len(output.Columns))
	for i, title := range output.Columns {
		columns[i] = column{title: title}
	}
	out := newPrinter[resultLine](cmd, asJSON, columns)
	var page []resultLine
	var note string
	for item, err := range output.Items {
		if err != nil && len(page) == 0 {
			return err
		}
		if err != nil {
			return errors.Join(out.print(page), err) // what came is worth something
		}
		note = item.Note
		if asJSON && item.JSON == nil || !asJSON && item.Cells == nil {
			continue
		}
		if page = append(page, resultLine{item}); len(page) == resultPage {
			if err := out.print(page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if err := errors.Join(out.print(page), out.end()); err != nil {
		return err
	}
	if note != "" && !asJSON {
		fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch:", note)
	}
	return nil
}
