package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/config"
)

func newCheck() *cobra.Command {
	var path string
	var show, example bool
	cmd := &cobra.Command{
		Use:   "check -c FILE",
		Short: "Check a configuration",
		Long:  "Check a configuration and print every mistake in it, with its line and column.",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := cmd.OutOrStdout().Write(config.Example())
				return err
			}
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			if show {
				return c.Print(cmd.OutOrStdout())
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
			return err
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&show, "print", false, "print the configuration in force, defaults filled in and secrets masked")
	cmd.Flags().BoolVar(&example, "example", false, "print an annotated configuration to start from")
	return cmd
}
