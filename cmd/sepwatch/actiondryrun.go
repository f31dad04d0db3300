package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
)

// actionRehearsed is the output of `sepwatch action NAME --dry-run --json`. It
// is stable, as [mailLine] is.
type actionRehearsed struct {
	Action   string            `json:"action"`
	Incident int64             `json:"incident"`
	Subject  incident.Subject  `json:"subject"`
	Input    map[string]string `json:"input"`
	// Server is the SEPM entry.
	Server string `json:"server"`
	// Call is what would be changed first, null for nothing, and Requests are
	// what would be sent for it; what follows depends on SEPM's answer.
	Call     *incident.Call `json:"call"`
	Requests []requestLine  `json:"requests"`
	// Effects are what it would leave where there is no call: {"row"}, {"note"},
	// {"artifact"}, {"attachment"} or {"follow"}.
	Effects []incident.Effect `json:"effects"`
}

// requestLine is a request as it would be sent. Body is empty for none.
type requestLine struct {
	Method      string `json:"method"`
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
}

// rehearse prints what the run would send first, or leave.
func (s *actionStart) rehearse(cmd *cobra.Command, c *config.Config, input map[string]string) error {
	var run incident.Run
	var of enrich.Case
	err := onLedger(cmd, c, ledger.ReadOnly, func(ctx context.Context, l *ledger.Ledger) error {
		return l.View(ctx, func(tx ledger.Tx) (err error) {
			if run, err = s.runOf(cmd, c, tx, input); err != nil {
				return err
			}
			of, err = pipeline.CaseOf(tx, s.incident)
			return err
		})
	})
	if err != nil {
		return err
	}
	warn := func(err error) { fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch:", err) }
	first, err := app.Rehearse(cmd.Context(), c, s.Action, run, of, warn)
	if err != nil {
		return err
	}
	rehearsed := actionRehearsed{
		Action: s.Name, Incident: s.incident, Subject: run.Subject, Input: input, Server: run.Server,
		Call: first.Call, Requests: make([]requestLine, len(first.Requests)), Effects: first.Effects,
	}
	for i, r := range first.Requests {
		rehearsed.Requests[i] = requestLine{r.Method, r.URL, r.ContentType, string(r.Body)}
	}
	if first.Effects == nil {
		rehearsed.Effects = []incident.Effect{}
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), rehearsed)
	}
	return rehearsed.print(cmd.OutOrStdout())
}

func (a actionRehearsed) print(out io.Writer) error {
	p := page{out: out}
	p.title("Dry run of " + a.Action + ": nothing was changed")
	p.field("incident", number(a.Incident))
	p.field("on", subjectLabel(a.Subject))
	p.field("sepm", a.Server)
	if a.Call == nil {
		p.printf("\nIt needs no request that changes anything at SEPM. It would leave\n")
		printEffects(&p, a.Effects)
		for _, e := range a.Effects {
			if e.Follow != nil {
				p.printf("\nA %s command to follow\n", visible(string(e.Follow.Kind)))
			}
		}
		return p.err
	}
	for _, r := range a.Requests {
		p.printf("\n%s %s\n", r.Method, visible(r.URL))
		if r.Body != "" {
			p.printf("Content-Type: %s\n\n%s\n", r.ContentType, visible(r.Body))
		}
	}
	p.printf("\nWhat follows depends on SEPM's answer.\n")
	return p.err
}
