package enrich_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
)

// workflow is one that the guide or fn_sep has, as rule and workflow or as a
// script, and what covers it here.
type workflow struct {
	title string
	// where is the guide's section, or the number in part B7 of the contract
	// of SEPM's API for what fn_sep has had since.
	where string
	// actions are those that do what it does; by is what does where none is
	// needed.
	actions []string
	by      string
}

// workflows are all of the guide's chapters 3 and 6 and of part B7, W1 to W28.
var workflows = []workflow{
	{title: "Example: SEP - Initiate EOC Scan for Artifact", where: "§5.1", actions: []string{"initiate_scan"}},
	{title: "Example: SEP - Get Scan results", where: "§5.13", actions: []string{"get_scan_results"}},
	{title: "Example: SEP - Remediate Artifact on Endpoint", where: "§5.1", actions: []string{"remediate"}},
	{title: "Example: SEP - Get Remediation status", where: "§5.13", actions: []string{"get_remediation_status"}},
	{title: "Example: SEP - Upload file to SEPM server", where: "§5.2", actions: []string{"upload_file"}},
	{title: "Example: SEP - Get Upload status", where: "§5.13", actions: []string{"get_upload_status"}},
	{title: "Example: SEP - Get File Content as Base64 string", where: "§5.3", actions: []string{"get_file_content"}},
	{title: "Example: SEP - Add Artifact from Scan Result", where: "§6", actions: []string{"add_artifact_from_scan_result"}},
	{title: "Example: SEP - Get Endpoint Details", where: "§5.4", actions: []string{"get_endpoint_details"}},
	{title: "Example: SEP - Get Endpoint Details for artifact", where: "§5.4", actions: []string{"endpoint_details"}},
	{title: "Example: SEP - Quarantine Endpoint", where: "§5.6", actions: []string{"quarantine_endpoint"}},
	{title: "Example: SEP - Un-Quarantine Endpoint", where: "§5.6", actions: []string{"unquarantine_endpoint"}},
	{title: "Example: SEP - Get Quarantine status", where: "§5.13", actions: []string{"quarantine_status"}},
	{title: "Example: SEP - Move Endpoint", where: "§5.5", actions: []string{"move_endpoint"}},
	{title: "Example: SEP - Get Groups information", where: "§5.10", actions: []string{"get_groups_information"}},
	{title: "Example: SEP - Assign Blacklist to lockdown group", where: "§5.11", actions: []string{"assign_blacklist_to_lockdown_group"}},
	{title: "Example: SEP - Get Blacklist information", where: "§5.7", actions: []string{"get_blacklist_information"}},
	{title: "Example: SEP - Add Hash to Blacklist", where: "§5.8", actions: []string{"add_hash_to_blacklist"}},
	{title: "Example: SEP - Delete Hash from Blacklist", where: "§5.9", actions: []string{"delete_hash_from_blacklist"}},
	{title: "Example: SEP - Delete Blacklist", where: "§5.12", actions: []string{"delete_blacklist"}},
	{title: "Example: SEP - Get Endpoints status summary", where: "§5.4", actions: []string{"endpoints_status_summary"}},
	{title: "Example: SEP - Get Endpoints status summary (refresh)", where: "§5.4", actions: []string{"endpoints_status_summary_refresh"}},
	{title: "Example: SEP - Get Non-Compliant Endpoints status details", where: "§5.4", actions: []string{"non_compliant_details"}},
	{title: "Get Critical Events", where: "W24", actions: []string{"get_critical_events"}},
	{title: "Cancel a Command", where: "W25", actions: []string{"cancel_a_command"}},
	{title: "Get Policy Summary", where: "W26", actions: []string{"get_policy_summary"}},
	{title: "Get Exceptions Policy", where: "W27", actions: []string{"get_exceptions_policy"}},
	{title: "Get Firewall Policy", where: "W28", actions: []string{"get_firewall_policy"}},
	{title: "Example: SEP - Parse notification", where: "§7", by: readingOfMail},
	{title: "scr_sep_add_artifact_from_scan_results", where: "§6", actions: []string{"add_artifact_from_scan_result"}},
	{title: "scr_sep_parse_email_notification", where: "§7.3", by: readingOfMail},
}

const readingOfMail = "sepwatch reads SEPM's mail itself"

// Everything that the guide's workflows do is done by an action here, under
// the guide's name where it has one.
func TestEveryWorkflowIsCovered(t *testing.T) {
	t.Parallel()
	titles := map[string]string{}
	for _, a := range enrich.Actions() {
		require.NotContains(t, titles, a.Name, "two actions have one name")
		titles[a.Name] = a.Title
	}
	for _, w := range workflows {
		require.True(t, len(w.actions) > 0 != (w.by != ""), w.title)
		for _, name := range w.actions {
			require.Contains(t, titles, name, "no action covers %q", w.title)
			if strings.HasPrefix(w.title, "Example: ") {
				require.Equal(t, w.title, titles[name])
			}
		}
	}
	require.Len(t, workflows, 28+1+2, "28 workflows, the rule without one, and two scripts")
}

// What an action says of itself names what there is.
func TestActionDefinitions(t *testing.T) {
	t.Parallel()
	for _, a := range enrich.Actions() {
		require.Regexp(t, `^[a-z0-9]+(_[a-z0-9]+)*$`, a.Name)
		require.NotEmpty(t, a.Title, a.Name)
		require.NotNil(t, a.Decide, a.Name)
		require.True(t, strings.HasSuffix(a.Help, "."), "%s: its help is a sentence", a.Name)
		require.Equal(t, a.On == incident.OnArtifact, len(a.ArtifactTypes) > 0, a.Name)
		table, known := incident.TableByName(a.Table)
		require.Equal(t, a.On == incident.OnRow, known, a.Name)
		for _, c := range a.When {
			require.True(t, slices.ContainsFunc(table.Columns, func(column incident.Column) bool { return column.Name == c.Column }), "%s: %s", a.Name, c.Column)
			require.Equal(t, c.Test == incident.HasValue, len(c.Values) == 0, "%s: %s", a.Name, c.Column)
		}
		names := map[string]bool{}
		for _, f := range a.Form {
			require.False(t, names[f.Name], "%s: %s", a.Name, f.Name)
			names[f.Name] = true
			require.NotEmpty(t, f.Help, "%s: %s", a.Name, f.Name)
			require.Equal(t, f.Type == incident.InputSelect, len(f.Values) > 0, "%s: %s", a.Name, f.Name)
			if f.Default != "" && len(f.Values) > 0 {
				require.Contains(t, f.Values, f.Default, "%s: %s", a.Name, f.Name)
			}
		}
	}
}

// TestGeneratedActions writes docs/actions.md from the actions with -update,
// and without it fails when it is not current.
func TestGeneratedActions(t *testing.T) {
	const path = "../docs/actions.md"
	got := actionReference()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "%s is not current: run go generate ./enrich and read the difference", path)
}

func actionReference() string {
	var w bytes.Buffer
	w.WriteString(`<!-- Generated by "go generate ./enrich" from enrich. -->

# Actions

An action is what an analyst, or a rule, starts on an incident, on an artifact or on a row of a table. It looks things up in SEPM or changes them there, and leaves rows, notes, artifacts and files on the incident. Actions have the names of the guide's rules and workflows; the last table says which covers which.

- **Conditions** are those of the row's cells that have to hold, without regard to case. Whoever starts an action is held to them, and told which one does not hold.
- **Rows are keyed**: a second run brings a row up to date and adds none. One run fills at most ` + "`results_limit`" + ` rows of a table; where there is more, a CSV file has all of it.
- **Drop-downs** are read from SEPM: its domains, and its groups by full path. SEPM has no list of fingerprint lists, so those are the ones that the incident has rows of; any other can be typed.
- An action that **changes** something at SEPM records what it is about to ask before it asks, and what SEPM said. What SEPM refuses is told in a note.
`)
	for _, on := range []struct {
		target incident.ActionTarget
		title  string
	}{{incident.OnIncident, "On an incident"}, {incident.OnArtifact, "On an artifact"}, {incident.OnRow, "On a row"}} {
		fmt.Fprintf(&w, "\n## %s\n\n| action | title | on | when | form | what it does and leaves |\n|---|---|---|---|---|---|\n", on.title)
		for _, a := range enrich.Actions() {
			if a.On == on.target {
				fmt.Fprintf(&w, "| `%s` | %s | %s | %s | %s | %s |\n",
					a.Name, inCell(a.Title), subjectOf(a.ActionDef), conditionsOf(a.ActionDef), formOf(a.ActionDef), inCell(helpOf(a.ActionDef)))
			}
		}
	}
	w.WriteString("\n## The guide's workflows and scripts\n\nSections are those of the guide; W24 to W28 are workflows that fn_sep got later.\n\n" +
		"| workflow, rule or script | where | done by |\n|---|---|---|\n")
	for _, c := range workflows {
		by := c.by
		if by == "" {
			by = "`" + strings.Join(c.actions, "`, `") + "`"
		}
		fmt.Fprintf(&w, "| %s | %s | %s |\n", inCell(c.title), c.where, by)
	}
	return w.String()
}

func subjectOf(a incident.ActionDef) string {
	switch a.On {
	case incident.OnArtifact:
		types := make([]string, len(a.ArtifactTypes))
		for i, t := range a.ArtifactTypes {
			types[i] = inCell(string(t))
		}
		return strings.Join(types, ", ")
	case incident.OnRow:
		return "`" + a.Table + "`"
	}
	return "the incident"
}

func conditionsOf(a incident.ActionDef) string {
	if len(a.When) == 0 {
		return "–"
	}
	all := make([]string, len(a.When))
	for i, c := range a.When {
		all[i] = inCell(c.String())
	}
	return strings.Join(all, "; ")
}

func formOf(a incident.ActionDef) string {
	if len(a.Form) == 0 {
		return "–"
	}
	all := make([]string, len(a.Form))
	for i, f := range a.Form {
		kind := string(f.Type)
		switch {
		case len(f.Values) > 0:
			kind = "`" + strings.Join(f.Values, "`, `") + "`"
		case f.Choices != "":
			kind = "one of the " + string(f.Choices)
		}
		switch {
		case f.Default != "":
			kind += ", default `" + f.Default + "`"
		case f.Required:
			kind += ", required"
		}
		all[i] = fmt.Sprintf("`%s` (%s): %s", f.Name, kind, f.Help)
	}
	return inCell(strings.Join(all, "<br>"))
}

func helpOf(a incident.ActionDef) string {
	if a.Changes {
		return a.Help + " Changes SEPM."
	}
	return a.Help
}

func inCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
