package enrich_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// fleet answers every query with its computers, as SEPM's filter may match
// more than the name.
type fleet struct {
	enrich.Reader
	computers []sepclient.Computer
	err       error
	asked     []sepclient.ComputerQuery
}

func (f *fleet) Computers(_ context.Context, q sepclient.ComputerQuery) iter.Seq2[sepclient.Computer, error] {
	f.asked = append(f.asked, q)
	return func(yield func(sepclient.Computer, error) bool) {
		for _, c := range f.computers {
			if !yield(c, nil) {
				return
			}
		}
		if f.err != nil {
			yield(sepclient.Computer{}, f.err)
		}
	}
}

// asked is when SEPM was asked, which may be before the action runs.
var asked = time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))

func details(t *testing.T, f *fleet, computer string) (incident.Step, error) {
	t.Helper()
	action, err := enrich.ActionNamed("endpoint_details")
	require.NoError(t, err)
	run := incident.Run{Action: action.Name, Subject: incident.Subject{Artifact: &incident.Artifact{Type: incident.SystemName, Value: computer}}}
	require.NoError(t, action.Check(run))
	return action.Next(t.Context(), enrich.Plan{Server: enrich.Server{Reader: f}, Run: run, Now: asked.Add(time.Minute)})
}

func TestEndpointDetails(t *testing.T) {
	t.Parallel()
	f := &fleet{computers: []sepclient.Computer{
		{AsOf: asked, ID: "A", Name: "host-1", HardwareKey: "HW", OS: "Windows 10", IPAddresses: []string{"10.0.0.1", "fe80::1"}, Infected: true,
			Group: sepclient.Group{ID: "G", Name: `My Company\G`, Domain: sepclient.Domain{ID: "D", Name: "Default"}}},
		{ID: "B", Name: "HOST-10"},
		{ID: "C", Name: "HOST-1", Description: "a second record"},
	}}
	step, err := details(t, f, "HOST-1")
	require.NoError(t, err)
	require.Nil(t, step.Call, "a look-up changes nothing")
	require.Equal(t, []sepclient.ComputerQuery{{Name: "HOST-1"}}, f.asked)
	require.Len(t, step.Effects, 2, "namesakes by case are the same name, others are not")

	row := step.Effects[0].Row
	require.Equal(t, "sep_endpoint_details\x1fA", row.Identity())
	cells := map[string]string{}
	for column, cell := range row.Cells {
		cells[column] = cell.String()
	}
	require.Equal(t, map[string]string{
		"query_execution_date": "2026-01-02 02:04:05", "computerName": "host-1", "uniqueId": "A", "hardwareKey": "HW",
		"operatingSystem": "Windows 10", "ipAddresses": "10.0.0.1, fe80::1", "infected": "Yes",
		"group_id": "G", "group_name": `My Company\G`, "domain_id": "D", "domain_name": "Default",
		"sep_description": "", "endpoint_quarantine_status": "",
	}, cells)
	require.True(t, row.Cells["sep_description"].IsZero(), "an empty cell clears what a refreshed row held")
	require.Equal(t, "C", step.Effects[1].Row.Cells["uniqueId"].String())
}

func TestEndpointRowUsesOnlyColumnsOfItsTable(t *testing.T) {
	t.Parallel()
	table, ok := incident.TableByName(incident.TableEndpoints)
	require.True(t, ok)
	known := map[string]bool{}
	for _, c := range table.Columns {
		known[c.Name] = true
	}
	step, err := details(t, &fleet{computers: []sepclient.Computer{{ID: "A", Name: "H", Description: "d", QuarantineDesc: "quarantined"}}}, "H")
	require.NoError(t, err)
	for column := range step.Effects[0].Row.Cells {
		require.True(t, known[column], column)
	}
}

func TestQuarantineStatusComesFromWords(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"Host Integrity check passed\n": "Un-Quarantined",
		"Host Integrity check passed but the client was quarantined by the administrator.": "Quarantined",
		"The client was QUARANTINED by an administrator":                                   "Quarantined",
		"The client is not quarantined":                                                    "Un-Quarantined",
		"Host Integrity check is disabled.\n Host Integrity…":                              "",
		"": "",
	} {
		step, err := details(t, &fleet{computers: []sepclient.Computer{{ID: "A", Name: "H", QuarantineStatus: 0, QuarantineCode: 103, QuarantineDesc: words}}}, "H")
		require.NoError(t, err)
		require.Equal(t, want, step.Effects[0].Row.Cells["endpoint_quarantine_status"].String(), words)
	}
}

func TestEndpointNotFoundIsSaid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"GHOST<b>", "", "  ", "HOST-*"} {
		f := &fleet{computers: []sepclient.Computer{{ID: "A", Name: "OTHER"}, {ID: "B", Name: "HOST-1"}}}
		step, err := details(t, f, name)
		require.NoError(t, err)
		require.Len(t, step.Effects, 1)
		note := step.Effects[0].Note
		require.NotNil(t, note, name)
		require.Contains(t, note.Text, "was not found")
		require.NotContains(t, note.Text, "GHOST<b>")
	}
	f := &fleet{}
	_, err := details(t, f, "*")
	require.NoError(t, err)
	require.Empty(t, f.asked, "a wildcard never reaches SEPM")
}

func TestEndpointRowsAreBounded(t *testing.T) {
	t.Parallel()
	f := &fleet{computers: make([]sepclient.Computer, 500)}
	for i := range f.computers {
		f.computers[i].Name = "H"
	}
	step, err := details(t, f, "H")
	require.NoError(t, err)
	require.Len(t, step.Effects, 201)
	require.Contains(t, step.Effects[200].Note.Text, "more than 200")
}

func TestEndpointDetailsFailsWithSEPM(t *testing.T) {
	t.Parallel()
	broken := errors.New("down")
	step, err := details(t, &fleet{computers: []sepclient.Computer{{ID: "A", Name: "H"}}, err: broken}, "H")
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, `"H"`)
	require.Empty(t, step.Effects, "half a look-up leaves nothing")
}
