package resilient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sepwatch/sepwatch/incident"
)

// Row is a row of a data table of an incident in Resilient.
type Row struct {
	ID int64
	// Cells are the values by column API name. Empty ones are left out.
	Cells map[string]incident.Cell
}

// rowDTO is a row as it is read (§5.3).
type rowDTO struct {
	ID    int64              `json:"id"`
	Cells map[string]cellDTO `json:"cells"`
}

// cellDTO is a cell. An empty one has no value.
type cellDTO struct {
	// Column is the column's handle: its name, where names are asked for.
	Column json.RawMessage `json:"id"`
	Value  json.RawMessage `json:"value"`
}

// column is the API name of a cell's column. A server that writes the cells by
// id may still name the column inside.
func (d cellDTO) column(key string) string {
	if name, ok := cellOf(d.Column).Value().(string); ok && name != "" {
		return name
	}
	return key
}

// value wraps a cell to be sent (§5.3).
type value struct {
	Value any `json:"value"`
}

type rowBody struct {
	Cells map[string]value `json:"cells"`
}

func rowsPath(inc int64, table string) string {
	return incidentPath(inc, "/table_data/"+url.PathEscape(table))
}

// AddRow adds a row of its cells that are not empty, and returns its id. It is
// not idempotent: after [Ambiguous] look with [Client.Rows].
func (c *Client) AddRow(ctx context.Context, inc int64, row incident.Row) (int64, error) {
	ctx, cancel := c.write(ctx)
	defer cancel()
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
	if err := c.do(ctx, r); err != nil {
		return 0, err
	}
	return added.ID, added.check(r)
}

// Rows lists the rows of a table of an incident. Rich text comes without its
// markup. It changes nothing and may be repeated.
func (c *Client) Rows(ctx context.Context, inc int64, table string) ([]Row, error) {
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
		rows[i] = Row{ID: d.ID, Cells: map[string]incident.Cell{}}
		for key, cell := range d.Cells {
			if v := cellOf(cell.Value); !v.IsZero() {
				rows[i].Cells[cell.column(key)] = v
			}
		}
	}
	return rows, nil
}

// UpdateRow sets the cells of a row; an empty one is cleared. Cells that are
// not named keep their values: a PUT may clear what it does not name (§5.3),
// so the row is read first and sent whole. It may be repeated.
func (c *Client) UpdateRow(ctx context.Context, inc, id int64, row incident.Row) error {
	ctx, cancel := c.write(ctx)
	defer cancel()
	path := fmt.Sprintf("%s/row_data/%d", rowsPath(inc, row.Table), id)
	var current rowDTO
	err := c.do(ctx, request{
		op: "read row of " + row.Table + " of incident", subject: inc, method: http.MethodGet, path: path, read: true,
		// Rich text as an object goes back as what it is.
		query:      url.Values{"handle_format": {"names"}, "text_content_output_format": {"objects_no_convert"}},
		permission: "Incidents: Read", into: &current,
	})
	if err != nil {
		return err
	}
	body := rowBody{Cells: map[string]value{}}
	for key, cell := range current.Cells {
		if len(cell.Value) > 0 {
			body.Cells[cell.column(key)] = value{cell.Value}
		}
	}
	for column, cell := range row.Cells {
		body.Cells[column] = value{cell}
	}
	var updated identified
	r := request{
		op: "update row of " + row.Table + " of incident", subject: inc, method: http.MethodPut, path: path,
		query: names, permission: "Edit Incidents: Fields", body: body, into: &updated,
	}
	if err := c.do(ctx, r); err != nil {
		return err
	}
	return updated.check(r)
}
