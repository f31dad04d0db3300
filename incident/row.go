package incident

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cell is one value of a row: text, an integer or a boolean. A time is the
// integer of its Unix milliseconds, as Resilient has it. The zero Cell is
// empty and is not sent.
type Cell struct{ value any }

// Text makes a text cell.
func Text(s string) Cell { return Cell{s} }

// Number makes an integer cell. Resilient refuses fractions.
func Number(n int64) Cell { return Cell{n} }

// Bool makes a boolean cell.
func Bool(b bool) Cell { return Cell{b} }

// Time makes a cell for a date column; the zero time makes an empty cell.
func Time(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{t.UnixMilli()}
}

// IsZero reports whether the cell is empty.
func (c Cell) IsZero() bool { return c.value == nil }

// Value is the cell as string, int64, bool, or nil when it is empty.
func (c Cell) Value() any { return c.value }

// String is the cell as a person reads it.
func (c Cell) String() string {
	switch v := c.value.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// MarshalJSON writes the plain JSON string, number, boolean or null.
func (c Cell) MarshalJSON() ([]byte, error) { return json.Marshal(c.value) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Cell) UnmarshalJSON(data []byte) error {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil, string, bool:
		c.value = v
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			return fmt.Errorf("cell: %q is not an integer", v.String())
		}
		c.value = n
	default:
		return fmt.Errorf("cell: %s is neither text, number nor boolean", data)
	}
	return nil
}

// Row is one line of a data table on an incident.
type Row struct {
	// Table is the table's API name, see [Tables].
	Table string `json:"table"`
	// Cells are the values by column API name.
	Cells map[string]Cell `json:"cells"`
}

// Key is the row with the cells of its key columns alone.
func (r Row) Key() Row {
	key := Row{Table: r.Table, Cells: make(map[string]Cell)}
	if t, ok := TableByName(r.Table); ok {
		for _, column := range t.Key {
			if cell := r.Cells[column]; !cell.IsZero() {
				key.Cells[column] = cell
			}
		}
	}
	return key
}

// Identity tells one row of an incident from another: the table and the
// cells of its key columns. A second run with the same identity updates the
// row.
func (r Row) Identity() string {
	id := []string{r.Table}
	if t, ok := TableByName(r.Table); ok {
		for _, column := range t.Key {
			id = append(id, r.Cells[column].String())
		}
	}
	return strings.Join(id, "\x1f")
}
