// Package postgres keeps the ledger in a PostgreSQL database, which several
// nodes may share.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/schema"
)

// Open opens the ledger in the database that the URL names, in the first
// schema of its search_path (postgres://…?search_path=sepwatch), which must
// exist; the user must be allowed to create tables in it. The leases that
// options.Node held before are released.
func Open(ctx context.Context, url string, options ledger.Options) (*ledger.Ledger, error) {
	if options.Node == "" {
		return nil, errors.New("open ledger on PostgreSQL: the node has no name: nodes that share a ledger each need one that stays the same")
	}
	options = options.WithDefaults()
	config, err := pgxpool.ParseConfig(url) // its errors hide the password
	if err != nil {
		return nil, fmt.Errorf("open ledger on PostgreSQL: %w", err)
	}
	place := fmt.Sprintf("%s on %s:%d", config.ConnConfig.Database, config.ConnConfig.Host, config.ConnConfig.Port)
	if err := migrate(ctx, config.ConnConfig); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", place, hint(err))
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", place, err)
	}
	l, err := ledger.New(ctx, &engine{
		pool:   pool,
		sender: rand.Text(),
		log:    options.Logger.With(slog.String("ledger", place)),
	}, options)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open ledger %s: %w", place, err)
	}
	return l, nil
}

func migrate(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	return errors.Join(schema.Migrate(ctx, db, schema.Postgres()), db.Close())
}

// hint adds what to do about errors that a first start may meet.
func hint(err error) error {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		return err
	}
	switch failure.Code {
	case "3F000": // invalid_schema_name
		return fmt.Errorf("%w: create the schema that search_path names (CREATE SCHEMA)", err)
	case "3D000": // invalid_catalog_name
		return fmt.Errorf("%w: create the database (createdb)", err)
	case "42501": // insufficient_privilege
		return fmt.Errorf("%w: grant this user CREATE on the schema", err)
	}
	return err
}
