package resilient

import (
	"bytes"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

const (
	logIns  = "POST /session"
	logOuts = "DELETE /session"
)

func TestUserLogsInOnceAndOut(t *testing.T) {
	s := stand(t, soar.Options{})
	c := s.client(t, asUser)
	id := open(t, c)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			_, err := c.Notes(t.Context(), id)
			require.NoError(t, err)
		})
	}
	asking.Wait()
	require.Equal(t, 1, s.Calls()[logIns])
	require.NoError(t, c.Close(t.Context()))
	require.NoError(t, c.Close(t.Context()))
	require.Equal(t, 1, s.Calls()[logOuts])
	_, err := c.Notes(t.Context(), id)
	require.NoError(t, err, "it can still be used")
}

func TestSessionThatEndedIsRenewed(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	s := stand(t, soar.Options{SessionTimeout: 20 * time.Minute, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	idle := func() {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(21 * time.Minute)
	}
	c := s.client(t, asUser)
	id := open(t, c)
	idle()
	var adding sync.WaitGroup
	for range 20 {
		adding.Go(func() {
			_, err := c.AddNote(t.Context(), id, incident.Note{Text: "n"})
			require.NoError(t, err, "also a write: its 401 says that it was not done")
		})
	}
	adding.Wait()
	require.Equal(t, 2, s.Calls()[logIns], "one for all of them")
	require.Equal(t, 1, s.Calls()["GET /types"], "what was learned is kept")
	notes, err := c.Notes(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, notes, 20)

	idle()
	upload := func() error {
		_, err := c.AddAttachment(t.Context(), id, File{Name: "a.txt", Size: 2, Content: bytes.NewReader([]byte("ab"))})
		return err
	}
	requireError(t, upload(), Temporary, "the session had ended, and the file was read already")
	require.NoError(t, upload())
	files, err := c.Attachments(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, files, 1)
}

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	s := stand(t, soar.Options{})
	c := s.client(t, asUser, func(o *Options) { o.Password = "hidden" })
	_, err := c.Notes(t.Context(), 1)
	requireError(t, err, Unauthorized, `resilient: log in "demo@example.com" (POST /rest/session): 401: Invalid user name or password.: `+
		"the e-mail address or the password is wrong, or the account is locked, or needs a second factor or SAML: check resilient.email and its password")
	require.Equal(t, 1, s.Requests())
}

func TestKeyGoesBeforeUser(t *testing.T) {
	s := stand(t, soar.Options{})
	_, err := s.client(t, func(o *Options) { o.Email, o.Password = "demo@example.com", "demo" }).Connect(t.Context())
	require.NoError(t, err)
	require.Zero(t, s.Calls()[logIns])
}

// What a server answers that lets nobody in for good, or refuses what a fresh
// session asks: neither is asked again and again.
func TestLoginsThatOpenNoSession(t *testing.T) {
	cookie := func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: "x"})
		_, _ = w.Write([]byte(`{"csrf_token":"t"}`))
	}
	for name, tt := range map[string]struct {
		login http.HandlerFunc
		class Class
		text  string
		sent  int
	}{
		"no token":   {say(200, `{"csrf_token":null}`), Unauthorized, "opened no session: an account with a second factor or SAML cannot be used", 1},
		"no cookie":  {say(200, `{"csrf_token":"t"}`), Unauthorized, "opened no session", 1},
		"a redirect": {say(302, ``), Unauthorized, "302: Found", 1},
		"away":       {say(503, ``), Temporary, "503", 1},
		"no use":     {cookie, Unauthorized, "connect (GET /rest/session): 401", 2},
		"not an API": {say(200, `<html>`), Temporary, "not what Resilient's API promises", 1},
		"wrong token": {func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: "x"})
			_, _ = w.Write([]byte(`{"csrf_token":"t\u000aX-Forged: 1"}`))
		}, Unauthorized, "opened no session", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{})
			s.answers["POST /rest/session"] = tt.login
			s.open = true
			s.answers["GET /rest/session"] = say(401, ``)
			c := s.client(t, asUser)
			_, err := c.Connect(t.Context())
			requireError(t, err, tt.class, tt.text)
			require.Len(t, s.sentTo("POST /rest/session"), tt.sent)
		})
	}
}

// What the guide says goes with each request of a session (§1.3), and with
// none of an API key.
func TestSessionIsSentWhole(t *testing.T) {
	var cookie, token, basic string
	s := serve(t, map[string]http.HandlerFunc{
		"POST /rest/session": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: "j"})
			http.SetCookie(w, &http.Cookie{Name: "route", Value: "node1"})
			_, _ = w.Write([]byte(`{"csrf_token":"t"}`))
		},
		"DELETE /rest/session": say(204, ``),
		"GET /incidents/7/comments": func(w http.ResponseWriter, r *http.Request) {
			cookie, token, basic = r.Header.Get("Cookie"), r.Header.Get("X-sess-id"), r.Header.Get("Authorization")
			_, _ = w.Write([]byte(`[]`))
		},
	})
	s.open = true
	_, err := s.client(t, asUser).Notes(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, []string{"JSESSIONID=j; route=node1", "t", ""}, []string{cookie, token, basic})
	_, err = s.client(t).Notes(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, []string{"", ""}, []string{cookie, token})
	require.NotEmpty(t, basic)
}
