package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sepwatch/sepwatch/internal/ledger/schema"
)

// explained is an error as one line with what to do about it. The error it
// stands for is there for errors.Is.
type explained struct {
	line, hint string
	cause      error
}

func (e *explained) Error() string {
	if e.hint == "" {
		return e.line
	}
	return e.line + ": " + e.hint
}

func (e *explained) Unwrap() error { return e.cause }

// explain says in one line what went wrong while a ledger was opened, and
// what to do about it where that is known. pgx gives a line for each address
// that it tried; the first is enough.
func explain(err error) *explained {
	var (
		answer  *pgconn.PgError
		lookup  *net.DNSError
		dial    *net.OpError
		connect *pgconn.ConnectError
	)
	line, remedy := err.Error(), ""
	switch {
	case errors.Is(err, schema.ErrNoLedger):
		remedy = "correct the database or its search_path in the URL, or start the daemon once, which makes the ledger"
	case errors.As(err, &answer) && hint(answer.Code) != "":
		line, remedy = answer.Message+" (SQLSTATE "+answer.Code+")", hint(answer.Code)
	case errors.As(err, &lookup):
		line, remedy = lookup.Error(), "correct the host in the URL, or this computer's name service"
	case errors.As(err, &dial) && dial.Op == "dial":
		line, remedy = dial.Error(), "see that PostgreSQL runs and listens there, and that no firewall is in between"
	case errors.Is(err, context.DeadlineExceeded):
		remedy = "the server does not answer: see that it is PostgreSQL that listens there, that it is not overloaded, and that no firewall is in between"
	case errors.As(err, &connect):
		remedy = "check the host, the port and sslmode in the URL"
	}
	return &explained{strings.Join(strings.Fields(line), " "), remedy, err}
}

// hint says what to do about an answer of the server that a start may meet,
// by its SQLSTATE.
func hint(code string) string {
	switch code {
	case "28000", "28P01": // invalid_authorization_specification, invalid_password
		return "correct the user or the password in the URL, or let the user in by the server's pg_hba.conf"
	case "3D000": // invalid_catalog_name
		return "correct the database in the URL, or create it (createdb)"
	case "3F000": // invalid_schema_name
		return "create the schema that search_path names (CREATE SCHEMA)"
	case "42501": // insufficient_privilege
		return "grant this user CREATE on the schema; to look in, USAGE on it and SELECT on its tables"
	case "53300": // too_many_connections
		return "raise the server's max_connections, or end other clients"
	case "57P03": // cannot_connect_now
		return "start again when the server is up"
	}
	return ""
}

// unreadable explains a URL that pgx cannot read. Its own words hold the URL,
// in which a password is masked only as well as can be guessed, and so do
// those of net/url: so nothing of it is shown but a file that it names.
func unreadable(err error) error {
	var file *os.PathError
	if errors.As(err, &file) {
		return fmt.Errorf("a file that the database's URL names cannot be read: %w", file)
	}
	return errors.New("the database's URL cannot be read: write postgres://user:password@host:port/database, with special characters percent-encoded")
}
