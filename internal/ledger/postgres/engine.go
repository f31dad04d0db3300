package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

const (
	// maxAttempts bounds how often a transaction is run. Conflicts end as
	// soon as one of those in conflict commits, so this many in a row mean a
	// database that is overloaded, not a busy one.
	maxAttempts = 40
	// maxUnique bounds attempts that end with a unique violation: another
	// node was faster, and the next attempt sees its row; or the caller adds
	// what is there, every time.
	maxUnique = 3
	maxPause  = 100 * time.Millisecond
)

// engine runs transactions on a pool of connections.
type engine struct {
	pool *pgxpool.Pool
	// name is held until all else has ended; nil where the ledger is attached.
	name *name
	// sender tells this process's notifications from those of others.
	sender string
	log    *slog.Logger
}

// Update runs f serialisable: the ledger's rules (one open incident a key,
// wanted and done, leases) then hold between nodes as they do on one.
func (e *engine) Update(ctx context.Context, f func(ledger.Conn) error) error {
	unique := 0
	for attempt := 1; ; attempt++ {
		err := e.transact(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable}, f)
		var failure *pgconn.PgError
		if err == nil || !errors.As(err, &failure) {
			return err
		}
		switch failure.Code {
		case "40001", "40P01": // serialization_failure, deadlock_detected
		case "23505": // unique_violation
			if unique++; unique == maxUnique {
				return err
			}
		default:
			return err
		}
		if attempt == maxAttempts {
			return fmt.Errorf("gave up after %d attempts: %w", attempt, err)
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// pause waits longer with each attempt, and a random part of that, so that
// those in conflict do not meet again.
func pause(ctx context.Context, attempt int) error {
	longest := min(time.Millisecond<<min(attempt, 10), maxPause)
	select {
	case <-time.After(rand.N(longest)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *engine) View(ctx context.Context, f func(ledger.Conn) error) error {
	return e.transact(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

func (e *engine) transact(ctx context.Context, options pgx.TxOptions, f func(ledger.Conn) error) error {
	return pgx.BeginTxFunc(ctx, e.pool, options, func(tx pgx.Tx) error {
		return f(conn{ctx: ctx, tx: tx, sender: e.sender})
	})
}

func (e *engine) Shared() bool { return true }

func (e *engine) Close() error {
	e.close()
	return nil
}

// close also ends an engine that is open in part.
func (e *engine) close() {
	if e.pool != nil {
		e.pool.Close()
	}
	if e.name != nil {
		e.name.release()
	}
}

// conn is a transaction under its context.
type conn struct {
	ctx    context.Context
	tx     pgx.Tx
	sender string
}

// maxBatch is how many bytes of arguments go to the server at once: pgx
// builds a batch in memory before it sends it.
const maxBatch = 4 << 20

func (c conn) Run(statement string, lists [][]any, each func(int, ledger.Row) error) error {
	for start := 0; start < len(lists); {
		batch := &pgx.Batch{}
		size, end := 0, start
		for end < len(lists) && (end == start || size+ledger.ArgumentBytes(lists[end]) <= maxBatch) {
			size += ledger.ArgumentBytes(lists[end])
			batch.Queue(statement, lists[end]...)
			end++
		}
		if err := c.send(batch, start, each); err != nil {
			return err
		}
		start = end
	}
	return nil
}

func (c conn) send(batch *pgx.Batch, start int, each func(int, ledger.Row) error) (err error) {
	results := c.tx.SendBatch(c.ctx, batch)
	defer func() {
		if closing := results.Close(); err == nil {
			err = closing
		}
	}()
	for i := range batch.Len() {
		if each == nil {
			if _, err := results.Exec(); err != nil {
				return err
			}
			continue
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := each(start+i, rows); err != nil {
				rows.Close()
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}
