package sepclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

var (
	md5A, md5B       = strings.Repeat("A1", 16), strings.Repeat("B2", 16)
	sha256A, sha256B = strings.Repeat("A1", 32), strings.Repeat("B2", 32)
)

// lockdownLists are the fingerprint lists of a SEPM, by id, as the contract
// has them (A12).
type lockdownLists struct {
	mu    sync.Mutex
	lists map[string][]map[string]string
	// refusal is the status with which v1 refuses a mixed list, 400 by default.
	refusal int
	// without is a SEPM that has no v2.
	without bool
	// meanwhile, when set, may change a list right after it was written.
	meanwhile func(writes int, l *lockdownLists)
	writes    int
	requests  []string
	bodies    []map[string]any
}

func (l *lockdownLists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/sepm/api"))
	path, v2 := strings.TrimPrefix(r.URL.Path, "/sepm/api/v1/"), false
	if rest, ok := strings.CutPrefix(r.URL.Path, "/sepm/api/v2/"); ok {
		path, v2 = rest, true
	}
	if path == "version" {
		write(w, 200, map[string]string{"version": map[bool]string{true: "14.2.1031.0100", false: "14.3.9816.7000"}[l.without]})
		return
	}
	if v2 && l.without {
		http.NotFound(w, r)
		return
	}
	id := strings.Trim(strings.TrimPrefix(path, "policy-objects/fingerprints"), "/")
	if name := r.URL.Query().Get("name"); name != "" {
		id = "ID-" + name
	}
	files, there := l.lists[id]
	kind := kindOf(files)
	switch {
	case !there && (id != "" || r.Method == http.MethodGet):
		write(w, 410, map[string]string{"errorCode": "410", "errorMessage": "Fingerprint list with ID " + id + " do not exist"})
		return
	case there && kind == "" && !v2:
		refusal := l.refusal
		if refusal == 0 {
			refusal = 400
		}
		write(w, refusal, map[string]string{"errorCode": "400", "errorMessage": "This FingerprintList is not supported by V1, please try V2!"})
		return
	}
	switch r.Method {
	case http.MethodGet:
		answer := map[string]any{"id": id, "name": strings.TrimPrefix(id, "ID-"), "description": "D", "source": "WEBSERVICE", "groupIds": []string{"G1"}, "data": files}
		if !v2 {
			var data []string
			for _, f := range files {
				data = append(data, f["MD5"]+f["SHA256"])
			}
			answer["data"], answer["hashType"] = data, kind
		}
		write(w, 200, answer)
	case http.MethodDelete:
		delete(l.lists, id)
	case http.MethodPost:
		var body struct {
			Name, Description, HashType, DomainID string
			Data                                  json.RawMessage
		}
		raw, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(raw, &body)
		var seen map[string]any
		_ = json.Unmarshal(raw, &seen)
		l.bodies = append(l.bodies, seen)
		var data []map[string]string
		if v2 {
			_ = json.Unmarshal(body.Data, &data)
		} else {
			var hashes []string
			_ = json.Unmarshal(body.Data, &hashes)
			for _, h := range hashes {
				data = append(data, map[string]string{body.HashType: h})
			}
		}
		for _, f := range data {
			for k := range f {
				f[k] = strings.ToUpper(f[k])
			}
		}
		if id == "" {
			id = "ID-" + body.Name
			if l.lists[id] != nil {
				write(w, 409, map[string]string{"errorCode": "409", "errorMessage": "exists"})
				return
			}
			write(w, 200, map[string]string{"id": id})
		}
		l.lists[id] = data
		if l.writes++; l.meanwhile != nil {
			l.meanwhile(l.writes, l)
		}
	}
}

// kindOf is the one kind of hash in a list, or "".
func kindOf(files []map[string]string) (kind string) {
	for _, f := range files {
		for k := range f {
			if len(f) > 1 || kind != "" && kind != k {
				return ""
			}
			kind = k
		}
	}
	return kind
}

func withLists(t *testing.T, lists map[string][]map[string]string) (*lockdownLists, *Client) {
	t.Helper()
	l := &lockdownLists{lists: lists}
	s := serve(t, l.ServeHTTP)
	s.authenticate = func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"token": "T", "tokenExpiration": 3600, "domainid": "HOME"})
	}
	return l, s.client(t)
}

func md5s(hashes ...string) (list []map[string]string) {
	for _, h := range hashes {
		list = append(list, map[string]string{"MD5": h})
	}
	return list
}

func TestFingerprintLists(t *testing.T) {
	pair := map[string]string{"MD5": md5A, "SHA256": sha256A}
	for _, refusal := range []int{400, 500} { // the status is not known
		l, c := withLists(t, map[string][]map[string]string{
			"ID-old": md5s(md5A, md5B), "ID-mixed": {pair, {"SHA256": sha256B}},
		})
		l.refusal = refusal
		old, err := c.FingerprintListByName(t.Context(), "old", "D1")
		require.NoError(t, err)
		require.Equal(t, FingerprintList{
			ID: "ID-old", Name: "old", Description: "D", DomainID: "D1", Source: "WEBSERVICE", GroupIDs: []string{"G1"},
			Files: []ListedFile{{MD5: md5A}, {MD5: md5B}},
		}, old)
		require.True(t, old.Has(strings.ToLower(md5A)) && !old.Has(sha256A) && !old.Has(""))

		mixed, err := c.FingerprintList(t.Context(), "ID-mixed")
		require.NoError(t, err)
		require.Equal(t, []ListedFile{{md5A, sha256A}, {SHA256: sha256B}}, mixed.Files)
		require.True(t, mixed.Has(strings.ToLower(sha256A)) && mixed.Has(md5A))

		require.Equal(t, []string{
			"GET /v1/policy-objects/fingerprints?domainId=D1&name=old",
			"GET /v1/policy-objects/fingerprints/ID-mixed", "GET /v2/policy-objects/fingerprints/ID-mixed",
		}, l.requests)

		mixed.Files = mixed.Files[1:]
		require.NoError(t, c.ReplaceFingerprintList(t.Context(), mixed))
		require.Equal(t, []map[string]string{{"SHA256": sha256B}}, l.lists["ID-mixed"])
		require.NoError(t, c.DeleteFingerprintList(t.Context(), "ID-old"))
		_, err = c.FingerprintListByName(t.Context(), "old", "")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, c.DeleteFingerprintList(t.Context(), "ID-old"), ErrNotFound)
	}
}

func TestDeleteAMixedList(t *testing.T) {
	l, c := withLists(t, map[string][]map[string]string{"ID-mixed": {{"MD5": md5A}, {"SHA256": sha256B}}})
	require.NoError(t, c.DeleteFingerprintList(t.Context(), "ID-mixed"))
	require.Empty(t, l.lists)
}

func TestCreateFingerprintList(t *testing.T) {
	files := []ListedFile{{md5A, sha256A}, {SHA256: sha256B}}
	for _, tt := range []struct {
		name    string
		files   []ListedFile
		without bool
		version string
		body    map[string]any
		failure string
	}{
		{
			name: "one kind", files: []ListedFile{{SHA256: sha256A}, {SHA256: sha256B}}, version: "v1",
			body: map[string]any{"name": "new", "description": "", "domainId": "HOME", "hashType": "SHA256", "data": []any{sha256A, sha256B}},
		},
		{
			name: "pairs", files: files, version: "v2",
			body: map[string]any{"name": "new", "description": "", "domainId": "HOME", "data": []any{
				map[string]any{"MD5": md5A, "SHA256": sha256A}, map[string]any{"SHA256": sha256B},
			}},
		},
		{name: "pairs in an old SEPM", files: files, without: true, failure: "this SEPM has no lists that mix MD5 and SHA-256"},
		{name: "nothing", failure: "without hashes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, c := withLists(t, map[string][]map[string]string{})
			l.without = tt.without
			id, err := c.CreateFingerprintList(t.Context(), FingerprintList{Name: "new", Files: tt.files})
			if tt.failure != "" {
				requireError(t, err, Permanent, tt.failure)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "ID-new", id)
			require.Equal(t, []string{"POST /" + tt.version + "/policy-objects/fingerprints"}, l.requests)
			require.Equal(t, []map[string]any{tt.body}, l.bodies)
			_, err = c.CreateFingerprintList(t.Context(), FingerprintList{Name: "new", Files: tt.files})
			require.ErrorIs(t, err, ErrConflict)
		})
	}
}

func TestFingerprintListWithoutNameOrID(t *testing.T) {
	l, c := withLists(t, map[string][]map[string]string{})
	_, err := c.FingerprintListByName(t.Context(), "", "")
	requireError(t, err, Permanent, "needs a name or an id")
	_, err = c.FingerprintList(t.Context(), "")
	requireError(t, err, Permanent, "is empty or no id")
	requireError(t, c.DeleteFingerprintList(t.Context(), ".."), Permanent, "is empty or no id")
	require.Empty(t, l.requests)
}

// Lists hold what other programs wrote into them; an edit loses nothing of it.
func TestOddEntriesOfAList(t *testing.T) {
	const odd = `{"id":"L","name":"n","data":["", "` + "  " + `", null, {}, "c0ffee", {"SHA1":"x"}, {"MD5":"` + "%s" + `","sha-256":""}, ["y"], 7]}`
	var dto listDTO
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, odd, strings.ToLower(md5A)), &dto))
	l := dto.list()
	require.Equal(t, []ListedFile{{MD5: strings.ToLower(md5A)}}, l.Files, "as SEPM wrote it")
	var unknown []string
	for _, entry := range l.Unknown {
		unknown = append(unknown, string(entry))
	}
	require.Equal(t, []string{`"  "`, `"c0ffee"`, `{"SHA1":"x"}`, `["y"]`, `7`}, unknown)
	sent, err := json.Marshal(l.payload(true))
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"n","description":"","data":[{"MD5":"`+strings.ToLower(md5A)+`"},"  ","c0ffee",{"SHA1":"x"},["y"],7]}`, string(sent))
}

func TestEditFingerprintList(t *testing.T) {
	pair := func() map[string]string { return map[string]string{"MD5": md5A, "SHA256": sha256A} }
	for _, tt := range []struct {
		name           string
		list           []map[string]string
		edit           ListEdit
		want           []map[string]string
		added, removed []string
		deleted        bool
		failure        string
		writes         int
	}{
		{name: "add to a v1 list", list: md5s(md5A), edit: ListEdit{Add: []string{strings.ToLower(md5B)}}, want: md5s(md5A, md5B), added: []string{md5B}, writes: 1},
		{name: "there already", list: md5s(md5A), edit: ListEdit{Add: []string{" " + strings.ToLower(md5A)}}, want: md5s(md5A)},
		{name: "twice", list: md5s(md5A), edit: ListEdit{Add: []string{md5B, strings.ToLower(md5B)}}, want: md5s(md5A, md5B), added: []string{md5B}, writes: 1},
		{
			name: "another kind", list: md5s(md5A), edit: ListEdit{Add: []string{sha256B}},
			want: []map[string]string{{"MD5": md5A}, {"SHA256": sha256B}}, added: []string{sha256B}, writes: 1,
		},
		{name: "there already as a part of a pair", list: []map[string]string{pair()}, edit: ListEdit{Add: []string{sha256A, md5A}}, want: []map[string]string{pair()}},
		{
			name: "add beside a pair", list: []map[string]string{pair()}, edit: ListEdit{Add: []string{md5B}},
			want: []map[string]string{pair(), {"MD5": md5B}}, added: []string{md5B}, writes: 1,
		},
		{
			name: "remove from a pair, in another case", list: []map[string]string{pair()}, edit: ListEdit{Remove: []string{strings.ToLower(sha256A)}},
			want: md5s(md5A), removed: []string{sha256A}, writes: 1,
		},
		{name: "remove", list: md5s(md5A, md5B), edit: ListEdit{Remove: []string{md5A}}, want: md5s(md5B), removed: []string{md5A}, writes: 1},
		{name: "remove what is not there", list: md5s(md5A), edit: ListEdit{Remove: []string{md5B}}, want: md5s(md5A)},
		{name: "the last hash", list: md5s(md5A), edit: ListEdit{Remove: []string{md5A}}, want: md5s(md5A), failure: "without hashes"},
		{name: "a whole pair, the last", list: []map[string]string{pair()}, edit: ListEdit{Remove: []string{md5A, sha256A}}, want: []map[string]string{pair()}, failure: "without hashes"},
		{
			name: "the last hash with the list", list: md5s(md5A), edit: ListEdit{Remove: []string{md5A}, DeleteEmpty: true},
			removed: []string{md5A}, deleted: true,
		},
		{name: "exchange the last", list: md5s(md5A), edit: ListEdit{Remove: []string{md5A}, Add: []string{md5B}}, want: md5s(md5B), added: []string{md5B}, removed: []string{md5A}, writes: 1},
		{name: "both", list: md5s(md5A), edit: ListEdit{Remove: []string{md5B}, Add: []string{strings.ToLower(md5B)}}, want: md5s(md5A), failure: "both to be added and to be removed"},
		{name: "no hash", list: md5s(md5A), edit: ListEdit{Add: []string{"x"}}, want: md5s(md5A), failure: `"x" is no hash`},
		{name: "SHA-1", list: md5s(md5A), edit: ListEdit{Add: []string{strings.Repeat("a", 40)}}, want: md5s(md5A), failure: "MD5 and SHA-256 only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, c := withLists(t, map[string][]map[string]string{"L": tt.list})
			change, err := c.EditFingerprintList(t.Context(), "L", "", tt.edit)
			require.Equal(t, tt.want, l.lists["L"])
			require.Equal(t, tt.writes, l.writes)
			if tt.failure != "" {
				requireError(t, err, Permanent, tt.failure)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.added, change.Added)
			require.Equal(t, tt.removed, change.Removed)
			require.Equal(t, tt.deleted, change.Deleted)
			require.False(t, change.Interfered)
			require.Len(t, change.List.Files, len(tt.want))
			for _, body := range l.bodies {
				require.Equal(t, "HOME", body["domainId"])
				require.Equal(t, "L", body["name"], "name and text stay")
				require.Equal(t, "D", body["description"])
			}
		})
	}
}

func TestLastHashIsTheCallersDecision(t *testing.T) {
	_, c := withLists(t, map[string][]map[string]string{"L": md5s(md5A)})
	_, err := c.EditFingerprintList(t.Context(), "L", "", ListEdit{Remove: []string{md5A}})
	require.ErrorIs(t, err, ErrLastHash)
	require.ErrorIs(t, c.ReplaceFingerprintList(t.Context(), FingerprintList{ID: "L", Name: "n"}), ErrLastHash)
}

// Somebody else writes a list between the write of an edit and its check.
func TestLostUpdate(t *testing.T) {
	for _, tt := range []struct {
		name       string
		meanwhile  func(writes int, l *lockdownLists)
		want       []map[string]string
		interfered bool
		failure    string
	}{
		{"they kept the edit", func(_ int, l *lockdownLists) {
			l.lists["L"] = append(l.lists["L"], map[string]string{"SHA256": sha256A})
		}, []map[string]string{{"MD5": md5A}, {"MD5": md5B}, {"SHA256": sha256A}}, true, ""},
		{"they overwrote it", func(writes int, l *lockdownLists) {
			if writes == 1 {
				l.lists["L"] = []map[string]string{{"MD5": md5A}, {"SHA256": sha256A}}
			}
		}, []map[string]string{{"MD5": md5A}, {"SHA256": sha256A}, {"MD5": md5B}}, true, ""},
		{"they always do", func(_ int, l *lockdownLists) { l.lists["L"] = md5s(md5A) }, md5s(md5A), true, "somebody else keeps changing the list: the edit was written 3 times"},
		{"the list is gone", func(_ int, l *lockdownLists) { delete(l.lists, "L") }, nil, false, "it was written and could not be read again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &lockdownLists{lists: map[string][]map[string]string{"L": md5s(md5A)}, meanwhile: tt.meanwhile}
			var change ListChange
			var err error
			synctest.Test(t, func(t *testing.T) { // for the pauses between writes
				c := offline(t, func(r *http.Request) (int, string) {
					if isLogin(r) {
						return 200, `{"token":"T"}`
					}
					w := httptest.NewRecorder()
					l.ServeHTTP(w, r)
					return w.Code, w.Body.String()
				})
				change, err = c.EditFingerprintList(t.Context(), "L", "", ListEdit{Add: []string{md5B}})
			})
			require.Equal(t, tt.want, l.lists["L"])
			if tt.failure != "" {
				require.ErrorContains(t, err, tt.failure)
				require.Equal(t, map[bool]Class{true: Conflict, false: Ambiguous}[tt.interfered], classOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.interfered, change.Interfered)
			require.Equal(t, []string{md5B}, change.Added)
			require.Len(t, change.List.Files, len(tt.want), "the list as it is now")
		})
	}
}

// The answer to a write is lost: the list itself says whether it was made.
func TestEditWhoseAnswerIsLost(t *testing.T) {
	for written, class := range map[bool]Class{true: "", false: Ambiguous} {
		l := &lockdownLists{lists: map[string][]map[string]string{"L": md5s(md5A)}}
		var posts atomic.Int32
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				l.ServeHTTP(w, r)
				return
			}
			posts.Add(1)
			if written {
				l.ServeHTTP(&nowhere{}, r)
			}
			panic(http.ErrAbortHandler)
		})
		change, err := s.client(t).EditFingerprintList(t.Context(), "L", "", ListEdit{Add: []string{md5B}})
		require.Equal(t, class, classOf(err))
		require.EqualValues(t, 1, posts.Load(), "a write in doubt is not sent again")
		if written {
			require.Equal(t, []string{md5B}, change.Added)
			require.False(t, change.Interfered)
		}
	}
}

// nowhere is where an answer goes that is lost.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header {
	if n.header == nil {
		n.header = http.Header{}
	}
	return n.header
}
func (*nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (*nowhere) WriteHeader(int)             {}

func TestSixteenWritersOfOneList(t *testing.T) {
	l, c := withLists(t, map[string][]map[string]string{"L": {{"MD5": md5A, "SHA256": sha256A}}})
	errs := make(chan error)
	var hashes []string
	for i := range 16 {
		hashes = append(hashes, fmt.Sprintf("%032X", i), fmt.Sprintf("%064X", i))
		add := ListEdit{Add: hashes[2*i:]}
		go func() {
			_, err := c.EditFingerprintList(t.Context(), "L", "", add)
			errs <- err
		}()
	}
	for range 16 {
		require.NoError(t, <-errs)
	}
	list, err := c.FingerprintList(t.Context(), "L")
	require.NoError(t, err)
	for _, hash := range append(hashes, md5A, sha256A) {
		require.True(t, list.Has(hash), hash)
	}
	require.Contains(t, list.Files, ListedFile{md5A, sha256A}, "a pair stays one")
	require.Len(t, list.Files, 33)
	require.Equal(t, 16, l.writes, "nobody had to write again")
	require.Empty(t, c.lists.locks)
}

func TestWaitForAnotherEdit(t *testing.T) {
	_, c := withLists(t, map[string][]map[string]string{"L": md5s(md5A)})
	unlock, err := c.lists.lock(t.Context(), "L")
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	requireError(t, c.DeleteFingerprintList(ctx, "l"), Temporary, "waiting for another edit of the list")
	require.Equal(t, 1, c.lists.locks["L"].users)
}
