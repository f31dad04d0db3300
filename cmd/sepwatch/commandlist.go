package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newCommandList() *cobra.Command {
	var flags listing
	var within span
	var kind, state string
	var filter ledger.CommandFilter
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "List commands, the newest first",
		Long: `List the commands that SEPM was given for endpoints, the newest first. COMPLETED
is on how many of its endpoints a command has completed, as of when the daemon
last asked SEPM; "command show --endpoints" asks now. BY is who started it, empty
for a rule.

Filters add up. Where standard output is a terminal, long cells are cut to its
width; elsewhere, and with --json, everything is whole.`,
		Example: `  sepwatch command list -c sepwatch.yaml --open
  sepwatch command list -c sepwatch.yaml --kind scan --state 'timed out'
  sepwatch command list -c sepwatch.yaml --json | jq -r '.[] | select(.failed > 0) | .id'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if filter.Kind, err = oneOf("kind", kind, incident.CommandKinds()); err != nil {
				return err
			}
			if filter.State, err = oneOf("state", state, incident.CommandStates()); err != nil {
				return err
			}
			if filter.Since, filter.Until, err = within.read(time.Now()); err != nil {
				return err
			}
			if err := positive(cmd, "incident", filter.Incident); err != nil {
				return err
			}
			return list(cmd, flags, commandColumns(), func(tx ledger.Tx, page ledger.Page) ([]commandLine, error) {
				commands, err := tx.ListCommands(filter, page)
				return newCommandLines(commands), err
			})
		},
	}
	flags.flags(cmd)
	within.flags(cmd, "started")
	cmd.Flags().StringVar(&kind, "kind", "", "only those of this `KIND`: scan, remediation, upload, quarantine, undo_quarantine, active_scan, full_scan or update_content")
	cmd.Flags().StringVar(&state, "state", "", "only those in this `STATE`: in progress, timed out or completed")
	cmd.Flags().Int64Var(&filter.Incident, "incident", 0, "only those that were started for the incident with this `ID`")
	cmd.Flags().BoolVar(&filter.Open, "open", false, "only those that SEPM is still asked about")
	return cmd
}
