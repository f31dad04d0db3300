package ledger

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// groupBytes bounds the arguments of one statement that many rows share.
const groupBytes = 1 << 20

// groups are how many rows share a statement. They are few, since an engine
// keeps every text prepared, and powers of two, so that any number of rows
// takes few statements.
func groups() []int { return []int{64, 16, 4, 1} }

// insert adds rows with as few statements as groups allow, each of which is
// head, the row's template for every row, and tail. A "?" in the template is
// the row's next argument; args are those of all rows, one after the other.
// What a statement returns is handed to each, which may be nil; it says in its
// columns which row it is about, as no order is promised. Where tail has an ON
// CONFLICT that updates, no two rows conflict with each other: PostgreSQL
// refuses that.
//
// One statement for many rows costs less than half of one for each: what is
// spared is what comes with a statement, not with a row.
func (t *transaction) insert(head, template, tail string, args []any, each func(Row) error) error {
	width := strings.Count(template, "?")
	for len(args) > 0 {
		n := groupSize(args, width)
		text := t.texts.of(textOf{head, n}, func() string { return groupText(head, template, tail, n) })
		if err := t.query(text, [][]any{args[:n*width]}, ignoreIndex(each)); err != nil {
			return err
		}
		args = args[n*width:]
	}
	return nil
}

// texts keeps the statements of insert, which are long and few.
type texts struct{ known sync.Map }

// textOf is a statement by its head, which no other has, and its rows.
type textOf struct {
	head string
	rows int
}

func (t *texts) of(key textOf, write func() string) string {
	text, ok := t.known.Load(key)
	if !ok {
		text, _ = t.known.LoadOrStore(key, write())
	}
	return text.(string)
}

// selectIn runs a query that is head, a list of values for IN, and tail, for
// all values, and hands each row to each. fixed are the arguments that come
// before the list; those in head are numbered from $1.
func (t *transaction) selectIn(head, tail string, fixed []any, values []any, each func(Row) error) error {
	for len(values) > 0 {
		n := len(values)
		for _, size := range groups() {
			if size <= n {
				n = size
				break
			}
		}
		var text strings.Builder
		text.WriteString(head)
		for i := range n {
			text.WriteString(separator(i, "(", ", ") + "$" + strconv.Itoa(len(fixed)+i+1))
		}
		text.WriteString(")" + tail)
		err := t.query(text.String(), [][]any{slices.Concat(fixed, values[:n])}, ignoreIndex(each))
		if err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// groupSize is how many rows of this width come next in one statement.
func groupSize(args []any, width int) int {
	for _, n := range groups() {
		if n*width <= len(args) && ArgumentBytes(args[:n*width]) <= groupBytes {
			return n
		}
	}
	return 1
}

// ArgumentBytes is how many bytes of texts the arguments of a statement hold.
func ArgumentBytes(args []any) int {
	size := 0
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			size += len(arg)
		case []byte:
			size += len(arg)
		}
	}
	return size
}

func groupText(head, template, tail string, rows int) string {
	var text strings.Builder
	text.WriteString(head)
	arg := 0
	for i := range rows {
		text.WriteString(separator(i, " VALUES ", ", "))
		for j, part := range strings.Split(template, "?") {
			if j > 0 {
				arg++
				text.WriteString("$" + strconv.Itoa(arg))
			}
			text.WriteString(part)
		}
	}
	text.WriteString(tail)
	return text.String()
}

func separator(i int, first, next string) string {
	if i == 0 {
		return first
	}
	return next
}

func ignoreIndex(each func(Row) error) func(int, Row) error {
	if each == nil {
		return nil
	}
	return func(_ int, row Row) error { return each(row) }
}
