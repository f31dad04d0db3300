// Command sepwatch turns SEPM's alert mail into Resilient incidents.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/config"
)

// version is set by the linker.
var version = "unknown"

func main() {
	os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit statuses: good, failed, and a mistake in usage or config.
const (
	exitFailed = 1
	exitUsage  = 2
)

func execute(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "sepwatch: "+err.Error())
	var usage usageError
	var mistakes config.Errors
	if errors.As(err, &usage) || errors.As(err, &mistakes) || strings.HasPrefix(err.Error(), "unknown command") {
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "sepwatch",
		Short:         "Turns Symantec Endpoint Protection alert mail into IBM Resilient incidents",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
	})
	root.AddCommand(newRun(), newDemo(), newCheck(), newParse(), newVersion())
	return root
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments makes a check of positional arguments a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
		}
		return nil
	}
}

// configFlag adds -c to a command that needs a configuration.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "", "the configuration `FILE`")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // the flag was added one line above
	}
}

// loadConfig reads the configuration that -c names.
func loadConfig(path string) (*config.Config, error) {
	if path == "" {
		return nil, usageError{errors.New("no configuration: name one with -c FILE; README.md has one to start from")}
	}
	c, err := config.Load(path, config.LoadOptions{})
	if err != nil {
		var mistakes config.Errors
		if errors.As(err, &mistakes) {
			return nil, err
		}
		return nil, usageError{err}
	}
	return c, nil
}
