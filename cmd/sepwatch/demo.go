package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sepwatch/sepwatch/internal/demo"
)

func newDemo() *cobra.Command {
	opts := demo.Options{}
	var exit, asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole main job with nothing installed",
		Long: `Show the whole main job with nothing installed: a mailbox, a SEPM and a
Resilient stand in on real sockets, a real daemon works between them, and what
arrived is counted at the stand-ins. Without --exit everything stays up until
Ctrl-C.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if opts.Patience <= 0 {
				return usageError{fmt.Errorf("--patience %s: want more than 0", opts.Patience)}
			}
			if opts.Alerts < 1 || opts.Alerts > 1_000_000 {
				return usageError{fmt.Errorf("--alerts %d: want 1 to 1000000", opts.Alerts)}
			}
			opts.Logger = slog.New(slog.DiscardHandler)
			if verbose {
				opts.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			}
			if opts.Dir, err = os.MkdirTemp("", "sepwatch-demo-"); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(opts.Dir)) }()
			show := progress{w: cmd.ErrOrStderr(), of: opts.Alerts}
			opts.Progress = show.update
			d, err := demo.Start(cmd.Context(), opts)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, d.Close()) }()
			s, err := d.Run(cmd.Context())
			show.end()
			if opts.Faults {
				fmt.Fprint(cmd.ErrOrStderr(), d.Struck())
			}
			var unfinished *demo.Unfinished
			if err != nil && !errors.As(err, &unfinished) {
				return err
			}
			if err := errors.Join(report(cmd.OutOrStdout(), d, s, unfinished != nil, asJSON), err); err != nil {
				return err
			}
			if !exit && cmd.Context().Err() == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "\n%sconfig    %s\nCtrl-C ends the demo.\n", d.Where(), d.Config)
				<-cmd.Context().Done()
			}
			if s.Lost > 0 || s.Duplicates > 0 {
				return fmt.Errorf("%d alerts lost, %d duplicates", s.Lost, s.Duplicates)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&opts.Alerts, "alerts", 10, "send `N` alerts (1 to 1000000), each about its own computer")
	cmd.Flags().BoolVar(&opts.Faults, "faults", false, "make every stand-in misbehave in every way it can")
	cmd.Flags().DurationVar(&opts.Patience, "patience", 5*time.Minute, "wait this long for everything to arrive")
	cmd.Flags().BoolVar(&exit, "exit", false, "end when everything has arrived")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON and nothing else")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the daemon's log")
	return cmd
}

func report(out io.Writer, d *demo.Demo, s demo.Summary, unfinished, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(s)
	}
	if err := d.Show(out); err != nil {
		return err
	}
	became, lost := "became", "lost"
	if unfinished {
		became, lost = "so far became", "not arrived yet"
	}
	_, err := fmt.Fprintf(out, "\n%d mails %s %d incidents with %d artifacts and %d rows in %.1f s: %d %s, %d duplicates\n",
		s.Mails, became, s.Incidents, s.Artifacts, s.Rows, s.Seconds, s.Lost, lost, s.Duplicates)
	return err
}

// progress shows how far the demo has come, on a terminal only.
type progress struct {
	w     io.Writer
	of    int
	shown bool
}

func (p *progress) update(s demo.Summary) {
	if f, ok := p.w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return
	}
	p.shown = true
	fmt.Fprintf(p.w, "\r%d of %d alerts: %d incidents, %d artifacts, %d rows  ", s.Alerts, p.of, s.Incidents, s.Artifacts, s.Rows)
}

func (p *progress) end() {
	if p.shown {
		fmt.Fprintln(p.w)
	}
}
