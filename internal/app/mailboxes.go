package app

import (
	"context"
	"log/slog"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/config"
)

// watch is the watching of one mailbox as one configuration has it.
type watch struct {
	config  config.Mailbox
	watcher *ingest.Watcher
	stop    context.CancelFunc // set when it is started
}

// plan makes the watches of a configuration. A mailbox that is watched as it
// says keeps its watch.
func (a *App) plan(mailboxes []config.Mailbox) (map[string]*watch, error) {
	next := make(map[string]*watch, len(mailboxes))
	for _, m := range mailboxes {
		if w := a.watches[m.Name]; w != nil && len(config.Changed(w.config, m)) == 0 {
			next[m.Name] = w
			continue
		}
		options := mailboxOptions(m, a.opts.Clock, a.opts.Logger)
		options.Read = a.pipeline.ReadAhead(m.Name)
		watcher, err := ingest.New(options, a.pipeline)
		if err != nil {
			return nil, err
		}
		next[m.Name] = &watch{config: m, watcher: watcher}
	}
	return next, nil
}

func mailboxOptions(m config.Mailbox, clock Clock, logger *slog.Logger) ingest.Options {
	mode := ingest.Implicit
	switch m.URL.Scheme {
	case config.IMAP:
		mode = ingest.StartTLS
	case config.IMAPInsecure:
		mode = ingest.None
	}
	return ingest.Options{
		Name: m.Name, Address: m.URL.Address(), TLS: mode,
		Username: m.URL.User, Password: m.Password.Reveal(), Folder: m.URL.Folder,
		RootCAs: pool(m.CA), Fingerprints: m.Fingerprints, Proxy: m.Proxy,
		Start: ingest.Start(m.Start),
		Flag:  ingest.Flag(m.After.Flag), Move: m.After.Move,
		Poll: m.Poll, MaxSize: int64(m.MaxSize),
		Clock: clock, Logger: logger,
	}
}

// start starts a watch. It begins when the mailbox's last one has ended its
// session and released the lease, however long that one is stuck.
func (a *App) start(w *watch) {
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	name := w.config.Name
	before, ended := a.ended[name], make(chan struct{})
	a.ended[name] = ended
	a.running.Go(func() {
		defer close(ended)
		if before != nil {
			<-before
		}
		if err := w.watcher.Run(ctx); err != nil {
			a.opts.Logger.Warn("mailbox was not released; another node waits until the lease has run out",
				"mailbox", name, "error", err)
		}
	})
}

// watchNext goes over to the planned watches: those that are not among them
// are stopped, and those that are new are started.
func (a *App) watchNext(next map[string]*watch) {
	for name, w := range a.watches {
		if next[name] != w {
			w.stop()
		}
	}
	for name, w := range next {
		if a.watches[name] != w {
			a.start(w)
		}
	}
	a.watches = next
}
