package sepm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

func TestCriticalEvents(t *testing.T) {
	at := time.Date(2024, 5, 6, 14, 2, 3, 0, time.UTC)
	b := loggedIn(t, sepm.Options{Events: []sepm.Event{{ID: id("a"), Time: at, Subject: "s", Message: "<b>m</b>", Acknowledgeable: true}, {Time: at, Subject: "t"}}})
	b.AddEvent(sepm.Event{ID: id("c"), Acknowledged: true, Time: at})
	o := b.get("/events/critical?pageSize=1").object(t)
	require.EqualValues(t, 2, o["totalUnacknowledgedMessages"])
	all, _ := o["criticalEventsInfoList"].([]any)
	require.Len(t, all, 2, "pageSize is read by nobody")
	require.Equal(t, map[string]any{"eventId": id("A"), "eventDateTime": "2024-05-06 14:02:03.0", "subject": "s", "message": "<b>m</b>", "acknowledged": 0.0}, all[0])
	require.Len(t, b.get("/events/critical?includeAcknowledged=true").object(t)["criticalEventsInfoList"], 3)

	second, _ := all[1].(map[string]any)
	for event, want := range map[string]int{id("a"): 200, fmt.Sprint(second["eventId"]): 400, id("9"): 400} {
		a := b.do("POST", "/events/acknowledge/"+event, "")
		require.Equal(t, want, a.status)
		if want == 400 {
			require.Equal(t, "4104", a.object(t)["errorCode"])
		}
	}
	require.EqualValues(t, 1, b.get("/events/critical").object(t)["totalUnacknowledgedMessages"])
	require.True(t, b.Events()[0].Acknowledged)

	require.Contains(t, loggedIn(t, sepm.Options{}).get("/events/critical").body, "&lt;br&gt;", "HTML that is escaped once more")
}

func TestOnlineStatus(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: "A"}, {Name: "B", Offline: true}, {Name: "C"}, {Name: "D", Deleted: true}}})
	require.Contains(t, b.get("/stats/client/onlinestatus").body,
		`"clientCountStatsList":[{"clientsCount":2,"status":"ONLINE"},{"clientsCount":1,"status":"OFFLINE"}]`)
}

func TestPolicies(t *testing.T) {
	b := loggedIn(t, grouped())
	p := b.page("/policies/summary")
	require.Nil(t, p.Sort)
	require.Equal(t, []int{len(p.Content), len(p.Content), 1}, []int{p.Size, p.TotalElements, p.TotalPages}, "it is not really paged")
	require.True(t, p.LastPage)
	of := func(kind string) []map[string]any { return b.page("/policies/summary/" + kind).Content }
	require.Len(t, of("exceptions"), 2)
	require.Equal(t, 400, b.get("/policies/summary/msl").status)
	require.NotEqual(t, p.Content[0]["id"], b.page("/policies/summary?domainId=" + id("B")).Content[0]["id"])

	exceptions, firewall := fmt.Sprint(of("exceptions")[0]["id"]), fmt.Sprint(of("fw")[0]["id"])
	first := b.get("/policies/exceptions/" + exceptions)
	require.Contains(t, first.body, `"blacklistrules"`)
	require.Contains(t, first.body, `"SONAR":true`)
	require.Contains(t, first.body, `"sonar":true`, "two keys that differ in nothing but their case")
	second := b.v2("GET", "/policies/exceptions/"+strings.ToLower(exceptions), "")
	require.Contains(t, second.body, `"denylistrules"`)
	require.Contains(t, second.body, `"signature_fingerprints"`)
	require.Contains(t, b.get("/policies/firewall/"+firewall).body, `"severity":3`)
	for _, path := range []string{"/policies/exceptions/" + firewall, "/policies/firewall/" + exceptions, "/policies/firewall/" + id("9")} {
		require.Equal(t, 410, b.get(path).status)
	}
}
