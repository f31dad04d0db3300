// Package app makes a running daemon of a configuration: it opens the
// ledger, connects the clients and mailbox watchers to the pipeline, starts
// them and stops them.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/postgres"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/metrics"
	"github.com/sepwatch/sepwatch/internal/pipeline"
)

// Clock is where all time comes from, leases and due times included.
type Clock interface {
	Now() time.Time
	// After is time.After by this clock.
	After(d time.Duration) <-chan time.Time
}

// Options are what an App is made of. Config is required.
type Options struct {
	Config *config.Config
	// Clock is the system's by default.
	Clock Clock
	// Logger is slog.Default() by default.
	Logger *slog.Logger
	// Node is this process's stable id among those that share a ledger; that
	// of the config, or else the host's name, by default.
	Node string
	// Version is the program's, for the metrics.
	Version string
}

// App is a daemon. It is started once and stopped once.
type App struct {
	opts     Options
	ledger   *ledger.Ledger
	settings atomic.Pointer[settings]
	watchers []*ingest.Watcher
	pipeline *pipeline.Pipeline
	metrics  *metrics.Metrics
	backlog  *backlog
	server   *server // nil where nothing is served

	stop    context.CancelFunc
	running sync.WaitGroup
}

// New opens the ledger and makes the parts. Nothing runs before Start.
func New(ctx context.Context, opts Options) (*App, error) {
	if opts.Clock == nil {
		opts.Clock = systemClock{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	opts.Node = cmp.Or(opts.Node, opts.Config.Node)
	if opts.Node == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("name this node by its host: %w", err)
		}
		opts.Node = host
	}
	a := &App{opts: opts}
	a.measure()
	s, err := newSettings(opts.Config, opts.Clock, opts.Logger, a.metrics)
	if err != nil {
		return nil, err
	}
	a.settings.Store(s)
	a.ledger, err = openLedger(ctx, opts, a.metrics.Updated)
	if err != nil {
		return nil, err
	}
	a.pipeline = pipeline.New(pipeline.Options{
		Ledger:       a.ledger,
		Settings:     func() *pipeline.Settings { return &a.settings.Load().Settings },
		Actions:      enrich.Actions(),
		Clock:        opts.Clock,
		Logger:       opts.Logger,
		Node:         opts.Node,
		MailboxLease: mailboxLease(opts.Config.Mailboxes),
		Observer:     a.metrics,
	})
	for _, m := range opts.Config.Mailboxes {
		w, err := newWatcher(m, a.pipeline, opts)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("mailbox %q: %w", m.Name, err), a.ledger.Close())
		}
		a.watchers = append(a.watchers, w)
	}
	if err := a.listen(ctx); err != nil {
		return nil, errors.Join(err, a.ledger.Close())
	}
	a.metrics.Reloaded(true, opts.Clock.Now())
	return a, nil
}

// Start starts the watchers and the pipeline and returns at once.
func (a *App) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	a.running.Go(func() { a.pipeline.Run(ctx) })
	if a.server != nil {
		a.running.Go(func() { a.server.run(ctx) })
	}
	for i, w := range a.watchers {
		name := a.opts.Config.Mailboxes[i].Name
		a.running.Go(func() {
			if err := w.Run(ctx); err != nil {
				a.opts.Logger.Warn("mailbox was not released; another node waits until the lease has run out",
					"mailbox", name, "error", err)
			}
		})
	}
}

// Stop ends the work, lets requests under way come to their end, and closes
// the ledger and the clients.
func (a *App) Stop() error {
	if a.stop != nil {
		a.stop()
	} else if a.server != nil {
		a.server.close()
	}
	a.running.Wait()
	a.backlog.wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	a.settings.Load().close(ctx, a.opts.Logger)
	if err := a.ledger.Close(); err != nil {
		return fmt.Errorf("close the ledger: %w", err)
	}
	return nil
}

// Counts returns the ledger's totals.
func (a *App) Counts(ctx context.Context) (c ledger.Counts, err error) {
	err = a.ledger.View(ctx, func(tx ledger.Tx) (err error) {
		c, err = tx.Counts()
		return err
	})
	return c, err
}

// mailboxLease outlasts two polls of the laziest watcher.
func mailboxLease(mailboxes []config.Mailbox) time.Duration {
	lease := 2 * time.Minute
	for _, m := range mailboxes {
		lease = max(lease, 2*m.Poll)
	}
	return lease
}

func openLedger(ctx context.Context, opts Options, onUpdate func(time.Duration, error)) (*ledger.Ledger, error) {
	ledgerOptions := ledger.Options{Now: opts.Clock.Now, Node: opts.Node, Logger: opts.Logger, OnUpdate: onUpdate}
	if url := opts.Config.Ledger.Postgres; url != "" {
		l, err := postgres.Open(ctx, url.Reveal(), ledgerOptions)
		if err != nil {
			return nil, fmt.Errorf("ledger.postgres: %w", err)
		}
		return l, nil
	}
	l, err := sqlite.Open(ctx, opts.Config.Ledger.Path, ledgerOptions)
	if err != nil {
		return nil, fmt.Errorf("ledger.path: %w", err)
	}
	return l, nil
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
