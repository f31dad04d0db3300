package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newAction(actions []enrich.Action) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "action NAME",
		Short: "Start an action on an incident, or on an artifact or row of it",
		Long: `Start an action on an incident, or on an artifact or row of it. The daemon runs
it, and puts on the incident what it leaves; this waits for that, and prints it.
Ids are those that "incident show" prints. "action NAME --help" says what an
action takes, and on which conditions it is offered.`,
		// Of an unknown action the flags are unknown too, and say less.
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
	}
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = a.Name
		cmd.AddCommand(newActionOf(a))
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{errors.New("name an action: " + strings.Join(names, ", "))}
		}
		return usageError{fmt.Errorf("there is no action %q; write %s", args[0], config.OneOf(args[0], names))}
	}
	return cmd
}

// The fields of forms that have a flag of their own.
const (
	fieldReason    = "reason"
	fieldComputers = "computers"
)

// actionStart is what the command line asks for.
type actionStart struct {
	enrich.Action
	path            string
	incident, piece int64
	set             []string
	reason          string
	computers       string
	dryRun, noWait  bool
	json            bool
}

// newActionOf is the command of an action, with the flags that it takes.
func newActionOf(a enrich.Action) *cobra.Command {
	s := actionStart{Action: a}
	cmd := &cobra.Command{
		Use:   a.Name + " -c FILE --incident ID",
		Short: fmt.Sprintf("%s (on %s)", shortTitle(a.ActionDef), startedOn(a.On)),
		Long:  actionHelp(a.ActionDef),
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	configFlag(cmd, &s.path)
	cmd.Flags().Int64Var(&s.incident, "incident", 0, "the incident with this `ID` (required)")
	if a.On != incident.OnIncident {
		cmd.Flags().Int64Var(&s.piece, string(a.On), 0, fmt.Sprintf("the %s with this `ID`, as \"incident show\" prints it (required)", a.On))
	}
	if len(a.Form) > 0 {
		cmd.Flags().StringArrayVar(&s.set, "set", nil, "a field of the form as `FIELD=VALUE`; once for each field")
	}
	if s.takes(fieldReason) {
		cmd.Flags().StringVar(&s.reason, fieldReason, "", "why: the `TEXT` is kept with what comes of it")
	}
	if s.takes(fieldComputers) {
		cmd.Flags().StringVar(&s.computers, fieldComputers, "", "only the computers that this `FILE` names or gives the ids of, one a line")
	}
	cmd.Flags().BoolVar(&s.dryRun, "dry-run", false, "print the requests that would change something at SEPM first, and send none of them")
	cmd.Flags().BoolVar(&s.noWait, "no-wait", false, "do not wait for its end")
	cmd.Flags().BoolVar(&s.json, "json", false, "print one JSON object and nothing else")
	return cmd
}

// takes reports whether the action's form has a field.
func (s *actionStart) takes(field string) bool {
	return slices.ContainsFunc(s.Form, func(f incident.InputDef) bool { return f.Name == field })
}

func (s *actionStart) run(cmd *cobra.Command) error {
	input, err := s.input()
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("incident") {
		return usageError{fmt.Errorf("--incident is missing: name the incident that %s is for; \"sepwatch incident list\" prints them", s.Name)}
	}
	mistakes := errors.Join(positive(cmd, "incident", s.incident), oneAtMost(cmd, "dry-run", "no-wait"))
	if s.On != incident.OnIncident {
		mistakes = errors.Join(mistakes, positive(cmd, string(s.On), s.piece))
	}
	if mistakes != nil {
		return mistakes
	}
	c, err := loadConfig(s.path)
	if err != nil {
		return err
	}
	if len(c.SEPM) == 0 {
		return fmt.Errorf("%s works with SEPM, and none is configured under sepm", s.Name)
	}
	if s.dryRun {
		return s.rehearse(cmd, c, input)
	}
	return onLedger(cmd, c, ledger.ReadWrite, func(ctx context.Context, l *ledger.Ledger) error {
		return s.start(ctx, cmd, c, l, input)
	})
}

// shortTitle is a title without what all of the guide's titles begin with.
func shortTitle(def incident.ActionDef) string {
	return strings.TrimPrefix(def.Title, "Example: SEP - ")
}

// startedOn names what an action is started on.
func startedOn(on incident.ActionTarget) string {
	if on == incident.OnRow {
		return "a row"
	}
	return "an " + string(on)
}

// actionHelp says what an action does, on what, when, and with which fields.
func actionHelp(def incident.ActionDef) string {
	var text strings.Builder
	text.WriteString(shortTitle(def) + ". " + def.Help + "\n\nIt is started on ")
	switch def.On {
	case incident.OnIncident:
		text.WriteString("an incident.\n")
	case incident.OnArtifact:
		types := make([]string, len(def.ArtifactTypes))
		for i, t := range def.ArtifactTypes {
			types[i] = string(t)
		}
		text.WriteString("an artifact of the type " + strings.Join(types, " or ") + ".\n")
	case incident.OnRow:
		table, _ := incident.TableByName(def.Table)
		text.WriteString("a row of the table " + table.Label + ".\n")
	}
	if len(def.When) > 0 {
		text.WriteString("\nIt is offered where\n\n")
		for _, c := range def.When {
			text.WriteString("  " + c.String() + "\n")
		}
	}
	if len(def.Form) > 0 {
		text.WriteString("\nThe fields of its form, each with --set FIELD=VALUE:\n\n")
		for _, f := range def.Form {
			text.WriteString("  " + fieldHelp(f) + "\n")
		}
	}
	if def.Changes {
		text.WriteString("\nIt changes something at SEPM; --dry-run shows what, without sending it.\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// fieldHelp is a field with its tooltip, choices and default.
func fieldHelp(f incident.InputDef) string {
	help := f.Name + ": " + strings.TrimSuffix(f.Help, ".")
	switch f.Type {
	case incident.InputSelect:
		help += " (" + strings.Join(f.Values, " or ") + ")"
	case incident.InputBoolean:
		help += " (true or false)"
	}
	if f.Choices != "" {
		help += fmt.Sprintf(" (one of SEPM's %s)", f.Choices)
	}
	if f.Default != "" {
		help += " (default " + f.Default + ")"
	}
	if f.Required && f.Default == "" {
		help += " (required)"
	}
	return help
}
