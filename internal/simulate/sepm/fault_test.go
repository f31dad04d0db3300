package sepm_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// TestFaultsOfWrites: every kind of write can be lost after it was done, land
// after everybody gave up, and be reset before it is done.
func TestFaultsOfWrites(t *testing.T) {
	for path, tt := range map[string]struct {
		method, query, body string
		done                func(*bench) bool
	}{
		"/command-queue/quarantine": {"POST", "?computer_ids=" + id("1"), "", func(b *bench) bool { return len(b.Commands()) == 1 }},
		"/computers": {"PATCH", "", moves(id("E"), id("A")), func(b *bench) bool {
			c, _ := b.Computer(id("1"))
			return c.Group.ID == id("E")
		}},
		"/policy-objects/fingerprints": {"POST", "", `{"name":"a","hashType":"MD5","data":["` + md5("a") + `"]}`,
			func(b *bench) bool { return len(b.Lists()) == 1 }},
	} {
		for _, kind := range []fault.Kind{fault.LostReply, fault.LateChange, fault.Reset} {
			t.Run(string(kind)+" "+path, func(t *testing.T) {
				opt := lab()
				opt.Groups = []sepm.Group{{ID: id("E"), Name: `My Company\Servers`}}
				b := loggedIn(t, opt)
				set := fault.New(1)
				srv := httptest.NewServer(set.Wrap(b.Server))
				t.Cleanup(srv.Close)
				t.Cleanup(set.Close) // before the server, which waits for what is held
				set.On(fault.Switch{Kind: kind, Method: tt.method, Path: path, Hold: 1, Late: time.Minute, Remaining: 1})
				client := srv.Client()
				client.Transport = &http.Transport{DisableKeepAlives: true} // so that net/http repeats nothing by itself
				r, err := http.NewRequestWithContext(t.Context(), tt.method, srv.URL+"/sepm/api/v1"+path+tt.query, strings.NewReader(tt.body))
				require.NoError(t, err)
				r.Header.Set("Authorization", "Bearer "+b.token)
				_, err = client.Do(r) //nolint:bodyclose // there is no response
				require.Error(t, err)
				require.Equal(t, kind == fault.LostReply, tt.done(b))
				set.Flush()
				require.Equal(t, kind != fault.Reset, tt.done(b))
			})
		}
	}
}

// TestManyAtOnce is for the race detector: clients and people do everything at
// the same time.
func TestManyAtOnce(t *testing.T) {
	b := loggedIn(t, grouped())
	list := b.AddList(sepm.List{Name: "a", Hashes: []sepm.Hashes{{MD5: md5("a")}}})
	var wg sync.WaitGroup
	for _, do := range []func(){
		func() { b.get("/computers") },
		func() { b.get("/groups?mode=tree") },
		func() { b.get("/policy-objects/fingerprints/" + list) },
		func() { b.get("/stats/client/onlinestatus") },
		func() { b.get("/events/critical") },
		func() { b.command("quarantine?group_ids="+id("E"), "") },
		func() { b.do("PATCH", "/computers", moves(id("F"), id("D"))) },
		func() { b.do("POST", "/identity/authenticate", `{"username":"admin","password":"admin"}`) },
		func() { b.ChangeComputer(id("1"), func(c *sepm.Computer) { c.Offline = !c.Offline }) },
		func() { b.ChangeList(list, func(l *sepm.List) { l.Description += "x" }) },
		func() { b.AddComputer(sepm.Computer{Name: "X"}); b.DeleteComputer(b.Computers()[0].ID) },
		func() { b.clock.advance(time.Second); b.Commands() },
	} {
		wg.Go(func() {
			for range 20 {
				do()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 21, b.Logins())
}
