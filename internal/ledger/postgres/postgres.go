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
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/schema"
)

// Open opens the ledger in the database that the URL names, in the first
// schema of its search_path (postgres://…?search_path=sepwatch), which must
// exist; the user must be allowed to create tables in it.
//
// The leases that options.Node held before are released. The ledger holds
// that name as long as it is open, for which the session must be one with the
// server (no pooler of transactions in between). Where another process has the
// name, Open waits a few seconds, in which the session of one that was killed
// ends, and then fails; where a computer was lost with its connections it may
// fail for a minute.
//
// An error is one line with what to do, and never has the password.
func Open(ctx context.Context, url string, options ledger.Options) (*ledger.Ledger, error) {
	if options.Node == "" {
		return nil, errors.New("open ledger on PostgreSQL: the node has no name: nodes that share a ledger each need one that stays the same")
	}
	options = options.WithDefaults()
	config, place, err := parse(url)
	if err != nil {
		return nil, err
	}
	log := options.Logger.With(slog.String("ledger", place))
	name, err := holdName(ctx, config.ConnConfig, options.Node, log)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", place, explain(err))
	}
	e := &engine{name: name, sender: rand.Text(), log: log}
	l, err := e.open(ctx, config, options)
	if err != nil {
		e.close()
		return nil, fmt.Errorf("open ledger %s: %w", place, explain(err))
	}
	return l, nil
}

// Attach opens the ledger beside the nodes that work on it, if any do, and
// takes no node's name. It migrates nothing: the ledger must be there, as this
// sepwatch knows it. For reading, the user needs USAGE on the schema and
// SELECT on its tables. What an Update makes due the nodes are told at once.
func Attach(ctx context.Context, url string, access ledger.Access, options ledger.Options) (*ledger.Ledger, error) {
	options = options.WithDefaults()
	config, place, err := parse(url)
	if err != nil {
		return nil, err
	}
	e := &engine{sender: rand.Text(), log: options.Logger.With(slog.String("ledger", place))}
	if err := e.attach(ctx, config); err != nil {
		e.close()
		return nil, fmt.Errorf("open ledger %s: %w", place, explain(err))
	}
	return ledger.Attach(e, access, options), nil
}

// parse reads the URL of a database, and says what errors and logs call it.
func parse(url string) (*pgxpool.Config, string, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, "", fmt.Errorf("open ledger on PostgreSQL: %w", unreadable(err))
	}
	return config, place(config.ConnConfig), nil
}

func (e *engine) open(ctx context.Context, config *pgxpool.Config, options ledger.Options) (*ledger.Ledger, error) {
	if err := migrate(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	var err error
	if e.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	return ledger.New(ctx, e, options)
}

func (e *engine) attach(ctx context.Context, config *pgxpool.Config) error {
	db := stdlib.OpenDB(*config.ConnConfig)
	if err := errors.Join(schema.Check(ctx, db, schema.Postgres()), db.Close()); err != nil {
		return err
	}
	var err error
	e.pool, err = pgxpool.NewWithConfig(ctx, config)
	return err
}

func migrate(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	return errors.Join(schema.Migrate(ctx, db, schema.Postgres()), db.Close())
}
