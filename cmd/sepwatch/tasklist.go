package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newTaskList() *cobra.Command {
	var flags listing
	var kind string
	var filter ledger.TaskFilter
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "List what is left to do, the newest first",
		Long: `List the tasks that are not done, the newest first. KEY is the id of what a
task is about: of a mail for read, of a run (see incident show) for respond, of a
command for follow, and of an incident for deliver. Its state is

  working  the daemon is at it
  due      it is its turn as soon as the daemon comes to it
  waiting  it failed, or waits for something, and is tried again when it is due
  parked   it was given up, or a piece of its incident was: "task retry" tries
           it again when the cause is removed

Filters add up. Where standard output is a terminal, long cells are cut to its
width; elsewhere, and with --json, everything is whole.`,
		Example: `  sepwatch task list -c sepwatch.yaml
  sepwatch task list -c sepwatch.yaml --parked --json | jq -r '.[].error'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if filter.Kind, err = oneOf("kind", kind, ledger.TaskKinds()); err != nil {
				return err
			}
			if err := errors.Join(positive(cmd, "key", filter.Key), oneAtMost(cmd, "due", "parked")); err != nil {
				return err
			}
			return list(cmd, flags, taskColumns(), func(tx ledger.Tx, page ledger.Page) ([]taskLine, error) {
				tasks, err := tx.ListTasks(filter, page)
				if err != nil {
					return nil, err
				}
				return newTaskLines(tx, tasks, time.Now())
			})
		},
	}
	flags.flags(cmd)
	cmd.Flags().StringVar(&kind, "kind", "", "only those of this `KIND`: read, respond, follow or deliver")
	cmd.Flags().Int64Var(&filter.Key, "key", 0, "only those about the mail, run, command or incident with this `ID`")
	cmd.Flags().BoolVar(&filter.Due, "due", false, "only those that are due now")
	cmd.Flags().BoolVar(&filter.Parked, "parked", false, "only those that were given up")
	return cmd
}
