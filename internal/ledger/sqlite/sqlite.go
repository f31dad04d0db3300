// Package sqlite keeps the ledger in one SQLite file, for one node: the
// default engine. It is written in Go, so nothing is to be installed.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/schema"
)

// readers is how many View transactions run at once.
const readers = 4

// errHeld is tryLock's where another process has the lock.
var errHeld = errors.New("another sepwatch holds it")

// Open opens the ledger in the file at path. Where they are missing it makes
// the file and its folder, for their owner only. Beside the file SQLite keeps
// path-wal and path-shm, and Open path.lock: a file system lock on it, which
// ends with the process, keeps a second daemon out. All leases are released,
// since nobody else can hold one.
func Open(ctx context.Context, path string, options ledger.Options) (*ledger.Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	lock, err := hold(path)
	if err != nil {
		return nil, err
	}
	e := &engine{lock: lock}
	l, err := e.open(ctx, path, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, err), e.Close())
	}
	return l, nil
}

// hold locks the ledger for this process, and makes sure that its file is
// there, is private and can be written: what SQLite says of that does not
// name it.
func hold(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open ledger %s: make its folder: %w: give it a path in a folder that this user may write to", path, err)
	}
	lock, err := touch(path + ".lock")
	if err != nil {
		return nil, err
	}
	if err := tryLock(lock); err != nil {
		if errors.Is(err, errHeld) {
			err = fmt.Errorf("open ledger %s: %w, by %s: stop that one first, or give this one a ledger of its own", path, err, lock.Name())
		} else {
			err = fmt.Errorf("open ledger %s: lock %s: %w: put the ledger on a file system that has locks, such as a local one", path, lock.Name(), err)
		}
		return nil, errors.Join(err, lock.Close())
	}
	database, err := touch(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := database.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), lock.Close())
	}
	return lock, nil
}

func touch(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w: this user must be able to write to the folder and to the ledger's files", err)
	}
	return f, nil
}

func (e *engine) open(ctx context.Context, path string, options ledger.Options) (*ledger.Ledger, error) {
	// The write connection comes first, because it is the one that can make
	// the files of the write-ahead log.
	var err error
	if e.write, err = openPool(ctx, dsn(path, forOwner), 1); err != nil {
		return nil, err
	}
	if err := schema.Migrate(ctx, e.write.db, schema.SQLite()); err != nil {
		return nil, err
	}
	if e.read, err = openPool(ctx, dsn(path, forReading), readers); err != nil {
		return nil, err
	}
	return ledger.New(ctx, e, options)
}

// What a connection is for, as the driver takes it. Another process may hold
// the database for a moment: an attached ledger, a backup or a person's
// sqlite3. A commit is on the disk when it returns (synchronous FULL): a mail
// is flagged or moved right after.
//
// The daemon's connection keeps the indexes of keys and messages in memory,
// which are written at random places: 4 MiB are enough for those of a hundred
// thousand mails. Its log grows to 16 MiB (4,000 pages), so that a page that
// many commits change is written back once for all of them; and what undoes a
// statement of many rows needs no file. Readers are several, and look at few
// pages.
const (
	forReading = "mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)&_pragma=cache_size(-512)"
	forWriting = "mode=rw&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"
	forOwner   = forWriting + "&_pragma=journal_mode(WAL)&_pragma=cache_size(-4096)" +
		"&_pragma=wal_autocheckpoint(4000)&_pragma=temp_store(MEMORY)"
)

// dsn names the database to the driver.
func dsn(path, purpose string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: purpose}).String()
}
