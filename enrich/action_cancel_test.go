package enrich_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

func TestCommandIsCancelled(t *testing.T) {
	t.Parallel()
	host := strings.Repeat("1", 32)
	tr := newTrial(t, sepm.Options{Computers: []sepm.Computer{{Name: "H", ID: host, Offline: true}}})
	sent, err := tr.client.ActiveScan(t.Context(), sepclient.Targets{Computers: []string{host}})
	require.NoError(t, err)
	id := sent.IDs()[0]
	tr.must("cancel_a_command", anIncident, input("command_id", " "+id))
	require.Contains(t, tr.note(), "SEPM cancels the command <b>"+id+"</b>")
	commands := tr.Commands()
	require.Len(t, commands, 2)
	require.Equal(t, id, commands[1].Cancels)
	require.Contains(t, tr.note(), "by the command <b>"+commands[1].ID+"</b>")
}

func TestUnknownCommandIsNotCancelled(t *testing.T) {
	t.Parallel()
	for _, unknown := range []sepm.UnknownCommand{sepm.UnknownEmpty, sepm.Unknown404, sepm.Unknown410} {
		tr := newTrial(t, sepm.Options{UnknownCommand: unknown})
		require.Equal(t, `SEPM has no command "`+strings.Repeat("0", 32)+`"`, tr.refused("cancel_a_command", anIncident, input("command_id", strings.Repeat("0", 32))))
	}
	tr := newTrial(t, sepm.Options{})
	require.Contains(t, tr.refused("cancel_a_command", anIncident, input("command_id", "..")), "is no id of a command")
	require.ErrorContains(t, tr.run("cancel_a_command", anIncident, nil), "command_id is missing")
	require.Empty(t, tr.Commands())
}
