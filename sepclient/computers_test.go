package sepclient

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// list takes a whole list, and the error that ended it.
func list(t *testing.T, c *Client, q ComputerQuery) (names []string, err error) {
	t.Helper()
	for computer, e := range c.Computers(t.Context(), q) {
		require.NoError(t, err, "nothing comes after an error")
		if e != nil {
			err = e
			continue
		}
		names = append(names, computer.Name)
	}
	return names, err
}

func TestComputersPages(t *testing.T) {
	one := func(name string) string { return fmt.Sprintf(`[{"computerName":%q}]`, name) }
	for _, tt := range []struct {
		name  string
		pages []string // a page each; beyond them 500
		want  []string
		class Class
		text  string
	}{
		{"none", []string{`{"content":[],"lastPage":true}`}, nil, "", ""},
		{"three", []string{
			`{"content":` + one("A") + `,"lastPage":false,"totalPages":1}`, // counters lie
			`{"content":` + one("B") + `,"lastPage":false}`,
			`{"content":` + one("C") + `,"lastPage":true,"totalPages":99}`,
		}, []string{"A", "B", "C"}, "", ""},
		{"empty in between", []string{`{"content":` + one("A") + `,"lastPage":false}`, `{"content":[],"lastPage":false}`},
			[]string{"A"}, Temporary, "page 2 is empty and not the last"},
		{"always the same", []string{`{"content":` + one("A") + `,"lastPage":false}`, `{"content":` + one("A") + `,"lastPage":false}`},
			[]string{"A"}, Temporary, "page 2 repeats the page before"},
		{"no lastPage", []string{`{"content":` + one("A") + `}`}, nil, Temporary, "page 1 is not a page"},
		{"no content", []string{`{"lastPage":true}`}, nil, Temporary, "page 1 is not a page"},
		{"bare array", []string{one("A")}, nil, Temporary, "not what SEPM's API promises"},
		{"failure later", []string{`{"content":` + one("A") + `,"lastPage":false}`}, []string{"A"}, Temporary, ": 500: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				var index int
				fmt.Sscan(r.URL.Query().Get("pageIndex"), &index)
				if index < 1 || index > len(tt.pages) {
					w.WriteHeader(500)
					return
				}
				io.WriteString(w, tt.pages[index-1])
			})
			names, err := list(t, s.client(t), ComputerQuery{Name: "WIN*"})
			require.Equal(t, tt.want, names)
			require.Equal(t, tt.class, classOf(err))
			if err != nil {
				require.ErrorContains(t, err, tt.text)
				require.ErrorContains(t, err, `list computers "WIN*" (GET /computers)`)
			}
		})
	}
}

func TestComputersQuery(t *testing.T) {
	var got url.Values
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Query()
		io.WriteString(w, `{"content":[],"lastPage":true}`)
	})
	_, err := list(t, s.client(t, func(o *Options) { o.PageSize = 50 }), ComputerQuery{Name: "A&B*", Domain: "D1", ID: "C1"})
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"computerName": {"A&B*"}, "domain": {"D1"}, "computer_id": {"C1"},
		"pageIndex": {"1"}, "pageSize": {"50"}, "sort": {"COMPUTER_ID"}, "order": {"ASC"},
	}, got)
	_, err = list(t, s.client(t), ComputerQuery{})
	require.NoError(t, err)
	require.NotContains(t, got, "computerName")
	require.Equal(t, "200", got.Get("pageSize"))
	_, err = list(t, s.client(t), ComputerQuery{Sort: "COMPUTER_NAME", Descending: true})
	require.NoError(t, err)
	require.Equal(t, []string{"COMPUTER_NAME", "DESC"}, []string{got.Get("sort"), got.Get("order")})
}

// TestWholeComputers are as SEPM wrote them, with what is not read here, and
// each with its own.
func TestWholeComputers(t *testing.T) {
	objects := []string{`{"uniqueId":"A","biosVersion":"1 <&>"}`, `{ "uniqueId" : "B", "svaId": null }`}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"content":[`+objects[0]+`, `+objects[1]+`],"lastPage":true}`)
	})
	for _, whole := range []bool{false, true} {
		var computers []Computer
		for c, err := range s.client(t).Computers(t.Context(), ComputerQuery{Whole: whole}) {
			require.NoError(t, err)
			computers = append(computers, c)
		}
		require.Len(t, computers, 2)
		for i, c := range computers {
			require.Equal(t, string(rune('A'+i)), c.ID)
			if whole {
				require.Equal(t, objects[i], string(c.JSON))
			} else {
				require.Empty(t, c.JSON)
			}
		}
	}
}

func TestComputersStopWithTheirReader(t *testing.T) {
	requests := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		requests++
		io.WriteString(w, `{"content":[{"computerName":"A"},{"computerName":"B"}],"lastPage":false}`)
	})
	for computer, err := range s.client(t).Computers(t.Context(), ComputerQuery{}) {
		require.NoError(t, err)
		require.Equal(t, "A", computer.Name)
		break
	}
	require.Equal(t, 1, requests)
}

// A reader that goes on after an error gets the page that failed, and nothing
// twice; what it does not keep is not read.
func TestComputerPages(t *testing.T) {
	var asked []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("pageIndex")+"/"+q.Get("pageSize"))
		switch len(asked) {
		case 2, 3:
			w.WriteHeader(500)
		case 4:
			io.WriteString(w, `{"content":[{"computerName":1},{"computerName":"odd \u0042"},{"computerName":"C","uniqueId":[]}],"lastPage":true,"totalElements":-1}`)
		default:
			io.WriteString(w, `{"content":[{"computerName":"A"},{"computerName":"B"},{"computerName":"C","ipAddresses":"x"}],"lastPage":false,"totalElements":"7"}`)
		}
	})
	now := time.Unix(1000, 0)
	c := s.client(t, func(o *Options) {
		o.Now = func() time.Time { now = now.Add(time.Second); return now }
	})
	require.NoError(t, c.do(t.Context(), request{op: "log in", method: http.MethodPut, path: "/x"}))
	asked = nil
	var pages []ComputerPage
	failures := 0
	for page, err := range c.ComputerPages(t.Context(), ComputerQuery{}, 3, func(name string) bool { return name == "C" }) {
		if err != nil {
			failures++
			require.Equal(t, Temporary, classOf(err))
			continue
		}
		pages = append(pages, page)
	}
	require.Equal(t, 2, failures)
	require.Equal(t, []string{"1/3", "2/3", "2/3", "2/3"}, asked)
	require.Len(t, pages, 2)
	first, second := pages[0], pages[1]
	require.Equal(t, ComputerPage{Computers: first.Computers, Size: 3, Total: 7}, first)
	require.Equal(t, ComputerPage{Computers: second.Computers, Size: 3, Last: true}, second)
	require.Len(t, first.Computers, 1)
	require.Equal(t, []string{"x"}, first.Computers[0].IPAddresses)
	var names []string
	for _, computer := range second.Computers {
		names = append(names, computer.Name)
	}
	require.Equal(t, []string{"1", "odd B", "C"}, names, "a name written oddly is for the reader to compare")
	require.False(t, first.Computers[0].AsOf.IsZero())
	require.True(t, second.Computers[0].AsOf.After(first.Computers[0].AsOf), "when its own page was asked for")
}

// The same endpoint as 14.3 and as 14.2 write it (A10, D2).
func TestComputer(t *testing.T) {
	const of143 = `{"uniqueId":"01ECF4E8092E5BB91E4D52E45C3ABE4D","hardwareKey":"8DACE2559C1C951E09CC0BF71D973BB7",
		"computerName":"WIN-1","agentVersion":"14.3.9717.7000","osName":"Windows Server 2012","osFunction":"Server",
		"operatingSystem":"Windows Server 2012 Standard Edition","ipAddresses":["10.0.0.1","FE80::1","10.0.0.1",""],
		"macAddresses":null,"onlineStatus":1,"infected":1,"deleted":0,"rebootRequired":0,
		"apOnOff":3,"avEngineOnOff":1,"firewallOnOff":0,
		"quarantineStatus":3,"quarantineCode":105,"quarantineDesc":"Host Integrity check is disabled.",
		"lastScanTime":1724225880000,"lastUpdateTime":1724243995809,"lastVirusTime":0,
		"group":{"id":"G1","name":"My Company\\Group1","fullPathName":null,"source":null,"domain":{"id":"D1","name":"Default"}}}`
	var dto computerDTO
	require.NoError(t, json.Unmarshal([]byte(of143), &dto))
	want := Computer{
		ID: "01ECF4E8092E5BB91E4D52E45C3ABE4D", HardwareKey: "8DACE2559C1C951E09CC0BF71D973BB7", Name: "WIN-1",
		Group: Group{ID: "G1", Name: `My Company\Group1`, Domain: Domain{ID: "D1", Name: "Default"}},
		OS:    "Windows Server 2012 Standard Edition", OSName: "Windows Server 2012", OSFunction: "Server",
		IPAddresses: []string{"10.0.0.1", "FE80::1"}, AgentVersion: "14.3.9717.7000",
		OnlineStatus: 1, Infected: true,
		QuarantineStatus: 3, QuarantineCode: 105, QuarantineDesc: "Host Integrity check is disabled.",
		Engines: Engines{
			AutoProtect: EngineDisabledByPolicy, Antivirus: EngineOn, BrowserFirefox: EngineNotReported,
			BrowserIE: EngineNotReported, IntrusionDriver: EngineNotReported, DownloadInsight: EngineNotReported,
			EarlyLaunch: EngineNotReported, Firewall: EngineDisabled, ExploitPrevent: EngineNotReported,
			ProactiveThreat: EngineNotReported, TamperProtection: EngineNotReported,
		},
		LastUpdate: time.Date(2024, 8, 21, 12, 39, 55, 809e6, time.UTC),
		LastScan:   time.Date(2024, 8, 21, 7, 38, 0, 0, time.UTC),
	}
	require.Equal(t, want, dto.computer())
	require.True(t, want.Online())

	const of142 = `{"UNIQUEID":"U","osname":"Windows 10","osName":"","osfunction":null,"osFunction":"Workstation",
		"onlineStatus":"0","infected":"1","rebootRequired":true,"ipAddresses":"10.0.0.2","computerName":42,"group":null,
		"lastScanTime":"1724225880000","lastUpdateTime":99999999999999999,"agentVersion":{"odd":1}}`
	dto = computerDTO{}
	require.NoError(t, json.Unmarshal([]byte(of142), &dto))
	got := dto.computer()
	require.Equal(t, "U", got.ID)
	require.Equal(t, "42", got.Name)
	require.Equal(t, "Windows 10", got.OSName, "an empty second spelling does not erase the first")
	require.Equal(t, "Workstation", got.OSFunction)
	require.Equal(t, []string{"10.0.0.2"}, got.IPAddresses)
	require.Equal(t, want.LastScan, got.LastScan)
	require.Zero(t, got.LastUpdate, "a time that cannot be")
	require.Equal(t, -1, got.QuarantineStatus)
	require.Equal(t, -1, got.QuarantineCode)
	require.True(t, got.Infected && got.RebootRequired && !got.Online())
}

func FuzzComputer(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"osname":"a","osName":null,"infected":"1","lastScanTime":1e18}`, `{"ipAddresses":[1,null,"x",["y"]]}`,
		`{"group":{"domain":null},"onlineStatus":-1.5}`, `{"quarantineCode":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var dto computerDTO
		if json.Unmarshal(data, &dto) != nil {
			return
		}
		_, err := json.Marshal(dto.computer())
		require.NoError(t, err, "every time can be written again")
	})
}
