package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// withLedger runs f on the ledger of the configuration, beside the daemon
// that may have it open.
func withLedger(cmd *cobra.Command, path string, access ledger.Access, f func(context.Context, *ledger.Ledger) error) error {
	c, err := loadConfig(path)
	if err != nil {
		return err
	}
	return onLedger(cmd, c, access, f)
}

// onLedger is [withLedger] for a configuration that is loaded already.
func onLedger(cmd *cobra.Command, c *config.Config, access ledger.Access, f func(context.Context, *ledger.Ledger) error) (err error) {
	l, err := app.AttachLedger(cmd.Context(), c, access)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return f(cmd.Context(), l)
}

// pageSize is how many records are read in one view of the ledger: a view
// that lasts is a burden to the daemon.
const pageSize = 500

// listing are the flags of every list.
type listing struct {
	config string
	limit  int
	all    bool
	json   bool
}

func (l *listing) flags(cmd *cobra.Command) {
	configFlag(cmd, &l.config)
	cmd.Flags().IntVar(&l.limit, "limit", 50, "print the newest `N`")
	cmd.Flags().BoolVar(&l.all, "all", false, "print all, however many there are")
	cmd.Flags().BoolVar(&l.json, "json", false, "print a JSON array and nothing else")
}

// list prints records, the newest first, as the flags ask. Each page is read,
// printed and forgotten.
func list[T entry](cmd *cobra.Command, l listing, columns []column, read func(ledger.Tx, ledger.Page) ([]T, error)) error {
	if err := errors.Join(positive(cmd, "limit", int64(l.limit)), oneAtMost(cmd, "limit", "all")); err != nil {
		return err
	}
	return withLedger(cmd, l.config, ledger.ReadOnly, func(ctx context.Context, led *ledger.Ledger) error {
		out := newPrinter[T](cmd, l.json, columns)
		more, err := eachPage(ctx, led, l, read, out.print)
		if err != nil {
			return err
		}
		if err := out.end(); err != nil {
			return err
		}
		if more && !cmd.Flags().Changed("limit") {
			fmt.Fprintf(cmd.ErrOrStderr(), "sepwatch: the newest %d are printed; --limit N prints more, --all prints all\n", l.limit)
		}
		return nil
	})
}

// eachPage gives the records to print, page by page, and reports whether
// there are more than were asked for.
func eachPage[T entry](ctx context.Context, l *ledger.Ledger, flags listing, read func(ledger.Tx, ledger.Page) ([]T, error), print func([]T) error) (more bool, err error) {
	left := flags.limit
	if flags.all {
		left = math.MaxInt - 1
	}
	for before := int64(0); ; {
		page := ledger.Page{Before: before, Limit: min(left+1, pageSize)} // one more tells whether there are more
		var records []T
		err := l.View(ctx, func(tx ledger.Tx) (err error) {
			records, err = read(tx, page)
			return err
		})
		if err != nil {
			return false, err
		}
		more = len(records) > left
		last := len(records) < page.Limit
		records = records[:min(len(records), left)]
		if err := print(records); err != nil {
			return false, err
		}
		if more || last {
			return more, nil
		}
		left -= len(records)
		before = records[len(records)-1].id()
	}
}
