package incident_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/incident"
)

func TestTables(t *testing.T) {
	t.Parallel()
	tables := incident.Tables()
	require.Len(t, tables, 7, "the guide's six and critical events")
	seen := map[string]bool{}
	for _, table := range tables {
		require.False(t, seen[table.Name], table.Name)
		seen[table.Name] = true
		columns := map[string]bool{}
		for _, c := range table.Columns {
			require.False(t, columns[c.Name], "%s.%s", table.Name, c.Name)
			require.NotEmpty(t, c.Label)
			columns[c.Name] = true
		}
		for _, key := range table.Key {
			require.True(t, columns[key], "%s has no key column %s", table.Name, key)
		}
		found, ok := incident.TableByName(table.Name)
		require.True(t, ok)
		require.Equal(t, table, found)
	}
	_, ok := incident.TableByName("sep_nothing")
	require.False(t, ok)
}

func TestCellSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(
			rapid.Map(rapid.String(), incident.Text),
			rapid.Map(rapid.Int64(), incident.Number),
			rapid.Map(rapid.Bool(), incident.Bool),
			rapid.Just(incident.Cell{}),
		).Draw(t, "cell")
		data, err := json.Marshal(cell)
		require.NoError(t, err)
		var back incident.Cell
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, cell, back)
	})
}

func TestCellRefusesWhatResilientRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{`1.5`, `{}`, `[]`, `1e400`, `x`} {
		var c incident.Cell
		require.Error(t, json.Unmarshal([]byte(bad), &c), bad)
	}
}

func TestTimeCell(t *testing.T) {
	t.Parallel()
	require.True(t, incident.Time(time.Time{}).IsZero())
	require.Equal(t, int64(1700000000123), incident.Time(time.UnixMilli(1700000000123)).Value())
}

func TestRowIdentity(t *testing.T) {
	t.Parallel()
	row := func(id, name string) incident.Row {
		return incident.Row{Table: incident.TableEndpoints, Cells: map[string]incident.Cell{
			"uniqueId": incident.Text(id), "computerName": incident.Text(name),
		}}
	}
	require.Equal(t, row("A", "x").Identity(), row("A", "y").Identity(), "only key cells count")
	require.NotEqual(t, row("A", "x").Identity(), row("B", "x").Identity())
	summary := incident.Row{Table: incident.TableStatusSummary, Cells: map[string]incident.Cell{"total": incident.Number(1)}}
	require.Equal(t, incident.TableStatusSummary, summary.Identity(), "there is one summary an incident")
}

func TestArtifactIdentity(t *testing.T) {
	t.Parallel()
	a := incident.Artifact{Type: incident.FileName, Value: "x", Description: "1"}
	b := incident.Artifact{Type: incident.FileName, Value: "x", Description: "2"}
	require.Equal(t, a.Identity(), b.Identity())
	b.Type = incident.FilePath
	require.NotEqual(t, a.Identity(), b.Identity())
}

func TestEscapeHTML(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`<b>&"'`:              "&lt;b&gt;&amp;&#34;&#39;",
		"a\tb\nc":             "a b c",
		"\x1b[31m\x00":        "\ufffd[31m\ufffd",
		"a\u202egpj.exe":      "a\ufffdgpj.exe",
		"\u200ex\u200f\u061c": "\ufffdx\ufffd\ufffd",
		"\u2066x\u2069":       "\ufffdx\ufffd",
		"日本 Système 🙂 C:\\":   "日本 Système 🙂 C:\\",
	} {
		require.Equal(t, want, incident.EscapeHTML(in), "%q", in)
	}
}
