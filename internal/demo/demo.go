// Package demo shows the whole main job with nothing installed: a mailbox,
// a SEPM and a Resilient that stand in on real sockets with TLS, a real
// daemon between them, and a count at the end of what arrived, taken at the
// stand-ins and not in the daemon's own records.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
)

// Options configure a demo.
type Options struct {
	// Alerts is how many alerts are sent, each about a computer of its own.
	Alerts int
	// Faults makes every stand-in misbehave in every way it can.
	Faults bool
	// Dir is an empty folder for the ledger and the configuration.
	Dir string
	// Progress, if not nil, is told how far the demo has come.
	Progress func(Summary)
	// Logger receives the daemon's log.
	Logger *slog.Logger
	// Patience is how long to wait for everything to arrive; more than zero.
	Patience time.Duration
}

// Summary is the outcome of a demo. Its JSON is stable.
type Summary struct {
	// Mails is how many alerts are sent in all, Alerts how many of them have
	// an incident.
	Mails     int `json:"mails"`
	Alerts    int `json:"alerts"`
	Incidents int `json:"incidents"`
	Artifacts int `json:"artifacts"`
	Rows      int `json:"rows"`
	Commands  int `json:"commands"`
	// Lost counts alerts whose incident, an artifact or the row does not stand
	// at the stand-in: of a run that ended early, all that has not arrived.
	// Duplicates counts what stands there more than once.
	Lost       int     `json:"lost"`
	Duplicates int     `json:"duplicates"`
	Seconds    float64 `json:"seconds"`
}

// Unfinished is the error of a run that ended before everything had arrived.
type Unfinished struct {
	// Reason is what ended it.
	Reason string
	// Arrived of All alerts stand in Resilient with all that belongs to them.
	Arrived, All int
}

func (e *Unfinished) Error() string {
	return fmt.Sprintf("%s: %d of %d alerts have arrived completely", e.Reason, e.Arrived, e.All)
}

// Demo is a running demo.
type Demo struct {
	opts  Options
	world *world
	app   *app.App
	// Config is the path of the daemon's configuration.
	Config string
}

// Start starts the stand-ins and the daemon.
func Start(ctx context.Context, opts Options) (d *Demo, err error) {
	d = &Demo{opts: opts}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
			d = nil
		}
	}()
	if d.world, err = newWorld(opts); err != nil {
		return d, err
	}
	if d.Config, err = d.world.writeConfig(opts.Dir); err != nil {
		return d, err
	}
	c, err := config.Load(d.Config, config.LoadOptions{})
	if err != nil {
		return d, err
	}
	if d.app, err = app.New(ctx, app.Options{Config: c, Logger: opts.Logger, Node: "demo"}); err != nil {
		return d, err
	}
	d.app.Start()
	return d, nil
}

// Run sends the alerts and waits until everything has arrived. Where patience
// or parent ends first the error is an [*Unfinished], and the summary says what
// has arrived.
func (d *Demo) Run(parent context.Context) (Summary, error) {
	started := time.Now()
	count := func() Summary {
		s := tally(d.world.alerts, d.world.soar.Incidents())
		s.Seconds = time.Since(started).Round(time.Millisecond).Seconds()
		return s
	}
	ctx, cancel := context.WithTimeout(parent, d.opts.Patience)
	sent := make(chan error, 1)
	var sending sync.WaitGroup
	sending.Go(func() { sent <- d.world.send(ctx) })
	defer func() {
		cancel()
		sending.Wait()
	}()
	for {
		s := count()
		if d.opts.Progress != nil {
			d.opts.Progress(s)
		}
		if s.Alerts == d.opts.Alerts && s.Lost == 0 {
			settled, err := d.settled(ctx)
			if err != nil && ctx.Err() == nil {
				return s, err
			}
			if settled {
				return count(), nil
			}
		}
		select {
		case err := <-sent:
			if err != nil && ctx.Err() == nil {
				return s, fmt.Errorf("send alerts: %w", err)
			}
			sent = nil
		case <-ctx.Done():
			s := count()
			reason := "interrupted"
			if parent.Err() == nil {
				reason = fmt.Sprintf("patience ended after %s", d.opts.Patience)
			}
			return s, &Unfinished{Reason: reason, Arrived: s.Mails - s.Lost, All: s.Mails}
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settled reports whether the daemon has nothing left to do.
func (d *Demo) settled(ctx context.Context) (bool, error) {
	c, err := d.app.Counts(ctx)
	return c.TasksPending == 0 && c.MailsUnread == 0, err
}

// Show prints one incident as it stands in Resilient.
func (d *Demo) Show(w io.Writer) error { return d.world.show(w) }

// Where says how to reach the stand-ins.
func (d *Demo) Where() string { return d.world.where() }

// Struck says how often each fault has struck, a line for each stand-in.
func (d *Demo) Struck() string { return d.world.struck() }

// Close stops the daemon and the stand-ins.
func (d *Demo) Close() error {
	var errs []error
	if d.app != nil {
		errs = append(errs, d.app.Stop())
	}
	if d.world != nil {
		errs = append(errs, d.world.close())
	}
	return errors.Join(errs...)
}
