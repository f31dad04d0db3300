// Package app makes a running daemon of a configuration: it opens the
// ledger, connects the clients and mailbox watchers to the pipeline, starts
// them, goes over to another configuration and stops them.
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
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
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
	pipeline *pipeline.Pipeline
	metrics  *metrics.Metrics
	backlog  *backlog
	server   *server // nil where nothing is served

	// changing is held by whoever changes what runs: Start, Reload and Stop.
	changing sync.Mutex
	phase    phase
	watches  map[string]*watch        // by mailbox
	ended    map[string]chan struct{} // closed when the mailbox's latest watch has ended
	end      context.CancelFunc       // ends the pipeline

	running sync.WaitGroup
}

// phase is how far a daemon's life has come.
type phase int

const (
	made phase = iota
	started
	stopping
)

// New opens the ledger and makes the parts. Nothing runs before Start.
func New(ctx context.Context, opts Options) (*App, error) {
	if opts.Clock == nil {
		opts.Clock = systemClock{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	var err error
	if opts.Node, err = nodeName(opts.Node, opts.Config); err != nil {
		return nil, err
	}
	a := &App{opts: opts, ended: make(map[string]chan struct{})}
	a.measure()
	a.ledger, err = openLedger(ctx, opts.Config,
		ledger.Options{Now: opts.Clock.Now, Node: opts.Node, Logger: opts.Logger, OnUpdate: a.metrics.Updated})
	if err != nil {
		return nil, err
	}
	s, err := newSettings(opts.Config, nil, opts, a.metrics, a.ledger)
	if err != nil {
		return nil, errors.Join(err, a.ledger.Close())
	}
	a.use(s)
	a.pipeline = pipeline.New(pipeline.Options{
		Ledger:   a.ledger,
		Settings: func() *pipeline.Settings { return &a.settings.Load().Settings },
		Actions:  enrich.Actions(),
		Clock:    opts.Clock,
		Logger:   opts.Logger,
		Node:     opts.Node,
		Observer: a.metrics,
	})
	if a.watches, err = a.plan(opts.Config.Mailboxes); err != nil {
		return nil, errors.Join(err, a.ledger.Close())
	}
	if err := a.listen(ctx); err != nil {
		return nil, errors.Join(err, a.ledger.Close())
	}
	a.metrics.Reloaded(true, opts.Clock.Now())
	return a, nil
}

// nodeName is the wanted name, or the config's, or the host's.
func nodeName(wanted string, c *config.Config) (string, error) {
	if name := cmp.Or(wanted, c.Node); name != "" {
		return name, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name this node by its host: %w", err)
	}
	return host, nil
}

// Start starts the watchers and the pipeline and returns at once.
func (a *App) Start() {
	a.changing.Lock()
	defer a.changing.Unlock()
	a.phase = started
	ctx, cancel := context.WithCancel(context.Background())
	a.end = cancel
	a.running.Go(func() { a.pipeline.Run(ctx) })
	if a.server != nil {
		a.running.Go(func() { a.server.run(ctx) })
	}
	for _, w := range a.watches {
		a.start(w)
	}
}

// Alive returns nil while the daemon does its work, or an error that says what
// is stuck (see [pipeline.Pipeline.Alive]). It is for after Start and before
// Stop.
func (a *App) Alive() error { return a.pipeline.Alive(a.opts.Clock.Now()) }

// Counts returns the ledger's totals.
func (a *App) Counts(ctx context.Context) (c ledger.Counts, err error) {
	err = a.ledger.View(ctx, func(tx ledger.Tx) (err error) {
		c, err = tx.Counts()
		return err
	})
	return c, err
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
