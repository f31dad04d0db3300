package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/ledgertest"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("SEPWATCH_COMMIT_TO"); path != "" {
		commitForever(path)
	}
	if path := os.Getenv("SEPWATCH_LOOK_INTO"); path != "" {
		lookInto(path)
		return
	}
	goleak.VerifyTestMain(m)
}

func fresh(t *testing.T) ledgertest.Place {
	path := filepath.Join(t.TempDir(), "ledger.db")
	return func(options ledger.Options) (*ledger.Ledger, error) { return sqlite.Open(t.Context(), path, options) }
}

func TestLedger(t *testing.T) { ledgertest.Exercise(t, fresh) }

func TestModel(t *testing.T) { ledgertest.ExerciseModel(t, fresh) }

func TestOpen(t *testing.T) {
	t.Run("one daemon at a time", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err)
		_, err = sqlite.Open(t.Context(), path, ledger.Options{})
		require.ErrorContains(t, err, path+".lock")
		require.ErrorContains(t, err, "stop that one first")
		require.NotContains(t, err.Error(), "temporarily unavailable", "the system's word for it misleads")
		require.NoError(t, l.Close())
		l, err = sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err, "the lock is let go")
		require.NoError(t, l.Close())
	})
	t.Run("only the owner reads it", func(t *testing.T) {
		dir := t.TempDir()
		l, err := sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db"), ledger.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, files, 4, "database, log, shared memory, lock")
		for _, file := range files {
			info, err := file.Info()
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode(), file.Name())
		}
	})
	t.Run("a path may hold anything", func(t *testing.T) {
		dir := t.TempDir()
		for _, name := range []string{"a b.db", "50%20.db", "what?mode=ro&x#y.db", "警报.db"} {
			path := filepath.Join(dir, name)
			l, err := sqlite.Open(t.Context(), path, ledger.Options{})
			require.NoError(t, err, name)
			require.FileExists(t, path)
			require.NoError(t, l.Close())
		}
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, files, 8, "each a database and a lock, the log is folded in")
	})
	t.Run("makes its folder", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "missing", "sepwatch")
		l, err := sqlite.Open(t.Context(), filepath.Join(folder, "ledger.db"), ledger.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		info, err := os.Stat(folder)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	})
	t.Run("a file in place of its folder", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(folder, nil, 0o600))
		path := filepath.Join(folder, "ledger.db")
		_, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, "give it a path")
	})
	t.Run("not writable", func(t *testing.T) {
		path := t.TempDir() // a folder cannot be opened as a database, by root neither
		_, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.ErrorContains(t, err, path)
	})
	t.Run("not a database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("not a database. ", 100)), 0o600))
		_, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, "not a database")
	})
	t.Run("of a newer sepwatch", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err)
		require.NoError(t, l.Close())
		meddle(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, TRUE)")
		_, err = sqlite.Open(t.Context(), path, ledger.Options{})
		require.ErrorContains(t, err, "newer sepwatch")
	})
}

// TestIncomplete damages a mail: a caller can tell that from a database that
// fails, and from a mail that is not there.
func TestIncomplete(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := sqlite.Open(t.Context(), path, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.AddMails([]ledger.NewMail{{Position: ledger.Position{Mailbox: "soc", UID: 1}, Raw: make([]byte, 3<<20)}})
		return err
	}))
	raw := func() error {
		r, opened := l.OpenRaw(t.Context(), 1)
		require.NoError(t, opened)
		_, streamed := io.ReadAll(r)
		err := l.View(t.Context(), func(tx ledger.Tx) error {
			_, err := tx.Raw(1)
			return err
		})
		require.Equal(t, errors.Is(err, ledger.ErrIncomplete), errors.Is(streamed, ledger.ErrIncomplete))
		require.Equal(t, err == nil, streamed == nil)
		return err
	}
	require.NoError(t, raw())
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Exec("DELETE FROM mail_chunk WHERE n = 1")
	require.NoError(t, err)
	err = raw()
	require.ErrorIs(t, err, ledger.ErrIncomplete)
	require.NotErrorIs(t, err, ledger.ErrNotFound)
	require.ErrorContains(t, err, "2097152 of 3145728")
	_, err = db.Exec("ALTER TABLE mail_chunk RENAME TO lost")
	require.NoError(t, err)
	err = raw()
	require.Error(t, err)
	require.NotErrorIs(t, err, ledger.ErrIncomplete, "the database failed, not the mail")
}

// TestKilled kills a process while it commits, again and again on one ledger.
// What it was told is committed is there, and the ledger opens at once.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	last := 0
	for range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "SEPWATCH_COMMIT_TO="+path)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for n := 0; n < 20 && lines.Scan(); n++ {
			last, err = strconv.Atoi(lines.Text())
			require.NoError(t, err)
		}
		require.NoError(t, child.Process.Kill())
		for lines.Scan() { // committed before the kill
			last, err = strconv.Atoi(lines.Text())
			require.NoError(t, err)
		}
		require.Error(t, child.Wait())

		l, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err)
		require.NoError(t, l.View(t.Context(), func(tx ledger.Tx) error {
			counts, err := tx.Counts()
			require.NoError(t, err)
			require.GreaterOrEqual(t, counts.Mails, int64(last))
			require.LessOrEqual(t, counts.Mails, int64(last)+1, "one commit may not have been told of")
			require.Equal(t, counts.Mails, counts.TasksPending, "a mail and its task are one commit")
			for id := range counts.Mails {
				raw, err := tx.Raw(id + 1)
				require.NoError(t, err)
				require.Len(t, raw, 100_000)
			}
			return nil
		}))
		require.NoError(t, l.Close())
	}
	require.GreaterOrEqual(t, last, 60)
}

// commitForever adds mails and tells how many there are after each commit.
func commitForever(path string) {
	ctx := context.Background()
	l, err := sqlite.Open(ctx, path, ledger.Options{})
	for err == nil {
		var counts ledger.Counts
		err = l.Update(ctx, func(tx ledger.Tx) (err error) {
			if counts, err = tx.Counts(); err != nil {
				return err
			}
			counts.Mails++
			_, err = tx.AddMails([]ledger.NewMail{{
				Position:  ledger.Position{Mailbox: "soc", UIDValidity: 1, UID: uint32(counts.Mails)},
				MessageID: fmt.Sprint(counts.Mails),
				Raw:       make([]byte, 100_000),
			}})
			return err
		})
		if err == nil {
			fmt.Println(counts.Mails)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
