package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newMailShow() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show -c FILE ID",
		Short: "Show one mail, with its events and incidents",
		Long: `Show one mail of the ledger: where it came from, what became of it and why, the
events that were read in it, and the incidents that they opened or joined.`,
		Example: `  sepwatch mail show -c sepwatch.yaml 12
  sepwatch mail show -c sepwatch.yaml --json 12 | jq .incidents`,
		Args: oneID("a mail"),
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := ids("a mail", args)
			if err != nil {
				return err
			}
			return withLedger(cmd, path, ledger.ReadOnly, func(ctx context.Context, l *ledger.Ledger) error {
				var shown mailShown
				err := l.View(ctx, func(tx ledger.Tx) (err error) {
					shown, err = readMail(cmd, tx, wanted[0])
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

// mailShown is the output of `sepwatch mail show --json`. It is stable, as
// [mailLine] is.
type mailShown struct {
	mailLine
	// Incidents are the ids of those that its events opened or joined.
	Incidents []int64     `json:"incidents"`
	Events    []eventLine `json:"events"`
	// Task is the reading of it, null for a duplicate.
	Task *taskLine `json:"task"`
}

func readMail(cmd *cobra.Command, tx ledger.Tx, id int64) (mailShown, error) {
	mails, err := tx.Mails([]int64{id})
	if err != nil {
		return mailShown{}, err
	}
	if len(mails) == 0 {
		return mailShown{}, missing(cmd, tx, "mail", id)
	}
	events, err := tx.Events([]int64{id})
	if err != nil {
		return mailShown{}, err
	}
	tasks, err := tx.TasksOf(ledger.TaskRead, []int64{id})
	if err != nil {
		return mailShown{}, err
	}
	shown := mailShown{mailLine: newMailLine(mails[0]), Incidents: []int64{}, Events: newEventLines(events)}
	for _, e := range events {
		if e.Incident != 0 && !slices.Contains(shown.Incidents, e.Incident) {
			shown.Incidents = append(shown.Incidents, e.Incident)
		}
	}
	if t, ok := tasks[id]; ok {
		line := newTaskLine(t, 0, time.Now())
		shown.Task = &line
	}
	return shown, nil
}

func (m mailShown) print(out io.Writer) error {
	p := page{out: out}
	p.title(fmt.Sprintf("Mail %d: %s", m.ID, m.Subject))
	p.field("status", m.Status)
	p.field("reason", m.Reason)
	p.field("kind", m.Kind)
	p.field("from", m.From)
	p.field("received", local(m.Received))
	p.field("at mailbox", localOptional(m.InternalDate))
	p.field("position", fmt.Sprintf("mailbox %s, UIDVALIDITY %d, UID %d", m.Mailbox, m.UIDValidity, m.UID))
	p.field("message id", m.MessageID)
	p.field("size", fmt.Sprintf("%d bytes", m.Size))
	p.field("sha256", m.SHA256)
	if m.Task != nil {
		p.field("task", m.Task.inWords())
	}
	p.table("Events", eventColumns("INCIDENT"), eventRows(m.Events, func(e eventLine) string { return optionalNumber(e.Incident) }))
	return p.err
}
