package main

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/flags"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/program"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

func newSimulate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a stand-in for SEPM, Resilient or the mailbox on its own",
		Long: `Run a stand-in for SEPM, Resilient or the mailbox on its own, to try sepwatch
or another client against. It prints how to reach it and runs until SIGINT or
SIGTERM. What it holds is in memory alone.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no stand-in %q: want sepm, resilient or mailbox, or alert for a mail", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newStandIn("sepm", "Run a SEPM", fault.Help, &program.SEPM{}),
		newStandIn("resilient", "Run an IBM Resilient", fault.Help, &program.Resilient{}),
		newStandIn("mailbox", "Run a mail server that speaks IMAP", mailbox.Help, &program.Mailbox{}),
		newAlert(),
	)
	return cmd
}

func newStandIn(name, short, faults string, p program.StandIn) *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long:  short + " until SIGINT or SIGTERM.\n\n" + faults,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.Check(); err != nil {
				return usageError{err}
			}
			var requests program.Log
			if verbose {
				lines := log.New(cmd.ErrOrStderr(), "", 0)
				requests = func(line string) { lines.Print(line) }
			}
			running, err := p.Start(requests)
			if err != nil {
				return err
			}
			for _, warning := range running.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch: "+warning)
			}
			show := running.About.Text
			if asJSON {
				show = running.About.JSON
			}
			if err := show(cmd.OutOrStdout()); err != nil {
				return errors.Join(err, running.Close())
			}
			<-cmd.Context().Done()
			return running.Close()
		},
	}
	p.Define(cmd.Flags())
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&asJSON, "json", false, "print how to reach it as one JSON object")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print each request on standard error")
	return cmd
}

func newAlert() *cobra.Command {
	number := 1
	var fleet sepm.FleetFlags
	cmd := &cobra.Command{
		Use:   "alert",
		Short: "Print an alert mail about one of the computers of \"simulate sepm\"",
		Long: `Print an alert mail, as SEPM sends it, about one of the computers that
"simulate sepm" has with the same --computers and --seed. Where that runs Windows
it has the file too, and a scan finds it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if number > fleet.Computers {
				return usageError{fmt.Errorf("--number %d: there are %d computers; --computers makes more", number, fleet.Computers)}
			}
			mail := alert.About(number-1, fleet.Fleet()[number-1]).Mail(time.Now())
			_, err := cmd.OutOrStdout().Write(mail)
			return err
		},
	}
	flags.Int(cmd.Flags(), &number, "number", 1, 1_000_000, "the computer, counted from 1")
	fleet.Define(cmd.Flags())
	return cmd
}
