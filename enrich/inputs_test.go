package enrich_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// TestMistakes are inputs that a function refuses, before it sends anything.
func TestMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1"}}})
	sha1 := strings.Repeat("e", 40)
	scan := func(more ...string) inputs {
		in := inputs{"sep_computer_ids": "A", "sep_scan_type": "QUICK_SCAN"}
		for i := 0; i < len(more); i += 2 {
			in[more[i]] = more[i+1]
		}
		return in
	}
	for _, tt := range []struct {
		function string
		in       inputs
		input    string
		problem  string
	}{
		{"fn_sep_get_computers", inputs{"sep_computer": "A"}, "sep_computer", "is none of its inputs: sep_computername, "},
		{"fn_sep_get_computers", inputs{"sep_status": "yes"}, "sep_status", `is "yes", which is neither true nor false`},
		{"fn_sep_get_computers", inputs{"sep_pagesize": "ten"}, "sep_pagesize", `is "ten", which is not a whole number`},
		{"fn_sep_get_computers", inputs{"sep_pagesize": "0"}, "sep_pagesize", "is 0, which is not from 1 to 10000"},
		{"fn_sep_get_computers", inputs{"sep_pageindex": "0"}, "sep_pageindex", "is 0: pages count from 1"},
		{"fn_sep_get_computers", inputs{"sep_pageindex": "-1"}, "sep_pageindex", "is -1: pages count from 1"},
		{"fn_sep_get_computers", inputs{"sep_lastupdate": "now"}, "sep_lastupdate", `is "now", which is not a whole number`},
		{"fn_sep_get_computers", inputs{"sep_order": "UP"}, "sep_order", `is "UP", which is none of ASC, DESC`},
		{"fn_sep_move_endpoint", inputs{"sep_groupid": "A"}, "sep_hardwarekey", "is missing"},
		{"fn_sep_move_endpoint", inputs{"sep_groupid": " None ", "sep_hardwarekey": "A"}, "sep_groupid", "is missing"},
		{"fn_sep_scan_endpoints", inputs{"sep_scan_type": "QUICK_SCAN", "sep_md5": md5A}, "sep_computer_ids", "is empty, and sep_group_ids too: name whom it is for"},
		{"fn_sep_scan_endpoints", scan("sep_computer_ids", " , ", "sep_md5", md5A), "sep_computer_ids", "is empty, and sep_group_ids too: name whom it is for"},
		{"fn_sep_scan_endpoints", scan(), "sep_file_path", "is missing: give a file's path or name, or one of its hashes"},
		{"fn_sep_scan_endpoints", scan("sep_md5", "abc"), "sep_md5", `is not valid: "abc" is no hash: want 32 (MD5), 40 (SHA-1) or 64 (SHA-256) hex digits`},
		{"fn_sep_scan_endpoints", scan("sep_md5", sha1), "sep_md5", "is a hash of another kind, SHA1: give it as sep_sha1"},
		{"fn_sep_scan_endpoints", scan("sep_md5", md5A, "sep_sha1", sha1), "sep_md5", "is a hash beside that of sep_sha1: give one of them"},
		{"fn_sep_scan_endpoints", scan("sep_md5", md5A, "sep_file_path", "a"), "sep_file_path", "is given beside a hash: a scan is for one of them"},
		{"fn_sep_scan_endpoints", scan("sep_file_path", "a", "sep_scan_action", "remediate"), "sep_scan_action", "is remediate, which works by hash only: give one of sep_sha256, sep_sha1 and sep_md5"},
		{"fn_sep_scan_endpoints", scan("sep_md5", md5A, "sep_scan_type", "SCAN"), "sep_scan_type", `is "SCAN", which is none of QUICK_SCAN, FULL_SCAN`},
		{"fn_sep_scan_endpoints", scan("sep_md5", md5A, "sep_group_ids", "G", "sep_scan_action", "remediate"), "sep_group_ids", "would address all of a group"},
		{"fn_sep_upload_file_to_sepm", inputs{"sep_group_ids": "G", "sep_file_path": "a"}, "sep_group_ids", "is for no upload"},
		{"fn_sep_upload_file_to_sepm", inputs{"sep_computer_ids": "A"}, "sep_file_path", "is missing"},
		{"fn_sep_upload_file_to_sepm", inputs{"sep_computer_ids": "A", "sep_file_path": "a", "sep_source": "DISK"}, "sep_source", `is "DISK", which is none of FILESYSTEM, QUARANTINE, BOTH`},
		{"fn_sep_quarantine_endpoints", inputs{"sep_hardwarekey": "A"}, "sep_computer_ids", "is empty"},
		{"fn_sep_get_file_content_as_base64", nil, "sep_file_id", "is missing"},
		{"fn_sep_get_fingerprint_list", nil, "sep_fingerprintlist_name", "is missing: give the list's name or its id"},
		{"fn_sep_add_fingerprint_list", inputs{"sep_fingerprintlist_name": "L"}, "sep_hash_value", "is missing: SEPM takes no list without hashes"},
		{"fn_sep_add_fingerprint_list", inputs{"sep_hash_value": md5A}, "sep_fingerprintlist_name", "is missing"},
		{"fn_sep_add_fingerprint_list", inputs{"sep_fingerprintlist_name": "L", "sep_hash_value": sha1}, "sep_hash_value", "is a SHA-1 hash, " + sha1},
		{"fn_sep_update_fingerprint_list", inputs{"sep_fingerprintlist_id": "A", "sep_hash_value": "[]"}, "sep_hash_value", "is missing"},
		{"fn_sep_update_fingerprint_list", inputs{"sep_fingerprintlist_id": "A", "sep_hash_value": "[{'MD5': 'x'}]"}, "sep_hash_value", `is not valid: "x" is no hash`},
		{"fn_sep_get_command_status", inputs{"sep_commandid": "A"}, "sep_status_type", "is missing"},
		{"fn_sep_get_command_status", inputs{"sep_commandid": "A", "sep_status_type": "all"}, "sep_status_type", `is "all", which is none of scan, remediation, upload, quarantine`},
		{"fn_sep_get_command_status", inputs{"sep_commandid": ",", "sep_status_type": "scan"}, "sep_commandid", "names no command"},
		{"sep_get_critical_events_info", inputs{"sep_results_limit": "-1"}, "sep_results_limit", "is less than 0"},
		{"sep_cancel_a_command", inputs{"sep_command_id": ","}, "sep_command_id", "names no command"},
	} {
		input, problem := w.mistake(tt.function, tt.in)
		require.Equal(t, tt.input, input, "%s %v", tt.function, tt.in)
		require.Contains(t, problem, tt.problem, tt.function)
	}
	require.Empty(t, w.Commands())
}

// TestInputsAsFnSEPTakesThem are texts as workflows fill them in (contract:
// SEPM API B2).
func TestInputsAsFnSEPTakesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1"}, {Name: "PC-2"}, {Name: "PC-3"}}})
	all := w.Computers()
	w.object("fn_sep_scan_endpoints", inputs{
		"sep_computer_ids": fmt.Sprintf(" %s,%s\n%s ", all[0].ID, all[1].ID, all[2].ID), "sep_scan_type": "full_scan", "sep_scan_action": "None",
		"sep_md5": " " + md5A + " ", "sep_file_path": "none", "sep_sha1": "NONE", "sep_group_ids": "",
	})
	command := w.Commands()[0]
	require.Len(t, command.Targets, 3)
	require.Contains(t, command.Body, "<ScanType>FULL_SCAN</ScanType>")
	require.NotContains(t, command.Body, "Remediation")
	require.Contains(t, command.Body, "Scan for "+strings.ToLower(md5A))

	// The guide requires a domain, and fn_sep does not.
	w.AddList(sepm.List{Name: "L", Hashes: []sepm.Hashes{{MD5: md5A}}})
	for _, domain := range []string{"", "none", "Default", sepm.DefaultDomainID} {
		require.Equal(t, "L", w.object("fn_sep_get_fingerprint_list", inputs{"sep_fingerprintlist_name": "L", "sep_domainid": domain})["name"])
	}
}

// TestListOfIDAndName is one that both name, or not.
func TestListOfIDAndName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{})
	id := w.AddList(sepm.List{Name: "L", Hashes: []sepm.Hashes{{SHA256: sha256A}}})
	content := w.object("fn_sep_get_fingerprint_list", inputs{"sep_fingerprintlist_id": id, "sep_fingerprintlist_name": "l"})
	require.Equal(t, "SHA256", content["hashType"])
	_, _, err := w.try("fn_sep_get_fingerprint_list", inputs{"sep_fingerprintlist_id": id, "sep_fingerprintlist_name": "M"})
	require.ErrorContains(t, err, `sep_fingerprintlist_id is that of the list "L", and sep_fingerprintlist_name names another`)
}
