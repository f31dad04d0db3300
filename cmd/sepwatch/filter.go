package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// oneOf reads a flag whose value is one of a few words, or empty.
func oneOf[T ~string](flag, value string, words []T) (T, error) {
	if value == "" || slices.Contains(words, T(value)) {
		return T(value), nil
	}
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = string(w)
	}
	return "", usageError{fmt.Errorf("--%s %q: write %s", flag, value, config.OneOf(value, plain))}
}

// span is the flags --since and --until.
type span struct{ since, until string }

func (s *span) flags(cmd *cobra.Command, of string) {
	cmd.Flags().StringVar(&s.since, "since", "", "only those "+of+" at `TIME` or later: 24h or 14d back from now, 2026-02-03 (midnight), or 2026-02-03T04:05:06Z")
	cmd.Flags().StringVar(&s.until, "until", "", "only those "+of+" before `TIME`, which is written as for --since")
}

// read gives both ends, each zero where it is open.
func (s span) read(now time.Time) (since, until time.Time, err error) {
	if since, err = moment("since", s.since, now); err != nil {
		return since, until, err
	}
	if until, err = moment("until", s.until, now); err != nil {
		return since, until, err
	}
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return since, until, usageError{fmt.Errorf("--since %s is not before --until %s: nothing lies between", s.since, s.until)}
	}
	return since, until, nil
}

var daysBack = regexp.MustCompile(`^([0-9]{1,5})d$`)

// moment reads a point in time: how long ago it was, a date, which is its
// midnight, or a time. Without a zone it is this computer's.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days := daysBack.FindStringSubmatch(text); days != nil {
		n, err := strconv.Atoi(days[1])
		return now.Add(-time.Duration(n) * 24 * time.Hour), err
	}
	if back, err := time.ParseDuration(text); err == nil && back >= 0 {
		return now.Add(-back), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--%s %q: write how long ago, such as 24h or 14d, a date such as %s, or a time such as %s",
		flag, text, now.Format(time.DateOnly), now.UTC().Format(time.RFC3339))}
}

// positive refuses a flag that was given a number below 1.
func positive(cmd *cobra.Command, flag string, value int64) error {
	if cmd.Flags().Changed(flag) && value < 1 {
		return usageError{fmt.Errorf("--%s %d: want 1 or more", flag, value)}
	}
	return nil
}

// oneAtMost refuses two flags that exclude each other.
func oneAtMost(cmd *cobra.Command, flag, other string) error {
	if cmd.Flags().Changed(flag) && cmd.Flags().Changed(other) {
		return usageError{fmt.Errorf("give either --%s or --%s, not both", flag, other)}
	}
	return nil
}

// ids reads arguments that are ids of what has this name.
func ids(what string, args []string) ([]int64, error) {
	read := make([]int64, len(args))
	for i, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, usageError{fmt.Errorf("%q is not the id of %s: write a number such as 12", arg, what)}
		}
		read[i] = id
	}
	return read, nil
}

// oneID asks for one id of what has this name.
func oneID(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("name one id of %s; %q prints them", what, cmd.Parent().CommandPath()+" list")
		}
		_, err := ids(what, args)
		return err
	}
}

// newGroup makes a command that only holds others.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: use, Short: short, Long: short + ". The daemon may be running meanwhile, or not.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, c := range cmd.Commands() {
				names = append(names, c.Name())
			}
			return fmt.Errorf("unknown command %q for %q: write %s", args[0], cmd.CommandPath(), config.OneOf(args[0], names))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.AddCommand(commands...)
	return group
}

// missing says that there is no mail, incident, command or task with the id, and up to
// which there are.
func missing(cmd *cobra.Command, tx ledger.Tx, what string, id int64) error {
	newest, err := tx.Newest()
	if err != nil {
		return err
	}
	last := map[string]int64{"mail": newest.Mail, "incident": newest.Incident, "task": newest.Task, "command": newest.Command}[what]
	if last == 0 {
		return fmt.Errorf("%s %d is not in the ledger, which has none yet", what, id)
	}
	return fmt.Errorf("%s %d is not in the ledger; the newest is %d, and %q prints them", what, id, last, cmd.Root().Name()+" "+what+" list")
}
