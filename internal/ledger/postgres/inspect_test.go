package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/postgres"
	"github.com/sepwatch/sepwatch/internal/realparts"
)

func testInspect(t *testing.T, server string) {
	url := realparts.PostgresDatabase(t, server)
	finds := func(want ledger.Inspection, node string) {
		t.Helper()
		got, err := postgres.Inspect(t.Context(), url, node)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	lacks := func(url, problem, hint string) {
		t.Helper()
		_, err := postgres.Inspect(t.Context(), url, "alpha")
		var flaw *ledger.Flaw
		require.ErrorAs(t, err, &flaw)
		require.Contains(t, flaw.Problem, problem)
		require.Contains(t, flaw.Hint, hint)
		require.NotContains(t, err.Error(), "\n")
	}
	const reader = "inspecting_reader"
	admin(t, server, "CREATE USER "+reader)

	finds(ledger.Inspection{Known: 1}, "alpha")
	finds(ledger.Inspection{Known: 1}, "alpha") // the first look made nothing
	lacks(url+"&search_path=missing", "schema that search_path names does not exist", "CREATE SCHEMA")
	lacks(url+"&user="+reader, `may not make tables in the schema "public"`, "grant this user CREATE")
	lacks(server+"&dbname=missing", "does not exist", "createdb")
	lacks("postgres://u:hunter2@"+refuses(t, "28P01", "password authentication failed")+"/sepwatch",
		"password authentication failed (SQLSTATE 28P01)", "correct the user or the password")
	lacks("postgres://u:hunter2@localhost:notaport/sepwatch", "cannot be read: write postgres://", "")

	l, err := postgres.Open(t.Context(), url, ledger.Options{Node: "alpha"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	require.NoError(t, l.Update(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.AddMails([]ledger.NewMail{{Position: ledger.Position{Mailbox: "soc", UID: 1}, Raw: []byte("x")}})
		return err
	}))
	finds(ledger.Inspection{Version: 1, Known: 1, Held: true, Mails: 1}, "alpha")
	finds(ledger.Inspection{Version: 1, Known: 1, Mails: 1}, "beta")
	admin(t, url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+reader)
	lacks(url+"&user="+reader, "may not write to its tables", "grant this one")
	require.NoError(t, l.Close())
	finds(ledger.Inspection{Version: 1, Known: 1, Mails: 1}, "alpha")

	admin(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, TRUE)")
	lacks(url, "it has version 9000 and this sepwatch knows 1", "the newer sepwatch")
}

func TestPlace(t *testing.T) {
	place, err := postgres.Place("postgres://u:hunter2@db.example.com:5433/sepwatch?sslmode=require")
	require.NoError(t, err)
	require.Equal(t, "sepwatch on db.example.com:5433", place)
	_, err = postgres.Place("postgres://u:hunter2@localhost:notaport/sepwatch")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}
