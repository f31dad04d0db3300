package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// engine runs transactions: writes one after the other on one connection,
// which is what SQLite does anyway, reads beside them on snapshots of the
// write-ahead log.
type engine struct {
	// lock is nil and write may be nil where the ledger is attached.
	lock        *os.File
	write, read *pool
	// still is set where the file is read as one that nobody writes to.
	still *still
}

func (e *engine) Update(ctx context.Context, f func(ledger.Conn) error) error {
	// No statement of a write watches the context: that costs a goroutine
	// each, and a write is short. What may take long is waiting for the turn.
	return e.write.transact(ctx, context.WithoutCancel(ctx), "BEGIN IMMEDIATE", f)
}

func (e *engine) View(ctx context.Context, f func(ledger.Conn) error) error {
	err := e.read.transact(ctx, ctx, "BEGIN", f)
	if e.still != nil {
		if changed := e.still.check(); changed != nil {
			return changed // and not what came of reading it
		}
	}
	return err
}

func (e *engine) Shared() bool { return false }

func (e *engine) Listen(context.Context, func(string)) {}

// Close waits for the transactions that run and closes the readers first:
// the last connection to close folds the write-ahead log into the database,
// which a reader cannot. The lock goes last.
func (e *engine) Close() error {
	err := errors.Join(e.read.close(), e.write.close())
	if e.lock != nil {
		err = errors.Join(err, unlock(e.lock), e.lock.Close())
	}
	return err
}

var errClosed = errors.New("the ledger is closed")

// pool is n connections of one kind.
type pool struct {
	db     *sql.DB
	n      int
	idle   chan *session
	closed chan struct{}
}

func openPool(ctx context.Context, dsn string, n int) (*pool, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	// The sessions keep their connections; one that a migration used is
	// closed after it.
	db.SetMaxIdleConns(-1)
	p := &pool{db: db, idle: make(chan *session, n), closed: make(chan struct{})}
	for p.n < n {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.idle <- &session{conn: conn, prepared: map[string]*sql.Stmt{}}
		p.n++
	}
	return p, nil
}

// transact waits for a session as long as ctx lasts and runs f on it in a
// transaction; run is the context of the statements.
func (p *pool) transact(ctx, run context.Context, begin string, f func(ledger.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s := <-p.idle:
		defer func() { p.idle <- s }()
		return s.transact(run, begin, f)
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return errClosed
	}
}

// close closes the sessions as they become idle. It may be called on a nil
// pool: that of an Open that failed, or of a ledger attached for reading.
func (p *pool) close() error {
	if p == nil {
		return nil
	}
	close(p.closed)
	var errs []error
	for range p.n {
		errs = append(errs, (<-p.idle).close())
	}
	return errors.Join(append(errs, p.db.Close())...)
}

// session is one connection with the statements prepared on it; the ledger's
// texts are few, so they are kept for good.
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

// close closes the statements first: database/sql leaves those of a single
// connection open, and SQLite then leaves its log behind.
func (s *session) close() error {
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}

func (s *session) transact(ctx context.Context, begin string, f func(ledger.Conn) error) error {
	if err := s.run(ctx, begin); err != nil {
		return err
	}
	committed := false
	defer func() { // deferred because f may panic
		if !committed {
			// It fails where SQLite has rolled back by itself. Where it has
			// not, the next BEGIN says so.
			_ = s.run(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := f(conn{s, ctx}); err != nil {
		return err
	}
	if err := s.run(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return err
	}
	committed = true
	return nil
}

func (s *session) run(ctx context.Context, statement string) error {
	stmt, err := s.prepare(statement)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx)
	return err
}

func (s *session) prepare(statement string) (*sql.Stmt, error) {
	if stmt := s.prepared[statement]; stmt != nil {
		return stmt, nil
	}
	// The statement outlives the transaction, and so its context.
	stmt, err := s.conn.PrepareContext(context.Background(), unnamed(statement))
	if err != nil {
		return nil, err
	}
	s.prepared[statement] = stmt
	return stmt, nil
}

// unnamed writes $1, $2, … as "?" where they come in this order, each once.
// SQLite takes $1 for a name, and the driver looks up the name of every
// argument among all of them, which for a statement of many rows costs more
// than the rows. The ledger's texts have no "$" but these.
func unnamed(statement string) string {
	parts := strings.Split(statement, "$")
	for i, part := range parts[1:] {
		digits := len(part) - len(strings.TrimLeft(part, "0123456789"))
		if part[:digits] != strconv.Itoa(i+1) {
			return statement
		}
		parts[i+1] = part[digits:]
	}
	return strings.Join(parts, "?")
}

// conn is a session in a transaction.
type conn struct {
	*session
	ctx context.Context
}

func (c conn) Run(statement string, lists [][]any, each func(int, ledger.Row) error) error {
	stmt, err := c.prepare(statement)
	if err != nil {
		return err
	}
	for i, args := range lists {
		if each == nil {
			if _, err := stmt.ExecContext(c.ctx, args...); err != nil {
				return err
			}
			continue
		}
		if err := c.query(stmt, args, i, each); err != nil {
			return err
		}
	}
	return nil
}

func (c conn) query(stmt *sql.Stmt, args []any, i int, each func(int, ledger.Row) error) error {
	rows, err := stmt.QueryContext(c.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(i, rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c conn) Notify(string) error { return nil }
