package sqlite

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/ledgertest"
)

func TestPlans(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := Open(t.Context(), path, ledger.Options{})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	e := &engine{}
	e.write, err = openPool(t.Context(), dsn(path, forWriting), 1)
	require.NoError(t, err)
	e.read, err = openPool(t.Context(), dsn(path, forReading), 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	ledgertest.ExercisePlans(t, ledgertest.Planner{
		Engine: e, Blob: "BLOB",
		// One that goes by an index of a few rows is none.
		Scan: regexp.MustCompile(`^SCAN \w+( USING (COVERING )?INDEX sqlite_autoindex\w+)?$`),
		Sort: regexp.MustCompile(`TEMP B-TREE FOR ORDER BY`),
		Run: func(statement string) {
			require.NoError(t, e.Update(t.Context(), func(c ledger.Conn) error { return c.Run(statement, [][]any{{}}, nil) }))
		},
		Explain: func(c ledger.Conn, statement string, args []any) (plan []string, err error) {
			err = c.Run("EXPLAIN QUERY PLAN "+statement, [][]any{args}, func(_ int, row ledger.Row) error {
				var id, parent, unused int
				var line string
				err := row.Scan(&id, &parent, &unused, &line)
				plan = append(plan, line)
				return err
			})
			return plan, err
		},
	})
}
