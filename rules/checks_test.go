package rules_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
)

// The checks of contract SEPM e-mail §7 that end at an incident. Those of
// reading alone are tested with package parse.

// TestCheck04CustomSubjectAndUnknownBody: neither is lost.
func TestCheck04CustomSubjectAndUnknownBody(t *testing.T) {
	t.Parallel()
	custom := stories(t, "F38-custom-subject")
	require.Len(t, custom, 1)
	require.Equal(t, "SEP: Trojan.Gen.NPE on TEST-ENDPOINT", custom[0].Incident.Name)

	unknown := stories(t, "F39-unknown-body")
	require.Len(t, unknown, 1)
	text := unknown[0].Incident.Description
	require.Contains(t, text, "not understood")
	require.Contains(t, text, `C:\suspicious_exe.exe was found on TEST-ENDPOINT.`)
	require.Equal(t, "Medium", unknown[0].Incident.Severity, "nothing is known to lower it")
	found := false
	for _, artifact := range unknown[0].Artifacts {
		found = found || artifact.Type == incident.FilePath && artifact.Value == `C:\suspicious_exe.exe`
	}
	require.True(t, found, "no artifact of the path in the text: %v", unknown[0].Artifacts)
}

// TestCheck05NoticesOpenNothing: operational notices and reports are told
// apart by their kind.
func TestCheck05NoticesOpenNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/mail/F4[23]-*.eml")
	require.NoError(t, err)
	require.Greater(t, len(files), 8)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".eml")
		got := guideRules().Accept(readMail(t, name))
		require.Equal(t, parse.Ignored, got.Status, name)
		require.Contains(t, got.Rule, "kind "+string(got.Kind), name)
		require.Empty(t, got.Artifacts, name)
	}
}

// TestCheck12UnknownActionLowersNothing: only what is known to be done makes
// an incident less severe.
func TestCheck12UnknownActionLowersNothing(t *testing.T) {
	t.Parallel()
	severity := map[string]string{}
	for _, s := range stories(t, "V10-actions") {
		_, action, _ := strings.Cut(s.Incident.Description, "<b>Action taken on risk:</b> ")
		action, _, _ = strings.Cut(action, "<br>")
		severity[action] = s.Incident.Severity
	}
	for _, action := range []string{"Left alone", "All actions failed", "Access denied", "RepairFailedPowerEraser", "RepairFailedPowerEraser2",
		"Bad", "Partially repaired", "No repair available", "Action invalid", "アクセスが拒否されました", "すべてのアクションが失敗しました",
		"Clean failed : Quarantine failed", "4", "-1", "102", "Allowed by user", "Excluded"} {
		require.Equal(t, "High", severity[action], action)
	}
	for _, action := range []string{"8", "Sent to Mars", "Process terminate pending restartLeft alone", "Quarantine succeeded : Access denied"} {
		require.Contains(t, []string{"Medium", "High"}, severity[action], action)
	}
	for _, action := range []string{"Cleaned by deletion", "Quarantined", "Deleted", "削除によってクリーニングしました"} {
		require.Equal(t, "Low", severity[action], action)
	}
}
