package sqlite

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// tryLock locks the file until it is closed or the process ends. It fails
// with errHeld, at once, where another holds it.
func tryLock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}

// unlock does nothing: a child has no copy of the file, so that closing it is
// enough.
func unlock(*os.File) error { return nil }

// writable says why this user may not write to a file. Of a folder only an
// attempt could tell, so any is taken for writable.
func writable(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() && info.Mode().Perm()&0o200 == 0 {
		err = &fs.PathError{Op: "write to", Path: name, Err: fs.ErrPermission}
	}
	return err
}
