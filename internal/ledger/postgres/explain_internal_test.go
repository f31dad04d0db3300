package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	lookup := &net.DNSError{Err: "no such host", Name: "db.invalid", IsNotFound: true}
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"DNS": {
			fmt.Errorf("several:\n%w", errors.Join(&net.OpError{Op: "dial", Net: "tcp", Err: lookup}, errors.New("another"))),
			"lookup db.invalid: no such host: correct the host in the URL, or this computer's name service",
		},
		"rights": {
			fmt.Errorf("migrate: %w", &pgconn.PgError{Message: "permission denied\nfor schema public", Code: "42501"}),
			"permission denied for schema public (SQLSTATE 42501): grant this user CREATE on the schema; to look in, USAGE on it and SELECT on its tables",
		},
		"an answer without a hint": {
			fmt.Errorf("migrate:\n%w", &pgconn.PgError{Severity: "ERROR", Message: "disk full", Code: "53100"}),
			"migrate: ERROR: disk full (SQLSTATE 53100)",
		},
		"no answer in time": {
			fmt.Errorf("receive: %w", context.DeadlineExceeded),
			"receive: context deadline exceeded: the server does not answer: see that it is PostgreSQL that listens there, that it is not overloaded, and that no firewall is in between",
		},
		"anything else": {errors.Join(context.Canceled, errors.New("b")), "context canceled b"},
	} {
		t.Run(name, func(t *testing.T) {
			err := explain(test.err)
			require.EqualError(t, err, test.says)
			require.ErrorIs(t, err, test.err)
		})
	}
}
