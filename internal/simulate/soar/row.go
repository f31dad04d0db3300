package soar

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// tableRow is a row of a data table on an incident.
type tableRow struct {
	id, version int
	table       *table
	cells       []any // by field.index
}

// cells reads {"cells":{column: {"value": …}}} (contract: §5.3). given tells
// which columns were named.
func (t *table) parseCells(c *call) (values []any, given []bool, version *int, err error) {
	var body struct {
		Cells map[string]struct {
			Value json.RawMessage `json:"value"`
		} `json:"cells"`
		Version *int `json:"version"`
	}
	if err := c.decode(&body); err != nil {
		return nil, nil, nil, err
	}
	if body.Cells == nil {
		return nil, nil, nil, badRequest("The row has no cells.")
	}
	values, given = make([]any, len(t.fields.all)), make([]bool, len(t.fields.all))
	for key, cell := range body.Cells {
		f, ok := t.fields.find(key)
		if !ok {
			return nil, nil, nil, badRequest("The table %s has no column %s.", t.name, key)
		}
		if values[f.index], err = t.parseCell(f, cell.Value, c.org.opt.MaxCell); err != nil {
			return nil, nil, nil, err
		}
		given[f.index] = true
	}
	return values, given, body.Version, nil
}

func (t *table) parseCell(f *field, raw json.RawMessage, longest int) (any, error) {
	v, err := f.parse(raw)
	text, _ := v.(string)
	if r, ok := v.(rich); ok {
		text = r.Content
	}
	if longest > 0 && utf8.RuneCountInString(text) > longest {
		return nil, badRequest("The cell %s of the table %s takes no more than %d characters.", f.Name, t.name, longest)
	}
	return v, err
}

// required checks that a row has every cell that its table requires.
func (t *table) required(cells []any) error {
	for _, f := range t.fields.all {
		if f.Required == "always" && missing(cells[f.index]) {
			return badRequest("Field %s is required.", f.Label)
		}
	}
	return nil
}

func (inc *incident) tableDTO(t *table, as format) object {
	rows := []object{}
	for _, r := range inc.rowsOf(t) {
		rows = append(rows, r.dto(inc, as))
	}
	return object{"id": t.id, "inc_id": inc.id, "rows": rows, "perms": object{"update": true, "delete": true}}
}

// dto is a row as it is answered: its cells keyed by column id or name, and
// table_name the table's label (contract: §5.3).
func (r *tableRow) dto(inc *incident, as format) object {
	cells, opt := object{}, inc.org.opt
	for _, f := range r.table.fields.all {
		key := strconv.Itoa(f.ID)
		if as.handles == "names" {
			key = f.Name
		}
		cell := object{"id": as.handle(f.ID, f.Name), "row_id": r.id}
		switch v := r.cells[f.index]; {
		case v != nil:
			cell["value"] = f.render(v, as)
		case opt.EmptyCellsMissing || opt.before(51):
			continue
		case opt.EmptyCellsNull:
			cell["value"] = nil
		}
		cells[key] = cell
	}
	dto := object{
		"id": r.id, "cells": cells, "actions": none, "type_id": r.table.id, "table_name": r.table.label,
		"inc_id": inc.id, "inc_name": inc.text(inc.org.fields.name), "inc_owner": inc.owner(as),
	}
	if !opt.before(31) {
		dto["version"] = r.version
	}
	if !opt.before(44) {
		dto["playbooks"] = none
	}
	return dto
}

// onTable runs f on the incident and table in the path.
func (s *Server) onTable(c *call, f func(*incident, *table) (any, error)) (any, error) {
	t, err := c.org.table(c.r.PathValue("table"))
	if err != nil {
		return nil, err
	}
	return s.onIncident(c, func(inc *incident) (any, error) { return f(inc, t) })
}

// onRow runs f on the row in the path.
func (s *Server) onRow(c *call, f func(*incident, *tableRow) (any, error)) (any, error) {
	return s.onTable(c, func(inc *incident, t *table) (any, error) {
		id := c.r.PathValue("row")
		for _, r := range inc.rows {
			if r.table == t && strconv.Itoa(r.id) == id {
				return f(inc, r)
			}
		}
		return nil, notFound("row", id)
	})
}

// getTables is GET table_data: a map by table id (contract: §5.2).
func (s *Server) getTables(c *call) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		tables := object{}
		for _, t := range c.org.tables {
			tables[strconv.Itoa(t.id)] = inc.tableDTO(t, c.format)
		}
		return tables, nil
	})
}

func (s *Server) getTable(c *call) (any, error) {
	return s.onTable(c, func(inc *incident, t *table) (any, error) { return inc.tableDTO(t, c.format), nil })
}

func (s *Server) getRow(c *call) (any, error) {
	return s.onRow(c, func(inc *incident, r *tableRow) (any, error) { return r.dto(inc, c.format), nil })
}

func (s *Server) postRow(c *call) (any, error) {
	t, err := c.org.table(c.r.PathValue("table"))
	if err != nil {
		return nil, err
	}
	values, _, _, err := t.parseCells(c)
	if err != nil {
		return nil, err
	}
	return s.onIncident(c, func(inc *incident) (any, error) {
		r, err := c.org.addRow(inc, t, values, c.who, s.clock())
		if err != nil {
			return nil, err
		}
		return r.dto(inc, c.format), nil
	})
}

// addRow puts a row on an incident.
func (o *org) addRow(inc *incident, t *table, cells []any, who *principal, now time.Time) (*tableRow, error) {
	if err := t.required(cells); err != nil {
		return nil, err
	}
	if o.opt.MaxRows > 0 && len(inc.rowsOf(t)) >= o.opt.MaxRows {
		return nil, badRequest("The incident has %d rows in the table %s already.", o.opt.MaxRows, t.name)
	}
	o.lastRow++
	r := &tableRow{id: o.lastRow, version: 1, table: t, cells: cells}
	inc.rows = append(inc.rows, r)
	inc.modified = now
	inc.arrived(now, who, Added, RowPiece, r.id, t.name)
	return r, nil
}

func (inc *incident) rowsOf(t *table) []*tableRow {
	var rows []*tableRow
	for _, r := range inc.rows {
		if r.table == t {
			rows = append(rows, r)
		}
	}
	return rows
}

// dropRow takes a row off an incident.
func (inc *incident) dropRow(r *tableRow, who *principal, now time.Time) {
	inc.rows = slices.DeleteFunc(inc.rows, func(other *tableRow) bool { return other == r })
	inc.modified = now
	inc.arrived(now, who, Removed, RowPiece, r.id, r.table.name)
}

// putRow is PUT of a row. Whether cells that are left out are emptied is not
// known (contract: §5.3).
func (s *Server) putRow(c *call) (any, error) {
	t, err := c.org.table(c.r.PathValue("table"))
	if err != nil {
		return nil, err
	}
	values, given, version, err := t.parseCells(c)
	if err != nil {
		return nil, err
	}
	return s.onRow(c, func(inc *incident, r *tableRow) (any, error) {
		if s.opt.RowVersionChecked && version != nil && *version != r.version {
			return nil, refuse(http.StatusConflict, "The row %d has changed: it is at version %d.", r.id, r.version)
		}
		cells := slices.Clone(r.cells)
		for i := range cells {
			if given[i] || s.opt.PutClearsCells {
				cells[i] = values[i]
			}
		}
		if err := r.table.required(cells); err != nil {
			return nil, err
		}
		r.cells = cells
		r.version++
		inc.modified = s.clock()
		inc.arrived(inc.modified, c.who, Changed, RowPiece, r.id, r.table.name)
		return r.dto(inc, c.format), nil
	})
}

func (s *Server) deleteRow(c *call) (any, error) {
	return s.onRow(c, func(inc *incident, r *tableRow) (any, error) {
		inc.dropRow(r, c.who, s.clock())
		return s.deleted(), nil
	})
}

func (s *Server) deleteRows(c *call) (any, error) {
	return s.onTable(c, func(inc *incident, t *table) (any, error) {
		for _, r := range inc.rowsOf(t) {
			inc.dropRow(r, c.who, s.clock())
		}
		return s.deleted(), nil
	})
}
