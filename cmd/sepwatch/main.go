// Command sepwatch turns SEPM's alert mail into Resilient incidents.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	_ "time/tzdata" // alerts.time_zone works where no zones are installed

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/enrich"
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
	// The first signal asks for an orderly end; a second one has its usual
	// effect and ends the process at once.
	defer context.AfterFunc(ctx, stop)()

	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if !started { // no command ran: the command line is at fault
		err = usageError{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
	}
	var mistakes config.Errors
	if errors.As(err, &mistakes) {
		fmt.Fprintln(stderr, mistakes) // each line begins with its place, where editors look for it
		return exitUsage
	}
	fmt.Fprintln(stderr, "sepwatch: "+strings.ReplaceAll(err.Error(), "\n", "\nsepwatch: "))
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:                "sepwatch",
		Short:              "Turns Symantec Endpoint Protection alert mail into IBM Resilient incidents",
		SilenceUsage:       true,
		SilenceErrors:      true,
		DisableSuggestions: true, // they take lines; --help lists the few commands
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		var unparsed *strconv.NumError
		if errors.As(err, &unparsed) {
			// Its text says in which Go function.
			return errors.New(strings.TrimSuffix(err.Error(), ": "+unparsed.Error()))
		}
		return err
	})
	root.SetHelpCommand(newHelp())
	root.AddCommand(newRun(), newDemo(), newCheck(), newIncident(), newMail(), newTask(), newAction(enrich.Actions()), newCommand(), newQuarantined(), newSEP(), newParse(), newSimulate(), newVersion())
	return root
}

// newHelp is cobra's help command, but for an unknown topic it fails.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{fmt.Errorf("unknown help topic %q; see \"sepwatch --help\"", strings.Join(args, " "))}
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// noArguments refuses positional arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no argument such as %q", cmd.CommandPath(), args[0])
	}
	return nil
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
