package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newTaskRetry() *cobra.Command {
	var path, kind string
	var parked, asJSON bool
	cmd := &cobra.Command{
		Use:   "retry -c FILE (ID... | --parked [--kind KIND])",
		Short: "Make tasks due now as if they had never failed",
		Long: `Make tasks due now as if they had never failed, and print them. Retrying a
delivery takes up the pieces of its incident that were given up, too. A daemon
that runs begins within a second; else the next one that is started does.

Ids are those that "task list" prints; where one of them is not in the ledger,
nothing is retried.`,
		Example: `  sepwatch task retry -c sepwatch.yaml 12 17
  sepwatch task retry -c sepwatch.yaml --parked --kind deliver`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case parked && len(args) > 0:
				return errors.New("give either ids or --parked, not both")
			case !parked && len(args) == 0:
				return errors.New("name the ids of tasks, or give --parked")
			case !parked && kind != "":
				return errors.New("--kind goes with --parked")
			}
			_, err := ids("a task", args)
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			of, err := oneOf("kind", kind, ledger.TaskKinds())
			if err != nil {
				return err
			}
			named, err := ids("a task", args)
			if err != nil {
				return err
			}
			return withLedger(cmd, path, ledger.ReadWrite, func(ctx context.Context, l *ledger.Ledger) error {
				out := newPrinter[retriedTask](cmd, asJSON, retriedColumns())
				if parked {
					n, err := retryParked(ctx, l, of, out)
					if err != nil {
						return err
					}
					if n == 0 {
						fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch: nothing was given up")
					}
				} else if err := retryNamed(ctx, cmd, l, named, out); err != nil {
					return err
				}
				return out.end()
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&parked, "parked", false, "retry all that \"task list --parked\" prints")
	cmd.Flags().StringVar(&kind, "kind", "", "with --parked, only those of this `KIND`: read, respond, follow or deliver")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array and nothing else")
	return cmd
}

// retryNamed retries the tasks with the ids, all of them or none.
func retryNamed(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, ids []int64, out printer[retriedTask]) error {
	var retried []retriedTask
	err := l.Update(ctx, func(tx ledger.Tx) error {
		tasks, err := tx.Tasks(ids)
		if err != nil {
			return err
		}
		there := make(map[int64]bool, len(tasks))
		for _, t := range tasks {
			there[t.ID] = true
		}
		for _, id := range ids {
			if !there[id] {
				return missing(cmd, tx, "task", id)
			}
		}
		retried, err = retryTasks(tx, tasks)
		return err
	})
	if err != nil {
		return err
	}
	return out.print(retried)
}

// retryBatch is how many parked tasks are made due in one commit: the daemon
// waits for its own meanwhile.
const retryBatch = 100

// retryParked retries all tasks of the kind that were given up, and returns
// how many there were.
func retryParked(ctx context.Context, l *ledger.Ledger, kind ledger.TaskKind, out printer[retriedTask]) (int, error) {
	total := 0
	for page := (ledger.Page{Limit: retryBatch}); ; {
		var retried []retriedTask
		err := l.Update(ctx, func(tx ledger.Tx) error {
			tasks, err := tx.ListTasks(ledger.TaskFilter{Parked: true, Kind: kind}, page)
			if err != nil {
				return err
			}
			retried, err = retryTasks(tx, tasks)
			return err
		})
		if err != nil {
			return total, err
		}
		if err := out.print(retried); err != nil {
			return total, err
		}
		total += len(retried)
		if len(retried) < page.Limit {
			return total, nil
		}
		page.Before = retried[len(retried)-1].ID
	}
}

// retryTasks makes the tasks due and describes them in their order.
func retryTasks(tx ledger.Tx, tasks []ledger.TaskView) ([]retriedTask, error) {
	before, err := newTaskLines(tx, tasks, time.Now())
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(tasks))
	for i, t := range tasks {
		ids[i] = t.ID
		if err := tx.RetryTask(t.ID); err != nil {
			return nil, err
		}
	}
	found, err := tx.Tasks(ids)
	if err != nil {
		return nil, err
	}
	lines, err := newTaskLines(tx, found, time.Now())
	if err != nil {
		return nil, err
	}
	after := make(map[int64]taskLine, len(lines))
	for _, line := range lines {
		after[line.ID] = line
	}
	retried := make([]retriedTask, len(before))
	for i, line := range before {
		retried[i] = retriedTask{after[line.ID], line.problem()}
	}
	return retried, nil
}

// retriedTask is a task in the output of `sepwatch task retry --json`, as it
// stands now. LastError is why it was not done, in words.
type retriedTask struct {
	taskLine
	LastError string `json:"last_error"`
}

func (t retriedTask) cells() []string {
	return []string{number(t.ID), t.Kind, number(t.Key), optionalNumber(t.Incident), t.State, t.LastError}
}

func retriedColumns() []column {
	return []column{
		{title: "ID", right: true}, {title: "KIND"}, {title: "KEY", right: true}, {title: "INCIDENT", right: true},
		{title: "STATE"}, {title: "LAST ERROR", rank: 1, least: 10},
	}
}
