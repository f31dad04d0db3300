//go:build unix

package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

// TestAttachedByAReader has a user look who may read the ledger's files and
// write to none of them, nor to their folder.
func TestAttachedByAReader(t *testing.T) {
	dir := publicDir(t)
	path := filepath.Join(dir, "ledger.db")
	l, err := sqlite.Open(t.Context(), path, ledger.Options{})
	require.NoError(t, err)
	require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1, 2, 3) }))
	allow(t, dir, 0o555, 0o444)
	seen := look(t, path)
	require.Contains(t, seen, "reads 3 tasks\n", "beside a daemon")
	require.Contains(t, seen, "cannot write: open ledger "+path)
	require.Contains(t, seen, "run this as the user that the daemon runs as")

	// As a daemon leaves it that was killed.
	killed := publicDir(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(killed, "ledger.db"+suffix), data, 0o600))
	}
	allow(t, killed, 0o555, 0o444)
	require.Contains(t, look(t, filepath.Join(killed, "ledger.db")), "reads 3 tasks\n", "after a kill")
	allow(t, killed, 0o755, 0o444)
	require.NoError(t, os.Remove(filepath.Join(killed, "ledger.db-shm")))
	allow(t, killed, 0o555, 0o444)
	require.Contains(t, look(t, filepath.Join(killed, "ledger.db")), "cannot read: open ledger", "SQLite cannot")

	allow(t, dir, 0o755, 0o600)
	require.NoError(t, l.Close())
	allow(t, dir, 0o555, 0o444)
	require.Contains(t, look(t, path), "reads 3 tasks\n", "without a daemon")
	allow(t, dir, 0o555, 0o000)
	require.Contains(t, look(t, path), "run this as the user that the daemon runs as", "not even reading is allowed")
}

// publicDir is a folder that every user may look into.
func publicDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "sepwatch-attach-")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, os.Chmod(dir, 0o755))
		require.NoError(t, os.RemoveAll(dir))
	})
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// allow sets the rights of the folder and of the files in it.
func allow(t *testing.T, dir string, folder, file os.FileMode) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, name := range files {
		require.NoError(t, os.Chmod(name, file))
	}
	require.NoError(t, os.Chmod(dir, folder))
}

// look runs lookInto as a process without rights of its own.
func look(t *testing.T, path string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), self)
	child.Env, child.Dir = []string{"SEPWATCH_LOOK_INTO=" + path}, "/"
	if os.Getuid() == 0 { // nothing is forbidden to root
		data, err := os.ReadFile(self)
		require.NoError(t, err)
		child.Path = filepath.Join(publicDir(t), "test")
		require.NoError(t, os.WriteFile(child.Path, data, 0o755))
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := child.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
