package enrich_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// The tests of this file are named after the rows of the contract's part C,
// fn_sep's bugs and gaps, and fail on what fn_sep does.

var (
	md5A, md5B = strings.Repeat("A1", 16), strings.Repeat("B2", 16)
	sha256A    = strings.Repeat("C3", 32)
	sha256B    = strings.Repeat("D4", 32)
)

// TestC1 is a quarantine with an endpoint's group beside it, as fn_sep 1.2's
// playbook sends it.
func TestC1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1"}, {Name: "PC-2"}, {Name: "PC-3"}}})
	all := w.Computers()
	for _, undo := range []string{"false", "true"} {
		in := inputs{"sep_computer_ids": all[0].ID, "sep_group_ids": all[0].Group.ID, "sep_hardwarekey": all[0].HardwareKey, "sep_undo": undo}
		result, content, err := w.try("fn_sep_quarantine_endpoints", in)
		require.NoError(t, err)
		commands := w.Commands()
		last := commands[len(commands)-1]
		require.Equal(t, "computer", last.By)
		require.Len(t, last.Targets, 1)
		require.Equal(t, map[string]any{"commandID_computer": last.ID, "warning": "1 computer addressed by id; 1 group beside left out"}, content)
		require.Equal(t, []string{"1 computer addressed by id; 1 group beside left out"}, result.Warnings)
		w.pass(time.Minute)
		if undo == "false" {
			require.Equal(t, []string{all[0].ID}, w.Quarantined())
		} else {
			require.Empty(t, w.Quarantined())
		}
	}
	require.Len(t, w.Commands(), 2)

	group := inputs{"sep_group_ids": all[0].Group.ID}
	input, problem := w.mistake("fn_sep_quarantine_endpoints", group)
	require.Equal(t, "sep_group_ids", input)
	require.Contains(t, problem, "allow_group_targets")
	w.options.AllowGroupTargets = true
	require.Equal(t, []string{"commandID_group"}, keys(w.object("fn_sep_quarantine_endpoints", group)))
}

// TestC2 is a fleet of more than a page.
func TestC2(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: sepm.Fleet(1, 450), MaxPageSize: 20})
	content := w.object("fn_sep_get_computers", inputs{"sep_matching_endpoint_ids": "true"})
	require.Equal(t, []string{"endpoints_matching_ids"}, keys(content))
	require.Len(t, content["endpoints_matching_ids"], 450)
	require.EqualValues(t, 450, w.object("fn_sep_get_computers", inputs{"sep_status": "true"})["total"])
	// A page size, by which callers of fn_sep mended it, still gives all.
	require.Len(t, w.object("fn_sep_get_computers", inputs{"sep_pagesize": "10", "sep_matching_endpoint_ids": "true"})["endpoints_matching_ids"], 450)
}

// TestC3 is an error of SEPM's that no script looks for.
func TestC3(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 403, 404, 422, 423, 500, 503} {
		for _, tt := range []struct {
			path, function string
			in             inputs
		}{
			{"computers", "fn_sep_get_computers", nil},
			{"domains", "fn_sep_get_domains", nil},
			{"fingerprints", "fn_sep_add_fingerprint_list", inputs{"sep_fingerprintlist_name": "L", "sep_hash_value": md5A}},
			{"command-queue/eoc", "fn_sep_scan_endpoints", inputs{"sep_computer_ids": "A", "sep_scan_type": "QUICK_SCAN", "sep_md5": md5A}},
			{"summary", "sep_get_policy_summary", nil},
			{"authenticate", "fn_sep_get_groups", nil},
		} {
			w := newWorld(t, sepm.Options{}, fault.Switch{Kind: fault.Status, Path: tt.path, Code: code, FromServer: true})
			result, _, err := w.try(tt.function, tt.in)
			require.Error(t, err, "%s with %d", tt.function, code)
			require.Nil(t, result.Problem)
		}
	}
}

// TestC4 is a list of one kind of hash, which fn_sep 1.2 cannot update.
func TestC4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{})
	id := w.AddList(sepm.List{Name: "Old", Description: "as it was", Hashes: []sepm.Hashes{{MD5: md5A}}})
	before := w.object("fn_sep_get_fingerprint_list", inputs{"sep_fingerprintlist_name": "Old"})
	require.Equal(t, "MD5", before["hashType"])
	require.Equal(t, []any{md5A}, before["data"], "as the scripts for such lists read it")
	for _, text := range []string{md5A + "," + md5B, md5A + " " + md5B, strings.ToLower(md5B + ", " + md5A)} {
		content := w.object("fn_sep_update_fingerprint_list", inputs{"sep_fingerprintlist_id": id, "sep_hash_value": text})
		require.Equal(t, id, content["id"])
		got := w.Lists()[0]
		require.Equal(t, "Old", got.Name)
		require.Equal(t, "as it was", got.Description)
		require.ElementsMatch(t, []sepm.Hashes{{MD5: md5A}, {MD5: md5B}}, got.Hashes)
	}
	// All digits, which Python's literal_eval took for a number.
	digits := strings.Repeat("12", 16)
	w.object("fn_sep_update_fingerprint_list", inputs{"sep_fingerprintlist_name": "Old", "sep_hash_value": digits})
	require.Equal(t, []sepm.Hashes{{MD5: digits}}, w.Lists()[0].Hashes)
}

// TestC5C6 is a list of both kinds, as the playbooks of fn_sep 1.2 send it: the
// text of Python's list.
func TestC5C6(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{})
	id := w.AddList(sepm.List{Name: "Mixed", Hashes: []sepm.Hashes{{MD5: md5A, SHA256: sha256A}, {SHA256: sha256B}}})
	update := func(text string) map[string]any {
		return w.object("fn_sep_update_fingerprint_list", inputs{"sep_fingerprintlist_id": id, "sep_fingerprintlist_name": "Mixed", "sep_hash_value": text})
	}
	// A hash that is there already comes again, in another case.
	content := update(fmt.Sprintf("[{'MD5': '%s', 'SHA256': '%s'}, {'SHA256': '%s'}, {'SHA256': '%s'}]", md5A, sha256A, sha256B, strings.ToLower(sha256B)))
	require.Empty(t, content["added"])
	require.Empty(t, content["removed"])
	require.Equal(t, []sepm.Hashes{{MD5: md5A, SHA256: sha256A}, {SHA256: sha256B}}, w.Lists()[0].Hashes)
	// Plain hashes do not part a file's two.
	update(strings.ToLower(strings.Join([]string{md5A, sha256A, md5B}, ",")))
	require.ElementsMatch(t, []sepm.Hashes{{MD5: md5A, SHA256: sha256A}, {MD5: md5B}}, w.Lists()[0].Hashes)
	// One hash of a file goes, the other stays.
	content = update(fmt.Sprintf(`[{"SHA256":"%s"}]`, sha256A))
	require.Equal(t, []any{md5A, md5B}, content["removed"])
	require.Equal(t, []sepm.Hashes{{SHA256: sha256A}}, w.Lists()[0].Hashes)
}

// TestC7 is a success of which SEPM says nothing: scripts take an empty content
// for no result.
func TestC7(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Groups: []sepm.Group{{Name: `My Company\Lockdown`}}})
	id := w.AddList(sepm.List{Name: "L", Hashes: []sepm.Hashes{{MD5: md5A}}})
	group := ""
	for _, g := range w.Groups() {
		if g.Name == `My Company\Lockdown` {
			group = g.ID
		}
	}
	assigned := w.object("fn_sep_assign_fingerprint_list_to_group", inputs{"sep_groupid": group, "sep_fingerprintlist_id": id})
	require.Equal(t, map[string]any{"group_id": group, "fingerprint_id": id, "assigned": true}, assigned)
	require.Equal(t, []any{group}, w.object("fn_sep_get_fingerprint_list", inputs{"sep_fingerprintlist_id": id})["groupIds"])
	deleted := w.object("fn_sep_delete_fingerprint_list", inputs{"sep_fingerprintlist_id": id})
	require.Equal(t, map[string]any{"id": id, "deleted": true}, deleted)
}

// TestC14 is a computer of each release: scripts read osname and osName.
func TestC14(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		w := newWorld(t, sepm.Options{Release: release, Computers: []sepm.Computer{{Name: "PC-1", OS: "Win10", Integrity: sepm.IntegrityFailed, LastScan: time.Date(2024, 8, 21, 11, 0, 0, 0, time.UTC)}}})
		computer := list(w.object("fn_sep_get_computers", nil), "content")[0]
		for key, want := range map[string]any{
			"osname": "Windows 10", "osName": "Windows 10", "agentType": "105", "readableLastScanTime": "2024-08-21 11:00:00",
			"readableLastVirusTime": "Never", "timediffLastScanTime": 3600.0,
		} {
			require.Equal(t, want, computer[key], "%s on %s", key, release)
		}
		require.EqualValues(t, 1, w.object("fn_sep_get_computers", inputs{"sep_status": "true"})["hi_failed"], "%s", release)
	}
}

// TestC13C16C17 is the status of a fleet, through SEPM's own answers.
func TestC13C16C17(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{
		{Name: "SAME", ID: strings.Repeat("1", 32), LastUpdate: now, Engines: map[string]int{"apOnOff": 3, "daOnOff": 5}},
		{Name: "SAME", ID: strings.Repeat("2", 32), LastUpdate: now, Engines: map[string]int{"firewallOnOff": 0, "apOnOff": 3, "daOnOff": 5}},
		{Name: "SAME", ID: strings.Repeat("3", 32), LastUpdate: now.Add(-31 * time.Minute), Offline: true},
	}})
	summary := map[string]any{"total": 3.0, "non_compliant": 2.0, "offline": 1.0, "hi_failed": 0.0, "up_to_date": 2.0, "out_of_date": 1.0, "disabled": 1.0}
	require.Equal(t, summary, w.object("fn_sep_get_computers", inputs{"sep_status": "true"}))
	content := w.object("fn_sep_get_computers", inputs{"sep_status_details": "true"})
	details := list(content, "eps")
	require.Len(t, details, 2)
	require.Equal(t, strings.Repeat("2", 32), details[0]["computer_id"])
	require.Equal(t, "Disabled", details[0]["host_integrity_check"])
	require.Equal(t, "Disabled", details[0]["firewallOnOff"])
	require.Equal(t, "Disabled by policy", details[0]["apOnOff"])
	require.Equal(t, "Disabled, unlicensed", details[0]["daOnOff"])
	require.Equal(t, "Offline", details[1]["onlineStatus"])
	delete(content, "eps")
	require.Equal(t, summary, content)
}

// TestC18C19 is a computer whose name begins another's.
func TestC18C19(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "HOST-10"}, {Name: "Host-1"}}})
	content := w.object("fn_sep_get_computers", inputs{"sep_computername": "HOST-1"})
	require.Equal(t, []string{"Host-1"}, namesOf(content, "computerName"))
	require.EqualValues(t, 1, content["totalElements"])
	require.Len(t, list(w.object("fn_sep_get_computers", inputs{"sep_computername": "host-1*"}), "content"), 2)
	require.Empty(t, list(w.object("fn_sep_get_computers", inputs{"sep_computername": "HOST"}), "content"))
}

// TestC20C21 is what is written into a scan.
func TestC20C21(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1"}}})
	scan := func(in inputs) string {
		in["sep_computer_ids"], in["sep_scan_type"] = w.ids(), "QUICK_SCAN"
		w.object("fn_sep_scan_endpoints", in)
		commands := w.Commands()
		return commands[len(commands)-1].Body
	}
	body := scan(inputs{"sep_file_path": `C:\a & b's "x".exe`, "sep_description": `</Description><Attacker x="1"> & more`})
	require.Contains(t, body, `&lt;/Description&gt;&lt;Attacker`)
	require.Contains(t, body, `C:\a &amp; b`)
	body = scan(inputs{"sep_sha256": sha256A})
	require.Contains(t, body, `name="" action="create"`, "a scan by hash names no file")
	body = scan(inputs{"sep_sha256": sha256A, "sep_file_path": `C:\a.exe`, "sep_scan_action": "remediate"})
	require.NotContains(t, body, "a.exe")
	require.Contains(t, body, "<RemediationAction>REMEDIATE</RemediationAction>")
}

// TestC24 is the list of a group's matches: partial ones too, quoted, and
// without a title above its header.
func TestC24(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "=PC,1", Files: []sepm.File{
		{Path: `C:\temp\evil, really.exe`, Content: []byte("a")}, {Path: `D:\evil, really.exe`, Content: []byte("b")},
	}}}})
	group := w.Computers()[0].Group.ID
	id := w.object("fn_sep_scan_endpoints", inputs{"sep_group_ids": group, "sep_scan_type": "FULL_SCAN", "sep_file_path": `C:\temp\evil, really.exe`})["commandID_group"].(string)
	w.pass(time.Minute)
	w.options.Results = 1
	result, content, err := w.try("fn_sep_get_command_status", inputs{"sep_commandid": id, "sep_status_type": "scan"})
	require.NoError(t, err)
	require.NotNil(t, result.Attachment, "%v", content)
	require.Equal(t, "EOC_scan_results_for_commandid_"+id+"_20240821120100.csv", result.Attachment.Name)
	rows, err := csv.NewReader(strings.NewReader(string(result.Attachment.Content))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"Computer name", "Computer id", "Artifact type", "Artifact value", "File path", "Hash value", "Match", "Remediation"}, rows[0])
	require.Len(t, rows, 3)
	require.Equal(t, "'=PC,1", rows[1][0], "no spreadsheet takes it for a formula")
	require.ElementsMatch(t, []string{"FULL_MATCH", "PARTIAL_MATCH"}, []string{rows[1][6], rows[2][6]})
	require.ElementsMatch(t, []string{`C:\temp\evil, really.exe`, `D:\evil, really.exe`}, []string{rows[1][4], rows[2][4]})
}

// TestC28 is the content of an uploaded file, and one too large for a result.
func TestC28(t *testing.T) {
	t.Parallel()
	large := []byte(strings.Repeat("0123456789abcdef", 60_000))
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1", Files: []sepm.File{
		{Path: `C:\small.exe`, Content: []byte("Test data")}, {Path: `C:\large.exe`, Content: large},
	}}}})
	fetch := func(path string, file []byte) (string, bool, []byte) {
		hash := fmt.Sprintf("%x", sha256.Sum256(file))
		command := w.object("fn_sep_upload_file_to_sepm", inputs{"sep_computer_ids": w.ids(), "sep_file_path": path, "sep_sha256": hash})["commandID"].(string)
		w.pass(time.Minute)
		status := w.object("fn_sep_get_command_status", inputs{"sep_commandid": command, "sep_status_type": "upload"})
		require.Equal(t, "Completed", status["overall_command_state"])
		id := list(status, "content")[0]["binaryFileId"].(string)
		result, content, err := w.try("fn_sep_get_file_content_as_base64", inputs{"sep_file_id": id})
		require.NoError(t, err)
		text, _ := content.(string)
		if !result.Truncated {
			return text, false, nil
		}
		require.Equal(t, map[string]any{"truncated": true, "att_name": result.Attachment.Name}, content)
		return text, true, result.Attachment.Content
	}
	text, truncated, _ := fetch(`C:\small.exe`, []byte("Test data"))
	require.False(t, truncated)
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte("Test data")), text)
	_, truncated, attached := fetch(`C:\large.exe`, large)
	require.True(t, truncated)
	require.Equal(t, base64.StdEncoding.EncodeToString(large), string(attached))
}

// TestC29 is the tree of groups, and an exceptions policy that is there.
func TestC29(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: sepm.Fleet(1, 20)})
	content := w.object("fn_sep_get_groups", inputs{"sep_mode": "tree"})
	require.Len(t, list(content, "content"), 1)
	require.NotEmpty(t, list(list(content, "content")[0], "childGroups"))
	one := w.object("fn_sep_get_groups", inputs{"sep_fullpathname": `my company\workstations`, "sep_domain": "Default"})
	require.Equal(t, []string{`My Company\Workstations`}, namesOf(one, "fullPathName"), "and not the group below it")
	require.Equal(t, map[string]any{"id": sepm.DefaultDomainID, "name": "Default"}, list(one, "content")[0]["domain"])
}

// TestC32 is a number of events.
func TestC32(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{})
	require.Len(t, list(w.object("sep_get_critical_events_info", nil), "criticalEventsInfoList"), 2)
	content := w.object("sep_get_critical_events_info", inputs{"sep_results_limit": "1"})
	events := list(content, "criticalEventsInfoList")
	require.Len(t, events, 1)
	require.Equal(t, "2024-08-21 12:00:00.0", events[0]["eventDateTime"], "the newest")
	require.NotContains(t, events[0]["message"], "br")
	require.EqualValues(t, 2, content["totalUnacknowledgedMessages"])
}

// TestC33 is a domain that is not there: without it another would be asked.
func TestC33(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{})
	for name, in := range map[string]inputs{
		"fn_sep_get_computers": {"sep_domain": "Nowhere"}, "fn_sep_get_groups": {"sep_domain": "Nowhere"}, "sep_get_policy_summary": {"sep_domainid": "Nowhere"},
		"fn_sep_get_fingerprint_list": {"sep_domainid": "Nowhere", "sep_fingerprintlist_name": "L"},
		"fn_sep_add_fingerprint_list": {"sep_domainid": "Nowhere", "sep_fingerprintlist_name": "L", "sep_hash_value": md5A},
	} {
		_, _, err := w.try(name, in)
		require.ErrorContains(t, err, `SEPM has no domain "Nowhere"; it has Default`, name)
	}
}

func keys(object map[string]any) []string {
	var all []string
	for key := range object {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

func namesOf(content map[string]any, key string) []string {
	var names []string
	for _, object := range list(content, "content") {
		name, _ := object[key].(string)
		names = append(names, name)
	}
	return names
}
