package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tx is one transaction. It is valid only inside the function it is given to,
// for one goroutine at a time. Its clock stands still.
type Tx struct{ *transaction }

// transaction is the state behind a Tx.
type transaction struct {
	conn   Conn
	texts  *texts
	now    time.Time
	node   string
	shared bool
	// due are the kinds that a commit makes tasks due of.
	due map[TaskKind]bool
	// failed is the first error of the database, which ends the transaction
	// even where f has swallowed it.
	failed error
}

var errOver = errors.New("the transaction is over: a Tx is valid only inside the function it is given to")

func (l *Ledger) begin(conn Conn) *transaction {
	return &transaction{
		conn:   conn,
		texts:  &l.texts,
		now:    timeOf(micros(l.options.Now())),
		node:   l.options.Node,
		shared: l.engine.Shared(),
		due:    map[TaskKind]bool{},
	}
}

func (t *transaction) end() { t.failed = errOver }

// call runs f, and fails where the database did although f did not say so.
func (t *transaction) call(f func(Tx) error) error {
	err := f(Tx{t})
	if t.failed != nil && !errors.Is(err, t.failed) {
		return errors.Join(err, t.failed)
	}
	return err
}

func (t *transaction) notify() error {
	if !t.shared {
		return nil
	}
	for kind := range t.due {
		if err := t.conn.Notify(string(kind)); err != nil {
			return err
		}
	}
	return nil
}

// query runs the statement for each list of arguments and hands each row to
// each, which may be nil; see [Conn].
func (t *transaction) query(statement string, lists [][]any, each func(i int, row Row) error) error {
	if t.failed != nil {
		return t.failed
	}
	if len(lists) == 0 {
		return nil
	}
	for _, list := range lists {
		for i, arg := range list {
			if s, ok := arg.(string); ok {
				list[i] = storable(s)
			}
		}
	}
	if err := t.conn.Run(statement, lists, each); err != nil {
		t.failed = err
		return err
	}
	return nil
}

// change runs a statement that ends in RETURNING for each list, whose first
// argument is an id, and fails where an id is not there.
func (t *transaction) change(statement string, lists [][]any) error {
	found := make([]bool, len(lists))
	err := t.query(statement, lists, func(i int, row Row) error {
		found[i] = true
		return nil
	})
	if err != nil {
		return err
	}
	if i := slices.Index(found, false); i >= 0 {
		return fmt.Errorf("id %d: %w", lists[i][0], ErrNotFound)
	}
	return nil
}

// selectByID runs a query (see selectIn) for the ids, ascending and each once,
// and collects what scan makes of the rows. The query's own order has to begin
// with the id.
func selectByID[T any](t *transaction, head, tail string, ids []int64, scan func(Row) (T, error)) ([]T, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = id
	}
	var found []T
	err := t.selectIn(head, tail, nil, values, func(row Row) error {
		record, err := scan(row)
		found = append(found, record)
		return err
	})
	return found, err
}

// storable makes text of a mail or a server storable: PostgreSQL takes
// neither NUL nor what is not UTF-8, and both engines are to hold the same.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// keyHash stands for a key in unique indexes, whose entries are bounded. It is
// short, because they are written at random places; two keys share one with
// the odds of 1 in 2^128.
func keyHash(key string) []byte {
	sum := sha256.Sum256([]byte(storable(key)))
	return sum[:16]
}

// micros is a time as the ledger stores it: Unix microseconds, the zero time
// as 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// stored is a time as it will be read back.
func stored(t time.Time) time.Time { return timeOf(micros(t)) }

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// reference is an id as a column that may refer to nothing stores it.
func reference(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
