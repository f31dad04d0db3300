package app

import (
	"context"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/metrics"
	"github.com/sepwatch/sepwatch/internal/pipeline"
)

// measure makes the metrics and what they ask at a scrape. The parts that
// they ask are made later, and nothing is scraped before.
func (a *App) measure() {
	a.backlog = &backlog{clock: a.opts.Clock, ask: func(ctx context.Context) (b ledger.Backlog, err error) {
		err = a.ledger.View(ctx, func(tx ledger.Tx) (err error) {
			b, err = tx.Backlog()
			return err
		})
		return b, err
	}}
	a.metrics = metrics.New(metrics.Options{
		Version: a.opts.Version, Now: a.opts.Clock.Now,
		Mailboxes: func() []metrics.Mailbox {
			var all []metrics.Mailbox
			for _, m := range a.mailboxes() {
				all = append(all, m.Mailbox)
			}
			return all
		},
		Gates:   func() []pipeline.Gate { return a.pipeline.Gates() },
		Backlog: a.backlog.get,
	})
}

// listen takes the configured address, if there is one.
func (a *App) listen(ctx context.Context) (err error) {
	if a.opts.Config.Listen == "" {
		return nil
	}
	a.server, err = newServer(ctx, a.opts.Config.Listen,
		newHandler(a.alive, a.ready, a.metrics.Handler(a.opts.Logger)), a.opts.Logger)
	return err
}

// Addr is the address at which the pages are served, as host:port; empty
// where none are.
func (a *App) Addr() string {
	if a.server == nil {
		return ""
	}
	return a.server.listener.Addr().String()
}
