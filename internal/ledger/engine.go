package ledger

import "context"

// Engine runs transactions on one kind of database, whose tables package
// schema has made. The SQL texts are the ledger's own and the same for every
// engine; their placeholders are $1, $2, ….
type Engine interface {
	// Update runs f in one serialisable read-write transaction and commits
	// it, or rolls it back and returns f's error. It runs f again, within a
	// bound, where the database asks for that.
	Update(ctx context.Context, f func(Conn) error) error
	// View runs f on one consistent snapshot, in which writes fail.
	View(ctx context.Context, f func(Conn) error) error
	// Shared reports whether other nodes may work on the database too. Then
	// a start releases this node's leases only, and claims lock rows and skip
	// locked ones (FOR UPDATE SKIP LOCKED).
	Shared() bool
	// Listen hands wake the payload of each Notify that another node
	// committed, until ctx ends. Where there is no other node it returns at
	// once.
	Listen(ctx context.Context, wake func(payload string))
	// Close ends the connections. The caller has ended all else.
	Close() error
}

// Conn is an open transaction, under the context of its Update or View.
type Conn interface {
	// Run runs the statement once for each list of arguments, in order, and
	// hands each row that comes of it to each, with the index of the list;
	// each may be nil. After an error the transaction can only be rolled
	// back.
	Run(statement string, lists [][]any, each func(i int, row Row) error) error
	// Notify sends the payload to other nodes when the transaction commits.
	Notify(payload string) error
}

// Row is one row of a result, valid until the function it was given to
// returns.
type Row interface {
	Scan(dest ...any) error
}
