package postgres

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is the NOTIFY channel. It spans the database, so ledgers in two
// schemas of one wake each other now and then, which is harmless.
const channel = "sepwatch_due"

func (c conn) Notify(payload string) error {
	_, err := c.tx.Exec(c.ctx, "SELECT pg_notify($1, $2)", channel, c.sender+" "+payload)
	return err
}

// Listen keeps a connection of its own, because a pooled one is not there to
// wait. What is missed while it is down is found by the callers' look every
// second.
func (e *engine) Listen(ctx context.Context, wake func(string)) {
	for {
		err := e.listen(ctx, wake)
		if ctx.Err() != nil {
			return
		}
		e.log.Warn("not told of other nodes' commits, connecting again", slog.Any("error", err))
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}

func (e *engine) listen(ctx context.Context, wake func(string)) error {
	conn, err := pgx.ConnectConfig(ctx, e.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	// Closed with a context of its own: ctx is over when it is time to.
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing) // it only reads
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		sender, payload, _ := strings.Cut(notification.Payload, " ")
		if sender != e.sender {
			wake(payload)
		}
	}
}
