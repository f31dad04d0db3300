package resilient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sepwatch/sepwatch/incident"
)

// Row is a row of a data table of an incident in Resilient.
type Row struct {
	ID int64
	// Version grows with each change; 0 where the server does not give it.
	Version int64
	// Cells are the values by column API name. Empty ones are left out.
	Cells map[string]incident.Cell
}

// rowDTO is a row as it is read (§5.3).
type rowDTO struct {
	ID      int64              `json:"id"`
	Version int64              `json:"version"`
	Cells   map[string]cellDTO `json:"cells"`
}

// cellDTO is a cell. An empty one has no value.
type cellDTO struct {
	// Column is the column's handle: its name, where names are asked for.
	Column json.RawMessage `json:"id"`
	Value  json.RawMessage `json:"value"`
}

// column is the API name of a cell's column. A server that writes the cells by
// id may still name the column inside; otherwise the table's columns, by id,
// tell.
func (d cellDTO) column(key string, columns map[string]string) string {
	if name, ok := cellOf(d.Column).Value().(string); ok && name != "" {
		return name
	}
	if name, isID := columns[key]; isID {
		return name
	}
	return key
}

// value wraps a cell to be sent (§5.3).
type value struct {
	Value any `json:"value"`
}

type rowBody struct {
	Cells   map[string]value `json:"cells"`
	Version int64            `json:"version,omitempty"`
}

func rowsPath(inc int64, table string) string {
	return incidentPath(inc, "/table_data/"+url.PathEscape(table))
}

// whole refuses what is no whole number in a column that takes nothing else
// (§5.3).
func (o *organization) whole(r request, row incident.Row) error {
	for column, cell := range row.Cells {
		_, isNumber := cell.Value().(int64)
		if o.Tables[row.Table].Columns[column].Type == incident.ColumnNumber && !isNumber && !cell.IsZero() {
			return r.fail(Permanent, fmt.Sprintf("the column %s takes whole numbers only, and %q is none", column, cell), nil)
		}
	}
	return nil
}

// AddRow adds a row of its cells that are not empty, and returns its id. A
// cell of a select column is the name of a choice. It is not idempotent: after
// [Ambiguous] look with [Client.Rows].
func (c *Client) AddRow(ctx context.Context, inc int64, row incident.Row) (int64, error) {
	ctx, cancel := c.write(ctx)
	defer cancel()
	org, err := c.organization(ctx)
	if err != nil {
		return 0, err
	}
	body := rowBody{Cells: map[string]value{}}
	for column, cell := range row.Cells {
		if !cell.IsZero() {
			body.Cells[column] = value{cell}
		}
	}
	var added identified
	r := request{
		op: "add row to " + row.Table + " of incident", subject: inc,
		method: http.MethodPost, path: rowsPath(inc, row.Table) + "/row_data",
		query: names, permission: "Edit Incidents: Fields", body: body, into: &added,
	}
	if err := org.whole(r, row); err != nil {
		return 0, err
	}
	if err := c.do(ctx, r); err != nil {
		return 0, err
	}
	return added.ID, added.check(r)
}

// Rows lists the rows of a table of an incident. Rich text comes without its
// markup. It changes nothing and may be repeated.
func (c *Client) Rows(ctx context.Context, inc int64, table string) ([]Row, error) {
	org, err := c.organization(ctx)
	if err != nil {
		return nil, err
	}
	var data struct {
		Rows *[]rowDTO `json:"rows"`
	}
	r := request{
		op: "list rows of " + table + " of incident", subject: inc,
		method: http.MethodGet, path: rowsPath(inc, table), read: true,
		query:      url.Values{"handle_format": {"names"}, "text_content_output_format": {"always_text"}},
		permission: "Incidents: Read", into: &data,
	}
	if err := c.do(ctx, r); err != nil {
		return nil, err
	}
	if data.Rows == nil {
		// {} must not pass for a table without rows.
		return nil, r.fail(Temporary, "the answer has no rows", nil)
	}
	rows := make([]Row, len(*data.Rows))
	for i, d := range *data.Rows {
		rows[i] = Row{ID: d.ID, Version: d.Version, Cells: map[string]incident.Cell{}}
		for key, cell := range d.Cells {
			if v := cellOf(cell.Value); !v.IsZero() {
				rows[i].Cells[cell.column(key, org.columns[table])] = v
			}
		}
	}
	return rows, nil
}

// UpdateRow sets the cells of a row; an empty one is cleared. Cells that are
// not named keep their values: a PUT may clear what it does not name (§5.3),
// so the row is read first and sent whole. It may be repeated. [NotFound] is a
// row that somebody has deleted, while a table or an incident that is not
// there is [Permanent]. Where the server counts versions, [Conflict] is
// somebody else's change between the reading and the writing.
func (c *Client) UpdateRow(ctx context.Context, inc, id int64, row incident.Row) error {
	ctx, cancel := c.write(ctx)
	defer cancel()
	org, err := c.organization(ctx)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("%s/row_data/%d", rowsPath(inc, row.Table), id)
	var updated identified
	r := request{
		op: "update row of " + row.Table + " of incident", subject: inc, method: http.MethodPut, path: path,
		query: names, permission: "Edit Incidents: Fields", into: &updated,
	}
	if err := org.whole(r, row); err != nil {
		return err
	}
	var current rowDTO
	err = c.do(ctx, request{
		op: "read row of " + row.Table + " of incident", subject: inc, method: http.MethodGet, path: path, read: true,
		// Rich text as an object goes back as what it is.
		query:      url.Values{"handle_format": {"names"}, "text_content_output_format": {"objects_no_convert"}},
		permission: "Incidents: Read", into: &current,
	})
	if err != nil {
		return c.rowGone(ctx, inc, row.Table, err)
	}
	body := rowBody{Cells: map[string]value{}, Version: current.Version}
	for key, cell := range current.Cells {
		if len(cell.Value) > 0 {
			body.Cells[cell.column(key, org.columns[row.Table])] = value{cell.Value}
		}
	}
	for column, cell := range row.Cells {
		body.Cells[column] = value{cell}
	}
	r.body = body
	if err := c.do(ctx, r); err != nil {
		return c.rowGone(ctx, inc, row.Table, err)
	}
	return updated.check(r)
}

// rowGone makes [NotFound] of a 404 where only the row is not there.
func (c *Client) rowGone(ctx context.Context, inc int64, table string, err error) error {
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrNotFound) {
		return err
	}
	if _, listing := c.Rows(ctx, inc, table); listing == nil {
		e.Class = NotFound
	}
	return err
}
