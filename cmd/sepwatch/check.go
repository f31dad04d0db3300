package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
)

func newCheck() *cobra.Command {
	var path string
	var show, example, offline, asJSON bool
	timeout := 15 * time.Second
	cmd := &cobra.Command{
		Use:   "check -c FILE",
		Short: "Check a configuration, and all that it names",
		Long: `Check a configuration and print every mistake in it, with its line and column.
If there is none, probe the mailboxes, SEPM, Resilient and the ledger, and print
for each what was found, or what is wrong and what to do. Nothing is changed
anywhere.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := cmd.OutOrStdout().Write(config.Example())
				return err
			}
			if timeout <= 0 {
				return usageError{fmt.Errorf("--timeout %s: want more than 0", timeout)}
			}
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			if show {
				return c.Print(cmd.OutOrStdout())
			}
			if offline && !asJSON {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
				return err
			}
			probes := probeReport{out: cmd.OutOrStdout(), asJSON: asJSON}
			probes.add(app.Probe{Name: "config", Target: path, OK: true})
			if !offline {
				app.ProbeAll(cmd.Context(), c, timeout, probes.add)
			}
			return probes.end()
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&offline, "offline", false, "check the configuration alone")
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long one probe may take")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the probes as one JSON object")
	cmd.Flags().BoolVar(&show, "print", false, "print the configuration in force, defaults filled in and secrets masked")
	cmd.Flags().BoolVar(&example, "example", false, "print an annotated configuration to start from")
	cmd.MarkFlagsMutuallyExclusive("json", "print", "example")
	return cmd
}

// probeReport prints probes: a line each as they come, or all as JSON at the
// end.
type probeReport struct {
	out    io.Writer
	asJSON bool
	all    []app.Probe
	failed int
	err    error // of printing
}

func (r *probeReport) add(p app.Probe) {
	r.all = append(r.all, p)
	state, text := "ok", p.Target
	switch {
	case !p.OK:
		r.failed++
		state, text = "FAIL", p.Target+": "+p.Problem
		if p.Remedy != "" {
			text += "; " + p.Remedy
		}
	case p.Found != "":
		text += ": " + p.Found
	}
	if !r.asJSON && r.err == nil {
		_, r.err = fmt.Fprintf(r.out, "%-10s %-4s %s\n", p.Name, state, text)
	}
}

func (r *probeReport) end() error {
	if r.asJSON {
		enc := json.NewEncoder(r.out)
		enc.SetEscapeHTML(false)
		r.err = enc.Encode(struct {
			OK     bool        `json:"ok"`
			Probes []app.Probe `json:"probes"`
		}{r.failed == 0, r.all})
	}
	if r.err == nil && r.failed > 0 {
		return fmt.Errorf("%d of %d probes failed", r.failed, len(r.all))
	}
	return r.err
}
