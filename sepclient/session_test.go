package sepclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var ping = request{op: "ping", method: http.MethodGet, path: "/ping", read: true}

func TestLoginBody(t *testing.T) {
	for escape, password := range map[bool]string{false: "p%w + ä", true: "p%25w%20%2B%20%C3%A4"} {
		var got map[string]string
		var tokens []string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { tokens = append(tokens, r.Header.Get("Authorization")) })
		s.authenticate = func(w http.ResponseWriter, r *http.Request) {
			tokens = append(tokens, r.Header.Get("Authorization"))
			_ = json.NewDecoder(r.Body).Decode(&got)
			write(w, 200, map[string]any{"token": "T", "tokenExpiration": "3600"})
		}
		c := s.client(t, func(o *Options) { o.Password, o.EscapeCredentials = "p%w + ä", escape })
		require.NoError(t, c.do(t.Context(), ping))
		require.Equal(t, map[string]string{"username": "admin", "password": password, "domain": "Default"}, got)
		require.Equal(t, []string{"", "Bearer T"}, tokens)
	}
}

func TestOneLoginForMany(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := s.client(t)
	errs := make(chan error)
	for range 50 {
		go func() { errs <- c.do(t.Context(), ping) }()
	}
	for range 50 {
		require.NoError(t, <-errs)
	}
	require.EqualValues(t, 1, s.logins.Load())
}

func TestLoginAgainOnceOn401(t *testing.T) {
	for _, tt := range []struct {
		name         string
		refused      int32
		class        Class
		sent, logins int32
	}{
		{"token ended", 1, "", 2, 2},
		{"no right", 99, Unauthorized, 2, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent atomic.Int32
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if sent.Add(1) <= tt.refused {
					write(w, 401, map[string]string{"errorMessage": "Unauthorized"})
				}
			})
			err := s.client(t).do(t.Context(), request{op: "write", method: http.MethodPost, path: "/thing", body: "x"})
			require.Equal(t, tt.class, classOf(err))
			require.Equal(t, tt.sent, sent.Load())
			require.Equal(t, tt.logins, s.logins.Load())
			if err != nil {
				require.ErrorIs(t, err, ErrUnauthorized)
				require.ErrorContains(t, err, "system administrator")
			}
		})
	}
}

// Who lacks a right does not log in for each request that needs it.
func TestMissingRightLogsInOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins, ended := 0, false
		c := offline(t, func(r *http.Request) (int, string) {
			switch {
			case isLogin(r):
				logins++
				ended = false
				return 200, fmt.Sprintf(`{"token":"T%d"}`, logins)
			case ended, r.URL.Path == "/sepm/api/v1/forbidden":
				return 401, ""
			}
			return 200, ""
		})
		forbidden := request{op: "read", method: http.MethodGet, path: "/forbidden", read: true}
		for range 10 {
			require.ErrorIs(t, c.do(t.Context(), forbidden), ErrUnauthorized)
		}
		require.NoError(t, c.do(t.Context(), ping))
		require.Equal(t, 2, logins)
		ended = true // the server was started anew, say
		time.Sleep(soundFor)
		require.NoError(t, c.do(t.Context(), ping))
		require.Equal(t, 3, logins)
	})
}

// A token that ends under many requests is replaced once.
func TestOneLoginAfterMany401s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		logins, old := 0, make(chan struct{})
		c := offline(t, func(r *http.Request) (int, string) {
			if isLogin(r) {
				mu.Lock()
				defer mu.Unlock()
				logins++
				return 200, fmt.Sprintf(`{"token":"T%d"}`, logins)
			}
			if r.Header.Get("Authorization") == "Bearer T1" {
				<-old
				return 401, ""
			}
			return 200, ""
		})
		errs := make(chan error, 50)
		for range 50 {
			go func() { errs <- c.do(t.Context(), ping) }()
		}
		synctest.Wait()
		close(old)
		for range 50 {
			require.NoError(t, <-errs)
		}
		require.Equal(t, 2, logins)
	})
}

func TestRefusedLogin(t *testing.T) {
	for status, class := range map[int]Class{
		400: Unauthorized, 401: Unauthorized, 404: Unauthorized, 500: Temporary, 429: Throttled,
	} {
		s := serve(t, hang)
		s.authenticate = func(w http.ResponseWriter, _ *http.Request) {
			write(w, status, map[string]string{"error_description": "Bad credentials"})
		}
		err := s.client(t).do(t.Context(), ping)
		requireError(t, err, class, `authenticate "admin" (POST /identity/authenticate): `)
		require.NotContains(t, err.Error(), "secret")
		require.EqualValues(t, 1, s.logins.Load(), "it is not tried again")
	}
}

func TestLoginWithoutToken(t *testing.T) {
	s := serve(t, hang)
	s.authenticate = func(w http.ResponseWriter, _ *http.Request) { write(w, 200, map[string]string{}) }
	requireError(t, s.client(t).do(t.Context(), ping), Temporary, "gave no token")
}

func TestLogout(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := s.client(t)
	var ops []string
	c.options.OnRequest = func(op string, _ int, _ time.Duration) { ops = append(ops, op) }
	require.NoError(t, c.Close(t.Context()))
	require.Empty(t, ops, "there was no login")
	require.NoError(t, c.do(t.Context(), ping))
	require.NoError(t, c.Close(t.Context()))
	require.NoError(t, c.Close(t.Context()))
	require.Equal(t, []string{"authenticate", "ping", "logout"}, ops)
}

// transport answers without sockets, so that synctest can tell when everybody
// waits.
type transport func(*http.Request) (int, string)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func offline(t *testing.T, f transport) *Client {
	t.Helper()
	c, err := New(Options{URL: "https://sepm.example.com:8446", Username: "u", Password: "p"})
	require.NoError(t, err)
	c.http.SetTransport(f)
	return c
}

func isLogin(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/authenticate") }

func TestWaitersShareARefusedLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins, refuse := 0, make(chan struct{})
		c := offline(t, func(r *http.Request) (int, string) {
			logins++
			<-refuse
			return 401, ""
		})
		errs := make(chan error, 50)
		for range 50 {
			go func() { errs <- c.do(t.Context(), ping) }()
		}
		synctest.Wait()
		close(refuse)
		for range 50 {
			require.ErrorIs(t, <-errs, ErrUnauthorized)
		}
		require.Equal(t, 1, logins, "a wrong password is sent once: SEPM locks accounts")
	})
}

func TestWaiterTakesOverAnAbandonedLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		c := offline(t, func(r *http.Request) (int, string) {
			if isLogin(r) {
				if logins++; logins == 1 {
					<-r.Context().Done()
				}
			}
			return 200, `{"token":"T"}`
		})
		leaving, leave := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- c.do(leaving, ping) }()
		synctest.Wait()
		go func() { second <- c.do(t.Context(), ping) }()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		requireError(t, c.do(impatient, ping), Temporary, "waiting for a login")
		leave()
		require.ErrorIs(t, <-first, context.Canceled)
		require.NoError(t, <-second)
		require.Equal(t, 2, logins)
	})
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		c := offline(t, func(r *http.Request) (int, string) {
			if isLogin(r) {
				logins++
			}
			return 200, `{"token":"T","tokenExpiration":3600}`
		})
		require.NoError(t, c.do(t.Context(), ping))
		time.Sleep(57 * time.Minute) // of the bubble's own clock
		require.NoError(t, c.do(t.Context(), ping))
		require.Equal(t, 1, logins)
		time.Sleep(2 * time.Minute)
		require.NoError(t, c.do(t.Context(), ping))
		require.Equal(t, 2, logins)
	})
}

// A late 401 to an old token leaves the token that replaced it.
func TestForget(t *testing.T) {
	s := session{token: "new"}
	s.forget("old")
	require.Equal(t, "new", s.token)
	s.forget("new")
	require.Empty(t, s.token)
}

func TestRenewAt(t *testing.T) {
	now := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
	require.Equal(t, now.Add(3480*time.Second), renewAt(now, time.Hour))
	require.Equal(t, now.Add(9*time.Second), renewAt(now, 10*time.Second))
	require.Zero(t, renewAt(now, 0))
}
