package enrich_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// policyNamed is the id of a policy of the stand-in.
func (tr *trial) policyNamed(name string) string {
	tr.t.Helper()
	policies, err := tr.client.Policies(tr.t.Context(), sepclient.PolicyQuery{})
	require.NoError(tr.t, err)
	for _, p := range policies {
		if p.Name == name {
			return p.ID
		}
	}
	require.Fail(tr.t, "no policy", name)
	return ""
}

// fn_sep takes an answer for the pair of it and an error, and puts the whole
// JSON into a note (C32).
func TestPartC35C32PoliciesAreReadable(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		tr := newTrial(t, sepm.Options{Release: release})
		for _, tt := range []struct {
			action string
			input  map[string]string
			note   []string
			file   string
		}{
			{"get_policy_summary", nil, []string{
				"The SEP domain <b>Default</b> has 15 policies", "<br>Firewall policy (fw, enabled), in 1 group: " + tr.policyNamed("Firewall policy"),
			}, "SEP_policies_"},
			{"get_exceptions_policy", input("policy_id", tr.policyNamed("Exceptions policy")), []string{
				"The exceptions policy <b>Exceptions policy</b> is enabled and has 7 rules", "<br>denied application · miner.exe " + strings.Repeat("5E", 32) + " · BLOCK<br>",
			}, "SEP_exceptions_policy_"},
			{"get_firewall_policy", input("policy_id", " "+tr.policyNamed("Firewall policy")), []string{
				"The firewall policy <b>Firewall policy</b> is enabled and has 2 rules", "<br>Block remote administration · baseline · BLOCK",
			}, "SEP_firewall_policy_"},
		} {
			tr.attachments = nil
			tr.must(tt.action, anIncident, tt.input)
			for _, text := range tt.note {
				require.Contains(t, tr.note(), text)
			}
			require.NotContains(t, tr.note(), "{")
			require.Len(t, tr.attachments, 1)
			file := tr.attachments[0]
			require.True(t, strings.HasPrefix(file.Name, tt.file) && strings.HasSuffix(file.Name, ".json"), file.Name)
			require.Contains(t, tr.note(), file.Name)
			require.True(t, json.Valid(file.Content))
			require.Contains(t, string(file.Content), `"lastmodifiedtime"`)
		}
		require.Contains(t, tr.run("get_firewall_policy", anIncident, input("policy_id", strings.Repeat("0", 32))).Error(), "does not exist")
	}
}
