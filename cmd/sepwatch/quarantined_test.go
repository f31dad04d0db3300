package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// ordered is a command for the computer E, and how that ended with it: "" for
// not yet.
func ordered(id int64, kind incident.CommandKind, end string, open bool) ledger.Command {
	c := ledger.Command{ID: id, Incident: 7, Open: open, Command: incident.Command{
		Kind: kind, By: "cli:ada", Started: filledAt.Add(time.Duration(id) * time.Minute),
		Computers: []incident.CommandTarget{{ID: "E", Name: "LAP-1"}},
	}}
	if end != "" {
		c.Progress.Ended = map[string]incident.EndpointResult{"E": {State: end, Detail: "words"}}
	}
	return c
}

// What was done to an endpoint last counts, and a command that failed leaves
// what was.
func TestQuarantinedOf(t *testing.T) {
	t.Parallel()
	const cut, lift = incident.Quarantining, incident.Unquarantining
	for name, test := range map[string]struct {
		commands []ledger.Command
		state    string
		command  int64
		note     string
	}{
		"isolated":           {[]ledger.Command{ordered(1, cut, "completed", false)}, "isolated", 1, ""},
		"pending":            {[]ledger.Command{ordered(1, cut, "", true)}, "pending", 1, ""},
		"refused":            {[]ledger.Command{ordered(1, cut, "rejected", true)}, "failed", 1, "rejected: words"},
		"never answered":     {[]ledger.Command{ordered(1, cut, "", false)}, "failed", 1, "it has not answered"},
		"released":           {[]ledger.Command{ordered(1, cut, "completed", false), ordered(2, lift, "completed", false)}, "released", 1, ""},
		"release pending":    {[]ledger.Command{ordered(1, cut, "completed", false), ordered(2, lift, "", true)}, "isolated", 1, "to be let back by command 2, which it has not answered yet"},
		"release failed":     {[]ledger.Command{ordered(1, cut, "completed", false), ordered(2, lift, "error", false)}, "isolated", 1, "command 2 did not let it back: error: words"},
		"again, and failed":  {[]ledger.Command{ordered(1, cut, "completed", false), ordered(2, cut, "rejected", false)}, "isolated", 1, ""},
		"again":              {[]ledger.Command{ordered(1, cut, "completed", false), ordered(2, cut, "completed", false)}, "isolated", 2, ""},
		"again after all":    {[]ledger.Command{ordered(1, cut, "completed", false), ordered(2, lift, "completed", false), ordered(3, cut, "", true)}, "pending", 3, ""},
		"lifted in any case": {[]ledger.Command{ordered(1, cut, "", true), ordered(2, lift, "completed", false)}, "released", 1, ""},
	} {
		lines := quarantinedOf(test.commands)
		require.Len(t, lines, 1, name)
		require.Equal(t, []any{test.state, test.command, test.note}, []any{lines[0].State, lines[0].Command, lines[0].Note}, name)
	}
	confirmed := ordered(1, cut, "completed", false)
	confirmed.Progress.Ended["E"] = incident.EndpointResult{State: "completed", Confirmed: true}
	require.Equal(t, "isolated, confirmed", quarantinedOf([]ledger.Command{confirmed})[0].cells()[1])
	require.Empty(t, quarantinedOf([]ledger.Command{ordered(1, lift, "completed", false)}), "sepwatch has not isolated it")
}

func TestQuarantinedList(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	out, _ := a.exec(0, "quarantined", "list", "--json")
	require.Equal(t, "[]\n", out)
	group := isolated("Q2")
	group.Computers, group.Groups = nil, []incident.CommandTarget{{ID: "G1", Name: `My Company\Laptops`}}
	group.By, group.Why = "cli:ada", "ransomware"
	lifted := isolated("Q3")
	lifted.Kind = incident.Unquarantining
	a.commands(isolated("Q1"), group, lifted)
	out, _ = a.exec(0, "quarantined", "list")
	require.NotContains(t, out, "LAP-1", "it was let back")
	require.Regexp(t, `(?m)^group My Company\\Laptops  isolated  \S+ \S+  cli:ada         1        2  ransomware  1 of 2 endpoints$`, out)
	require.Regexp(t, `(?m)^LAP-2                     failed    \S+ \S+                  1        1              command 3 did not let it back: rejected: \\x1b`, out)
	out, _ = a.exec(0, "quarantined", "list", "--released", "--json")
	require.Contains(t, out, `{"target":"computer","id":"E1","name":"LAP-1","server":"","state":"released","confirmed":false,"command":1,"incident":1,"action":"isolate",`+
		`"by":"","why":"","since":"2026-02-03T05:05:06.789Z","lift":3,"lifted_by":"","note":""}`)
}
