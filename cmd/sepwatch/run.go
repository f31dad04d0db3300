package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
)

func newRun() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Run the daemon",
		Long:  "Run the daemon until SIGINT or SIGTERM. Logs go to standard error.",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			logger := newLogger(cmd.ErrOrStderr(), c.Log)
			a, err := app.New(cmd.Context(), app.Options{Config: c, Logger: logger, Version: version})
			if err != nil {
				return err
			}
			a.Start()
			logger.Info("sepwatch runs", "version", version, "mailboxes", len(c.Mailboxes))
			<-cmd.Context().Done()
			logger.Info("sepwatch stops")
			return a.Stop()
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newLogger(w io.Writer, c config.Log) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
