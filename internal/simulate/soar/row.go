package soar

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
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
		if values[f.index], err = f.parse(cell.Value); err != nil {
			return nil, nil, nil, err
		}
		given[f.index] = true
	}
	return values, given, body.Version, nil
}

func (inc *incident) tableDTO(t *table, as format) object {
	rows := []object{}
	for _, r := range inc.rows {
		if r.table == t {
			rows = append(rows, r.dto(inc, as))
		}
	}
	return object{"id": t.id, "inc_id": inc.id, "rows": rows, "perms": object{"update": true, "delete": true}}
}

// dto is a row as it is answered: its cells keyed by column id or name, and
// table_name the table's label (contract: §5.3).
func (r *tableRow) dto(inc *incident, as format) object {
	cells := object{}
	for _, f := range r.table.fields.all {
		key := strconv.Itoa(f.ID)
		if as.handles == "names" {
			key = f.Name
		}
		cell := object{"id": as.handle(f.ID, f.Name), "row_id": r.id}
		if v := r.cells[f.index]; v != nil {
			cell["value"] = f.render(v, as)
		} else if inc.org.opt.EmptyCellsMissing {
			continue
		}
		cells[key] = cell
	}
	return object{
		"id": r.id, "cells": cells, "actions": none, "playbooks": none, "type_id": r.table.id, "table_name": r.table.label,
		"inc_id": inc.id, "inc_name": inc.text(inc.org.fields.name), "inc_owner": inc.owner(as), "version": r.version,
	}
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
		c.org.lastRow++
		r := &tableRow{id: c.org.lastRow, version: 1, table: t, cells: values}
		inc.rows = append(inc.rows, r)
		inc.modified = s.clock()
		return r.dto(inc, c.format), nil
	})
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
		for i := range r.cells {
			if given[i] || s.opt.PutClearsCells {
				r.cells[i] = values[i]
			}
		}
		r.version++
		inc.modified = s.clock()
		return r.dto(inc, c.format), nil
	})
}

func (s *Server) deleteRow(c *call) (any, error) {
	return s.onRow(c, func(inc *incident, r *tableRow) (any, error) {
		inc.rows = slices.DeleteFunc(inc.rows, func(other *tableRow) bool { return other == r })
		return s.deleted(), nil
	})
}

func (s *Server) deleteRows(c *call) (any, error) {
	return s.onTable(c, func(inc *incident, t *table) (any, error) {
		inc.rows = slices.DeleteFunc(inc.rows, func(r *tableRow) bool { return r.table == t })
		return s.deleted(), nil
	})
}
