package enrich_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

const (
	summaryAction = "endpoints_status_summary"
	refreshAction = "endpoints_status_summary_refresh"
	detailsAction = "non_compliant_details"
)

func (b *caseBench) table(name string) map[string]incident.Row {
	found := map[string]incident.Row{}
	for _, row := range b.rows {
		if row.Table == name {
			found[row.Cells["computer_name"].String()] = row
		}
	}
	return found
}

func (b *caseBench) summary() incident.Row {
	b.t.Helper()
	rows := b.table(incident.TableStatusSummary)
	require.Len(b.t, rows, 1, "there is one row")
	return rows[""]
}

// compliant is a computer with nothing wrong.
func compliant(name, id string, now time.Time) sepm.Computer {
	return sepm.Computer{Name: name, ID: id, Integrity: sepm.IntegrityPassed, LastUpdate: now}
}

// fn_sep counts the first page, and its refresh adds a row.
func TestPartC02And25SummaryOfTheWholeFleet(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	opt := sepm.Options{MaxPageSize: 20}
	for i := range 70 {
		opt.Computers = append(opt.Computers, compliant(fmt.Sprintf("H%02d", i), "", now))
	}
	opt.Computers[65].Offline = true
	opt.Computers[66].Engines = map[string]int{"apOnOff": 0}
	opt.Computers[67].LastUpdate = now.Add(-31 * time.Minute)
	opt.Computers[68].Integrity = sepm.IntegrityFailed
	opt.Computers[69].Integrity = sepm.IntegrityDisabled
	b := newCase(t, opt)
	b.start(summaryAction, incident.Subject{}, nil)
	cells := map[string]string{}
	for column, cell := range b.summary().Cells {
		cells[column] = cell.String()
	}
	require.Equal(t, map[string]string{
		"total": "70", "non_compliant": "4", "offline": "1", "disabled": "1", "out_of_date": "1", "up_to_date": "69", "hi_failed": "1",
		"query_execution_date": "2024-08-21 12:00:00",
	}, cells)
	require.Contains(t, b.last(), "4 of 70 endpoints non-compliant")

	b.clock.pass(time.Minute)
	b.ChangeComputer(b.Computers()[65].ID, func(c *sepm.Computer) { c.Offline = false })
	row := b.summary()
	b.start(refreshAction, incident.Subject{Row: &row}, nil)
	require.Equal(t, "3", b.summary().Cells["non_compliant"].String())
	require.Equal(t, "2024-08-21 12:01:00", b.summary().Cells["query_execution_date"].String())
}

// fn_sep knows endpoints by name, so that namesakes collapse, and has no word
// for two of the states of an engine.
func TestPartC16And17NonCompliantNamesakes(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	first, second, third := compliant("TWIN", "AAAAAAAA"+hex("1")[8:], now), compliant("TWIN", "BBBBBBBB"+hex("2")[8:], now), compliant("OTHER", hex("3"), now)
	first.Offline, second.Offline, third.Offline = true, true, true
	first.Engines = map[string]int{"apOnOff": 0, "daOnOff": 3, "elamOnOff": 5, "ptpOnOff": 127}
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{first, second, third, compliant("GOOD", hex("4"), now)}})
	b.start(summaryAction, incident.Subject{}, nil)
	row := b.summary()
	b.start(detailsAction, incident.Subject{Row: &row}, nil)
	rows := b.table(incident.TableNonCompliant)
	require.Len(t, rows, 3)
	require.Contains(t, rows, "OTHER")
	require.Contains(t, rows, "TWIN (BBBBBBBB)")
	cells := rows["TWIN (AAAAAAAA)"].Cells
	for column, want := range map[string]string{
		"apOnOff": "Disabled", "daOnOff": "Disabled by policy", "elamOnOff": "Disabled, unlicensed", "ptpOnOff": "Client not reporting",
		"avEngineOnOff": "Enabled", "onlineStatus": "Offline", "host_integrity_check": "Passed", "readableLastScanTime": "Never",
	} {
		require.Equal(t, want, cells[column].String(), column)
	}
	table, _ := incident.TableByName(incident.TableNonCompliant)
	require.Len(t, cells, len(table.Columns), "every column has its cell")

	b.clock.pass(time.Minute)
	b.ChangeComputer(second.ID, func(c *sepm.Computer) { c.Offline = false })
	b.start(detailsAction, incident.Subject{Row: &row}, nil)
	rows = b.table(incident.TableNonCompliant)
	require.Equal(t, "Offline", rows["TWIN"].Cells["onlineStatus"].String())
	for _, gone := range []string{"TWIN (AAAAAAAA)", "TWIN (BBBBBBBB)"} {
		require.Equal(t, "Not among the non-compliant any more", rows[gone].Cells["onlineStatus"].String(), gone)
		require.Empty(t, rows[gone].Cells["apOnOff"].String())
	}
	require.Equal(t, "2", b.summary().Cells["non_compliant"].String(), "the summary is as new as the details")
}

func TestNonCompliantRowsAreLimitedAndTheFileHasAll(t *testing.T) {
	t.Parallel()
	opt := sepm.Options{}
	for i := range 250 {
		opt.Computers = append(opt.Computers, sepm.Computer{Name: fmt.Sprintf("=H%03d", i), ID: hex(fmt.Sprintf("%03d", i))})
	}
	b := newCase(t, opt)
	b.limits.Results = 30
	b.start(summaryAction, incident.Subject{}, nil)
	row := b.summary()
	b.start(detailsAction, incident.Subject{Row: &row}, nil)
	require.Len(t, b.table(incident.TableNonCompliant), 30)
	file := b.file("Non-compliant_endpoints_")
	require.Equal(t, 251, strings.Count(file, "\r\n"))
	require.Contains(t, file, "'=H249,"+hex("249")+",", "with its id, and no formula")
	require.Contains(t, b.last(), "250 of 250 endpoints. The table has 30 of them, Non-compliant_endpoints_20240821120000.csv has all")

	b.clock.pass(time.Hour)
	b.limits.Results = 10
	b.start(detailsAction, incident.Subject{Row: &row}, nil)
	for name, r := range b.table(incident.TableNonCompliant) {
		require.NotContains(t, r.Cells["onlineStatus"].String(), "any more", name)
	}
}

func TestNonCompliantDetailsAreOfferedWhereThereAreAny(t *testing.T) {
	t.Parallel()
	b := newCase(t, sepm.Options{Computers: []sepm.Computer{compliant("GOOD", hex("1"), time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC))}})
	b.start(summaryAction, incident.Subject{}, nil)
	row := b.summary()
	require.ErrorContains(t, b.try(detailsAction, incident.Subject{Row: &row}, nil), "non_compliant")
	row.Cells["non_compliant"] = incident.Number(10)
	b.start(detailsAction, incident.Subject{Row: &row}, nil)
}
