package app

import (
	"context"
	"fmt"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/postgres"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

// openLedger opens the configured ledger for a daemon.
func openLedger(ctx context.Context, c *config.Config, opts ledger.Options) (*ledger.Ledger, error) {
	return chosen(c,
		func(url string) (*ledger.Ledger, error) { return postgres.Open(ctx, url, opts) },
		func(path string) (*ledger.Ledger, error) { return sqlite.Open(ctx, path, opts) })
}

// AttachLedger opens the configured ledger for a command that looks into it
// or changes it, beside the daemons that may have it open.
func AttachLedger(ctx context.Context, c *config.Config, access ledger.Access) (*ledger.Ledger, error) {
	var opts ledger.Options
	return chosen(c,
		func(url string) (*ledger.Ledger, error) { return postgres.Attach(ctx, url, access, opts) },
		func(path string) (*ledger.Ledger, error) { return sqlite.Attach(ctx, path, access, opts) })
}

// chosen opens the ledger with the engine that the configuration chooses. An
// error begins with the setting that is at fault.
func chosen(c *config.Config, onPostgres, onSQLite func(place string) (*ledger.Ledger, error)) (*ledger.Ledger, error) {
	setting, open, place := "ledger.path", onSQLite, c.Ledger.Path
	if url := c.Ledger.Postgres; url != "" {
		setting, open, place = "ledger.postgres", onPostgres, url.Reveal()
	}
	l, err := open(place)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return l, nil
}
