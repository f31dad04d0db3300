package sepclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// session holds the token of the login (A6).
type session struct {
	mu      sync.Mutex
	token   string
	adminID string
	// domainID is the domain that the login sees (A7).
	domainID string
	renew    time.Time // zero: until SEPM refuses the token
	// sound is until when a 401 is taken to mean a missing right, since the
	// token was new when SEPM refused a request with it.
	sound  time.Time
	flight *flight
}

// flight is a login that is under way. Those who need a token meanwhile wait
// for it and share its end, so that a wrong password is sent once and not by
// each of them: SEPM locks accounts.
type flight struct {
	done  chan struct{}
	token string
	err   error
	// left is whether whoever logged in stopped waiting.
	left bool
}

// token is a valid token, after a login where there is none. It changes
// nothing at SEPM but the list of sessions, and may be repeated.
func (c *Client) token(ctx context.Context) (string, error) {
	s := c.session
	for {
		s.mu.Lock()
		if s.token != "" && (s.renew.IsZero() || c.options.Now().Before(s.renew)) {
			defer s.mu.Unlock()
			return s.token, nil
		}
		f := s.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			s.flight = f
			s.mu.Unlock()
			c.login(ctx, f)
			return f.token, f.err
		}
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return "", loginRequest(c.options).fail(Temporary, "waiting for a login: "+ctx.Err().Error(), ctx.Err())
		}
		// A login that ended because its caller left says nothing about the
		// password: the next one in line tries.
		if f.err == nil || !f.left {
			return f.token, f.err
		}
	}
}

// login logs in and ends the flight.
func (c *Client) login(ctx context.Context, f *flight) {
	var grant struct {
		Token      text   `json:"token"`
		Expiration number `json:"tokenExpiration"` // seconds of life
		AdminID    text   `json:"adminId"`
		DomainID   text   `json:"domainid"`
	}
	r := loginRequest(c.options)
	r.into = &grant
	err := c.send(ctx, r, "")
	var e *Error
	switch {
	case errors.As(err, &e) && (e.Class == Permanent || e.Class == NotFound):
		// It is the answer to the login, not to the request that needed it.
		e.Class = Unauthorized
	case err == nil && grant.Token == "":
		err = r.fail(Temporary, "the login was accepted but gave no token", nil)
	}

	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	f.err, f.left = err, ctx.Err() != nil
	if err == nil {
		f.token = string(grant.Token)
		s.token, s.adminID, s.domainID = f.token, string(grant.AdminID), string(grant.DomainID)
		s.sound = time.Time{}
		s.renew = renewAt(c.options.Now(), time.Duration(grant.Expiration.value)*time.Second)
	}
	close(f.done)
}

// renewAt is when a token is to be replaced: two minutes before its end, or
// when a tenth of a short life is left.
func renewAt(now time.Time, life time.Duration) time.Time {
	if life <= 0 {
		return time.Time{}
	}
	return now.Add(life - min(2*time.Minute, life/10))
}

const loginPath = "/identity/authenticate"

func loginRequest(o Options) request {
	username, password := o.Username, o.Password
	if o.EscapeCredentials {
		username, password = percentEncode(username), percentEncode(password)
	}
	return request{
		op: "authenticate", subject: o.Username, method: http.MethodPost, path: loginPath, read: true,
		body: map[string]string{"username": username, "password": password, "domain": o.Domain},
	}
}

// percentEncode is url.QueryEscape with %20 for a blank, so that it reads the
// same to a server that takes + for a blank and to one that does not.
func percentEncode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// soundFor is how long a token that was new when it was refused is not
// replaced again. Without it an account that lacks a right would log in for
// each request.
const soundFor = time.Minute

// refusedNew notes that SEPM refused a request with a token that was new.
func (s *session) refusedNew(token string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.sound = now.Add(soundFor)
	}
}

// isSound reports whether it is not the token that SEPM refuses.
func (s *session) isSound(token string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token == token && now.Before(s.sound)
}

// forget drops a token that SEPM refused, unless another has replaced it.
func (s *session) forget(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

// domain is the id of the domain that the last login sees.
func (s *session) domain() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.domainID
}

// logout ends the session at SEPM, if there is one.
func (c *Client) logout(ctx context.Context) error {
	s := c.session
	s.mu.Lock()
	token, adminID := s.token, s.adminID
	s.token = ""
	s.mu.Unlock()
	if token == "" {
		return nil
	}
	err := c.send(ctx, request{
		op: "logout", subject: c.options.Username, method: http.MethodPost, path: "/identity/logout", read: true,
		success: []int{http.StatusOK, http.StatusNoContent},
		body:    map[string]string{"adminId": adminID, "token": token},
	}, token)
	if errors.Is(err, ErrUnauthorized) {
		return nil // the token had ended before us
	}
	return err
}
