package sepm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// meant is what an answer is where the description says no more than a page of
// objects, or nothing.
var meant = map[string]string{
	"GET /computers":                "page of Computer",
	"GET /groups/{group}/computers": "page of Computer",
	"GET /groups":                   "page of Group",
	"GET /command-queue/{id}":       "page of CommandStatusDetail",
	"GET /policies/summary":         "page of PolicySummary",
	"GET /policies/summary/{type}":  "page of PolicySummary",
	"GET /groups/{group}/locations": "[]string",
}

// known is everything in which the stand-in differs from SEPM's description,
// with the reason in the contract.
var known = map[string]string{
	"Sort is no object":                  "A5: an array of them",
	"POST /oauth/token is not described": "A6: the refresh grant, below /sepm and not below /sepm/api",

	"PATCH /computers answers 207":                               "A10: Multi-Status was observed",
	"GET /policy-objects/fingerprints answers 410":               "A12: the status of an unknown list, for 404",
	"GET /policy-objects/fingerprints/{id} answers 410":          "A12",
	"GET /v2/policy-objects/fingerprints answers 410":            "A12",
	"GET /v2/policy-objects/fingerprints/{id} answers 410":       "A12",
	"POST /policy-objects/fingerprints/{id} answers 409":         "A12: a name exists once, whoever gives it",
	"POST /groups/{group} answers 409":                           "A11 says no errors of groups; a name exists once",
	"POST /groups/{group} answers 410":                           "A11: as GET of a group",
	"PATCH /groups/{group} answers 409":                          "as POST",
	"DELETE /groups/{group} answers 409":                         "A11 says no errors; the console keeps a group with clients",
	"GET /groups/{group}/computers answers 410":                  "A11: as GET of a group",
	"GET /policies/summary/{type} answers 400":                   "A17: msl is refused",
	"GET /policies/firewall/{id} answers 410":                    "A3: 410 where others use 404",
	"GET /policies/exceptions/{id} answers 410":                  "A3",
	"GET /domains answers 401":                                   "A3: every operation but two asks for a token",
	"identity_UserToken.fullname is not described":               "A6: one of two spellings, and the other UserToken has it",
	"ExceptionsRuleFile.pathvariable has another value":          "D5: the real server says [NONE]",
	"ExceptionsRuleFile.scancategory has another value":          "D5: the real server says AllScans",
	"ExceptionsRuleDirectory.pathvariable has another value":     "D5",
	"ExceptionsRuleDirectory.scancategory has another value":     "D5",
	"ExceptionsRuleExtensionList.scancategory has another value": "D5",
	"FirewallRuleConfiguration.severity has another value":       "A17: a number on the real server",
	"Computer.osname is not described":                           "A10: second spellings of 14.2",
	"Computer.osbitness is not described":                        "A10",
	"Computer.osmajor is not described":                          "A10",
	"Computer.osminor is not described":                          "A10",
	"Computer.osfunction is not described":                       "A10",
	"Computer.oslanguage is not described":                       "A10",
	"Computer.osversion is not described":                        "A10",
	"Computer.osservicePack is not described":                    "A10",
	"Computer.osflavorNumber is not described":                   "A10",
	"POST /policy-objects/fingerprints/{id} says nothing":        "A12: an empty body, not a string",
	"POST /v2/policy-objects/fingerprints/{id} says nothing":     "A12",
	"DELETE /policy-objects/fingerprints/{id} says nothing":      "A12",
	"DELETE /v2/policy-objects/fingerprints/{id} says nothing":   "A12",
}

// exchange is one request, and the status that it gets.
type exchange struct {
	operation, path, body string
	want                  int
}

// TestAgainstTheDescription: every operation is one of SEPM's own, and so is
// each parameter that is read, each status, and each field of what it answers.
func TestAgainstTheDescription(t *testing.T) {
	c := &checker{description: describe(t), differences: map[string]bool{}}
	unasked := map[string]bool{}
	for _, name := range sepm.Operations() {
		unasked[name] = true
		if _, key := c.operation(name); c.Operations[key].Statuses == nil {
			c.differ(name + " is not described")
		}
	}
	old := grouped()
	old.Release = sepm.V142
	c.ask(loggedIn(t, old), exchange{"GET /computers", "/computers", "", 200})

	opt := grouped()
	opt.Computers[0].Files = []sepm.File{{Path: `C:\a.exe`, Content: []byte("a")}}
	opt.Computers[0].MACs = []string{"02-00-00-00-00-01"}
	b := loggedIn(t, opt)
	for _, e := range exchanges(b) {
		delete(unasked, e.operation)
		c.ask(b, e)
	}
	c.withoutLogin(setup(t, sepm.Options{}))
	delete(unasked, "POST /oauth/token") // not described
	require.Empty(t, slices.Sorted(maps.Keys(unasked)), "operations that no exchange is about")
	require.Equal(t, slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(c.differences)))
}

func (c *checker) withoutLogin(b *bench) {
	c.ask(b, exchange{"GET /domains", "/domains", "", 401})
	c.ask(b, exchange{"POST /identity/authenticate", "/identity/authenticate", "{}", 400})
	c.ask(b, exchange{"POST /identity/authenticate", "/identity/authenticate", `{"username":"a","password":"b"}`, 401})
}

// exchanges are about every operation.
func exchanges(b *bench) []exchange {
	first := b.AddList(sepm.List{Name: "first", Hashes: []sepm.Hashes{{MD5: md5("a")}}})
	b.AddList(sepm.List{Name: "mixed", Hashes: []sepm.Hashes{{MD5: md5("a")}, {SHA256: sha256("a")}}})
	third := b.AddList(sepm.List{Name: "third", Hashes: []sepm.Hashes{{MD5: md5("a")}}})
	fileID := fmt.Sprint(b.upload("md5=" + digests("a")["MD5"] + "&file_path=" + query(`C:\a.exe`))["binaryFileId"])
	scan := b.command("eoc?computer_ids="+id("1"), document(full, file("", "MD5", digests("a")["MD5"])))["commandID_computer"]
	b.through()
	policy := func(kind string) string {
		return fmt.Sprint(b.page("/policies/summary/" + kind).Content[0]["id"])
	}
	list := func(name string) string {
		return `{"name":"` + name + `","hashType":"MD5","data":["` + md5("c") + `"]}`
	}
	const newer = `{"name":"newer","data":[{"MD5":"cccccccccccccccccccccccccccccccc"}]}`
	lockdown := "/groups/" + id("E") + "/system-lockdown/fingerprints/"
	own := "PUT /groups/{group}/system-lockdown/fingerprints/{list}"
	return []exchange{
		{"POST /identity/authenticate", "/identity/authenticate?appName=a", `{"username":"admin","password":"admin"}`, 200},
		{"GET /sessions/currentuser", "/sessions/currentuser", "", 200},
		{"GET /version", "/version", "", 200},
		{"GET /domains", "/domains", "", 200},
		{"GET /computers", "/computers?computerName=*&mac=*&domain=" + sepm.DefaultDomainID + "&lastUpdate=0&os=Win10&pageIndex=1&pageSize=5&sort=COMPUTER_ID&order=DESC", "", 200},
		{"GET /computers", "/computers?computer_id=" + id("1") + "&hardware_key=x&feature=av&verbose=true", "", 200},
		{"GET /computers", "/computers?pageIndex=0", "", 400},
		{"PATCH /computers", "/computers", moves(id("E"), id("9")), 207},
		{"PATCH /computers", "/computers", "[]", 400},
		{"GET /groups", "/groups?fullPathName=My&domain=" + sepm.DefaultDomainID + "&pageIndex=1&pageSize=5&sort=NAME&order=ASC", "", 200},
		{"GET /groups", "/groups?mode=tree", "", 200},
		{"GET /groups/{group}", "/groups/" + id("E") + "?domainId=" + sepm.DefaultDomainID, "", 200},
		{"GET /groups/{group}", "/groups/" + id("9"), "", 410},
		{"GET /groups/{group}/computers", "/groups/" + id("E") + "/computers?pageSize=5", "", 200},
		{"GET /groups/{group}/computers", "/groups/" + id("9") + "/computers", "", 410},
		{"GET /groups/{group}/locations", "/groups/" + id("E") + "/locations", "", 200},
		{"POST /groups/{group}", "/groups/" + id("E"), `{"name":"x"}`, 201},
		{"POST /groups/{group}", "/groups/" + id("E"), `{"name":"x"}`, 409},
		{"POST /groups/{group}", "/groups/" + id("9"), `{"name":"x"}`, 410},
		{"PATCH /groups/{group}", "/groups/" + id("E"), `{"name":"y"}`, 200},
		{"PATCH /groups/{group}", "/groups/" + id("E"), `{"name":"Default Group"}`, 409},
		{"DELETE /groups/{group}", "/groups/" + id("E"), "", 409},

		{"POST /policy-objects/fingerprints", "/policy-objects/fingerprints", list("second"), 200},
		{"POST /policy-objects/fingerprints", "/policy-objects/fingerprints", list("second"), 409},
		{"POST /policy-objects/fingerprints/{id}", "/policy-objects/fingerprints/" + first, list("second"), 409},
		{"GET /policy-objects/fingerprints", "/policy-objects/fingerprints?name=first&domainId=" + sepm.DefaultDomainID, "", 200},
		{"GET /policy-objects/fingerprints", "/policy-objects/fingerprints?name=mixed", "", 400},
		{"GET /policy-objects/fingerprints", "/policy-objects/fingerprints?name=none", "", 410},
		{"GET /policy-objects/fingerprints/{id}", "/policy-objects/fingerprints/" + first, "", 200},
		{"GET /policy-objects/fingerprints/{id}", "/policy-objects/fingerprints/none", "", 410},
		{"POST /policy-objects/fingerprints/{id}", "/policy-objects/fingerprints/" + first, list("first"), 200},
		{"POST /policy-objects/fingerprints/{id}", "/policy-objects/fingerprints/none", list("first"), 410},
		{"POST /v2/policy-objects/fingerprints", "/v2/policy-objects/fingerprints", newer, 200},
		{"GET /v2/policy-objects/fingerprints", "/v2/policy-objects/fingerprints?name=mixed", "", 200},
		{"GET /v2/policy-objects/fingerprints", "/v2/policy-objects/fingerprints?name=none", "", 410},
		{"GET /v2/policy-objects/fingerprints/{id}", "/v2/policy-objects/fingerprints/" + first, "", 200},
		{"GET /v2/policy-objects/fingerprints/{id}", "/v2/policy-objects/fingerprints/none", "", 410},
		{"POST /v2/policy-objects/fingerprints/{id}", "/v2/policy-objects/fingerprints/" + third, strings.Replace(newer, "newer", "third", 1), 200},
		{own, lockdown + first, "", 200},
		{own, lockdown + first, "", 422},
		{own, lockdown + "none", "", 400},
		{own, "/groups/" + id("F") + "/system-lockdown/fingerprints/" + first, "", 409},
		{own, "/groups/" + id("9") + "/system-lockdown/fingerprints/" + first, "", 410},
		{"DELETE /policy-objects/fingerprints/{id}", "/policy-objects/fingerprints/" + first, "", 200},
		{"DELETE /policy-objects/fingerprints/{id}", "/policy-objects/fingerprints/" + first, "", 410},
		{"DELETE /v2/policy-objects/fingerprints/{id}", "/v2/policy-objects/fingerprints/" + third, "", 200},

		{"POST /command-queue/activescan", "/command-queue/activescan?power=true&computer_ids=" + id("1") + "&group_ids=" + id("E"), "", 200},
		{"POST /command-queue/activescan", "/command-queue/activescan", "", 400},
		{"POST /command-queue/fullscan", "/command-queue/fullscan?power=true&computer_ids=" + id("1"), "", 200},
		{"POST /command-queue/updatecontent", "/command-queue/updatecontent?computer_ids=" + id("1"), "", 200},
		{"POST /command-queue/quarantine", "/command-queue/quarantine?undo=true&hardware_ids=x&computer_ids=" + id("1"), "", 200},
		{"POST /command-queue/eoc", "/command-queue/eoc?computer_ids=" + id("1"), document(quick, ""), 200},
		{"POST /command-queue/eoc", "/command-queue/eoc?computer_ids=" + id("1"), "x", 400},
		{"POST /command-queue/files", "/command-queue/files?source=BOTH&md5=x&sha1=x&sha256=x&file_path=x&computer_ids=" + id("1"), "", 200},
		{"GET /command-queue/{id}", "/command-queue/" + scan + "?pageIndex=1&pageSize=1&sort=Begintime&order=ASC", "", 200},
		{"POST /command-queue/{id}/cancel", "/command-queue/" + scan + "/cancel", "", 200},
		{"POST /command-queue/{id}/cancel", "/command-queue/" + id("9") + "/cancel", "", 404},
		{"GET /command-queue/file/{id}/details", "/command-queue/file/" + fileID + "/details", "", 200},
		{"GET /command-queue/file/{id}/content", "/command-queue/file/" + fileID + "/content", "", 200},
		{"GET /command-queue/file/{id}/content", "/command-queue/file/" + id("9") + "/content", "", 410},
		{"GET /requested-files/{sha256}/content", "/requested-files/" + digests("a")["SHA256"] + "/content", "", 200},

		{"GET /events/critical", "/events/critical?includeAcknowledged=true&pageIndex=1&pageSize=1", "", 200},
		{"POST /events/acknowledge/{id}", "/events/acknowledge/" + id("9"), "", 400},
		{"GET /stats/client/onlinestatus", "/stats/client/onlinestatus", "", 200},
		{"GET /policies/summary", "/policies/summary?domainId=" + id("B"), "", 200},
		{"GET /policies/summary/{type}", "/policies/summary/fw", "", 200},
		{"GET /policies/summary/{type}", "/policies/summary/msl", "", 400},
		{"GET /policies/firewall/{id}", "/policies/firewall/" + policy("fw"), "", 200},
		{"GET /policies/firewall/{id}", "/policies/firewall/none", "", 410},
		{"GET /policies/exceptions/{id}", "/policies/exceptions/" + policy("exceptions"), "", 200},
		{"GET /policies/exceptions/{id}", "/policies/exceptions/none", "", 410},
		{"GET /v2/policies/exceptions/{id}", "/v2/policies/exceptions/" + policy("exceptions"), "", 200},

		{"DELETE /computers/{id}", "/computers/" + id("1"), "", 204},
		{"POST /computers/delete", "/computers/delete", `[{"uniqueId":"` + id("1") + `"}]`, 204},
		{"POST /identity/logout", "/identity/logout", "{}", 204},
	}
}

// ask makes an exchange and compares it.
func (c *checker) ask(b *bench, e exchange) {
	b.t.Helper()
	method, _, _ := strings.Cut(e.operation, " ")
	path := e.path
	if !strings.HasPrefix(path, "/v2/") {
		path = "/v1" + path
	}
	a := b.send(method, "/sepm/api"+path, e.body)
	require.Equal(b.t, e.want, a.status, "%s %s: %s", method, e.path, a.body)
	described, _ := c.operation(e.operation)
	u, err := url.Parse(e.path)
	require.NoError(b.t, err)
	for name := range u.Query() {
		if !slices.Contains(described.Query, name) {
			c.differ(e.operation + " reads " + name)
		}
	}
	if !slices.Contains(described.Statuses, fmt.Sprint(a.status)) {
		c.differ(fmt.Sprintf("%s answers %d", e.operation, a.status))
	}
	if a.status > 299 || a.status == 204 || strings.HasPrefix(a.header.Get("Content-Type"), "application/octet-stream") {
		return
	}
	want := described.Answer
	if m := meant[e.operation]; m != "" {
		want = m
	}
	if a.body == "" || want == "" {
		if a.body != "" || want != "" {
			c.differ(e.operation + " says nothing")
		}
		return
	}
	var v any
	require.NoError(b.t, json.Unmarshal([]byte(a.body), &v))
	item, ok := strings.CutPrefix(want, "page of ")
	if !ok {
		c.value(e.operation, want, v)
		return
	}
	c.object("PageObject", v)
	envelope, _ := v.(map[string]any)
	items, _ := envelope["content"].([]any)
	require.NotEmpty(b.t, items, e.path)
	for _, v := range items {
		c.object(item, v)
	}
}
