package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/schema"
)

// Inspect looks at the ledger in the file at path as a sepwatch that starts
// now would find it, beside one that runs already too. It makes no file, and
// changes none but path-shm where that is there, in which SQLite notes its
// readers. A ledger that is missing is fine where it could be made. The error
// is a [*ledger.Flaw].
func Inspect(ctx context.Context, path string) (ledger.Inspection, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return ledger.Inspection{}, &ledger.Flaw{Problem: err.Error(), Err: err}
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if err := makeable(filepath.Dir(path)); err != nil {
			return ledger.Inspection{}, unwritable(err)
		}
		return schema.Empty(schema.SQLite())
	}
	if err == nil && !info.Mode().IsRegular() {
		return ledger.Inspection{}, &ledger.Flaw{Problem: "it is not a file", Hint: "correct the path"}
	}
	for _, name := range []string{path, filepath.Dir(path)} { // beside it stand its log and its lock
		if err == nil {
			err = writable(name)
		}
	}
	if err != nil {
		return ledger.Inspection{}, unwritable(err)
	}
	return inspect(ctx, path)
}

func inspect(ctx context.Context, path string) (ledger.Inspection, error) {
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(1000)", "query_only(1)"}}
	held := false
	switch _, err := os.Stat(path + "-wal"); {
	case err == nil:
		// It is open, or was not closed. The lock is asked for in that case
		// only, because a daemon that starts in this moment would fail.
		if held, err = isHeld(path); err != nil {
			return ledger.Inspection{}, &ledger.Flaw{Problem: err.Error(), Err: err}
		}
	case errors.Is(err, fs.ErrNotExist):
		// Nobody has it open. Opened in the usual way it would get a log,
		// which a reader cannot take away again.
		query.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String())
	if err != nil {
		return ledger.Inspection{}, &ledger.Flaw{Problem: err.Error(), Err: err}
	}
	found, err := schema.Inspect(ctx, db, schema.SQLite())
	found.Held = held
	var flaw *ledger.Flaw
	if err = errors.Join(err, db.Close()); err != nil && !errors.As(err, &flaw) {
		flaw = &ledger.Flaw{Problem: err.Error(), Hint: "correct the path, or restore a backup", Err: err}
	}
	if flaw != nil {
		return found, flaw
	}
	return found, nil
}

// isHeld says whether a process has the ledger's lock.
func isHeld(path string) (bool, error) {
	lock, err := os.Open(path + ".lock")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	err = tryLock(lock)
	if errors.Is(err, errHeld) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, unlock(lock)
}

// makeable says why the folder, or those above it, could not be made.
func makeable(folder string) error {
	info, err := os.Stat(folder)
	above := filepath.Dir(folder)
	switch {
	case (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) && above != folder:
		return makeable(above)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", folder)
	}
	return writable(folder)
}

func unwritable(err error) error {
	return &ledger.Flaw{
		Problem: err.Error(), Err: err,
		Hint: "give it a path in a folder that sepwatch's user may write to, and check as that user",
	}
}
