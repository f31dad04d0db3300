package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// maxEvents is how many events of one incident are shown: an outbreak may
// have joined thousands of them.
const maxEvents = 100

// maxCommands is how many commands of one incident are shown.
const maxCommands = 100

func newIncidentShow() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show -c FILE ID",
		Short: "Show one incident, with all that belongs to it",
		Long: `Show one incident of the ledger: its events (the newest 100), its pieces and
whether Resilient has them, the actions that were run for it, the commands that
they started at SEPM, the requests whose outcome is not known yet, and the task
that delivers it. What was given up says why; "task retry" with the task's id
tries it again.`,
		Example: `  sepwatch incident show -c sepwatch.yaml 12
  sepwatch incident show -c sepwatch.yaml --json 12 | jq '.pieces[] | select(.state == "parked")'`,
		Args: oneID("an incident"),
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := ids("an incident", args)
			if err != nil {
				return err
			}
			return withLedger(cmd, path, ledger.ReadOnly, func(ctx context.Context, l *ledger.Ledger) error {
				var shown incidentShown
				err := l.View(ctx, func(tx ledger.Tx) (err error) {
					shown, err = readIncident(cmd, tx, wanted[0])
					return err
				})
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), shown)
				}
				return shown.print(cmd.OutOrStdout())
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object and nothing else")
	return cmd
}

// incidentShown is the output of `sepwatch incident show --json`. It is
// stable, as [mailLine] is.
type incidentShown struct {
	incidentLine
	// Description is HTML, as Resilient has it.
	Description string `json:"description"`
	// SenderProven is whether the sender of the mail was proven, and
	// SenderProof by what; the latter is empty otherwise.
	SenderProven bool   `json:"sender_proven"`
	SenderProof  string `json:"sender_proof"`
	// Events are the newest 100 of those that Seen counts, the newest first.
	Events []eventLine `json:"events"`
	Pieces []pieceLine `json:"pieces"`
	Runs   []runLine   `json:"runs"`
	// Commands are the newest 100 that were started for it at SEPM, the newest
	// first.
	Commands []commandLine `json:"commands"`
	// Intents are requests whose outcome is not known yet.
	Intents []intentLine `json:"intents"`
	// Task is the delivery, null before anything was to be delivered.
	Task *taskLine `json:"task"`
}

func readIncident(cmd *cobra.Command, tx ledger.Tx, id int64) (incidentShown, error) {
	incidents, err := tx.Incidents([]int64{id})
	if err != nil {
		return incidentShown{}, err
	}
	if len(incidents) == 0 {
		return incidentShown{}, missing(cmd, tx, "incident", id)
	}
	lines, err := newIncidentLines(tx, incidents)
	if err != nil {
		return incidentShown{}, err
	}
	in := incidents[0]
	shown := incidentShown{incidentLine: lines[0], Description: in.Description, SenderProven: in.Trust.Proven, SenderProof: in.Trust.By}
	events, err := tx.NewestEvents(id, maxEvents)
	if err != nil {
		return incidentShown{}, err
	}
	shown.Events = newEventLines(events)
	pieces, err := tx.Pieces([]int64{id})
	if err != nil {
		return incidentShown{}, err
	}
	shown.Pieces = newPieceLines(pieces)
	if shown.Runs, err = readRuns(tx, id); err != nil {
		return incidentShown{}, err
	}
	commands, err := tx.ListCommands(ledger.CommandFilter{Incident: id}, ledger.Page{Limit: maxCommands})
	if err != nil {
		return incidentShown{}, err
	}
	shown.Commands = newCommandLines(commands)
	intents, err := tx.OpenIntents([]int64{id})
	if err != nil {
		return incidentShown{}, err
	}
	shown.Intents = newIntentLines(intents)
	tasks, err := tx.TasksOf(ledger.TaskDeliver, []int64{id})
	if err != nil {
		return incidentShown{}, err
	}
	if t, ok := tasks[id]; ok {
		line := newTaskLine(t, id, time.Now())
		shown.Task = &line
	}
	return shown, nil
}

func (in incidentShown) print(out io.Writer) error {
	p := page{out: out}
	p.title(fmt.Sprintf("Incident %d: %s", in.ID, in.Name))
	p.field("status", in.Status)
	p.field("resilient", in.inResilient())
	p.field("delivery", in.delivery())
	if in.Task != nil {
		p.field("task", in.Task.inWords())
	}
	p.field("created", local(in.Created))
	p.field("discovered", localOptional(in.Discovered))
	p.field("events", fmt.Sprintf("%d, the last one read at %s", in.Seen, localOptional(in.LastSeen)))
	p.field("severity", in.Severity)
	p.field("types", strings.Join(in.Types, ", "))
	p.field("sender", in.sender())
	p.field("key", in.Key)
	name := "Events"
	if len(in.Events) == maxEvents && in.Seen > maxEvents {
		name = fmt.Sprintf("The newest %d events", maxEvents)
	}
	p.table(name, eventColumns("MAIL"), eventRows(in.Events, func(e eventLine) string { return number(e.Mail) }))
	p.table("Pieces", pieceColumns(), pieceRows(in.Pieces))
	p.table("Runs", runColumns(), runRows(in.Runs))
	name = "Commands"
	if len(in.Commands) == maxCommands {
		name = fmt.Sprintf("The newest %d commands", maxCommands)
	}
	p.table(name, commandColumns(), rowsOf(in.Commands))
	p.table("Requests whose outcome is not known yet", intentColumns(), rowsOf(in.Intents))
	return p.err
}

func (in incidentShown) inResilient() string {
	switch {
	case in.ResilientID == nil:
		return "not yet"
	case in.Delivered == nil:
		return fmt.Sprintf("incident %d", *in.ResilientID)
	}
	return fmt.Sprintf("incident %d since %s", *in.ResilientID, local(*in.Delivered))
}

func (in incidentShown) sender() string {
	if in.SenderProven {
		return "proven by " + in.SenderProof
	}
	return "not proven"
}
