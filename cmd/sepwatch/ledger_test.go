package main

import (
	"context"
	"database/sql"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

// makeLedger is
//
//	ledger FILE [STATEMENT]
//
// It makes a ledger, and runs a statement of SQL in it.
func makeLedger(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: ledger FILE [STATEMENT]")
	}
	path := ts.MkAbs(args[0])
	l, err := sqlite.Open(context.Background(), path, ledger.Options{})
	ts.Check(err)
	ts.Check(l.Close())
	if len(args) == 2 {
		db, err := sql.Open("sqlite", path)
		ts.Check(err)
		_, err = db.Exec(args[1])
		ts.Check(err)
		ts.Check(db.Close())
	}
}

// refusePostgres is
//
//	postgres SQLSTATE MESSAGE
//
// It is a PostgreSQL server at $postgres_host, until the end of the script,
// that answers every login with an error.
func refusePostgres(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: postgres SQLSTATE MESSAGE")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			backend := pgproto3.NewBackend(conn, conn)
			if _, err := backend.ReceiveStartupMessage(); err == nil {
				backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: args[0], Message: args[1]})
				_ = backend.Flush() // a client that has gone needs no answer
			}
			_ = conn.Close()
		}
	})
	ts.Defer(func() {
		_ = listener.Close()
		serving.Wait()
	})
	ts.Setenv("postgres_host", listener.Addr().String())
}
