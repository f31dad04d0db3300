package soar_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func withTable(opt soar.Options) soar.Options {
	opt.NoTables = true
	opt.Tables = []soar.Table{{Name: "alerts", Label: "Alerts", Columns: []soar.Field{
		{Name: "verdict", InputType: "select", Values: []string{"Good", "Bad"}},
		{Name: "tags", InputType: "multiselect", Values: []string{"a", "b"}},
		{Name: "owner", InputType: "select_owner"},
		{Name: "seen", InputType: "datetimepicker"},
		{Name: "text", Required: "always"},
		{Name: "count", InputType: "number"},
		{Name: "long", InputType: "textarea"},
	}}}
	return opt
}

func TestColumnsOfEveryKind(t *testing.T) {
	b := setup(t, withTable(soar.Options{}))
	id, inc := b.create("")
	rows := inc + "/table_data/alerts/row_data"
	cells := func(more string) string { return `{"cells":{"text":{"value":"t"}` + more + `}}` }
	row := b.post(rows+"?handle_format=names", cells(`,"verdict":{"value":"Bad"},"tags":{"value":["a",{"name":"b"}]},"owner":{"value":1},
		"seen":{"value":1700000000000},"count":{"value":3}`)).is(200).object()
	require.Equal(t, "Alerts", row["table_name"])
	require.Equal(t, "Bad", dig(t, row, "cells", "verdict", "value"))
	require.Equal(t, []any{"a", "b"}, dig(t, row, "cells", "tags", "value"))
	require.Equal(t, "demo@example.com", dig(t, row, "cells", "owner", "value"))
	bad := b.incident(id).Rows[0].Cells
	require.Equal(t, "Bad", bad["verdict"])
	ids := b.get(rows + "/" + jsonOf(t, row["id"])).is(200).object()
	require.Len(t, ids["cells"], 7)
	for _, cell := range ids["cells"].(map[string]any) {
		_, isText := dig(t, cell, "value").(string)
		require.True(t, !isText || dig(t, cell, "value") == "t", "choices are ids: %v", cell)
	}
	for _, wrong := range []string{`,"verdict":{"value":"Ugly"}`, `,"tags":{"value":"a"}`, `,"seen":{"value":"today"}`, `,"count":{"value":1.5}`,
		`,"count":{"value":"1"}`, `,"text":{"value":1}`, `,"nonsense":{"value":1}`} {
		b.post(rows, cells(wrong)).is(400)
	}
	require.Contains(t, b.post(rows, `{"cells":{}}`).is(400).object()["message"], "Field text is required")
	b.do("PUT", rows+"/"+jsonOf(t, row["id"]), `{"cells":{"text":{"value":null}}}`).is(400)
	require.Equal(t, "t", b.incident(id).Rows[0].Cells["text"])
	require.Contains(t, b.get("/types").is(200).object(), "alerts")
}

func TestEmptyCells(t *testing.T) {
	for name, tt := range map[string]struct {
		opt         soar.Options
		there, null bool
	}{
		"without value": {soar.Options{}, true, false},
		"missing":       {soar.Options{EmptyCellsMissing: true}, false, false},
		"null":          {soar.Options{EmptyCellsNull: true}, true, true},
		"old release":   {soar.Options{ServerVersion: "46.2.8131", EmptyCellsNull: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, withTable(tt.opt))
			_, inc := b.create("")
			row := b.post(inc+"/table_data/alerts/row_data?handle_format=names", `{"cells":{"text":{"value":"t"},"seen":{"value":null}}}`).is(200).object()
			require.Equal(t, tt.there, has(row["cells"], "seen"))
			if tt.there {
				require.Equal(t, tt.null, has(dig(t, row, "cells", "seen"), "value"))
			}
		})
	}
}

func TestLimits(t *testing.T) {
	long := strings.Repeat("ü", 11)
	b := setup(t, withTable(soar.Options{MaxRows: 2, MaxCell: 10, MaxAttachmentMB: 1, BlockedExtensions: []string{".eml"}}))
	id, inc := b.create("")
	rows := inc + "/table_data/alerts/row_data"
	for _, column := range []string{"text", "long"} {
		b.post(rows, `{"cells":{"text":{"value":"t"},"`+column+`":{"value":"`+long+`"}}}`).is(400)
	}
	for range 2 {
		b.post(rows, `{"cells":{"text":{"value":"`+long[2:]+`"}}}`).is(200)
	}
	b.post(rows, `{"cells":{"text":{"value":"t"}}}`).is(400)
	require.Len(t, b.incident(id).Rows, 2)

	b.upload(inc, "a.txt", strings.Repeat("x", 1<<20)).is(200)
	b.upload(inc, "a.txt", strings.Repeat("x", 1<<20+1)).is(400)
	require.Contains(t, b.upload(inc, "mail.EML", "x").is(400).object()["message"], ".eml")
	b.uploadArtifact(inc, `{"type":"Log File"}`, "mail.eml", "x").is(400)
	require.EqualValues(t, 1, b.as("demo", "GET", "/const", "").is(200).object()["max_attachment_mb"])
}

func TestArtifactTypesThatAreNotThere(t *testing.T) {
	b := setup(t, soar.Options{NoArtifactTypes: []string{"Malware Family/Variant"}})
	_, inc := b.create("")
	b.post(inc+"/artifacts", `{"type":"Malware Family/Variant","value":"x"}`).is(400)
	b.post(inc+"/artifacts", `{"type":45,"value":"x"}`).is(400)
	require.NotContains(t, b.get("/artifact_types").is(200).body, "Malware Family/Variant")
	require.NotContains(t, b.get("/types/artifact/fields").is(200).body, "Malware Family/Variant")
	require.NotContains(t, b.get("").is(200).body, "Malware Family/Variant")
}

func TestDuplicateReplacesTheDescription(t *testing.T) {
	b := setup(t, soar.Options{Duplicates: soar.ReplaceDescription})
	id, inc := b.create("")
	first := b.post(inc+"/artifacts", `{"type":"String","value":"v","description":"one"}`).is(200).list()
	second := b.post(inc+"/artifacts", `{"type":"String","value":"v","description":"two"}`).is(200).list()
	require.Equal(t, first[0]["id"], second[0]["id"])
	require.Equal(t, []soar.Artifact{{1, "String", "v", "two"}}, b.incident(id).Artifacts)
}

// TestSplitArtifactsComeTogether: of a value that stands for several, all are
// kept or none.
func TestSplitArtifactsComeTogether(t *testing.T) {
	b := setup(t, soar.Options{Duplicates: soar.RefuseDuplicate})
	id, inc := b.create("")
	b.post(inc+"/artifacts", `{"type":"IP Address","value":"10.0.0.2"}`).is(200)
	b.post(inc+"/artifacts", `{"type":"IP Address","value":"10.0.0.1 10.0.0.2"}`).is(400)
	require.Len(t, b.incident(id).Artifacts, 1)
	require.Len(t, b.Arrivals(id), 2)
	b.post(inc+"/artifacts", `{"type":"IP Address","value":"10.0.0.1"}`).is(200)
}
