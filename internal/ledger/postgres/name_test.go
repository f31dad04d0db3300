package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/postgres"
	"github.com/sepwatch/sepwatch/internal/realparts"
)

// testName has two processes start under one name.
func testName(t *testing.T, server string) {
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		url := realparts.PostgresDatabase(t, server)
		l, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
		require.NoError(t, err)
		require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) }))
		var task ledger.Task
		require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error {
			tasks, err := tx.Claim(ledger.TaskRead, 1, "a", time.Hour)
			task = tasks[0]
			return err
		}))

		_, err = postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
		require.ErrorContains(t, err, `"alpha"`)
		require.ErrorContains(t, err, "stop the other sepwatch, or give this one a name of its own")
		require.NotContains(t, err.Error(), "\n")
		require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error {
			lost, err := tx.Finish([]ledger.Outcome{{Task: task, Done: true}})
			require.Empty(t, lost, "the second took nothing from the first")
			return err
		}))
		require.NoError(t, l.Close())

		l, err = postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
		require.NoError(t, err, "Close lets the name go")
		require.NoError(t, l.Close())
	})
	t.Run("waits for the one before", func(t *testing.T) {
		t.Parallel()
		url := realparts.PostgresDatabase(t, server)
		before, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
		require.NoError(t, err)
		var after *ledger.Ledger
		var opening sync.WaitGroup
		opening.Go(func() { after, err = postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"}) })
		require.Eventually(t, func() bool { return count(t, url, sessions) >= 2 }, 20*time.Second, 20*time.Millisecond)
		require.NoError(t, before.Close())
		opening.Wait()
		require.NoError(t, err)
		require.NoError(t, after.Close())
	})
	t.Run("is taken again", func(t *testing.T) {
		t.Parallel()
		url := realparts.PostgresDatabase(t, server)
		l, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		for range 2 {
			before := count(t, url, holder)
			require.NotZero(t, before)
			admin(t, url, "SELECT pg_terminate_backend(("+holder+")::int)")
			require.Eventually(t, func() bool { now := count(t, url, holder); return now != 0 && now != before }, 20*time.Second, 20*time.Millisecond)
		}
	})
}

const (
	// sessions counts those that ask for a node's name or have it.
	sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%sepwatch node%' AND pid <> pg_backend_pid()"
	// holder is the process of the session that has a node's name, 0 for none.
	holder = "SELECT COALESCE(max(pid), 0) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)

func count(t *testing.T, url, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&n))
	require.NoError(t, conn.Close(t.Context()))
	return n
}
