package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/sepclient"
)

// WithSEPM runs f with a client of a SEPM entry, for a person who waits for it.
// Its requests come from the budget in the ledger, where there is a ledger; warn
// is told why not, where it cannot be used.
func WithSEPM(ctx context.Context, c *config.Config, entry config.SEPM, warn func(error), f func(*sepclient.Client) error) error {
	return withSEPM(ctx, c, entry, nil, warn, f)
}

// withSEPM is [WithSEPM]; dry, where it is set, is [sepclient.Options.DryRun].
func withSEPM(ctx context.Context, c *config.Config, entry config.SEPM, dry func(sepclient.Withheld), warn func(error), f func(*sepclient.Client) error) (err error) {
	opts := sepmOptions(entry, systemClock{}, silent())
	opts.DryRun = dry
	l, err := AttachLedger(ctx, c, ledger.ReadWrite)
	switch {
	case err == nil:
		defer func() { err = errors.Join(err, l.Close()) }()
		opts.Budget = budget(entry, Options{Clock: systemClock{}, Logger: slog.Default()}, l)
	case !errors.Is(err, ledger.ErrMissing):
		warn(fmt.Errorf("requests_per_minute does not count for this: %w", err))
	}
	client, err := sepclient.New(opts)
	if err != nil {
		return err
	}
	defer logOut(ctx, client.Close)
	return f(client.In(sepclient.Urgent))
}

// SEPMNamed is the SEPM entry of a name, the first where the name is empty.
func SEPMNamed(c *config.Config, name string) (config.SEPM, error) {
	for _, m := range c.SEPM {
		if name == "" || m.Name == name {
			return m, nil
		}
	}
	return config.SEPM{}, fmt.Errorf("no SEPM named %q is configured under sepm", name)
}

// SEPMOf is the name of the SEPM entry at which the pipeline looks an incident
// up, empty where there is none.
func SEPMOf(c *config.Config, tx ledger.Tx, incident int64) (string, error) {
	if len(c.SEPM) == 0 {
		return "", nil
	}
	choose, err := chooser(c.SEPM)
	if err != nil {
		return "", err
	}
	first, err := tx.FirstEvent(incident)
	if err != nil {
		return "", err
	}
	return choose(first.Event.Domain, first.Event.Server), nil
}
