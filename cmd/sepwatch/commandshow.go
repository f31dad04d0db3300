package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// maxEndpoints is how many endpoints of one command a page shows: a command
// may be for thousands of them.
const maxEndpoints = 100

func newCommandShow() *cobra.Command {
	var path string
	var live, asJSON bool
	cmd := &cobra.Command{
		Use:   "show -c FILE ID",
		Short: "Show one command, and where it stands",
		Long: `Show one command of the ledger: who started it and why, SEPM's ids of it, and
where it stood when the daemon last asked SEPM, endpoint by endpoint where it
addresses them by id.

--endpoints asks SEPM now, and prints each endpoint as it comes; with --json that
is an array of endpoints and nothing else. While clients begin, SEPM may list one
twice. When SEPM cannot be asked, what the ledger knows is printed, and the exit
status is 1.`,
		Example: `  sepwatch command show -c sepwatch.yaml 3
  sepwatch command show -c sepwatch.yaml 3 --endpoints --json | jq -r '.[] | select(.state != "completed") | .name'`,
		Args: oneID("a command"),
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := ids("a command", args)
			if err != nil {
				return err
			}
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			var shown commandShown
			err = onLedger(cmd, c, ledger.ReadOnly, func(ctx context.Context, l *ledger.Ledger) error {
				return l.View(ctx, func(tx ledger.Tx) (err error) {
					shown, err = readCommand(cmd, tx, wanted[0])
					return err
				})
			})
			if err != nil {
				return err
			}
			return shown.show(cmd, c, live, asJSON)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&live, "endpoints", false, "ask SEPM how each endpoint stands now")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON and nothing else: one object, an array with --endpoints")
	return cmd
}

// show prints the command as the ledger has it, with live its endpoints as
// SEPM has them.
func (c commandShown) show(cmd *cobra.Command, of *config.Config, live, asJSON bool) error {
	switch out := cmd.OutOrStdout(); {
	case live && asJSON:
		return c.askEndpoints(cmd, of, newPrinter[endpointLine](cmd, true, nil))
	case live:
		if err := c.printHead(out); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, "\nEndpoints"); err != nil {
			return err
		}
		t := newTable(out, endpointColumns())
		t.indent = "  "
		return c.askEndpoints(cmd, of, &tablePrinter[endpointLine]{t})
	case asJSON:
		return printJSON(out, c)
	default:
		return c.print(out)
	}
}

// commandShown is the output of `sepwatch command show --json`. It is stable,
// as [mailLine] is.
type commandShown struct {
	commandLine
	// Endpoints are those that it addresses by id, as of Polled, and Groups the
	// groups whose endpoints it is for.
	Endpoints []endpointLine           `json:"endpoints"`
	Groups    []incident.CommandTarget `json:"groups"`
	// Others are the ids of those that Excluded counts.
	Others []string `json:"others"`
	// Row has the table and key cells of the row that shows how it stands, null
	// for none.
	Row *incident.Row `json:"row"`
	// Detail is what else its end needs to know, such as what was searched for.
	Detail map[string]string `json:"detail"`
	// Task is the following of it, null where that has ended.
	Task *taskLine `json:"task"`
}

func readCommand(cmd *cobra.Command, tx ledger.Tx, id int64) (commandShown, error) {
	commands, err := tx.Commands([]int64{id})
	if err != nil {
		return commandShown{}, err
	}
	if len(commands) == 0 {
		return commandShown{}, missing(cmd, tx, "command", id)
	}
	c := commands[0]
	shown := commandShown{
		commandLine: newCommandLines(commands)[0], Endpoints: recordedEndpoints(c), Groups: c.Groups, Others: c.Others,
		Row: c.Row, Detail: c.Detail,
	}
	if c.Groups == nil {
		shown.Groups = []incident.CommandTarget{}
	}
	if c.Others == nil {
		shown.Others = []string{}
	}
	if c.Detail == nil {
		shown.Detail = map[string]string{}
	}
	tasks, err := tx.TasksOf(ledger.TaskFollow, []int64{id})
	if err != nil {
		return commandShown{}, err
	}
	if t, ok := tasks[id]; ok && (t.Wanted > t.Done || t.Parked) {
		line := newTaskLine(t, c.Incident, time.Now())
		shown.Task = &line
	}
	return shown, nil
}

func (c commandShown) print(out io.Writer) error {
	if err := c.printHead(out); err != nil {
		return err
	}
	p := page{out: out}
	name, endpoints := "Endpoints", c.Endpoints
	if len(endpoints) > maxEndpoints {
		name = fmt.Sprintf("The first %d of %d endpoints", maxEndpoints, len(endpoints))
		endpoints = endpoints[:maxEndpoints]
	}
	p.table(name, endpointColumns(), rowsOf(endpoints))
	return p.err
}

func (c commandShown) printHead(out io.Writer) error {
	p := page{out: out}
	p.title(fmt.Sprintf("Command %d: %s", c.ID, c.Kind))
	state := c.State
	if c.State == string(incident.CommandTimedOut) && c.Open {
		state += "; answers that come late still count"
	}
	p.field("state", state)
	p.field("endpoints", c.counts())
	if c.Matches > 0 {
		p.field("matches", fmt.Sprintf("%d on %d endpoints", c.Matches, c.MatchedOn))
	}
	p.field("asked", localOptional(c.Polled))
	if c.Task != nil {
		p.field("task", c.Task.inWords())
	}
	p.field("incident", number(c.Incident))
	p.field("run", fmt.Sprintf("%d, %s", c.Run, c.Action))
	p.field("started", local(c.Started))
	p.field("by", c.By)
	p.field("why", c.Why)
	p.field("sepm", c.Server)
	p.field("sepm's ids", strings.Join(c.CommandIDs, ", "))
	for _, g := range c.Groups {
		p.field("group", strings.TrimSpace(g.Name+" "+g.ID))
	}
	if c.Row != nil {
		p.field("row", labelOf(*c.Row))
	}
	return p.err
}

// counts are the numbers of endpoints in words, empty while nothing is known.
func (c commandShown) counts() string {
	if c.Polled == nil {
		return ""
	}
	words := []string{"completed on " + c.completed()}
	for _, part := range []struct {
		n    int
		what string
	}{
		{c.Waiting, "have not received it"}, {c.Running, "are at it"}, {c.Rejected, "rejected it"}, {c.Cancelled, "were cancelled"},
		{c.Failed, "failed"}, {c.Excluded, "others, not Windows, do not count"},
	} {
		if part.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(words, "; ")
}
