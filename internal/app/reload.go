package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/internal/config"
)

// Reload goes over to another configuration, or fails and leaves everything as
// it is. What can fail comes first; then the pipeline's next steps take the new
// settings, and the mailboxes that have changed get a new watcher. What has not
// changed keeps its session and its login. Reload waits for nothing and may be
// called at any time; without a running daemon it fails.
func (a *App) Reload(c *config.Config) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.phase != started {
		return errors.New("the configuration is reloaded only while sepwatch runs, and it does not")
	}
	old := a.settings.Load()
	changed := config.Changed(*old.config, *c)
	if err := refuse(changed); err != nil {
		return err
	}
	next, err := newSettings(c, old, a.opts, a.metrics, a.ledger)
	if err != nil {
		return err
	}
	watches, err := a.plan(c.Mailboxes)
	if err != nil {
		return err
	}
	a.use(next) // first, since its mailbox lease is that of the new polls
	a.watchNext(watches)
	if len(changed) == 0 {
		changed = []string{"nothing"}
		if !sameOrder(old.config.SEPM, c.SEPM) {
			changed = []string{"the order of sepm"}
		}
	}
	a.opts.Logger.Info("configuration reloaded", "changed", strings.Join(changed, ", "))
	return nil
}

// Reloaded notes for the metrics how an attempt to reload has ended, the
// reading of the configuration included.
func (a *App) Reloaded(err error) { a.metrics.Reloaded(err == nil, a.opts.Clock.Now()) }

// refuse names the changed settings that a running daemon cannot take on.
func refuse(changed []string) error {
	restart := []string{"ledger", "node", "listen"}
	var errs []error
	for _, path := range changed {
		top, _, _ := strings.Cut(path, ".")
		if slices.Contains(restart, top) {
			errs = append(errs, fmt.Errorf("%s has changed, which takes a restart: restart sepwatch, or put the old value back", path))
		}
	}
	return errors.Join(errs...)
}
