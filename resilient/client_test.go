package resilient

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/connect"
	"github.com/sepwatch/sepwatch/internal/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a Resilient with the organization Demo, 201, which answers each
// "METHOD /path" below it as its answers say, and keeps what it was sent.
type scripted struct {
	*httptest.Server
	// session is the answer of the login, fields those of the incident, types
	// what there is besides.
	session, fields, types string
	answers                map[string]http.HandlerFunc
	// open lets everybody in, not the API key alone.
	open bool

	mu   sync.Mutex
	seen []sent
}

// sent is a request as it came.
type sent struct {
	call, query, body string
}

const (
	demoSession = `{"api_key_handle":null,"session_ip":"192.0.2.9","orgs":[
		{"id":200,"name":"Other","uuid":"u-0","cloud_account":"c-0","enabled":true},
		{"id":201,"name":"Demo","uuid":"u-1","cloud_account":null,"enabled":true}]}`
	demoFields    = `[{"id":100,"name":"name","text":"Name","prefix":null,"required":"always"}]`
	demoConstants = `{"max_attachment_mb":25,"max_artifact_mb":25,"server_version":{"major":51,"version":"51.0.9.0.20848"}}`
	demoTypes     = `"artifact":{"id":4,"type_id":4,"fields":{"type":{"name":"type","values":[
		{"value":1,"label":"IP Address","enabled":true,"properties":{"allow_duplicate":false}},
		{"value":4,"label":"RFC 822 Email Message File","properties":{"allow_duplicate":true}},
		{"value":9,"label":"Email Sender","enabled":false,"properties":null}]}}},
		"sep_groups":{"id":1000,"type_id":8,"display_name":"Groups","fields":{
			"t":{"id":90,"name":"t","text":"T","input_type":"text"},"n":{"id":92,"name":"n","text":"N","input_type":"number"}}}`
)

// typesOf is the answer with all types.
func typesOf(fields, others string) string {
	var list []map[string]any
	if err := json.Unmarshal([]byte(fields), &list); err != nil {
		panic(err)
	}
	byName := make(map[string]any)
	for _, f := range list {
		byName[f["name"].(string)] = f
	}
	text, err := json.Marshal(byName)
	if err != nil {
		panic(err)
	}
	return `{"incident":{"id":0,"type_id":0,"fields":` + string(text) + `},` + others + `}`
}

func serve(t *testing.T, answers map[string]http.HandlerFunc) *scripted {
	t.Helper()
	s := &scripted{session: demoSession, fields: demoFields, types: demoTypes, answers: answers}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.route))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are wanted here
	s.StartTLS()
	t.Cleanup(s.Server.Close)
	return s
}

func (s *scripted) route(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call := r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), "/rest/orgs/201")
	s.mu.Lock()
	s.seen = append(s.seen, sent{call, r.URL.Query().Encode(), string(body)})
	s.mu.Unlock()
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	answer := s.answers[call]
	id, secret, _ := r.BasicAuth()
	switch {
	case !s.open && (id != "key" || secret != "hidden" || r.Header.Get("Cookie") != ""):
		w.WriteHeader(401)
	case answer != nil:
		answer(w, r)
	case call == "GET /rest/session":
		http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: "x", Path: "/"})
		io.WriteString(w, s.session)
	case call == "GET /rest/const":
		io.WriteString(w, demoConstants)
	case call == "GET /types":
		io.WriteString(w, typesOf(s.fields, s.types))
	default:
		w.WriteHeader(500) // as v51 does for what it does not know
		io.WriteString(w, `{"success":false,"title":null,"message":"Internal Server Error","hints":[],"error_code":"generic"}`)
	}
}

// sentTo are the requests of one call.
func (s *scripted) sentTo(call string) (found []sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		if r.call == call {
			found = append(found, r)
		}
	}
	return found
}

// client makes a client that trusts the server's own self-signed certificate.
func (s *scripted) client(t *testing.T, edit ...func(*Options)) *Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	o := Options{URL: s.URL, Org: "Demo", KeyID: "key", KeySecret: "hidden", RootCAs: pool}
	for _, e := range edit {
		e(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	return c
}

// say answers with a status and a body.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// inTurn answers one after the other, and with the last one from then on.
func inTurn(answers ...http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		answer(w, r)
	}
}

// drop closes the connection without an answer.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// hang keeps a request until its client leaves.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// classOf is the class of an error, "" of none.
func classOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

func requireError(t *testing.T, err error, class Class, text string) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, class, e.Class, e.Error())
	require.ErrorContains(t, err, text)
	require.NotContains(t, err.Error(), "hidden")
	return e
}

func TestNewTakesPlainHTTPOnThisMachineOnly(t *testing.T) {
	for url, ok := range map[string]bool{
		"http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost": true,
		"http://127.0.0.1.example.com": false, "http://10.0.0.1": false, "ftp://localhost": false,
	} {
		_, err := New(Options{URL: url, KeyID: "a", KeySecret: "b", Org: "Demo"})
		require.Equal(t, ok, err == nil, url)
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	for url, want := range map[string]string{
		"http://soar":              "want https://",
		"soar.example.com":         "want https://",
		"https://a:b@soar":         "no login",
		"https://soar:port":        "invalid port",
		"https://soar.example.com": "API key",
	} {
		_, err := New(Options{URL: url})
		require.ErrorContains(t, err, want, url)
	}
}

func TestAddressAndTimeout(t *testing.T) {
	c, err := New(Options{URL: "https://soar:8443/", ResourcePrefix: "/api/respond/", KeyID: "k", KeySecret: "s"})
	require.NoError(t, err)
	require.Equal(t, "https://soar:8443/api/respond/rest", c.rest)
	require.Equal(t, 30*time.Second, c.Timeout())
}

func TestCertificates(t *testing.T) {
	s := serve(t, nil)
	_, err := s.client(t, func(o *Options) { o.RootCAs = nil }).Connect(t.Context())
	requireError(t, err, Untrusted, "ca_file")
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	_, err = s.client(t, func(o *Options) { o.URL = "https://localhost:" + port }).Connect(t.Context())
	requireError(t, err, Untrusted, "use a name of the certificate")
}

func TestPinnedCertificateAndProxy(t *testing.T) {
	s := serve(t, nil)
	pin := connect.FingerprintOf(s.Certificate())
	pinned := func(o *Options) { o.RootCAs, o.Fingerprints = nil, []connect.Fingerprint{pin} }
	_, err := s.client(t, pinned).Connect(t.Context())
	require.NoError(t, err)
	_, err = s.client(t, func(o *Options) { o.Fingerprints = []connect.Fingerprint{{}} }).Connect(t.Context())
	requireError(t, err, Untrusted, pin.String())
	_, err = s.client(t, pinned, func(o *Options) { o.Proxy = connect.Proxy{Scheme: "http", Address: "127.0.0.1:1"} }).Connect(t.Context())
	requireError(t, err, Unreachable, "proxy 127.0.0.1:1 cannot be reached")
}

// A write that certainly was not sent is told from one that may have been.
func TestFateOfAWrite(t *testing.T) {
	const add = "POST /incidents/7/comments"
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		class  Class
		text   string
	}{
		{"lost before the answer", drop, Ambiguous, "EOF"},
		{"no answer in time", hang, Ambiguous, "no answer in time (300ms)"},
		{"lost within the answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			io.WriteString(w, `{"id":`)
		}, Ambiguous, "200: read the answer"},
		{"not JSON", say(200, "<html>"), Ambiguous, "not what Resilient's API promises"},
		{"null", say(200, "null"), Ambiguous, "it is null"},
		{"no id", say(200, "{}"), Ambiguous, "the answer has no id"},
		{"202", say(202, "{}"), Ambiguous, "202: Accepted"},
		{"500", say(500, `{"message":"boom"}`), Ambiguous, `resilient: add note to incident 7 (POST /incidents/7/comments): 500: boom`},
		{"503 of a proxy", say(503, "<html><body><h1>Service<br>away</h1></body></html>"), Ambiguous, "503: Service away"},
		{"400", say(400, `{"success":false,"title":null,"message":"Field X is required.","hints":["field_defs"],"error_code":"generic"}`),
			Permanent, "400: Field X is required."},
		{"403", say(403, ``), Permanent, `403: Forbidden: give the API key the permission "Edit Incidents: Notes"`},
		{"404", say(404, `{"title":"Unable to find incident"}`), Permanent, "404: Unable to find incident"},
		{"413", say(413, ``), Permanent, "413: "},
		{"302", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, Permanent, "302: "},
		{"409", say(409, ``), Conflict, "409: Conflict"},
		{"429", say(429, "slow\ndown\x1b"), Throttled, "429: slow down"},
		{"401", say(401, ``), Unauthorized, "401: Unauthorized: the API key is wrong or blocked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{add: tt.answer})
			c := s.client(t)
			_, err := c.Connect(t.Context()) // so that the write goes over a kept-alive connection
			require.NoError(t, err)
			if tt.name == "no answer in time" {
				c.options.Timeout = 300 * time.Millisecond
			}
			_, err = c.AddNote(t.Context(), 7, incident.Note{Text: "n"})
			requireError(t, err, tt.class, tt.text)
			require.Len(t, s.sentTo(add), 1, "a write is never repeated")
		})
	}
	t.Run("not sent", func(t *testing.T) {
		s := serve(t, nil)
		c := s.client(t)
		_, err := c.Connect(t.Context())
		require.NoError(t, err)
		s.Close()
		require.NoError(t, c.Close(t.Context()))
		_, err = c.AddNote(t.Context(), 7, incident.Note{Text: "n"})
		requireError(t, err, Unreachable, "cannot be reached")
	})
	t.Run("not connected", func(t *testing.T) {
		s := serve(t, map[string]http.HandlerFunc{"GET /rest/session": say(502, "")})
		_, err := s.client(t).AddNote(t.Context(), 7, incident.Note{Text: "n"})
		requireError(t, err, Temporary, "connect (GET /rest/session): 502: Bad Gateway")
	})
}

func TestErrNotFound(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{"GET /incidents/7/comments": say(404, "")})
	_, err := s.client(t).Notes(t.Context(), 7)
	require.ErrorIs(t, err, ErrNotFound)
	require.Equal(t, Permanent, classOf(err))

	s = serve(t, map[string]http.HandlerFunc{"GET /rest/session": say(404, "")})
	_, err = s.client(t).Notes(t.Context(), 7)
	require.NotErrorIs(t, err, ErrNotFound, "a wrong URL does not say that the incident is gone")
	requireError(t, err, Unauthorized, "404")
}

// A read is repeated once on a kept-alive connection, also one by POST.
func TestReadsOutliveALostConnection(t *testing.T) {
	const find = "POST /incidents/query_paged"
	s := serve(t, map[string]http.HandlerFunc{find: inTurn(drop, say(200, `{"recordsFiltered":0,"data":[]}`))})
	found, err := s.client(t).FindIncidents(t.Context(), Lookup{Key: "k"})
	require.NoError(t, err)
	require.Empty(t, found)
	require.Len(t, s.sentTo(find), 2)

	s = serve(t, map[string]http.HandlerFunc{find: drop})
	_, err = s.client(t).FindIncidents(t.Context(), Lookup{Key: "k"})
	requireError(t, err, Temporary, "EOF")
}

// undated answers without a Date.
func undated(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		io.WriteString(w, body)
	}
}

func TestServerNow(t *testing.T) {
	here := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	there := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s := serve(t, map[string]http.HandlerFunc{"GET /rest/session": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", there.Format(http.TimeFormat))
		io.WriteString(w, demoSession)
	}, "GET /rest/const": undated(demoConstants), "GET /types": undated(typesOf(demoFields, demoTypes))})
	c := s.client(t, func(o *Options) { o.Now = func() time.Time { return here } })
	_, known := c.ServerNow()
	require.False(t, known)
	_, err := c.Connect(t.Context())
	require.NoError(t, err)
	here = here.Add(90 * time.Second)
	now, known := c.ServerNow()
	require.True(t, known)
	require.Equal(t, there.Add(90*time.Second), now)
}

func TestObservesRequests(t *testing.T) {
	var got []string
	s := serve(t, nil)
	c := s.client(t, func(o *Options) {
		o.OnRequest = func(op string, status int, _ time.Duration) { got = append(got, fmt.Sprint(op, " ", status)) }
	})
	_, err := c.Notes(t.Context(), 7)
	require.Error(t, err)
	require.Equal(t, []string{"connect 200", "read constants 200", "list types 200", "list notes of incident 500"}, got)
}

func FuzzReadErrorBody(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"message":{"content":"x"},"error_code":7}`, `{"title":["a"]}`, "<p>a<script>b", "a\x00\nb"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, message := readErrorBody(body)
		for _, s := range []string{code, message} {
			require.Equal(t, s, remote.Printable(s), "printable text stays what it is")
		}
	})
}

// jsonOf decodes a body for comparison.
func jsonOf(t *testing.T, body string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(body), &v))
	return v
}
