package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/schema"
)

// Place names the database of a URL without its user and password.
func Place(url string) (string, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return "", unreadable(err)
	}
	return place(config.ConnConfig), nil
}

func place(config *pgx.ConnConfig) string {
	return fmt.Sprintf("%s on %s", config.Database, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))))
}

// Inspect looks at the ledger in the database that the URL names as a
// sepwatch with that node's name which starts now would find it, beside those
// that run. It logs in once and changes nothing; tables that are not made yet
// are fine where the user may make them. The error is a [*ledger.Flaw]
// without the password.
func Inspect(ctx context.Context, url, node string) (ledger.Inspection, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return ledger.Inspection{}, &ledger.Flaw{Problem: unreadable(err).Error()}
	}
	db := stdlib.OpenDB(*config.ConnConfig, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET default_transaction_read_only = on")
		return err
	}))
	db.SetMaxOpenConns(1)
	found, err := inspect(ctx, db, node)
	err = errors.Join(err, db.Close())
	var flaw *ledger.Flaw
	if err == nil || errors.As(err, &flaw) {
		return found, err
	}
	why := explain(err)
	return found, &ledger.Flaw{Problem: why.line, Hint: why.hint, Err: err}
}

func inspect(ctx context.Context, db *sql.DB, node string) (ledger.Inspection, error) {
	found, err := schema.Inspect(ctx, db, schema.Postgres())
	if err != nil {
		return found, err
	}
	if found.Version < found.Known {
		err = mayMigrate(ctx, db)
	} else {
		err = mayWrite(ctx, db)
	}
	if err != nil {
		return found, err
	}
	// A bigint's lock stands in pg_locks in two halves.
	err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND (classid::bigint << 32) | objid::bigint = `+nameLock+`)`, node).Scan(&found.Held)
	return found, err
}

func mayMigrate(ctx context.Context, db *sql.DB) error {
	var folder sql.NullString
	var allowed sql.NullBool
	err := db.QueryRowContext(ctx, "SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE')").Scan(&folder, &allowed)
	switch {
	case err != nil:
		return err
	case !folder.Valid:
		return &ledger.Flaw{Problem: "the schema that search_path names does not exist", Hint: hint("3F000")}
	case !allowed.Bool:
		return &ledger.Flaw{Problem: fmt.Sprintf("the user may not make tables in the schema %q", folder.String), Hint: hint("42501")}
	}
	return nil
}

func mayWrite(ctx context.Context, db *sql.DB) error {
	var allowed bool
	err := db.QueryRowContext(ctx, "SELECT has_table_privilege('mail', 'INSERT') AND has_table_privilege('task', 'UPDATE')").Scan(&allowed)
	if err == nil && !allowed {
		return &ledger.Flaw{Problem: "the user may not write to its tables", Hint: "use the user that made them, or grant this one all rights on them"}
	}
	return err
}
