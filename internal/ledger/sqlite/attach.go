package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/schema"
)

// Attach opens the ledger in the file at path beside the daemon that may have
// it open, or where none runs. It takes no lock that a daemon waits for,
// migrates nothing and never makes the file: the ledger must be there, as this
// sepwatch knows it.
//
// For reading, this user must be able to read path, path-wal and path-shm;
// after an orderly end of the daemon the latter two are gone, and are not made
// again. A View that lasts keeps the daemon from shortening its log, so Views
// are to be short. An Update waits for its turn with the daemon's; the daemon
// finds what it made due at its next look, within a second.
func Attach(ctx context.Context, path string, access ledger.Access, options ledger.Options) (*ledger.Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	file, err := filepath.EvalSymlinks(path) // SQLite keeps the log beside the file itself
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open ledger %s: %w: start the daemon once, which makes it, or correct the path", path, ledger.ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open ledger: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("open ledger %s: it is not a file: correct the path", path)
	}
	e := &engine{}
	if err := e.attach(ctx, file, info, access); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, explain(err)), e.Close())
	}
	return ledger.Attach(e, access, options), nil
}

func (e *engine) attach(ctx context.Context, path string, info fs.FileInfo, access ledger.Access) error {
	purpose := forReading
	if access == ledger.ReadOnly {
		if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
			// Without a log nobody has it open, and all of it is in the one
			// file. Read in the usual way it would get a log, which a reader
			// cannot take away again, or not even make.
			purpose += "&immutable=1"
			e.still = &still{path: path, size: info.Size(), changed: info.ModTime()}
		}
	}
	var err error
	if e.read, err = openPool(ctx, dsn(path, purpose), 1); err != nil {
		return err
	}
	if err := schema.Check(ctx, e.read.db, schema.SQLite()); err != nil || access == ledger.ReadOnly {
		return err
	}
	if e.write, err = openPool(ctx, dsn(path, forWriting), 1); err != nil {
		return err
	}
	return e.Update(ctx, func(conn ledger.Conn) error {
		// SQLite says only now whether this user may write.
		return conn.Run("UPDATE task SET id = id WHERE FALSE", [][]any{{}}, nil)
	})
}

// still is a database file as it was when nobody had it open. A daemon that
// starts later leaves it alone as long as its log takes what it writes.
type still struct {
	path    string
	size    int64
	changed time.Time
}

// check fails where the file has changed: what was read may be torn.
func (s *still) check() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if info.Size() != s.size || !info.ModTime().Equal(s.changed) {
		return fmt.Errorf("read ledger %s: a daemon has started and changed it meanwhile: run this again", s.path)
	}
	return nil
}

// explain says what to do about errors that attaching may meet.
func explain(err error) error {
	if errors.Is(err, schema.ErrNoLedger) {
		return fmt.Errorf("%w: correct the path, or start the daemon once, which makes the ledger", err)
	}
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return err
	}
	switch failure.Code() & 0xff { // the rest is the extended code
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: correct the path", err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: this user may not do that with it, or with its -wal and -shm: run this as the user that the daemon runs as", err)
	}
	return err
}
