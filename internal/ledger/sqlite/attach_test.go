package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/ledgertest"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

func TestAttached(t *testing.T) {
	ledgertest.ExerciseAttach(t, func(t *testing.T) ledgertest.Ways {
		path := filepath.Join(t.TempDir(), "ledger.db")
		return ledgertest.Ways{
			Open: func(options ledger.Options) (*ledger.Ledger, error) { return sqlite.Open(t.Context(), path, options) },
			Attach: func(access ledger.Access, options ledger.Options) (*ledger.Ledger, error) {
				return sqlite.Attach(t.Context(), path, access, options)
			},
			Run: func(statement string) { meddle(t, path, statement) },
		}
	})
}

// meddle runs a statement past the ledger.
func meddle(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestAttach(t *testing.T) {
	attach := func(path string) error {
		l, err := sqlite.Attach(t.Context(), path, ledger.ReadOnly, ledger.Options{})
		if err == nil {
			require.NoError(t, l.Close())
		}
		return err
	}
	t.Run("leaves no file behind", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "ledger.db")
		l, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err)
		require.NoError(t, l.Close())
		for _, access := range []ledger.Access{ledger.ReadOnly, ledger.ReadWrite} {
			l, err := sqlite.Attach(t.Context(), path, access, ledger.Options{})
			require.NoError(t, err)
			require.NoError(t, l.View(t.Context(), func(tx ledger.Tx) error { _, err := tx.Counts(); return err }))
			require.NoError(t, l.Close())
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, files, 2, "database and lock")
		}
	})
	t.Run("what is no ledger", func(t *testing.T) {
		dir := t.TempDir()
		missing := filepath.Join(dir, "missing.db")
		require.ErrorContains(t, attach(missing), missing+": there is no such file: start the daemon once")
		require.NoFileExists(t, missing)
		require.ErrorContains(t, attach(dir), "it is not a file")

		text := filepath.Join(dir, "text.db")
		require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("not a database. ", 100)), 0o600))
		require.ErrorContains(t, attach(text), "correct the path")
		other := filepath.Join(dir, "other.db")
		meddle(t, other, "CREATE TABLE mail (id INTEGER)")
		require.ErrorContains(t, attach(other), "no ledger is in it: correct the path")
	})
	t.Run("by another name", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) }))
		link := filepath.Join(t.TempDir(), "link.db")
		require.NoError(t, os.Symlink(path, link))
		attached, err := sqlite.Attach(t.Context(), link, ledger.ReadOnly, ledger.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, attached.Close()) })
		require.NoError(t, attached.View(t.Context(), func(tx ledger.Tx) error {
			counts, err := tx.Counts()
			require.Equal(t, int64(1), counts.TasksPending, "it stands in the log, which has the file's name")
			return err
		}))
	})
	t.Run("a daemon starts meanwhile", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l, err := sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err)
		require.NoError(t, l.Close())
		attached, err := sqlite.Attach(t.Context(), path, ledger.ReadOnly, ledger.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, attached.Close()) })
		count := func() error {
			return attached.View(t.Context(), func(tx ledger.Tx) error { _, err := tx.Counts(); return err })
		}
		l, err = sqlite.Open(t.Context(), path, ledger.Options{})
		require.NoError(t, err)
		require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) }))
		require.NoError(t, count(), "what it wrote stands in its log")
		require.NoError(t, l.Close())
		require.ErrorContains(t, count(), "run this again", "and now in the file")
	})
}

// lookInto says what a look into the ledger at path gives.
func lookInto(path string) {
	ctx := context.Background()
	l, err := sqlite.Attach(ctx, path, ledger.ReadOnly, ledger.Options{})
	if err != nil {
		fmt.Println("cannot read:", err)
		return
	}
	var counts ledger.Counts
	err = l.View(ctx, func(tx ledger.Tx) (err error) {
		counts, err = tx.Counts()
		return err
	})
	if err != nil {
		fmt.Println("cannot count:", err)
	}
	fmt.Printf("reads %d tasks\n", counts.TasksPending)
	if _, err := sqlite.Attach(ctx, path, ledger.ReadWrite, ledger.Options{}); err != nil {
		fmt.Println("cannot write:", err)
	}
}
