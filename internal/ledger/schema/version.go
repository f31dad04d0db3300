package schema

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// Inspect reads the version of the ledger's tables and how many mails they
// hold, and changes nothing. Where they have another version than this
// sepwatch knows only the version is read. That of a newer sepwatch is a
// [*ledger.Flaw].
func Inspect(ctx context.Context, db *sql.DB, dialect Dialect) (ledger.Inspection, error) {
	found, err := Empty(dialect)
	if err != nil {
		return found, err
	}
	var made bool
	if err := db.QueryRowContext(ctx, dialect.made).Scan(&made); err != nil {
		return found, fmt.Errorf("look for its tables: %w", err)
	}
	if !made {
		return found, nil
	}
	if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename).Scan(&found.Version); err != nil {
		return found, fmt.Errorf("read its version: %w", err)
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
