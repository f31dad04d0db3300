package bench

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// rowsPerStatement and commits are those of the daemon: 64, and one for
	// every 256 mails.
	rowsPerStatement = 64
	mailsPerCommit   = 256
)

// insertRows is the reference that tells the ledger's own cost from that of
// SQLite: the rows that draining n mails left are put into an empty database
// with the same tables, settings and number of commits, and nothing else is
// done. They are read beforehand.
func insertRows(tb testing.TB, from *sql.DB, n int) time.Duration {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(tb.TempDir(), "rows.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-8192)&_pragma=wal_autocheckpoint(4000)&_pragma=temp_store(MEMORY)")
	require.NoError(tb, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, row := range read(tb, from, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'") {
		_, err := db.Exec(row[0].(string))
		require.NoError(tb, err)
	}
	tables := []string{"mail", "mail_chunk", "incident", "event", "piece", "task"}
	rows := make(map[string][][]any)
	for _, table := range tables {
		rows[table] = read(tb, from, "SELECT * FROM "+table+" ORDER BY rowid")
	}

	commits := (n + mailsPerCommit - 1) / mailsPerCommit
	start := time.Now()
	for i := range commits {
		tx, err := db.Begin()
		require.NoError(tb, err)
		for _, table := range tables {
			all := rows[table]
			insert(tb, tx, table, all[len(all)*i/commits:len(all)*(i+1)/commits])
		}
		require.NoError(tb, tx.Commit())
	}
	return time.Since(start)
}

func insert(tb testing.TB, tx *sql.Tx, table string, rows [][]any) {
	tb.Helper()
	for len(rows) > 0 {
		some := rows[:min(rowsPerStatement, len(rows))]
		rows = rows[len(some):]
		one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(some[0])), ",") + ")"
		var args []any
		for _, row := range some {
			args = append(args, row...)
		}
		_, err := tx.Exec(fmt.Sprintf("INSERT INTO %s VALUES %s%s", table, strings.Repeat(one+",", len(some)-1), one), args...)
		require.NoError(tb, err)
	}
}

// read reads all rows of a query.
func read(tb testing.TB, db *sql.DB, query string) (all [][]any) {
	tb.Helper()
	rows, err := db.Query(query)
	require.NoError(tb, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(tb, err)
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		require.NoError(tb, rows.Scan(into...))
		all = append(all, row)
	}
	require.NoError(tb, rows.Err())
	return all
}
