package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// Inspect reads the version of the ledger's tables and how many mails they
// hold, and changes nothing. Where they have another version than this
// sepwatch knows only the version is read. That of a newer sepwatch is a
// [*ledger.Flaw].
func Inspect(ctx context.Context, db *sql.DB, dialect Dialect) (ledger.Inspection, error) {
	var found ledger.Inspection
	var err error
	if found.Version, found.Known, err = versions(ctx, db, dialect); err != nil || found.Version == 0 {
		return found, err
	}
	switch {
	case found.Version > found.Known:
		return found, &ledger.Flaw{
			Problem: fmt.Sprintf("it has version %d and this sepwatch knows %d", found.Version, found.Known),
			Hint:    "use the newer sepwatch that migrated it, or restore a backup from before",
		}
	case found.Version < found.Known:
		return found, nil
	}
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM mail").Scan(&found.Mails); err != nil {
		return found, fmt.Errorf("count its mails: %w", err)
	}
	return found, nil
}

// Empty is what there is to find of a ledger that is not made yet.
func Empty(dialect Dialect) (ledger.Inspection, error) {
	all, err := migrations(dialect)
	if err != nil {
		return ledger.Inspection{}, err
	}
	return ledger.Inspection{Known: all[len(all)-1].Version}, nil
}

// ErrNoLedger means that a database has none of the ledger's tables.
var ErrNoLedger = errors.New("no ledger is in it")

// Check looks whether the database has the tables exactly as this sepwatch
// knows them, and changes nothing.
func Check(ctx context.Context, db *sql.DB, dialect Dialect) error {
	has, knows, err := versions(ctx, db, dialect)
	switch {
	case err != nil:
		return err
	case has == 0:
		return ErrNoLedger
	case has < knows:
		return fmt.Errorf("the ledger has version %d and this sepwatch needs %d: start the daemon once, which migrates it", has, knows)
	case has > knows:
		return newer(has, knows)
	}
	return nil
}

// versions are that of the tables, 0 where there are none, and the one that
// this sepwatch knows.
func versions(ctx context.Context, db *sql.DB, dialect Dialect) (has, knows int64, err error) {
	empty, err := Empty(dialect)
	if err != nil {
		return 0, 0, err
	}
	var made bool
	if err := db.QueryRowContext(ctx, dialect.made).Scan(&made); err != nil {
		return 0, 0, fmt.Errorf("look for the ledger's version: %w", err)
	}
	if made {
		err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename).Scan(&has)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read the ledger's version: %w", err)
	}
	return has, empty.Known, nil
}
