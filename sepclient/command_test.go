package sepclient

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// computers are as many ids as SEPM has them (A2).
func computers(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%032X", i+1)
	}
	return ids
}

// queued is a request that a queue was sent.
type queued struct {
	path  string
	query url.Values
	line  int // length of the request line
	kind  string
	body  string
}

// queue is a SEPM that takes commands, numbers them, and keeps what it was
// sent. answer, where it is set, answers in its place.
type queue struct {
	*sepm
	mu     sync.Mutex
	sent   []queued
	answer func(w http.ResponseWriter, n int, r *http.Request)
}

func serveQueue(t *testing.T, answer func(w http.ResponseWriter, n int, r *http.Request)) *queue {
	t.Helper()
	q := &queue{answer: answer}
	q.sepm = serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q.mu.Lock()
		q.sent = append(q.sent, queued{
			path: strings.TrimPrefix(r.URL.Path, "/sepm/api/v1"), query: r.URL.Query(),
			line: len(r.Method + " " + r.RequestURI + " " + r.Proto + "\r\n"), kind: r.Header.Get("Content-Type"), body: string(body),
		})
		n := len(q.sent)
		q.mu.Unlock()
		if q.answer != nil {
			q.answer(w, n, r)
			return
		}
		answer := map[string]string{}
		for _, kind := range []string{"computer", "group"} {
			if r.URL.Query().Has(kind + "_ids") {
				answer["commandID_"+kind] = fmt.Sprintf("C%d", n)
			}
		}
		write(w, 200, answer)
	})
	return q
}

func TestCommands(t *testing.T) {
	q := serveQueue(t, nil)
	c := q.client(t)
	for _, tt := range []struct {
		send func(context.Context, Targets) (Sent, error)
		path string
		rest url.Values
	}{
		{c.Quarantine, "/command-queue/quarantine", nil},
		{c.UndoQuarantine, "/command-queue/quarantine", url.Values{"undo": {"true"}}},
		{c.ActiveScan, "/command-queue/activescan", nil},
		{c.FullScan, "/command-queue/fullscan", nil},
		{c.UpdateContent, "/command-queue/updatecontent", nil},
	} {
		q.sent = nil
		sent, err := tt.send(t.Context(), Targets{Computers: []string{"A", "B", "A"}})
		require.NoError(t, err)
		require.Equal(t, Sent{[]SentPart{{Targets: Targets{Computers: []string{"A", "B"}}, IDs: []string{"C1"}}}}, sent)
		require.Len(t, q.sent, 1)
		require.Equal(t, tt.path, q.sent[0].path)
		want := url.Values{"computer_ids": {"A,B"}}
		for key, value := range tt.rest {
			want[key] = value
		}
		require.Equal(t, want, q.sent[0].query)
		require.Empty(t, q.sent[0].body)
	}
}

// fn_sep sends the group of the row too, and so quarantines all of it.
func TestPartC01QuarantineTouchesNoGroup(t *testing.T) {
	q := serveQueue(t, nil)
	_, err := q.client(t).Quarantine(t.Context(), Targets{Computers: []string{"A"}})
	require.NoError(t, err)
	require.Equal(t, url.Values{"computer_ids": {"A"}}, q.sent[0].query, "nothing but the computer, by one id")
}

// fn_sep takes any answer for a success, and an error body for its result.
func TestPartC03RefusedCommandIsNoSuccess(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		class  Class
		text   string
	}{
		{400, `{"errorCode":"400","errorMessage":"The parameters are invalid."}`, Permanent, "The parameters are invalid."},
		{401, `{"errorCode":"401"}`, Unauthorized, "system administrator"},
		{404, ``, NotFound, "404"},
		{429, ``, Throttled, "429"},
		{500, `<html><body>Error</body></html>`, Ambiguous, "500: Error"},
		{200, ``, Ambiguous, "not what SEPM's API promises"},
		{200, `{}`, Ambiguous, "it names no command"},
		{200, `{"commandID_computer":""}`, Ambiguous, "it names no command"},
		{200, `{"commandID_computer":null,"errorCode":"400"}`, Ambiguous, "it names no command"},
		{200, `{"commandID":"../x"}`, Ambiguous, `"../x" is no id`},
		{202, `{"commandID":"C1"}`, Ambiguous, "202: Accepted"},
	} {
		q := serveQueue(t, func(w http.ResponseWriter, _ int, _ *http.Request) {
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.body)
		})
		sent, err := q.client(t).Quarantine(t.Context(), Targets{Computers: []string{"A"}})
		e := requireError(t, err, tt.class, tt.text)
		require.Empty(t, sent.IDs(), tt.body)
		require.Equal(t, e, sent.Parts[0].Err)
		_, err = q.client(t).CancelCommand(t.Context(), "C1")
		requireError(t, err, tt.class, tt.text)
	}
}

// fn_sep's scripts read commandID_computer only.
func TestPartC24IDsOfAllKinds(t *testing.T) {
	for answer, want := range map[string][]string{
		`{"commandID_computer":"A1"}`:                              {"A1"},
		`{"commandID_group":"B1"}`:                                 {"B1"},
		`{"commandID":"C1"}`:                                       {"C1"},
		`{"commandID_hardware":"D1"}`:                              {"D1"},
		`{"commandID_computer":"A1","commandID_group":"B1"}`:       {"A1", "B1"},
		`{"commandID":"A1","commandID_computer":"A1"}`:             {"A1"},
		`{"commandid_Computer":12,"x":"y","commandID_group":null}`: {"12"},
	} {
		q := serveQueue(t, func(w http.ResponseWriter, _ int, _ *http.Request) { io.WriteString(w, answer) })
		sent, err := q.client(t).ActiveScan(t.Context(), Targets{Groups: []string{"G"}})
		require.NoError(t, err, answer)
		require.Equal(t, want, sent.IDs(), answer)
		require.Equal(t, []string{"G"}, sent.Parts[0].Groups)
		require.Equal(t, url.Values{"group_ids": {"G"}}, q.sent[0].query)
	}
}

// fn_sep has none of these.
func TestPartC31ScansAndContent(t *testing.T) {
	q := serveQueue(t, nil)
	c := q.client(t)
	for _, send := range []func(context.Context, Targets) (Sent, error){c.ActiveScan, c.FullScan, c.UpdateContent} {
		sent, err := send(t.Context(), Targets{Computers: []string{"A"}})
		require.NoError(t, err)
		require.Len(t, sent.IDs(), 1)
	}
}

// Tomcat refuses a line that is too long, and fn_sep sends all ids in one.
func TestCommandForManyIsSplit(t *testing.T) {
	q := serveQueue(t, nil)
	ids := computers(1000)
	sent, err := q.client(t).Scan(t.Context(), Targets{Computers: ids, Groups: []string{"G1", "G2"}}, Scan{Evidence: []Evidence{{Name: "a.exe"}}})
	require.NoError(t, err)
	require.Len(t, sent.Parts, 6)
	var got []string
	for i, part := range sent.Parts {
		require.Equal(t, []string{fmt.Sprintf("C%d", i+1)}, part.IDs)
		if i < 5 {
			require.Equal(t, strings.Join(part.Computers, ","), q.sent[i].query.Get("computer_ids"))
			require.False(t, q.sent[i].query.Has("group_ids"))
		}
		got = append(got, part.Computers...)
		require.LessOrEqual(t, q.sent[i].line, 8192-1024, "with room for headers, which Tomcat counts too")
		require.Equal(t, q.sent[0].body, q.sent[i].body, "every part is the same scan")
	}
	require.Greater(t, q.sent[0].line, 8192-1024-100, "as few requests as it takes")
	require.Equal(t, ids, got, "each computer once")
	require.Equal(t, []string{"G1", "G2"}, sent.Parts[5].Groups)
	require.Equal(t, []string{"C1", "C2", "C3", "C4", "C5", "C6"}, sent.IDs())
}

// What a part failed with does not lose the ids of the others.
func TestCommandInPart(t *testing.T) {
	cut := func(w http.ResponseWriter) { panic(http.ErrAbortHandler) }
	status := func(code int) func(http.ResponseWriter) { return func(w http.ResponseWriter) { w.WriteHeader(code) } }
	for _, tt := range []struct {
		name    string
		second  func(w http.ResponseWriter)
		ids     []string
		classes [3]Class // of the parts
		whole   Class
	}{
		{"refused", status(400), []string{"C1", "C3"}, [3]Class{"", Permanent, ""}, Ambiguous},
		{"unknown computer", status(410), []string{"C1", "C3"}, [3]Class{"", NotFound, ""}, Ambiguous},
		{"in doubt", status(500), []string{"C1", "C3"}, [3]Class{"", Ambiguous, ""}, Ambiguous},
		{"no id", status(200), []string{"C1", "C3"}, [3]Class{"", Ambiguous, ""}, Ambiguous},
		{"lost", cut, []string{"C1"}, [3]Class{"", Ambiguous, Temporary}, Ambiguous},
		{"throttled", status(429), []string{"C1"}, [3]Class{"", Throttled, Throttled}, Ambiguous},
		{"no right", status(401), []string{"C1"}, [3]Class{"", Unauthorized, Unauthorized}, Ambiguous},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var second string
			q := serveQueue(t, func(w http.ResponseWriter, n int, r *http.Request) {
				ids := r.URL.Query().Get("computer_ids")
				if n == 2 {
					second = ids
				}
				if ids == second {
					tt.second(w)
					return
				}
				write(w, 200, map[string]string{"commandID_computer": fmt.Sprintf("C%d", n)})
			})
			sent, err := q.client(t).Quarantine(t.Context(), Targets{Computers: computers(500)})
			e := requireError(t, err, tt.whole, "part 2 of 3: ")
			require.Equal(t, tt.ids, sent.IDs())
			require.Len(t, sent.Parts, 3)
			failed := 0
			for i, part := range sent.Parts {
				require.NotEmpty(t, part.Computers)
				if tt.classes[i] == "" {
					require.Nil(t, part.Err)
					continue
				}
				require.Equal(t, tt.classes[i], part.Err.Class, part.Err.Error())
				failed += len(part.Computers)
			}
			require.ErrorContains(t, e, fmt.Sprintf("%d targets are without an id", failed))
			require.NotErrorIs(t, err, ErrUnauthorized, "who sends it all again would send some of it twice")
		})
	}
}

// A command of which nothing was sent is not in doubt.
func TestCommandNotSent(t *testing.T) {
	q := serveQueue(t, func(w http.ResponseWriter, _ int, _ *http.Request) { w.WriteHeader(429) })
	sent, err := q.client(t).Quarantine(t.Context(), Targets{Computers: computers(500)})
	requireError(t, err, Throttled, "part 1 of 3: ")
	require.Len(t, q.sent, 1, "the rest would not fare better")
	require.ErrorContains(t, sent.Parts[2].Err, "not sent, after a part before failed")
	require.Len(t, sent.Parts[2].Computers, 500-len(sent.Parts[0].Computers)-len(sent.Parts[1].Computers))
}

func TestCommandRefusesBadTargets(t *testing.T) {
	q := serveQueue(t, nil)
	c := q.client(t)
	for text, targets := range map[string]Targets{
		"no computer and no group":      {},
		"the id of a computer is empty": {Computers: []string{"A", ""}},
		`"A,B" is no id of a computer`:  {Computers: []string{"A,B"}},
		`"G&undo=true" is no id`:        {Groups: []string{"G&undo=true"}},
		`"` + strings.Repeat("A", 65):   {Computers: []string{strings.Repeat("A", 65)}},
	} {
		sent, err := c.Quarantine(t.Context(), targets)
		requireError(t, err, Permanent, text)
		require.Empty(t, sent.Parts)
	}
	_, err := c.UploadFile(t.Context(), []string{"A"}, WantedFile{Path: strings.Repeat("x", 7168)})
	requireError(t, err, Permanent, "longer than the 7168 bytes that SEPM is sure to take")
	_, err = c.CancelCommand(t.Context(), "")
	requireError(t, err, Permanent, "the id of a command is empty")
	_, err = c.CancelCommand(t.Context(), "A/../B")
	requireError(t, err, Permanent, "is no id of a command")
	require.Empty(t, q.sent)
	require.Zero(t, q.logins.Load())
}

func TestCancelCommand(t *testing.T) {
	q := serveQueue(t, func(w http.ResponseWriter, _ int, _ *http.Request) { io.WriteString(w, `{"commandID":"C2"}`) })
	id, err := q.client(t).CancelCommand(t.Context(), "C1")
	require.NoError(t, err)
	require.Equal(t, "C2", id)
	require.Equal(t, "/command-queue/C1/cancel", q.sent[0].path)
}

// The body of a scan is there again when SEPM refuses the token first.
func TestScanAfterTokenEnded(t *testing.T) {
	q := serveQueue(t, func(w http.ResponseWriter, n int, _ *http.Request) {
		if n == 1 {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, `{"commandID_computer":"C1"}`)
	})
	sent, err := q.client(t).Scan(t.Context(), Targets{Computers: []string{"A"}}, Scan{Evidence: []Evidence{{Name: "a.exe"}}})
	require.NoError(t, err)
	require.Equal(t, []string{"C1"}, sent.IDs())
	require.Len(t, q.sent, 2)
	require.NotEmpty(t, q.sent[1].body)
	require.Equal(t, q.sent[0], q.sent[1])
}

func TestUploadFile(t *testing.T) {
	q := serveQueue(t, func(w http.ResponseWriter, _ int, _ *http.Request) { io.WriteString(w, `{"commandID":"C1"}`) })
	c := q.client(t)
	sha256, sha1, md5 := strings.Repeat("ab", 32), strings.Repeat("cd", 20), strings.Repeat("ef", 16)
	for _, tt := range []struct {
		file WantedFile
		want url.Values
	}{
		{WantedFile{Path: `C:\a & b.exe`, Hash: FileHash{SHA256, strings.ToUpper(sha256)}},
			url.Values{"file_path": {`C:\a & b.exe`}, "sha256": {sha256}, "source": {"FILESYSTEM"}}},
		{WantedFile{Path: "x", Hash: FileHash{SHA1, sha1}, Source: InVault}, url.Values{"file_path": {"x"}, "sha1": {sha1}, "source": {"QUARANTINE"}}},
		{WantedFile{Path: "x", Hash: FileHash{MD5, md5}, Source: Anywhere}, url.Values{"file_path": {"x"}, "md5": {md5}, "source": {"BOTH"}}},
		{WantedFile{Path: "x"}, url.Values{"file_path": {"x"}, "source": {"FILESYSTEM"}}},
	} {
		q.sent = nil
		sent, err := c.UploadFile(t.Context(), []string{"A", "B"}, tt.file)
		require.NoError(t, err)
		require.Equal(t, []string{"C1"}, sent.IDs())
		tt.want.Set("computer_ids", "A,B")
		require.Equal(t, tt.want, q.sent[0].query)
		require.Equal(t, "/command-queue/files", q.sent[0].path)
	}
	for text, file := range map[string]WantedFile{
		"path of the file is empty": {},
		"is no path":                {Path: "a\x00b"},
		`"x" is no hash`:            {Path: "a", Hash: FileHash{MD5, "x"}},
		"is no MD5":                 {Path: "a", Hash: FileHash{MD5, sha1}},
		`source "DISK": want`:       {Path: "a", Source: "DISK"},
	} {
		_, err := c.UploadFile(t.Context(), []string{"A"}, file)
		requireError(t, err, Permanent, text)
	}
}

func TestParseFileHash(t *testing.T) {
	for length, kind := range map[int]HashKind{32: MD5, 40: SHA1, 64: SHA256} {
		h, err := ParseFileHash(" " + strings.Repeat("A", length) + "\n")
		require.NoError(t, err)
		require.Equal(t, FileHash{kind, strings.Repeat("a", length)}, h)
	}
	for _, s := range []string{"", "abc", strings.Repeat("a", 33), strings.Repeat("g", 32), strings.Repeat("\x1b", 64)} {
		_, err := ParseFileHash(s)
		require.ErrorContains(t, err, "is no hash")
		require.NotContains(t, err.Error(), "\x1b")
	}
}
