package enrich_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

var evil = []byte("evil")

func evilSHA256() string { return fmt.Sprintf("%x", sha256.Sum256(evil)) }

// infected are computers with a file.
func infected(n int, paths ...string) []sepm.Computer {
	var all []sepm.Computer
	for i := range n {
		c := sepm.Computer{Name: fmt.Sprintf("PC-%05d", i)}
		for _, path := range paths {
			c.Files = append(c.Files, sepm.File{Path: path, Content: evil})
		}
		all = append(all, c)
	}
	return all
}

// scan starts a scan of all computers, and gives the text of its ids.
func (w *world) scan(in inputs) string {
	w.t.Helper()
	if in["sep_computer_ids"] == "" {
		in["sep_computer_ids"] = w.ids()
	}
	in["sep_scan_type"] = "FULL_SCAN"
	id, _ := w.object("fn_sep_scan_endpoints", in)["commandID_computer"].(string)
	require.NotEmpty(w.t, id)
	return id
}

func (w *world) status(id, kind string) map[string]any {
	w.t.Helper()
	return w.object("fn_sep_get_command_status", inputs{"sep_commandid": id, "sep_status_type": kind})
}

// TestCommandStatusC8 goes with a scan from its begin to its end: the state is
// that of all computers, and the keys are those that scripts read.
func TestCommandStatusC8(t *testing.T) {
	t.Parallel()
	computers := infected(3, `C:\evil.exe`)
	computers[1].Files = nil
	computers[2].Offline = true
	w := newWorld(t, sepm.Options{Computers: computers})
	id := w.scan(inputs{"sep_sha256": evilSHA256()})

	content := w.status(id, "scan")
	require.Equal(t, "Waiting/Not received", content["overall_command_state"])
	require.Equal(t, []any{}, content["content"])
	for _, key := range []string{"scan_eoc_hits_over_limit", "truncated_count", "att_name"} {
		value, there := content[key]
		require.True(t, there, key)
		require.Nil(t, value, key)
	}

	w.pass(time.Minute)
	content = w.status(id, "scan")
	require.Equal(t, "In progress", content["overall_command_state"], "one is offline, and it is not the first")
	for key, want := range map[string]any{
		"total_ep_count": 3.0, "total_not_completed": 1.0, "total_match_count": 1.0, "total_match_ep_count": 1.0,
		"total_remediation_count": 0.0, "total_fail_remediation_count": 0.0, "scan_artifact_value": evilSHA256(),
		"total_completed": 2.0, "total_waiting": 1.0, "numberOfElements": 3.0, "totalElements": 3.0, "lastPage": true,
	} {
		require.Equal(t, want, content[key], key)
	}
	endpoints := list(content, "content")
	require.Equal(t, map[string]any{
		"MATCH": true, "artifact_type": "SHA256 hash", "artifact_value": evilSHA256(), "match_count": 1.0,
		"remediation_count": 0.0, "fail_remediation_count": 0.0, "FULL_MATCHES": []any{}, "PARTIAL_MATCHES": []any{},
		"HASH_MATCHES": []any{map[string]any{"result": "HASH_MATCH", "value": `C:\evil.exe`, "hashType": "SHA256", "hashValue": evilSHA256()}},
	}, endpoints[0]["scan_result"], "an endpoint with a match comes first")
	require.Equal(t, "2024-08-21T12:00:05Z", endpoints[0]["beginTime"])
	for _, e := range endpoints[1:] {
		if e["stateId"] == 3.0 {
			require.Equal(t, false, e["scan_result"].(map[string]any)["MATCH"])
		} else {
			require.NotContains(t, e, "scan_result")
			require.Nil(t, e["beginTime"])
			require.Nil(t, e["binaryFileId"])
		}
	}
}

// TestCommandStatusC12 times out when it is known when the scan began.
func TestCommandStatusC12(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1", Offline: true}}})
	id := w.scan(inputs{"sep_md5": md5A})
	started := w.clock().Format(time.DateTime)
	in := inputs{"sep_commandid": id, "sep_status_type": "scan", "sep_scan_date": started}
	w.pass(45 * time.Minute)
	require.Equal(t, "In progress", w.object("fn_sep_get_command_status", in)["overall_command_state"])
	w.pass(time.Second)
	require.Equal(t, "Timedout", w.object("fn_sep_get_command_status", in)["overall_command_state"])
	require.Equal(t, "In progress", w.status(id, "scan")["overall_command_state"], "nobody said when it began")
	// A result that comes late is taken.
	w.ChangeComputer(w.Computers()[0].ID, func(c *sepm.Computer) { c.Offline = false })
	w.pass(time.Minute)
	require.Equal(t, "Completed", w.object("fn_sep_get_command_status", in)["overall_command_state"])

	in["sep_scan_date"] = "yesterday"
	input, _ := w.mistake("fn_sep_get_command_status", in)
	require.Equal(t, "sep_scan_date", input)
}

// TestCommandStatusC22 is a client that is through and says nothing, or breaks
// off.
func TestCommandStatusC22(t *testing.T) {
	t.Parallel()
	computers := infected(4, `C:\evil.exe`)
	computers[0].EOCResult, computers[1].EOCResult, computers[2].EOCResult = sepm.EOCEmpty, sepm.EOCNull, sepm.EOCCut
	w := newWorld(t, sepm.Options{Computers: computers})
	id := w.scan(inputs{"sep_sha256": evilSHA256()})
	w.pass(time.Minute)
	content := w.status(id, "scan")
	require.Equal(t, "Completed", content["overall_command_state"])
	require.Equal(t, 2.0, content["total_no_result"])
	require.Equal(t, 1.0, content["total_truncated_result"])
	for _, e := range list(content, "content") {
		require.NotNil(t, e["scan_result"], "scripts read it of each that has completed")
	}
}

// TestCommandStatusC23 tells a path from a name.
func TestCommandStatusC23(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{`C:\temp\evil.exe`: "File Path", "evil.exe": "File Name"} {
		w := newWorld(t, sepm.Options{Computers: infected(1, `C:\temp\evil.exe`)})
		id := w.scan(inputs{"sep_file_path": name})
		w.pass(time.Minute)
		result := list(w.status(id, "scan"), "content")[0]["scan_result"].(map[string]any)
		require.Equal(t, want, result["artifact_type"])
		require.Equal(t, name, result["artifact_value"])
		full := result["FULL_MATCHES"].([]any)
		require.Len(t, full, 1)
		require.Equal(t, evilSHA256(), full[0].(map[string]any)["hashValue"])
	}
}

// TestRemediationC21 is a hash on several places, one of which is stuck.
func TestRemediationC21(t *testing.T) {
	t.Parallel()
	computers := infected(2, `C:\evil.exe`, `C:\copy.exe`)
	computers[1].Files[1].Stuck = true
	w := newWorld(t, sepm.Options{Computers: computers})
	hash := fmt.Sprintf("%x", md5.Sum(evil))
	id := w.scan(inputs{"sep_md5": hash, "sep_file_path": `C:\evil.exe`, "sep_scan_action": "remediate"})
	w.pass(time.Minute)
	result, _, err := w.try("fn_sep_get_command_status", inputs{"sep_commandid": id, "sep_status_type": "Remediation"})
	require.NoError(t, err)
	content := w.status(id, "remediation")
	for key, want := range map[string]any{
		"total_remediation_count": 3.0, "total_remediation_ep_count": 2.0, "total_fail_remediation_count": 1.0,
		"total_unsupported_remediation_count": 0.0, "remediate_artifact_value": hash, "scan_artifact_value": "", "overall_command_state": "Completed",
	} {
		require.Equal(t, want, content[key], key)
	}
	require.Equal(t, "Remediation_results_for_commandid_"+id+"_20240821120100.csv", content["att_name"])
	require.Equal(t, content["att_name"], result.Attachment.Name)
	rows, err := csv.NewReader(strings.NewReader(string(result.Attachment.Content))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"Computer name", "Hash type", "Hash value", "File Path", "Computer id"}, rows[0])
	require.Len(t, rows, 4, "what was remediated")
}

// TestResultsLimit cuts just at the limit, and attaches all.
func TestResultsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: append(infected(5, `C:\a.exe`, `C:\b.exe`, `C:\c.exe`), sepm.Computer{Name: "CLEAN"})})
	id := w.scan(inputs{"sep_sha256": evilSHA256()})
	w.pass(time.Minute)
	for limit, want := range map[int]int{1: 1, 4: 4, 7: 7, 14: 14, 15: 15, 0: 15, 200: 15} {
		w.options.Results = limit
		result, value, err := w.try("fn_sep_get_command_status", inputs{"sep_commandid": id, "sep_status_type": "scan"})
		require.NoError(t, err)
		content := value.(map[string]any)
		shown := 0
		for _, e := range list(content, "content") {
			r := e["scan_result"].(map[string]any)
			shown += len(r["HASH_MATCHES"].([]any))
			require.EqualValues(t, len(r["HASH_MATCHES"].([]any)), r["match_count"])
			require.Equal(t, e["computerName"] != "CLEAN", r["MATCH"], "none is left without its matches")
		}
		require.Equal(t, want, shown, "limit %d", limit)
		require.Equal(t, 15.0, content["total_match_count"])
		require.Contains(t, namesOf(content, "computerName"), "CLEAN")
		if want == 15 {
			require.Nil(t, content["scan_eoc_hits_over_limit"])
			require.Nil(t, result.Attachment)
			continue
		}
		require.True(t, result.Truncated)
		require.Equal(t, true, content["scan_eoc_hits_over_limit"])
		require.EqualValues(t, limit, content["truncated_count"])
		require.Equal(t, result.Attachment.Name, content["att_name"])
		require.Equal(t, 16, strings.Count(string(result.Attachment.Content), "\r\n"), "a header and all matches")
	}
}

// TestMatchingEndpointIDs are those with matches, and not all of the scan.
func TestMatchingEndpointIDs(t *testing.T) {
	t.Parallel()
	computers := append(infected(2, `C:\evil.exe`), sepm.Computer{Name: "CLEAN"})
	w := newWorld(t, sepm.Options{Computers: computers})
	id := w.scan(inputs{"sep_sha256": evilSHA256()})
	in := inputs{"sep_commandid": id, "sep_status_type": "scan", "sep_matching_endpoint_ids": "True"}
	require.Equal(t, map[string]any{"endpoints_matching_ids": []any{}}, w.object("fn_sep_get_command_status", in))
	w.pass(time.Minute)
	var want []any
	for _, c := range w.Computers() {
		if c.Name != "CLEAN" {
			want = append(want, c.ID)
		}
	}
	content := w.object("fn_sep_get_command_status", in)
	require.Equal(t, []string{"endpoints_matching_ids"}, keys(content))
	require.ElementsMatch(t, want, content["endpoints_matching_ids"])
}

// listed is a SEPM that lists these computers for each command.
type listed struct {
	enrich.Manager
	statuses
}

func (l listed) CommandStatus(ctx context.Context, id string) iter.Seq2[sepclient.CommandStatus, error] {
	return l.statuses.CommandStatus(ctx, id)
}

// TestComputersThatComeAgain: SEPM's list moves while clients begin. Each is in
// the result once, as far as it has come.
func TestComputersThatComeAgain(t *testing.T) {
	t.Parallel()
	found := match(sepclient.HashMatch, `C:\a`, "")
	sepm := listed{statuses: statuses{"A": {
		at("1", sepclient.CommandInitial), at("2", sepclient.CommandReceived), at("1", sepclient.CommandCompleted, found),
		at("2", sepclient.CommandInitial), at("2", sepclient.CommandInProgress), at("1", sepclient.CommandCompleted, found),
	}}}
	result, err := function(t, "fn_sep_get_command_status").Whole(t.Context(), sepm, inputs{"sep_commandid": "A", "sep_status_type": "scan"}, enrich.Options{})
	require.NoError(t, err)
	data, err := json.Marshal(result.Content)
	require.NoError(t, err)
	var content map[string]any
	require.NoError(t, json.Unmarshal(data, &content))
	require.EqualValues(t, 2, content["total_ep_count"])
	endpoints := list(content, "content")
	require.Len(t, endpoints, 2)
	require.Equal(t, []any{"1", 3.0}, []any{endpoints[0]["computerId"], endpoints[0]["stateId"]})
	require.Equal(t, []any{"2", 2.0}, []any{endpoints[1]["computerId"], endpoints[1]["stateId"]})
}

// TestScanOfAFleet takes several requests and so several ids, which stay one
// text for the scripts; the result is bounded, and no match is left out of it
// for endpoints without one.
func TestScanOfAFleet(t *testing.T) {
	t.Parallel()
	const fleet, matching = 5_000, 100
	computers := append(infected(matching, `C:\evil.exe`), sepm.Fleet(1, fleet-matching)...)
	for i := range computers {
		computers[i].Offline = false
	}
	w := newWorld(t, sepm.Options{Computers: computers})
	ids := w.object("fn_sep_get_computers", inputs{"sep_matching_endpoint_ids": "true"})["endpoints_matching_ids"].([]any)
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]")
	id := w.scan(inputs{"sep_sha256": evilSHA256(), "sep_computer_ids": text})
	require.Greater(t, strings.Count(id, ","), 10)
	w.pass(time.Minute)
	before := w.Requests()
	result, value, err := w.try("fn_sep_get_command_status", inputs{"sep_commandid": id, "sep_status_type": "scan"})
	require.NoError(t, err)
	require.Less(t, w.Requests()-before, 2*(strings.Count(id, ",")+2), "a request for each page")
	content := value.(map[string]any)
	require.Equal(t, "Completed", content["overall_command_state"])
	require.EqualValues(t, fleet, content["total_ep_count"])
	require.EqualValues(t, matching, content["total_match_count"])
	require.Equal(t, true, content["truncated"])
	require.True(t, result.Truncated)
	require.EqualValues(t, len(list(content, "content")), content["numberOfElements"])
	for _, e := range list(content, "content")[:matching] {
		require.Equal(t, true, e["scan_result"].(map[string]any)["MATCH"])
	}
	require.Equal(t, fleet+1, strings.Count(string(result.Attachment.Content), "\r\n"), "all endpoints are attached")
}
