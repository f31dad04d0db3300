package ledger

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Page is a part of a list, which begins with the newest record.
type Page struct {
	// Before is the id that the last page ended with, 0 for the first page.
	Before int64
	// Limit is how many records are wanted at most.
	Limit int
}

// list runs a query that a filter narrows, for one page, the newest record
// first. It walks down the ids, so a page costs the records between its ends
// and not those of the pages before it.
func list[T any](tx Tx, query string, where *filter, page Page, scan func(Row) (T, error)) ([]T, error) {
	before := page.Before
	if before == 0 {
		before = math.MaxInt64
	}
	where.and("id < " + where.arg(before))
	limit := where.arg(int64(max(page.Limit, 0)))
	statement := query + " WHERE " + strings.Join(where.conditions, " AND ") + " ORDER BY id DESC LIMIT " + limit
	var found []T
	err := tx.query(statement, [][]any{where.args}, func(_ int, row Row) error {
		record, err := scan(row)
		found = append(found, record)
		return err
	})
	return found, err
}

// filter is a WHERE clause in the making.
type filter struct {
	conditions []string
	args       []any
}

// arg adds an argument and returns its placeholder.
func (f *filter) arg(value any) string {
	f.args = append(f.args, value)
	return fmt.Sprintf("$%d", len(f.args))
}

func (f *filter) and(condition string) { f.conditions = append(f.conditions, condition) }

// between keeps to a span of time, of which either end may be open.
func (f *filter) between(column string, since, until time.Time) {
	if !since.IsZero() {
		f.and(column + " >= " + f.arg(micros(since)))
	}
	if !until.IsZero() {
		f.and(column + " < " + f.arg(micros(until)))
	}
}

// contains keeps what has the part in it, see [filter.holds].
func (f *filter) contains(column, part string) {
	if part != "" {
		f.and(f.holds(column, part))
	}
}

// holds is the condition that a column has the part in it, whatever the case
// of its letters; on SQLite that goes for ASCII letters only.
func (f *filter) holds(column, part string) string {
	return "lower(" + column + ") LIKE lower(" + f.arg("%"+literal(part)+"%") + ") ESCAPE '!'"
}

// literal is text as a pattern that matches it alone.
func literal(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// Newest are the ids of the newest records, 0 where there are none.
type Newest struct{ Mail, Incident, Task, Command int64 }

// Newest looks the newest records up.
func (tx Tx) Newest() (n Newest, err error) {
	err = tx.query(`SELECT
		(SELECT COALESCE(MAX(id), 0) FROM mail), (SELECT COALESCE(MAX(id), 0) FROM incident), (SELECT COALESCE(MAX(id), 0) FROM task),
		(SELECT COALESCE(MAX(id), 0) FROM command)`,
		[][]any{{}}, func(_ int, row Row) error { return row.Scan(&n.Mail, &n.Incident, &n.Task, &n.Command) })
	if err != nil {
		return Newest{}, fmt.Errorf("look the newest records up: %w", err)
	}
	return n, nil
}
