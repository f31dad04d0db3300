package soar

import (
	"crypto/rand"
	"net/http"
	"time"
)

// login is a session of the legacy kind (contract: §1.3).
type login struct {
	who  *principal
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
	s.mu.Lock()
	defer s.mu.Unlock()
	who, err := s.admit(s.who.users, body.Email, body.Password)
	if err != nil {
		return nil, err
	}
	if !s.may(who, c.operation) {
		return nil, forbidden(c.operation)
	}
	cookie, csrf := rand.Text(), rand.Text()
	s.sessions[cookie] = login{who: who, csrf: csrf, used: s.clock()}
	setCookie(c.w, cookie)
	return s.sessionDTO(c.r, who, csrf), nil
}

func setCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", Secure: true, HttpOnly: true})
}

// principal is who sends the request, or 401. A session cookie is looked at
// even where the request carries an API key too (contract: §1.2).
func (s *Server) principal(r *http.Request) (*principal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		found, ok := s.sessions[cookie.Value]
		if !ok || s.banned || s.clock().Sub(found.used) > s.opt.SessionTimeout || !equal(r.Header.Get("X-sess-id"), found.csrf) {
			return nil, refuse(http.StatusUnauthorized, "The session has ended.")
		}
		found.used = s.clock()
		s.sessions[cookie.Value] = found
		return found.who, nil
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		return nil, refuse(http.StatusUnauthorized, "Unauthorized")
	}
	return s.admit(s.who.keys, id, secret)
}

// EndSessions ends every session of the legacy login, as a restart of the
// server does.
func (s *Server) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// LiftBan ends a ban: see [Options.BanAfter].
func (s *Server) LiftBan() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.banned, s.badLogins = false, 0
}

// getSession is GET /rest/session, which tells the orgs (contract: §1.4). A
// key gets a cookie too, which is of no use: a client that sends it back
// beside the key is refused (§1.2, §11.19).
func (s *Server) getSession(c *call) (any, error) {
	csrf := c.r.Header.Get("X-sess-id")
	if c.who.isKey() {
		csrf = ""
		setCookie(c.w, rand.Text())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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

// sessionDTO is a session as it is answered. The caller holds s.mu.
func (s *Server) sessionDTO(r *http.Request, who *principal, csrf string) object {
	orgs := []object{}
	var perms object
	if !who.isKey() || !s.opt.NullKeyHandle {
		perms = object{"administrator": false, "observer": false, "master_administrator": false,
			"create_incs": s.may(who, "POST /incidents") && s.may(who, CreateIncidents), "create_shared_layout": false}
	}
	for _, o := range s.orgList {
		if !who.memberOf(o.ID) {
			continue
		}
		dto := object{
			"id": o.ID, "name": o.Name, "uuid": nullable(o.UUID), "cloud_account": nullable(o.CloudAccount), "enabled": !o.Disabled,
			"perms":           perms,
			"session_timeout": int(s.opt.SessionTimeout / time.Second), "attachments_enabled": !o.NoAttachments, "tasks_private": false,
			"has_saml": false, "require_saml": false, "twofactor_auth_domain": nil, "has_available_twofactor": false,
			"incident_deletion_allowed": !o.KeepIncidents, "effective_permissions": []int{}, "role_handles": []int{},
		}
		if !s.opt.before(51) {
			dto["parent_org"], dto["configuration_type"], dto["timezone"] = nil, "standard", nil
		}
		orgs = append(orgs, dto)
	}
	dto := object{"orgs": orgs, "session_ip": r.RemoteAddr, "is_saml": false, "is_ldap": false, "saml_alias": nil, "next_nps_survey_date": nil}
	if who.isKey() {
		dto["api_key_handle"], dto["client_id"], dto["display_name"] = who.id, who.name, "sepwatch"
		dto["password_expiration_date"] = nil
		if s.opt.NullKeyHandle {
			dto["api_key_handle"] = nil
		}
		return dto
	}
	dto["csrf_token"], dto["user_id"] = csrf, who.id
	dto["user_fname"], dto["user_lname"], dto["user_email"] = who.first, who.last, who.name
	return dto
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
