package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newIncidentList() *cobra.Command {
	var flags listing
	var within span
	var status string
	var filter ledger.IncidentFilter
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "List incidents, the newest first",
		Long: `List the incidents in the ledger, the newest first. RESILIENT is the incident's
number there, SEEN how many events have joined it. DELIVERY says whether
Resilient has all of it: "3 pending" are pieces (artifacts, notes and rows) on
their way, "1 parked" is a piece that was given up; "incident show" says why,
and "task retry" tries it again.

Filters add up. Where standard output is a terminal, long cells are cut to its
width; elsewhere, and with --json, everything is whole.`,
		Example: `  sepwatch incident list -c sepwatch.yaml --since 24h --computer TEST-ENDPOINT
  sepwatch incident list -c sepwatch.yaml --undelivered --all
  sepwatch incident list -c sepwatch.yaml --json | jq -r '.[] | [.id, .name] | @tsv'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if filter.Status, err = oneOf("status", status, []incident.Status{incident.Open, incident.Closed}); err != nil {
				return err
			}
			if filter.Since, filter.Until, err = within.read(time.Now()); err != nil {
				return err
			}
			if err := positive(cmd, "remote", filter.RemoteID); err != nil {
				return err
			}
			return list(cmd, flags, incidentColumns(), func(tx ledger.Tx, page ledger.Page) ([]incidentLine, error) {
				incidents, err := tx.ListIncidents(filter, page)
				if err != nil {
					return nil, err
				}
				return newIncidentLines(tx, incidents)
			})
		},
	}
	flags.flags(cmd)
	within.flags(cmd, "created")
	cmd.Flags().StringVar(&status, "status", "", "only those of this `STATUS`: open or closed")
	cmd.Flags().StringVar(&filter.Computer, "computer", "", "only those with an event on the computer of this `NAME`, in upper or lower case")
	cmd.Flags().StringVar(&filter.Risk, "risk", "", "only those with an event of the risk of this `NAME`, in upper or lower case")
	cmd.Flags().Int64Var(&filter.RemoteID, "remote", 0, "only the one with this `ID` in Resilient")
	cmd.Flags().BoolVar(&filter.Undelivered, "undelivered", false, "only those of which Resilient does not have all")
	cmd.Flags().BoolVar(&filter.Parked, "parked", false, "only those that were given up, or of which a piece was")
	return cmd
}
