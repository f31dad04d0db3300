package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/ledgertest"
	"github.com/sepwatch/sepwatch/internal/ledger/postgres"
	"github.com/sepwatch/sepwatch/internal/realparts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fresh(server string) func(*testing.T) ledgertest.Place {
	return func(t *testing.T) ledgertest.Place {
		url := realparts.PostgresDatabase(t, server)
		return func(options ledger.Options) (*ledger.Ledger, error) { return postgres.Open(t.Context(), url, options) }
	}
}

func TestLedger(t *testing.T) {
	server := realparts.Postgres(t)
	t.Run("alone", func(t *testing.T) { ledgertest.Exercise(t, fresh(server)) })
	t.Run("shared", func(t *testing.T) { ledgertest.ExerciseShared(t, fresh(server)) })
	t.Run("open", func(t *testing.T) { testOpen(t, server) })
	t.Run("schemas", func(t *testing.T) { testSchemas(t, realparts.PostgresDatabase(t, server)) })
	t.Run("reconnect", func(t *testing.T) { testReconnect(t, realparts.PostgresDatabase(t, server)) })
}

func TestOpenNeedsANode(t *testing.T) {
	_, err := postgres.Open(t.Context(), "postgres://localhost/sepwatch", ledger.Options{})
	require.ErrorContains(t, err, "node has no name")
}

func TestOpenHidesThePassword(t *testing.T) {
	for _, url := range []string{
		"postgres://u:hunter2@localhost:notaport/sepwatch",
		"postgres://u:hunter2@127.0.0.1:1/sepwatch?connect_timeout=2",
	} {
		_, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func testOpen(t *testing.T, server string) {
	for name, test := range map[string]struct{ url, says string }{
		"no such schema":   {realparts.PostgresDatabase(t, server) + "&search_path=missing", "CREATE SCHEMA"},
		"no such database": {server + "&dbname=missing", "createdb"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), test.url, ledger.Options{Node: "alpha"})
			require.ErrorContains(t, err, test.says)
		})
	}
}

// admin runs a statement on a connection beside the ledgers'.
func admin(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

// testSchemas keeps two ledgers in one database.
func testSchemas(t *testing.T, url string) {
	var ledgers []*ledger.Ledger
	for _, schema := range []string{"one", "two"} {
		admin(t, url, "CREATE SCHEMA "+schema)
		l, err := postgres.Open(t.Context(), url+"&search_path="+schema, ledger.Options{Node: "alpha"})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		ledgers = append(ledgers, l)
	}
	require.NoError(t, ledgers[0].Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) }))
	require.NoError(t, ledgers[1].View(t.Context(), func(tx ledger.Tx) error {
		counts, err := tx.Counts()
		require.Zero(t, counts)
		return err
	}))
}

// testReconnect cuts every connection: work goes on and nodes wake each other
// again.
func testReconnect(t *testing.T, url string) {
	var nodes []*ledger.Ledger
	for _, node := range []string{"alpha", "beta"} {
		l, err := postgres.Open(t.Context(), url, ledger.Options{Node: node})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		nodes = append(nodes, l)
	}
	woken := func() bool {
		// The first attempts may meet a connection that was cut.
		_ = nodes[0].Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) })
		return len(nodes[1].Due(ledger.TaskRead)) == 1
	}
	require.Eventually(t, woken, 20*time.Second, 20*time.Millisecond)
	<-nodes[1].Due(ledger.TaskRead)
	admin(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	require.Eventually(t, woken, 20*time.Second, 20*time.Millisecond)
}
