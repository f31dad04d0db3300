package postgres

import (
	"context"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/ledgertest"
	"github.com/sepwatch/sepwatch/internal/realparts"
)

func TestPlans(t *testing.T) {
	t.Parallel()
	url := realparts.Postgres(t)
	l, err := Open(t.Context(), url, ledger.Options{Node: "alpha"})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	config, _, err := parse(url)
	require.NoError(t, err)
	e := &engine{}
	require.NoError(t, e.attach(t.Context(), config))
	t.Cleanup(e.close)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	run := func(statement string) {
		_, err := conn.Exec(t.Context(), statement+"; ANALYZE")
		require.NoError(t, err, statement)
	}
	ledgertest.ExercisePlans(t, ledgertest.Planner{
		Engine: e, Blob: "BYTEA", Run: run,
		Scan: regexp.MustCompile(`Seq Scan on`),
		Sort: regexp.MustCompile(`\bSort\b`),
		Explain: func(c ledger.Conn, statement string, args []any) (plan []string, err error) {
			err = c.Run("EXPLAIN "+statement, [][]any{args}, func(_ int, row ledger.Row) error {
				var line string
				err := row.Scan(&line)
				plan = append(plan, line)
				return err
			})
			return plan, err
		},
	})
}
