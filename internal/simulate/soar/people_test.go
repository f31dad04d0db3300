package soar_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestPeopleChangeThings(t *testing.T) {
	b := setup(t, withFields())
	id, inc := b.create(`"severity_code":"Low"`)
	must := func(made int, err error) int {
		t.Helper()
		require.NoError(t, err)
		return made
	}
	require.NoError(t, b.EditField(id, "severity_code", "High"))
	require.NoError(t, b.EditField(id, "properties.region", "South"))
	require.NoError(t, b.EditField(id, "incident_type_ids", []string{"Malware", "Phishing"}))
	note := must(b.AddNote(id, "mine"))
	require.NoError(t, b.EditNote(id, note, "still mine"))
	artifact := must(b.AddArtifact(id, "IP Address", "10.0.0.1", "seen"))
	row := must(b.AddRow(id, "sep_groups", map[string]any{"group_id": "g", "policyInheritanceEnabled": true}))
	require.NoError(t, b.EditRow(id, row, map[string]any{"group_id": "h"}))
	file := must(b.AddAttachment(id, "a.txt", "text/plain", []byte("x")))
	require.NoError(t, b.CloseIncident(id, "Resolved"))

	seen := b.incident(id)
	require.Equal(t, "High", seen.Severity)
	require.Equal(t, "South", seen.Properties["region"])
	require.Equal(t, []string{"Malware", "Phishing"}, b.Field(id, "incident_type_ids"))
	require.Equal(t, []soar.Note{{note, "still mine"}}, seen.Notes)
	require.Equal(t, []soar.Artifact{{artifact, "IP Address", "10.0.0.1", "seen"}}, seen.Artifacts)
	require.Equal(t, map[string]any{"group_id": "h", "policyInheritanceEnabled": true}, seen.Rows[0].Cells)
	require.Equal(t, []soar.Attachment{{file, "a.txt", "text/plain", []byte("x")}}, seen.Attachments)
	require.False(t, seen.Open)
	require.EqualValues(t, seen.Version, b.get(inc).object()["vers"])
	require.EqualValues(t, 2, b.get(fmt.Sprintf("%s/table_data/sep_groups/row_data/%d", inc, row)).object()["version"])
	require.Equal(t, soar.Totals{Incidents: 1, Artifacts: 1, Notes: 1, Rows: 1, Attachments: 1}, b.Totals())
	for _, a := range b.Arrivals(id)[1:] {
		require.True(t, a.InPerson, a)
	}

	require.NoError(t, b.DeleteNote(id, note))
	require.NoError(t, b.DeleteArtifact(id, artifact))
	require.NoError(t, b.DeleteRow(id, row))
	require.NoError(t, b.DeleteAttachment(id, file))
	require.NoError(t, b.ReopenIncident(id))
	require.Equal(t, soar.Totals{Incidents: 1}, b.Totals())
	b.post(inc+"/artifacts", `{"type":"IP Address","value":"10.0.0.1"}`).is(200)
	require.Len(t, b.incident(id).Artifacts, 1, "it may be there again")
	require.True(t, b.incident(id).Open)
}

func TestPeopleAskForNothingOfTheKind(t *testing.T) {
	b := setup(t, soar.Options{})
	id, _ := b.create("")
	for _, err := range []error{
		b.EditField(id, "nonsense", 1), b.EditField(id, "severity_code", "Dire"), b.EditField(1, "name", "x"),
		b.EditField(id, "name", func() {}),
		b.EditRow(id, 1, nil), b.DeleteRow(id, 1), b.DeleteNote(id, 1), b.EditNote(id, 1, "x"), b.DeleteArtifact(id, 1), b.DeleteAttachment(id, 1),
		b.CloseIncident(id, "nonsense"), b.DeleteIncident(1),
	} {
		require.Error(t, err)
	}
	_, err := b.AddArtifact(id, "IP Address", "nonsense", "")
	require.Error(t, err)
	_, err = b.AddRow(id, "nonsense", nil)
	require.Error(t, err)
	_, err = b.AddRow(id, "sep_groups", map[string]any{"nonsense": 1})
	require.Error(t, err)
	require.Equal(t, 1, b.incident(id).Version)
	require.Nil(t, b.Field(id, "nonsense"))
	require.Nil(t, b.Field(1, "name"))
	require.Empty(t, b.Arrivals(1))
}

func TestArrivalsAreInOrder(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create(`"artifacts":[{"type":"String","value":"v"}],"comments":[{"text":"first"}]`)
	b.upload(inc, "a.txt", "x").is(200)
	row := b.post(inc+"/table_data/sep_groups/row_data", `{"cells":{"group_id":{"value":"g"}}}`).is(200).object()
	b.do("PUT", fmt.Sprintf("%s/table_data/sep_groups/row_data/%v", inc, row["id"]), `{"cells":{"group_id":{"value":"h"}}}`).is(200)
	b.do("PATCH", inc, `{"changes":[{"field":"reporter","old_value":{"text":"stale"},"new_value":{"text":"x"}}]}`).is(200) // changes nothing
	b.do("PATCH", inc, `{"changes":[{"field":"reporter","old_value":null,"new_value":{"text":"x"}}]}`).is(200)
	note, err := b.AddNote(id, "an analyst's")
	require.NoError(t, err)
	b.post(inc+"/artifacts", `{"type":"String","value":"v"}`).is(200) // is there already
	b.do("DELETE", inc+"/table_data/sep_groups/row_data", "").is(200)

	type arrival struct {
		soar.Change
		soar.Piece
		id   int
		name string
	}
	var got []arrival
	for _, a := range b.Arrivals(id) {
		require.Equal(t, a.Name == "an analyst's", a.InPerson)
		require.Equal(t, b.clock.Now(), a.At)
		if a.Piece == soar.FieldPiece {
			a.ID = 0 // of the field, which differs between servers
		}
		got = append(got, arrival{a.Change, a.Piece, a.ID, a.Name})
	}
	require.Equal(t, []arrival{
		{soar.Added, soar.IncidentPiece, 0, "SEP: Trojan on HOST1"},
		{soar.Added, soar.ArtifactPiece, 1, "v"},
		{soar.Added, soar.NotePiece, 1, "first"},
		{soar.Added, soar.AttachmentPiece, 1, "a.txt"},
		{soar.Added, soar.RowPiece, 1, "sep_groups"},
		{soar.Changed, soar.RowPiece, 1, "sep_groups"},
		{soar.Changed, soar.FieldPiece, 0, "reporter"},
		{soar.Added, soar.NotePiece, note, "an analyst's"},
		{soar.Removed, soar.RowPiece, 1, "sep_groups"},
	}, got)
}

func TestRepeated(t *testing.T) {
	b := setup(t, soar.Options{KeyField: true, Duplicates: soar.KeepDuplicate})
	id, inc := b.create(`"properties":{"sepwatch_key":"a"}`)
	_, other := b.create(`"properties":{"sepwatch_key":"b"}`)
	each := func(inc string) {
		b.post(inc+"/artifacts", `{"type":"String","value":"v"}`).is(200)
		b.post(inc+"/artifacts", `{"type":"Observed Data","value":"v"}`).is(200) // may be there twice
		b.post(inc+"/comments", `{"text":"n"}`).is(200)
		b.post(inc+"/table_data/sep_groups/row_data", `{"cells":{"group_id":{"value":"g"}}}`).is(200)
		b.upload(inc, "a.txt", "x").is(200)
	}
	each(inc)
	each(other)
	b.upload(inc, "a.txt", "another version").is(200)
	_, err := b.AddNote(id, "n")
	require.NoError(t, err)
	_, err = b.AddArtifact(id, "String", "v", "")
	require.NoError(t, err)
	require.Empty(t, b.Repeated(), "what people added is their own business")

	each(inc)
	require.Len(t, b.Repeated(), 4, b.Repeated())
	b.create(`"properties":{"sepwatch_key":"a"}`)
	require.Len(t, b.Repeated(), 5)

	b = setup(t, soar.Options{})
	b.create(`"description":"one"`)
	b.create(`"description":"two"`)
	require.Empty(t, b.Repeated())
	b.create(`"description":"two"`)
	require.Len(t, b.Repeated(), 1)
}
