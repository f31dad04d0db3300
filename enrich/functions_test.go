package enrich_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// guide are the functions of the guide's chapter 5, and fn_sep's later five
// (contract: SEPM API B3): their inputs, those that are required with a *.
var guide = []struct{ name, title, inputs string }{
	{"fn_sep_scan_endpoints", "SEP - Scan Endpoints", "computer_ids group_ids scan_type* file_path sha256 sha1 md5 description scan_action"},
	{"fn_sep_upload_file_to_sepm", "SEP - Upload File to SEPM", "computer_ids group_ids file_path sha256 sha1 md5 source"},
	{"fn_sep_get_file_content_as_base64", "SEP - Get File Content as Base64", "file_id"},
	{"fn_sep_get_computers", "SEP - Get Computers", "computername status status_details domain lastupdate order os pageindex pagesize sort matching_endpoint_ids"},
	{"fn_sep_move_endpoint", "SEP - Move Endpoint", "groupid* hardwarekey*"},
	{"fn_sep_quarantine_endpoints", "SEP - Quarantine Endpoints", "computer_ids group_ids undo"},
	{"fn_sep_get_fingerprint_list", "SEP - Get Fingerprint List", "domainid* fingerprintlist_id fingerprintlist_name"},
	{"fn_sep_add_fingerprint_list", "SEP - Add Fingerprint List", "fingerprintlist_name description domainid hash_value"},
	{"fn_sep_update_fingerprint_list", "SEP - Update Fingerprint List", "fingerprintlist_name fingerprintlist_id description domainid hash_value"},
	{"fn_sep_get_groups", "SEP - Get Groups", "domain fullpathname mode pageindex pagesize order sort"},
	{"fn_sep_assign_fingerprint_list_to_group", "SEP - Assign Fingerprint List to Group", "groupid* fingerprintlist_id*"},
	{"fn_sep_delete_fingerprint_list", "SEP - Delete Fingerprint List", "fingerprintlist_id*"},
	{"fn_sep_get_command_status", "SEP - Get Command Status", "incident_id* commandid* status_type* matching_endpoint_ids order pageindex pagesize sort"},
	{"fn_sep_get_domains", "SEP - Get Domains", ""},
	{"sep_cancel_a_command", "SEP - Cancel a Command", "command_id*"},
	{"sep_get_critical_events_info", "SEP - Get Critical Events Info", "results_limit"},
	{"sep_get_policy_summary", "SEP - Get Policy Summary", "domainid"},
	{"sep_get_exceptions_policy", "SEP - Get Exceptions Policy", "exceptions_id*"},
	{"sep_get_firewall_policy", "SEP - Get Firewall Policy", "firewall_id*"},
}

// ofFnSEP are inputs that the guide does not list, and fn_sep's workflows or
// playbooks set.
var ofFnSEP = map[string][]string{
	"fn_sep_quarantine_endpoints": {"hardwarekey"},
	"fn_sep_get_command_status":   {"scan_date"},
}

// TestEveryFunctionIsThere holds the registry to the guide.
func TestEveryFunctionIsThere(t *testing.T) {
	t.Parallel()
	functions := enrich.Functions()
	require.Len(t, functions, len(guide))
	for i, want := range guide {
		f := functions[i]
		require.Equal(t, want.name, f.Name)
		require.Equal(t, want.title, f.Title)
		var got []string
		for _, def := range f.Inputs {
			require.NotEmpty(t, def.Help, "%s: %s", f.Name, def.Name)
			name := strings.TrimPrefix(def.Name, "sep_")
			if slices.Contains(ofFnSEP[f.Name], name) {
				require.False(t, def.Required)
				continue
			}
			if def.Required {
				name += "*"
			}
			got = append(got, name)
		}
		require.ElementsMatch(t, strings.Fields(want.inputs), got, f.Name)
	}
}

// TestAnswersThatScriptsLookFor: SEPM's refusal is the content, and an error
// where there is no workflow.
func TestAnswersThatScriptsLookFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{}, fault.Switch{Kind: fault.Status, Method: "PUT", Code: 400, FromServer: true})
	w.AddList(sepm.List{Name: "There", Hashes: []sepm.Hashes{{MD5: md5A}}})
	for _, tt := range []struct {
		function, code string
		in             inputs
	}{
		{"fn_sep_get_fingerprint_list", "410", inputs{"sep_fingerprintlist_name": "Nowhere"}},
		{"fn_sep_update_fingerprint_list", "410", inputs{"sep_fingerprintlist_id": "A", "sep_hash_value": md5A}},
		{"fn_sep_delete_fingerprint_list", "410", inputs{"sep_fingerprintlist_id": "A"}},
		{"fn_sep_assign_fingerprint_list_to_group", "400", inputs{"sep_groupid": "A", "sep_fingerprintlist_id": "B"}},
		{"fn_sep_add_fingerprint_list", "409", inputs{"sep_fingerprintlist_name": "There", "sep_hash_value": md5A}},
	} {
		result, content, err := w.try(tt.function, tt.in)
		require.NoError(t, err, tt.function)
		var problem *sepclient.Error
		require.ErrorAs(t, result.Problem, &problem)
		object := content.(map[string]any)
		require.Equal(t, tt.code, object["errorCode"], tt.function)
		require.Equal(t, problem.Message, object["errorMessage"])
		require.Equal(t, []string{"appErrorCode", "errorCode", "errorMessage"}, keys(object))

		_, err = function(t, tt.function).Call(t.Context(), w.client, tt.in, w.options)
		require.ErrorAs(t, err, &problem, "%s, called by a person", tt.function)
	}
	// A computer that could not be moved: scripts compare responseMessage.
	result, content, err := w.try("fn_sep_move_endpoint", inputs{"sep_hardwarekey": "NOWHERE", "sep_groupid": w.Groups()[0].ID})
	require.NoError(t, err)
	require.Error(t, result.Problem)
	require.NotEqual(t, "OK", content.([]any)[0].(map[string]any)["responseMessage"])
}

func TestMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1"}}, Groups: []sepm.Group{{Name: `My Company\Quarantine`}}})
	to := ""
	for _, g := range w.Groups() {
		if g.Name == `My Company\Quarantine` {
			to = g.ID
		}
	}
	content := w.whole("fn_sep_move_endpoint", inputs{"sep_hardwarekey": w.Computers()[0].HardwareKey, "sep_groupid": to})
	require.Equal(t, []any{map[string]any{"responseCode": "200", "responseMessage": "OK"}}, content)
	require.Equal(t, to, w.Computers()[0].Group.ID)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1", Offline: true}}})
	id := w.scan(inputs{"sep_md5": md5A})
	content := w.object("sep_cancel_a_command", inputs{"sep_command_id": id})
	commands := w.Commands()
	require.Equal(t, map[string]any{"commandID": commands[1].ID}, content)
	require.Equal(t, id, commands[1].Cancels)
	w.pass(time.Minute)
	status := w.status(id, "scan")
	require.Equal(t, "Completed", status["overall_command_state"])
	require.Equal(t, 1.0, status["total_cancelled"])
	require.Equal(t, 1.0, status["total_not_completed"], "as fn_sep counts")
}

// TestOnePageOfComputers is what a caller that walks through pages gets.
func TestOnePageOfComputers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: sepm.Fleet(1, 45), MaxPageSize: 7})
	seen := map[any]bool{}
	for page, n := range []int{20, 20, 5, 0} {
		content := w.object("fn_sep_get_computers", inputs{"sep_pageindex": fmt.Sprint(page + 1), "sep_pagesize": "20"})
		require.Len(t, content["content"], n)
		for key, want := range map[string]any{
			"number": float64(page), "size": 20.0, "numberOfElements": float64(n), "totalElements": 45.0, "totalPages": 3.0,
			"firstPage": page == 0, "lastPage": page >= 2,
		} {
			require.Equal(t, want, content[key], "%s of page %d", key, page)
		}
		for _, c := range list(content, "content") {
			seen[c["uniqueId"]] = true
		}
	}
	require.Len(t, seen, 45)
	whole := w.object("fn_sep_get_computers", inputs{"sep_sort": "COMPUTER_NAME", "sep_order": "desc"})
	names := namesOf(whole, "computerName")
	require.True(t, slices.IsSortedFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(b), strings.ToLower(a)) }))
	require.Equal(t, []any{map[string]any{"direction": "DESC", "property": "COMPUTER_NAME", "ascending": false}}, whole["sort"])
}

// TestLargeResult is cut at 1 MiB and attached; what comes piece by piece is
// not cut.
func TestLargeResult(t *testing.T) {
	t.Parallel()
	const fleet = 2_000
	w := newWorld(t, sepm.Options{Computers: sepm.Fleet(1, fleet)})
	result, value, err := w.try("fn_sep_get_computers", nil)
	require.NoError(t, err)
	content := value.(map[string]any)
	require.True(t, result.Truncated)
	require.Equal(t, true, content["truncated"])
	require.Equal(t, "Endpoints_20240821120000.csv", content["att_name"])
	require.EqualValues(t, fleet, content["totalElements"])
	require.EqualValues(t, len(list(content, "content")), content["numberOfElements"])
	require.Less(t, len(list(content, "content")), fleet)
	require.Equal(t, fleet+1, strings.Count(string(result.Attachment.Content), "\r\n"))

	out, err := function(t, "fn_sep_get_computers").Call(t.Context(), w.client, nil, w.options)
	require.NoError(t, err)
	n := 0
	for item, err := range out.Items {
		require.NoError(t, err)
		if item.JSON != nil {
			n++
		}
	}
	require.Equal(t, fleet, n)
}

// TestAllow asks before whatever changes something, with the call that it
// makes, and nothing is sent that is not allowed.
func TestAllow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: []sepm.Computer{{Name: "PC-1"}}})
	list := w.AddList(sepm.List{Name: "L", Hashes: []sepm.Hashes{{MD5: md5A}}})
	id := w.Computers()[0].ID
	one := incident.Target{Server: "main", Computers: []string{id}}
	hash := strings.ToLower(md5A)
	no := errors.New("it is paused")
	calls := map[string]struct {
		in     inputs
		op     incident.Operation
		target incident.Target
		body   string
	}{
		"fn_sep_scan_endpoints": {inputs{"sep_computer_ids": id, "sep_scan_type": "FULL_SCAN", "sep_md5": md5A, "sep_scan_action": "remediate"},
			incident.OpRemediate, one, `{"full":true,"description":"Scan for ` + hash + `","evidence":[{"hash_kind":"MD5","hash":"` + hash + `"}]}`},
		"fn_sep_upload_file_to_sepm": {inputs{"sep_computer_ids": id, "sep_file_path": "a", "sep_md5": md5A},
			incident.OpUpload, one, `{"path":"a","hash_kind":"MD5","hash":"` + hash + `","source":"FILESYSTEM"}`},
		"fn_sep_quarantine_endpoints": {inputs{"sep_computer_ids": id, "sep_group_ids": "G", "sep_undo": "true"}, incident.OpUndoQuarantine, one, ""},
		"fn_sep_move_endpoint": {inputs{"sep_hardwarekey": "H", "sep_groupid": "G"},
			incident.OpMove, incident.Target{Server: "main", Computers: []string{"H"}}, `{"group_id":"G"}`},
		"fn_sep_add_fingerprint_list": {inputs{"sep_fingerprintlist_name": "N", "sep_hash_value": md5A},
			incident.OpCreateList, incident.Target{Server: "main"}, `{"name":"N","hashes":["` + md5A + `"]}`},
		"fn_sep_update_fingerprint_list": {inputs{"sep_fingerprintlist_name": "L", "sep_hash_value": md5B},
			incident.OpReplaceList, incident.Target{Server: "main", Object: list}, `{"add":["` + md5B + `"],"remove":["` + md5A + `"]}`},
		"fn_sep_delete_fingerprint_list": {inputs{"sep_fingerprintlist_id": list}, incident.OpDeleteList, incident.Target{Server: "main", Object: list}, ""},
		"fn_sep_assign_fingerprint_list_to_group": {inputs{"sep_groupid": "G", "sep_fingerprintlist_id": list},
			incident.OpAssignList, incident.Target{Server: "main", Groups: []string{"G"}, Object: list}, ""},
		"sep_cancel_a_command": {inputs{"sep_command_id": "C"}, incident.OpCancel, incident.Target{Server: "main", Object: "C"}, ""},
	}
	for _, f := range enrich.Functions() {
		tt, changes := calls[f.Name]
		require.Equal(t, f.Changes, changes, f.Name)
		if !changes {
			continue
		}
		var asked []incident.Call
		w.options.Allow = func(c incident.Call) error {
			asked = append(asked, c)
			return no
		}
		_, _, err := w.try(f.Name, tt.in)
		require.ErrorIs(t, err, no)
		require.Len(t, asked, 1)
		require.Equal(t, tt.op, asked[0].Operation)
		require.Equal(t, tt.target, asked[0].Target)
		require.Equal(t, tt.body, string(asked[0].Body))
	}
	for call := range w.Calls() {
		require.True(t, strings.HasPrefix(call, "GET ") || strings.HasPrefix(call, "POST /identity"), call)
	}
}

// TestPartlySent is a command of which some requests came through: their ids
// are not lost.
func TestPartlySent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sepm.Options{Computers: sepm.Fleet(1, 450)}, fault.Switch{Kind: fault.Status, Path: "command-queue/eoc", Code: 500, After: 1, FromServer: true})
	result, content, err := w.try("fn_sep_scan_endpoints", inputs{"sep_computer_ids": w.ids(), "sep_scan_type": "QUICK_SCAN", "sep_md5": md5A})
	require.ErrorContains(t, err, "part 2 of 3")
	require.Nil(t, result.Problem)
	require.Equal(t, map[string]any{"commandID_computer": w.Commands()[0].ID}, content)
}

// TestKeysAreDocumented holds what the functions say of their results to
// results.
func TestKeysAreDocumented(t *testing.T) {
	t.Parallel()
	computers := append(infected(2, `C:\evil.exe`), sepm.Computer{Name: "OLD"})
	w := newWorld(t, sepm.Options{Computers: computers})
	w.options.AllowGroupTargets = true
	w.AddList(sepm.List{Name: "L", Hashes: []sepm.Hashes{{MD5: md5A}}})
	policies := map[string]string{}
	for _, p := range list(w.object("sep_get_policy_summary", nil), "content") {
		policies[p["policytype"].(string)] = p["id"].(string)
	}
	group := w.Computers()[0].Group.ID
	scan := w.object("fn_sep_scan_endpoints", inputs{"sep_computer_ids": w.ids(), "sep_group_ids": group, "sep_scan_type": "QUICK_SCAN", "sep_sha256": evilSHA256()})["commandID_computer"].(string)
	w.pass(time.Minute)
	all := map[string][]inputs{
		"fn_sep_scan_endpoints":          {{"sep_computer_ids": w.ids(), "sep_group_ids": group, "sep_scan_type": "QUICK_SCAN", "sep_md5": md5A}},
		"fn_sep_upload_file_to_sepm":     {{"sep_computer_ids": w.ids(), "sep_group_ids": group, "sep_file_path": `C:\a`, "sep_md5": md5A}},
		"fn_sep_get_computers":           {nil, {"sep_status": "true"}, {"sep_status_details": "true"}, {"sep_matching_endpoint_ids": "true"}},
		"fn_sep_quarantine_endpoints":    {{"sep_computer_ids": w.ids(), "sep_group_ids": group}, {"sep_group_ids": group}},
		"fn_sep_get_fingerprint_list":    {{"sep_fingerprintlist_name": "L"}},
		"fn_sep_add_fingerprint_list":    {{"sep_fingerprintlist_name": "New", "sep_hash_value": md5A}},
		"fn_sep_update_fingerprint_list": {{"sep_fingerprintlist_name": "L", "sep_hash_value": md5B}},
		"fn_sep_get_groups":              {nil, {"sep_mode": "tree"}},
		"fn_sep_get_command_status":      {{"sep_commandid": scan, "sep_status_type": "scan"}, {"sep_commandid": scan, "sep_status_type": "scan", "sep_matching_endpoint_ids": "true"}},
		"sep_cancel_a_command":           {{"sep_command_id": scan}},
		"sep_get_critical_events_info":   {nil},
		"sep_get_policy_summary":         {nil},
		"sep_get_exceptions_policy":      {{"sep_exceptions_id": policies["exceptions"]}},
		"sep_get_firewall_policy":        {{"sep_firewall_id": policies["fw"]}},
	}
	word := regexp.MustCompile(`[\w]+`)
	for name, calls := range all {
		told := map[string]bool{}
		for _, key := range function(t, name).Keys {
			if strings.HasPrefix(key.Name, "truncated") || strings.HasPrefix(key.Name, "errorCode") {
				continue // not of these results
			}
			for part := range strings.SplitSeq(key.Name, ", ") {
				told[word.FindString(part)] = false
			}
		}
		for _, in := range calls {
			for key := range w.object(name, in) {
				require.Contains(t, told, key, "%s gives it", name)
				told[key] = true
			}
		}
		for key, given := range told {
			require.True(t, given, "%s is said to give %s", name, key)
		}
	}
}

// fleetOf is a SEPM with so many computers and nothing else.
type fleetOf struct {
	enrich.Manager
	n int
}

func (f fleetOf) Computers(context.Context, sepclient.ComputerQuery) iter.Seq2[sepclient.Computer, error] {
	return func(yield func(sepclient.Computer, error) bool) {
		for i := range f.n {
			if !yield(sepclient.Computer{ID: fmt.Sprintf("%032d", i), Name: "PC", JSON: json.RawMessage(`{"uniqueId":"1"}`)}, nil) {
				return
			}
		}
	}
}

// TestIDsOfALargeFleet are more than a result holds: it says so, and attaches
// them all.
func TestIDsOfALargeFleet(t *testing.T) {
	t.Parallel()
	const fleet = 100_000
	for n, cut := range map[int]bool{25_000: false, fleet: true} {
		result, err := function(t, "fn_sep_get_computers").Whole(t.Context(), fleetOf{n: n}, inputs{"sep_matching_endpoint_ids": "true"}, enrich.Options{})
		require.NoError(t, err)
		require.Equal(t, cut, result.Truncated)
		data, err := json.Marshal(result.Content)
		require.NoError(t, err)
		require.LessOrEqual(t, len(data), 1<<20)
		if cut {
			require.Equal(t, n+1, strings.Count(string(result.Attachment.Content), "\r\n"))
		} else {
			require.Equal(t, n, strings.Count(string(data), `"`)/2-1, "all but the key")
		}
	}
}
