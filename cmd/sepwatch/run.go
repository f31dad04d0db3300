package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
)

func newRun() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Run the daemon",
		Long: `Run the daemon until SIGINT or SIGTERM; a second one ends it at once. SIGHUP
reloads the configuration: where the file has a mistake, the old one stays in
force. Logs go to standard error.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Before anything else: it would end the process by default.
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			boundMemory()
			s := service{path: path, log: newLog(cmd.ErrOrStderr(), c.Log)}
			s.manager = manager{s.log.Logger}
			if s.app, err = app.New(cmd.Context(), app.Options{Config: c, Logger: s.log.Logger, Version: version}); err != nil {
				return err
			}
			return s.run(cmd.Context(), c, hangup)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// softMemory is how much memory the daemon's data takes before garbage is
// collected sooner than it would be otherwise. A backlog of mails leaves more
// garbage than data, and a small machine should not pay for that.
const softMemory = 36 << 20

// boundMemory sets softMemory, unless GOMEMLIMIT says otherwise.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}

// service is a running app with what is around it.
type service struct {
	app     *app.App
	path    string
	log     *logger
	manager manager
}

// run runs the app until ctx ends.
func (s service) run(ctx context.Context, c *config.Config, hangup <-chan os.Signal) error {
	s.app.Start()
	s.log.Info("sepwatch runs", "version", version, "mailboxes", len(c.Mailboxes))
	s.manager.ready(running(c))
	var watchdog sync.WaitGroup
	watchdog.Go(func() { s.manager.watchdog(ctx, s.app.Alive) })
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-hangup:
			s.manager.reloading()
			s.reloaded(s.reload())
		}
	}
	watchdog.Wait()
	s.log.Info("sepwatch stops")
	s.manager.stopping()
	return s.app.Stop()
}

func running(c *config.Config) string { return fmt.Sprintf("runs; mailboxes: %d", len(c.Mailboxes)) }

// reload goes over to what the configuration file says now.
func (s service) reload() (*config.Config, error) {
	c, err := loadConfig(s.path)
	if err != nil {
		return nil, err
	}
	if err := s.app.Reload(c); err != nil {
		return nil, err
	}
	s.log.use(c.Log)
	return c, nil
}

// reloaded tells how a reload has ended, well or not.
func (s service) reloaded(c *config.Config, err error) {
	s.app.Reloaded(err)
	if err == nil {
		s.manager.ready(running(c))
		return
	}
	mistakes := each(err)
	for _, mistake := range mistakes {
		s.log.Error("configuration not reloaded: the old one stays in force", "error", mistake)
	}
	s.manager.ready(fmt.Sprintf("runs with the old configuration; the new one: %v", mistakes[0]))
}

// each gives the errors of which err is made.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // one level is meant
		return joined.Unwrap()
	}
	return []error{err}
}
