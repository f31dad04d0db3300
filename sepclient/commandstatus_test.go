package sepclient

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// statuses serves pages of a command's status and takes the whole list.
func statuses(t *testing.T, pages ...string) (all []CommandStatus, err error) {
	t.Helper()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var index int
		fmt.Sscan(r.URL.Query().Get("pageIndex"), &index)
		if r.Method != http.MethodGet || r.URL.Path != "/sepm/api/v1/command-queue/C1" || index < 1 || index > len(pages) {
			w.WriteHeader(500)
			return
		}
		io.WriteString(w, pages[index-1])
	})
	for status, e := range s.client(t).CommandStatus(t.Context(), "C1") {
		require.NoError(t, err, "nothing comes after an error")
		if e != nil {
			err = e
			continue
		}
		require.False(t, status.AsOf.IsZero())
		status.AsOf = time.Time{}
		all = append(all, status)
	}
	return all, err
}

func statusPage(last bool, items ...string) string {
	return fmt.Sprintf(`{"content":[%s],"number":0,"size":20,"sort":null,"lastPage":%t,"totalPages":1,"totalElements":1}`, strings.Join(items, ","), last)
}

// The items of A13 and D3.
func TestCommandStatus(t *testing.T) {
	const ids = `"computerId":"01ECF4E8092E5BB91E4D52E45C3ABE4D","hardwareKey":"8DACE2559C1C951E09CC0BF71D973BB7"`
	waiting := CommandStatus{
		ComputerID: "01ECF4E8092E5BB91E4D52E45C3ABE4D", HardwareKey: "8DACE2559C1C951E09CC0BF71D973BB7",
		Computer: "WIN-1", IP: "9.37.29.102", Domain: "Default", User: "Administrator",
	}
	uploaded := waiting
	uploaded.State, uploaded.FileID = CommandCompleted, "A5E2EE53092E5BB91EBE5413EE47C386"
	uploaded.Began, uploaded.Updated = time.Date(2019, 6, 6, 11, 56, 26, 0, time.UTC), time.Date(2019, 6, 6, 11, 56, 31, 0, time.UTC)
	odd := CommandStatus{State: 9, SubState: 777, Detail: "why", Began: uploaded.Began, Updated: uploaded.Began}
	rejected := CommandStatus{ComputerID: "R", State: CommandRejected, SubState: SubStateQuarantineDeleteFailed}
	got, err := statuses(t, statusPage(false,
		`{"beginTime":null,"lastUpdateTime":null,"computerName":"WIN-1","computerIp":"9.37.29.102","domainName":"Default",
		 "currentLoginUserName":"Administrator","stateId":0,"subStateId":0,"subStateDesc":null,"binaryFileId":null,"resultInXML":null,`+ids+`}`,
		`{"beginTime":"2019-06-06T11:56:26Z","lastUpdateTime":"2019-06-06T13:56:31+02:00","computerName":"WIN-1","computerIp":"9.37.29.102","domainName":"Default",
		 "currentLoginUserName":"Administrator","stateId":3,"subStateId":0,"subStateDesc":"","binaryFileId":"A5E2EE53092E5BB91EBE5413EE47C386","resultInXML":"",`+ids+`}`,
	), statusPage(true,
		`{"stateId":"9","substateid":777,"SubStateDesc":"why","resultinxml":[1],"beginTime":"2019-06-06T11:56:26.000Z","lastUpdateTime":1559822186000}`,
		`{}`,
		`{"computerId":"R","stateId":4,"subStateId":131,"beginTime":"soon"}`,
	))
	require.NoError(t, err)
	require.Equal(t, []CommandStatus{waiting, uploaded, odd, {State: -1, SubState: SubStateUnknown}, rejected}, got)
}

// fn_sep 1.2 takes the state of the first client for that of all; what the list
// says here is each client's own.
func TestPartC08EachClientHasItsState(t *testing.T) {
	got, err := statuses(t, statusPage(false, `{"computerId":"A","stateId":3}`), statusPage(true, `{"computerId":"B","stateId":2}`))
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.True(t, got[0].State.Final())
	require.False(t, got[1].State.Final(), "XSO takes 2 for done as well")
}

// fn_sep goes on while the counters say so, which are wrong now and then.
func TestPartC29PagesEndWithLastPage(t *testing.T) {
	lying := func(last bool, id string) string {
		return fmt.Sprintf(`{"content":[{"computerId":%q}],"lastPage":%t,"totalPages":1,"totalElements":1}`, id, last)
	}
	got, err := statuses(t, lying(false, "A"), lying(false, "B"), lying(true, "C"))
	require.NoError(t, err)
	require.Len(t, got, 3)
}

// fn_sep counts rejected, cancelled and failed clients as still running.
func TestPartC36StatesAreDistinct(t *testing.T) {
	words := map[string]bool{}
	for state := CommandInitial; state <= CommandError; state++ {
		require.Equal(t, state >= 3, state.Final(), state.String())
		words[state.String()] = true
	}
	require.Len(t, words, 7)
	require.False(t, CommandState(7).Final(), "an unknown state may change")
	require.False(t, CommandState(-1).Final())
	require.Equal(t, "state 7", CommandState(7).String())
	words = map[string]bool{}
	for _, s := range []CommandSubState{-1, 0, 1, 2, 3, 4, 5, 6, 101, 102, 103, 105, 106, 110, 120, 121, 131, 132} {
		require.NotContains(t, s.String(), "substate")
		words[s.String()] = true
	}
	require.Len(t, words, 18)
	require.Equal(t, "success", SubStateScanSuccess.String())
	require.Equal(t, "substate 104", CommandSubState(104).String())
}

// fn_sep fails as a whole when one completed client has an empty result.
func TestPartC22EmptyResults(t *testing.T) {
	item := func(result string) string { return `{"stateId":3,"resultInXML":` + result + `}` }
	whole := eocEcho(`<File name="a"><Matched result="FULL_MATCH" value="C:\ü"/></File>`, `<File name="b"><Matched result="NO_MATCH"/></File>`)
	got, err := statuses(t, statusPage(true, item(`null`), item(`""`), item(`" \n"`), item(`42`), `{"stateId":3}`,
		item(jsonString(eocEcho(`<File name="a"><Matched result="NO_MATCH"/></File>`))),
		item(jsonString(whole[:strings.Index(whole, "</Files>")])), item(jsonString("<html>")), item(jsonString(whole))))
	require.NoError(t, err)
	require.Len(t, got, 9)
	for _, status := range got[:5] {
		require.Nil(t, status.Result, "nothing was reported")
	}
	require.Equal(t, &ScanResult{}, got[5].Result, "nothing was found")
	match := []Match{{Kind: FullMatch, Searched: Evidence{Name: "a"}, Path: `C:\ü`}}
	require.Equal(t, match, got[6].Result.Matches)
	require.ErrorIs(t, got[6].Result.Err, ErrTruncated)
	require.ErrorContains(t, got[7].Result.Err, "in place of <EOC>")
	require.Equal(t, &ScanResult{Matches: match}, got[8].Result)
}

func TestCommandStatusFailures(t *testing.T) {
	got, err := statuses(t, statusPage(true))
	require.NoError(t, err, "there may be no list yet")
	require.Empty(t, got)
	for _, page := range []string{
		statusPage(true, `[]`), statusPage(true, `null`), statusPage(true, `{"stateId":3,"resultInXML":"x"`), statusPage(true, `{"stateId" 3}`),
		statusPage(true, `{"stateId":tru}`), `{"content":[]}`,
	} {
		_, err = statuses(t, page)
		requireError(t, err, Temporary, "not what SEPM's API promises")
	}
	got, err = statuses(t, statusPage(false, `{}`))
	requireError(t, err, Temporary, `command status "C1" (GET /command-queue/C1): 500`)
	require.Len(t, got, 1)
	s := serve(t, hang)
	for _, err := range s.client(t).CommandStatus(t.Context(), "a/b") {
		requireError(t, err, Permanent, "is no id of a command")
	}
}

func TestCommandStatusStopsWithItsReader(t *testing.T) {
	requests := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		requests++
		io.WriteString(w, statusPage(false, `{"computerId":"A"}`, `{"computerId":"B"}`))
	})
	for status, err := range s.client(t).CommandStatus(t.Context(), "C1") {
		require.NoError(t, err)
		require.Equal(t, "A", status.ComputerID)
		break
	}
	require.Equal(t, 1, requests)
}

// FuzzUnquote holds our reading of a JSON string against encoding/json.
func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{`""`, `"a\"\\\/\b\f\n\r\tb"`, `"\u00fc\ud83d\ude00\ud83d\ud83d\u0041"`, `"\q\u12"`, `null`, `"\`, `"ü`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		room := append(append([]byte(nil), data...), "and the rest of the page"...)
		got := string(unquote(room[:len(data)]))
		require.Equal(t, "and the rest of the page", string(room[len(data):]))
		var want string
		if len(data) > 0 && data[0] == '"' && json.Unmarshal(data, &want) == nil && data[len(data)-1] == '"' {
			require.Equal(t, want, string([]rune(got)), "with each odd byte replaced")
		}
	})
}
