package sepclient

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each test here is named after a row of the table of what fn_sep does wrong
// (contract: SEPM API, part C), and fails on what it does.

// fn_sep takes the first page for the whole fleet.
func TestPartC02EveryPageOfComputers(t *testing.T) {
	const fleet = 45
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var index, size int
		fmt.Sscan(r.URL.Query().Get("pageIndex"), &index)
		fmt.Sscan(r.URL.Query().Get("pageSize"), &size)
		size = min(size, 20) // whatever is asked for
		content := []map[string]any{}
		for i := (index - 1) * size; i < min(index*size, fleet); i++ {
			content = append(content, map[string]any{"computerName": fmt.Sprint(i), "uniqueId": fmt.Sprint(i)})
		}
		write(w, 200, map[string]any{"content": content, "number": index - 1, "lastPage": index*size >= fleet, "totalElements": 20, "totalPages": 1})
	})
	names, err := list(t, s.client(t), ComputerQuery{})
	require.NoError(t, err)
	require.Len(t, names, fleet)
}

// fn_sep hands the body of any error on as a success.
func TestPartC03NoErrorIsASuccess(t *testing.T) {
	calls := map[string]func(c *Client) error{
		"computers": func(c *Client) error { _, err := list(t, c, ComputerQuery{}); return err },
		"groups": func(c *Client) (err error) {
			for _, e := range c.Groups(t.Context(), GroupQuery{}) {
				err = e
			}
			return err
		},
		"group":   func(c *Client) error { _, err := c.Group(t.Context(), "G", ""); return err },
		"domains": func(c *Client) error { _, err := c.Domains(t.Context()); return err },
		"user":    func(c *Client) error { _, err := c.CurrentUser(t.Context()); return err },
		"move":    func(c *Client) error { _, err := c.MoveComputers(t.Context(), Move{"H", "G"}); return err },
		"assign":  func(c *Client) error { return c.AssignLockdown(t.Context(), "G", "L") },
		"list":    func(c *Client) error { _, err := c.FingerprintList(t.Context(), "L"); return err },
		"create": func(c *Client) error {
			_, err := c.CreateFingerprintList(t.Context(), FingerprintList{Name: "n", Files: []ListedFile{{MD5: md5A}}})
			return err
		},
		"replace": func(c *Client) error {
			return c.ReplaceFingerprintList(t.Context(), FingerprintList{ID: "L", Files: []ListedFile{{MD5: md5A}}})
		},
		"edit": func(c *Client) error {
			_, err := c.EditFingerprintList(t.Context(), "L", "", ListEdit{Add: []string{md5A}})
			return err
		},
		"delete":      func(c *Client) error { return c.DeleteFingerprintList(t.Context(), "L") },
		"events":      func(c *Client) error { _, err := c.CriticalEvents(t.Context(), true); return err },
		"acknowledge": func(c *Client) error { return c.AcknowledgeEvent(t.Context(), "E") },
		"policies":    func(c *Client) error { _, err := c.Policies(t.Context(), PolicyQuery{}); return err },
		"exceptions":  func(c *Client) error { _, err := c.ExceptionsPolicy(t.Context(), "P"); return err },
		"firewall":    func(c *Client) error { _, err := c.FirewallPolicy(t.Context(), "P"); return err },
		"clients":     func(c *Client) error { _, err := c.OnlineStatus(t.Context()); return err },
	}
	for name, call := range calls {
		for _, status := range []int{200, 202, 302, 400, 401, 404, 409, 410, 422, 423, 429, 500, 503} {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				write(w, status, map[string]string{"errorCode": fmt.Sprint(status), "errorMessage": "It went wrong."})
			})
			err := call(s.client(t))
			require.NotEmpty(t, classOf(err), "%s: %d: %v", name, status, err)
			if status != 200 {
				require.ErrorContains(t, err, "It went wrong.", "%s: %d", name, status)
			}
			s.Close()
		}
	}
}

// A failed login is not gone on with.
func TestPartC03NoCallWithoutALogin(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call without a login") })
	s.authenticate = func(w http.ResponseWriter, _ *http.Request) { write(w, 200, map[string]any{"token": nil}) }
	_, err := s.client(t).Domains(t.Context())
	require.ErrorContains(t, err, "gave no token")
}

// fn_sep cannot update a list of v1 any more.
func TestPartC04UpdateOfAV1List(t *testing.T) {
	digits := strings.Repeat("12", 16)
	l, c := withLists(t, map[string][]map[string]string{"L": md5s(md5A)})
	_, err := c.EditFingerprintList(t.Context(), "L", "", ListEdit{Add: []string{digits, md5B}})
	require.NoError(t, err)
	require.Equal(t, md5s(md5A, digits, md5B), l.lists["L"])
	require.Equal(t, []any{md5A, digits, md5B}, l.bodies[0]["data"])
	require.Equal(t, "MD5", l.bodies[0]["hashType"])
}

// fn_sep looks for a hash among the kinds of hashes, and adds it again.
func TestPartC05HashInAV2ListAlready(t *testing.T) {
	mixed := []map[string]string{{"MD5": md5A, "SHA256": sha256A}, {"SHA256": sha256B}}
	l, c := withLists(t, map[string][]map[string]string{"L": mixed})
	change, err := c.EditFingerprintList(t.Context(), "L", "", ListEdit{Add: []string{sha256B, md5A}})
	require.NoError(t, err)
	require.Empty(t, change.Added)
	require.Zero(t, l.writes)
}

// fn_sep finds no hash in another case, says it has removed it, and counts
// entries for hashes.
func TestPartC06RemovalFromAV2List(t *testing.T) {
	l, c := withLists(t, map[string][]map[string]string{"L": {{"MD5": md5A, "SHA256": sha256A}}})
	change, err := c.EditFingerprintList(t.Context(), "L", "", ListEdit{Remove: []string{strings.ToLower(sha256A)}, DeleteEmpty: true})
	require.NoError(t, err)
	require.Equal(t, []string{sha256A}, change.Removed)
	require.False(t, change.Deleted, "a hash is left")
	require.Equal(t, md5s(md5A), l.lists["L"])
	change, err = c.EditFingerprintList(t.Context(), "L", "", ListEdit{Remove: []string{sha256A}})
	require.NoError(t, err)
	require.Empty(t, change.Removed, "it was not there")
}

// fn_sep takes the empty answers to what succeeded for no result.
func TestPartC07EmptyAnswersAreSuccesses(t *testing.T) {
	for _, body := range []string{"", `""`, "\r\n"} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		c := s.client(t)
		require.NoError(t, c.DeleteFingerprintList(t.Context(), "L"))
		require.NoError(t, c.AssignLockdown(t.Context(), "G", "L"))
		require.NoError(t, c.ReplaceFingerprintList(t.Context(), FingerprintList{ID: "L", Name: "n", Files: []ListedFile{{MD5: md5A}}}))
	}
}

// fn_sep reads the numbers of Host Integrity nowhere.
func TestPartC13HostIntegrityIsThere(t *testing.T) {
	var dto computerDTO
	require.NoError(t, json.Unmarshal([]byte(`{"quarantineStatus":3,"quarantineCode":"105"}`), &dto))
	require.Equal(t, [2]int{3, 105}, [2]int{dto.computer().QuarantineStatus, dto.computer().QuarantineCode})
}

// fn_sep reads the operating system of 14.2 only.
func TestPartC14OSNameOfBothVersions(t *testing.T) {
	for _, computer := range []string{`{"osName":"Windows 10"}`, `{"osname":"Windows 10"}`, `{"osname":"Windows 10","osName":"Windows 10"}`, `{"osName":"Windows 10","osname":null}`} {
		var dto computerDTO
		require.NoError(t, json.Unmarshal([]byte(computer), &dto))
		require.Equal(t, "Windows 10", dto.computer().OSName, computer)
	}
}

// fn_sep knows half of the states of an engine.
func TestPartC16EveryEngineState(t *testing.T) {
	for state, want := range map[string]EngineState{
		"0": EngineDisabled, "1": EngineOn, "2": EngineNotInstalled, "3": EngineDisabledByPolicy,
		"4": EngineMalfunctioning, "5": EngineUnlicensed, "127": EngineNotReported, "null": EngineNotReported, "9": 9,
	} {
		var dto computerDTO
		require.NoError(t, json.Unmarshal([]byte(`{"daOnOff":`+state+`}`), &dto))
		require.Equal(t, want, dto.computer().Engines.DownloadInsight)
	}
}

// fn_sep takes namesakes for one computer, and asks by name only.
func TestPartC17C19ComputersByIDAndHardwareKey(t *testing.T) {
	var asked string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("computer_id") + "/" + r.URL.Query().Get("hardware_key")
		io.WriteString(w, `{"content":[{"computerName":"PC","uniqueId":"1"},{"computerName":"PC","uniqueId":"2"}],"lastPage":true}`)
	})
	names, err := list(t, s.client(t), ComputerQuery{ID: "1", HardwareKey: "H"})
	require.NoError(t, err)
	require.Equal(t, []string{"PC", "PC"}, names)
	require.Equal(t, "1/H", asked)
}

// fn_sep logs in for each call and never logs out.
func TestPartC26OneLoginForAllCalls(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[]`) })
	c := s.client(t)
	for range 5 {
		_, err := c.Domains(t.Context())
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, s.logins.Load())
}

// fn_sep takes any certificate.
func TestPartC27CertificatesAreVerified(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	_, err := s.client(t, func(o *Options) { o.RootCAs = nil }).Domains(t.Context())
	require.Equal(t, Untrusted, classOf(err))
	require.Zero(t, s.logins.Load(), "and no password was sent")
}

// fn_sep ends a list of groups by its counters, and reads exceptions through
// v1 only.
func TestPartC29GroupsAndExceptions(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/groups"):
			fmt.Fprintf(w, `{"content":[{"id":%q}],"lastPage":%t,"totalElements":1,"totalPages":1}`,
				"G"+r.URL.Query().Get("pageIndex"), r.URL.Query().Get("pageIndex") == "3")
		case strings.HasPrefix(r.URL.Path, "/sepm/api/v2/"):
			io.WriteString(w, `{"name":"v2","configuration":{}}`)
		default:
			write(w, 400, map[string]string{"errorMessage": "This policy is not supported by V1, please try V2!"})
		}
	})
	c := s.client(t)
	var ids []string
	for g, err := range c.Groups(t.Context(), GroupQuery{}) {
		require.NoError(t, err)
		ids = append(ids, g.ID)
	}
	require.Equal(t, []string{"G1", "G2", "G3"}, ids)
	p, err := c.ExceptionsPolicy(t.Context(), "P")
	require.NoError(t, err)
	require.Equal(t, "v2", p.Name)
}

// fn_sep cannot acknowledge an event.
func TestPartC31AnEventIsAcknowledged(t *testing.T) {
	var asked string
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked = r.Method + " " + r.URL.Path })
	require.NoError(t, s.client(t).AcknowledgeEvent(t.Context(), "E1"))
	require.Equal(t, "POST /sepm/api/v1/events/acknowledge/E1", asked)
}

// fn_sep writes HTML into cells, and one event again and again.
func TestPartC32EventsOnceAndAsText(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"criticalEventsInfoList":[{"eventId":"E","message":"<p>One<br/>two</p>"},{"eventId":"E","message":"<p>One<br/>two</p>"}]}`)
	})
	events, err := s.client(t).CriticalEvents(t.Context(), true)
	require.NoError(t, err)
	require.Len(t, events.Events, 1)
	require.Equal(t, "One\ntwo", events.Events[0].Message)
}
