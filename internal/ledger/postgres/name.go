package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// namePatience is how long a name that is taken is asked for: the server
	// may see a moment late that the process which had it was killed.
	namePatience = 5 * time.Second
	nameRetry    = 100 * time.Millisecond
	// nameCheck is how often the session is asked whether it lives, so that
	// a connection that broke without a word is noticed.
	nameCheck = 30 * time.Second
	// nameAgain is the pause between attempts to get a lost name back.
	nameAgain = time.Second
)

// keepalive has the server find within about a minute that this computer has
// gone, in place of the two hours that are usual, in which the node could not
// start again under its name.
const keepalive = "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5"

var errNameTaken = errors.New("another process has this node's name")

// name holds a node's name, so that no second process takes its leases from
// it, start by start: a lock of a session of its own, which the server ends
// with the session, however the process ends.
//
// A session that breaks takes the lock with it. The work goes on meanwhile:
// leases and epochs keep it correct, whoever has the name. It is taken again
// as soon as it can be, and logged as an error while another has it.
type name struct {
	config *pgx.ConnConfig
	node   string
	log    *slog.Logger

	stop    context.CancelFunc
	holding sync.WaitGroup
}

// holdName takes the name until release.
func holdName(ctx context.Context, config *pgx.ConnConfig, node string, log *slog.Logger) (*name, error) {
	n := &name{config: config, node: node, log: log.With(slog.String("node", node))}
	session, err := n.take(ctx)
	if err != nil {
		return nil, err
	}
	holding, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.holding.Go(func() { n.hold(holding, session) })
	return n, nil
}

// release returns when the name is free.
func (n *name) release() {
	n.stop()
	n.holding.Wait()
}

// take opens a session that has the lock.
func (n *name) take(ctx context.Context) (*pgx.Conn, error) {
	session, err := pgx.ConnectConfig(ctx, n.config)
	if err != nil {
		return nil, err
	}
	if err := n.lock(ctx, session); err != nil {
		end(ctx, session)
		return nil, err
	}
	return session, nil
}

// nameLock is the lock of the name $1. Like the tables it is the schema's:
// several ledgers in one database have their nodes' names apart.
const nameLock = "hashtextextended('sepwatch node ' || $1::text || ' in ' || COALESCE(current_schema(), ''), 0)"

// lock waits for the lock.
func (n *name) lock(ctx context.Context, session *pgx.Conn) error {
	if _, err := session.Exec(ctx, keepalive); err != nil {
		return err
	}
	for patience := time.After(namePatience); ; {
		var held bool
		err := session.QueryRow(ctx, "SELECT pg_try_advisory_lock("+nameLock+")", n.node).Scan(&held)
		if err != nil || held {
			return err
		}
		select {
		case <-time.After(nameRetry):
		case <-patience:
			return fmt.Errorf("%w, %q: stop the other sepwatch, or give this one a name of its own with the setting node", errNameTaken, n.node)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hold keeps the session, and takes the name again where it breaks, until ctx
// ends.
func (n *name) hold(ctx context.Context, session *pgx.Conn) {
	for {
		err := watch(ctx, session)
		end(ctx, session)
		if ctx.Err() != nil {
			return
		}
		n.log.Warn("the connection that holds this node's name is lost, taking the name again", slog.Any("error", err))
		if session = n.retake(ctx); session == nil {
			return
		}
		n.log.Info("this node's name is held again")
	}
}

// retake returns a session that has the lock, or nil when ctx ends.
func (n *name) retake(ctx context.Context) *pgx.Conn {
	for {
		session, err := n.take(ctx)
		switch {
		case err == nil:
			return session
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errNameTaken):
			n.log.Error("two processes work under one name and take each other's leases", slog.Any("error", err))
		default:
			n.log.Warn("this node's name is not held", slog.Any("error", explain(err)))
		}
		select {
		case <-time.After(nameAgain):
		case <-ctx.Done():
			return nil
		}
	}
}

// watch returns when the session has broken or ctx has ended.
func watch(ctx context.Context, session *pgx.Conn) error {
	for {
		quiet, cancel := context.WithTimeout(ctx, nameCheck)
		_, err := session.WaitForNotification(quiet) // none comes: nothing is listened to
		broken := err != nil && quiet.Err() == nil
		cancel()
		if broken || ctx.Err() != nil {
			return err
		}
		asking, cancel := context.WithTimeout(ctx, nameCheck)
		err = session.Ping(asking)
		cancel()
		if err != nil {
			return err
		}
	}
}

// end closes a session with a context of its own: ctx may be over. The server
// has let the session's locks go when it returns, unless it is too busy for
// seconds.
func end(ctx context.Context, session *pgx.Conn) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = session.Close(closing) // nothing is lost with it
}
