package postgres_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
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

func ways(server string) func(*testing.T) ledgertest.Ways {
	return func(t *testing.T) ledgertest.Ways {
		url := realparts.PostgresDatabase(t, server)
		return ledgertest.Ways{
			Open: func(options ledger.Options) (*ledger.Ledger, error) { return postgres.Open(t.Context(), url, options) },
			Attach: func(access ledger.Access, options ledger.Options) (*ledger.Ledger, error) {
				return postgres.Attach(t.Context(), url, access, options)
			},
			Run: func(statement string) { admin(t, url, statement) },
		}
	}
}

func TestLedger(t *testing.T) {
	server := realparts.Postgres(t)
	t.Run("alone", func(t *testing.T) { ledgertest.Exercise(t, fresh(server)) })
	t.Run("shared", func(t *testing.T) { ledgertest.ExerciseShared(t, fresh(server)) })
	t.Run("attached", func(t *testing.T) { ledgertest.ExerciseAttach(t, ways(server)) })
	t.Run("attached to a shared one", func(t *testing.T) { ledgertest.ExerciseAttachShared(t, ways(server)) })
	t.Run("reader", func(t *testing.T) { testReader(t, realparts.PostgresDatabase(t, server)) })
	t.Run("open", func(t *testing.T) { testOpen(t, server) })
	t.Run("schemas", func(t *testing.T) { testSchemas(t, realparts.PostgresDatabase(t, server)) })
	t.Run("name", func(t *testing.T) { testName(t, server) })
	t.Run("inspect", func(t *testing.T) { testInspect(t, server) })
	t.Run("incomplete", func(t *testing.T) { testIncomplete(t, realparts.PostgresDatabase(t, server)) })
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
		"postgres://u:hunter2/x@localhost/sepwatch",
		"postgres://u:hun:hunter2@localhost/%zz",
		"postgres://u@localhost:notaport/sepwatch?password=hunter2",
		"postgres://u@localhost/sepwatch?pool_max_conns=hunter2",
		"postgres://u:hunter2@localhost/sepwatch?sslmode=require&sslrootcert=/missing.pem",
	} {
		_, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "\n")
	}
}

// TestOpenSaysWhatToDo asks for a remedy on one line, of servers that are not
// there or let nobody in.
func TestOpenSaysWhatToDo(t *testing.T) {
	for name, test := range map[string]struct{ url, says, remedy string }{
		"nobody listens": {"postgres://u:hunter2@127.0.0.1:1/sepwatch", "connection refused", "see that PostgreSQL runs"},
		"no socket":      {"postgres:///sepwatch?user=u&password=hunter2&host=" + t.TempDir(), "no such file", "see that PostgreSQL runs"},
		"wrong password": {"postgres://u:hunter2@" + refuses(t, "28P01", "password authentication failed for user \"u\"") + "/sepwatch",
			"password authentication failed", "correct the user or the password"},
		"starting up": {"postgres://u:hunter2@" + refuses(t, "57P03", "the database system\nis starting up") + "/sepwatch",
			"the database system is starting up", "when the server is up"},
		"no TLS": {"postgres://u:hunter2@" + refuses(t, "", "") + "/sepwatch?sslmode=require", "TLS", "sslmode"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), test.url, ledger.Options{Node: "alpha"})
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, test.remedy)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// refuses starts a server that answers every log-in with an error, and gives
// its address.
func refuses(t *testing.T, code, message string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			backend := pgproto3.NewBackend(conn, conn)
			start, err := backend.ReceiveStartupMessage()
			if _, asks := start.(*pgproto3.SSLRequest); err == nil && asks {
				if _, err = conn.Write([]byte("N")); err == nil {
					_, err = backend.ReceiveStartupMessage()
				}
			}
			if err == nil {
				backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
				_ = backend.Flush() // a client that has gone needs no answer
			}
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		serving.Wait()
	})
	return listener.Addr().String()
}

func testOpen(t *testing.T, server string) {
	for name, test := range map[string]struct{ url, says string }{
		"no such schema":   {realparts.PostgresDatabase(t, server) + "&search_path=missing", "CREATE SCHEMA"},
		"no such database": {server + "&dbname=missing", "createdb"},
		"no such user":     {server + "&user=missing", "correct the user"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), test.url, ledger.Options{Node: "alpha"})
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// testReader attaches as a user who may only read.
func testReader(t *testing.T, url string) {
	l, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	admin(t, url, "CREATE ROLE reader LOGIN")
	_, err = postgres.Attach(t.Context(), url+"&user=reader", ledger.ReadOnly, ledger.Options{})
	require.ErrorContains(t, err, "to look in, USAGE on it and SELECT on its tables")
	require.NotContains(t, err.Error(), "\n")

	admin(t, url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
	attached, err := postgres.Attach(t.Context(), url+"&user=reader", ledger.ReadWrite, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, attached.Close()) })
	require.NoError(t, attached.View(t.Context(), func(tx ledger.Tx) error { _, err := tx.Counts(); return err }))
	require.ErrorContains(t, attached.Update(t.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskRead, 1) }), "permission denied")
}

func testIncomplete(t *testing.T, url string) {
	l, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.AddMails([]ledger.NewMail{{Position: ledger.Position{Mailbox: "soc", UID: 1}, Raw: make([]byte, 3<<20)}})
		return err
	}))
	admin(t, url, "DELETE FROM mail_chunk WHERE n = 1")
	require.ErrorIs(t, l.View(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.Raw(1)
		return err
	}), ledger.ErrIncomplete)
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
