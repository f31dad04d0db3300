package soar

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"time"
)

// principal is somebody who acts: a user or an API key.
type principal struct {
	id          int
	kind        string // user or apikey
	name        string
	first, last string
}

// The two principals that there are.
var (
	analyst = &principal{id: 1, kind: "user", name: "demo@example.com", first: "Demo", last: "Analyst"}
	apiKey  = &principal{id: 14, kind: "apikey", name: "demo", first: "demo", last: "(API key)"}
)

// login is a session of the legacy kind (contract: §1.3).
type login struct {
	csrf string
	used time.Time
}

const sessionCookie = "JSESSIONID"

// logIn is POST /rest/session: e-mail and password for a cookie and a token.
func (s *Server) logIn(c *call) (any, error) {
	var body struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if !equal(body.Email, s.opt.Email) || !equal(body.Password, s.opt.Password) {
		return nil, refuse(http.StatusUnauthorized, "Invalid user name or password.")
	}
	cookie, csrf := rand.Text(), rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[cookie] = login{csrf: csrf, used: s.clock()}
	http.SetCookie(c.w, &http.Cookie{Name: sessionCookie, Value: cookie, Path: "/", Secure: true, HttpOnly: true})
	return s.sessionDTO(c.r, analyst, csrf), nil
}

// principal is who sends the request, or 401. A session cookie is looked at
// even where the request carries an API key too (contract: §1.2).
func (s *Server) principal(r *http.Request) (*principal, error) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		found, ok := s.sessions[cookie.Value]
		if !ok || s.clock().Sub(found.used) > s.opt.SessionTimeout || !equal(r.Header.Get("X-sess-id"), found.csrf) {
			return nil, refuse(http.StatusUnauthorized, "The session has ended.")
		}
		found.used = s.clock()
		s.sessions[cookie.Value] = found
		return analyst, nil
	}
	id, secret, ok := r.BasicAuth()
	if !ok || !equal(id, s.opt.KeyID) || !equal(secret, s.opt.KeySecret) {
		return nil, refuse(http.StatusUnauthorized, "Unauthorized")
	}
	return apiKey, nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// getSession is GET /rest/session, which tells the orgs (contract: §1.4).
func (s *Server) getSession(c *call) (any, error) {
	csrf := ""
	if c.who == analyst {
		csrf = c.r.Header.Get("X-sess-id")
	}
	return s.sessionDTO(c.r, c.who, csrf), nil
}

func (s *Server) logOut(c *call) (any, error) {
	if cookie, err := c.r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, cookie.Value)
	}
	return s.deleted(), nil
}

func (s *Server) sessionDTO(r *http.Request, who *principal, csrf string) object {
	orgs := []object{}
	var perms object
	if who != apiKey || !s.opt.NullKeyHandle {
		perms = object{"administrator": false, "observer": false, "master_administrator": false,
			"create_incs": !slices.Contains(s.opt.Deny, "POST /incidents"), "create_shared_layout": false}
	}
	for _, o := range s.orgList {
		orgs = append(orgs, object{
			"id": o.ID, "name": o.Name, "uuid": nullable(o.UUID), "cloud_account": nullable(o.CloudAccount), "enabled": !o.Disabled,
			"perms":           perms,
			"session_timeout": int(s.opt.SessionTimeout / time.Second), "attachments_enabled": !o.NoAttachments, "tasks_private": false,
			"has_saml": false, "require_saml": false, "twofactor_auth_domain": nil, "has_available_twofactor": false,
			"incident_deletion_allowed": !o.KeepIncidents, "effective_permissions": []int{}, "role_handles": []int{},
			"parent_org": nil, "configuration_type": "standard", "timezone": nil,
		})
	}
	dto := object{"orgs": orgs, "session_ip": r.RemoteAddr, "is_saml": false, "is_ldap": false, "saml_alias": nil, "next_nps_survey_date": nil}
	if who == apiKey {
		dto["api_key_handle"], dto["client_id"], dto["display_name"] = who.id, s.opt.KeyID, "sepwatch"
		dto["password_expiration_date"] = nil
		if s.opt.NullKeyHandle {
			dto["api_key_handle"] = nil
		}
		return dto
	}
	dto["csrf_token"], dto["user_id"] = csrf, who.id
	dto["user_fname"], dto["user_lname"], dto["user_email"] = who.first, who.last, s.opt.Email
	return dto
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
