package sepm

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// session is what a token stands for.
type session struct {
	user    object // the UserToken
	expires time.Time
}

// authenticate is POST /identity/authenticate (contract: A6).
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) error {
	var login struct {
		Username *string `json:"username"`
		Password *string `json:"password"`
		Domain   *string `json:"domain"`
		AppName  string  `json:"appName"` // seen in the body too; changes nothing here
	}
	if err := decode(r, &login); err != nil {
		return err
	}
	if login.Username == nil || login.Password == nil || (login.Domain == nil && s.opt.RequireDomain) {
		return fail(http.StatusBadRequest, "The user name, password or domain is missing.")
	}
	domain, known := s.opt.Domains[0], true
	if login.Domain != nil && *login.Domain != "" {
		domain, known = s.domainNamed(*login.Domain)
	}
	if !known || !s.is(*login.Username, s.opt.Username) || !s.is(*login.Password, s.opt.Password) {
		return fail(http.StatusUnauthorized, "Authentication failed. The user name, password or domain is wrong.")
	}
	user := s.userToken(domain)
	token, _ := user["token"].(string)
	s.mu.Lock()
	s.tokens[token] = session{user: user, expires: s.opt.Now().Add(s.opt.TokenLife)}
	s.mu.Unlock()
	reply(w, http.StatusOK, user)
	return nil
}

// is compares a credential in the forms that are accepted.
func (s *Server) is(sent, want string) bool {
	if s.opt.Credentials != PercentForm && sent == want {
		return true
	}
	if s.opt.Credentials == AsSent {
		return false
	}
	decoded, err := url.QueryUnescape(sent)
	return err == nil && decoded == want
}

func (s *Server) domainNamed(name string) (Domain, bool) {
	for _, d := range s.opt.Domains {
		if strings.EqualFold(d.Name, name) {
			return d, true
		}
	}
	return Domain{}, false
}

func (s *Server) userToken(domain Domain) object {
	role, rights := object{"bitMask": 8, "title": "sysadmin"}, true
	if s.opt.NoRights {
		role, rights = object{"bitMask": 2, "title": "limitedadmin"}, false
	}
	return object{
		"token": newUUID(), "tokenExpiration": int64(s.opt.TokenLife / time.Second),
		"refreshToken": newUUID(), "refreshTokenExpiration": int64(30 * 24 * time.Hour / time.Second),
		"clientId": newUUID(), "clientSecret": newUUID(),
		"adminId": hexID("admin", s.opt.Username), "username": s.opt.Username, "fullname": s.opt.Username,
		"domain": domain.Name, "domainid": domain.ID, "role": role,
		"permissionSet": object{"reportingRights": rights, "groupRights": rights, "siteRights": rights, "remoteCommandRights": rights, "policyRights": rights},
		"bannerTitle":   nil, "bannerText": nil, "serverTime": s.opt.Now().UnixMilli(),
	}
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// authorize checks the bearer token. An account without rights gets the same
// 401 as a token that has expired (contract: A3).
func (s *Server) authorize(r *http.Request, who access) error {
	if who == anybody {
		return nil
	}
	if _, ok := s.session(r); !ok {
		return s.badToken()
	}
	if who == administrator && s.opt.NoRights {
		return fail(http.StatusUnauthorized, "The account does not have the rights for this operation.")
	}
	return nil
}

func (s *Server) session(r *http.Request) (session, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return session{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.tokens[token]
	if ok && !s.opt.Now().Before(found.expires) {
		delete(s.tokens, token)
		return session{}, false
	}
	return found, ok
}

func (s *Server) badToken() error {
	const text = "The access token is invalid or has expired."
	switch s.opt.AuthError {
	case CommonBody:
		return fail(http.StatusUnauthorized, text)
	case EmptyBody:
		return &failure{status: http.StatusUnauthorized, text: text}
	}
	return &failure{status: http.StatusUnauthorized, text: text, body: object{"error": "invalid_token", "error_description": text}}
}

// ExpireTokens ends every session, as a restart of SEPM does.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Sessions is how many tokens have been given out that were neither logged
// out nor found expired.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// logout is POST /identity/logout (contract: A6): the token to end is the
// bearer's, or in the body as one client sends it.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		var body struct {
			AdminID string `json:"adminId"`
			Token   string `json:"token"`
		}
		if err := decode(r, &body); err != nil {
			return err
		}
		token = body.Token
	}
	s.mu.Lock()
	_, known := s.tokens[token]
	delete(s.tokens, token)
	s.mu.Unlock()
	if !known {
		return s.badToken()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// currentUser is GET /sessions/currentuser (contract: A6).
func (s *Server) currentUser(w http.ResponseWriter, r *http.Request) error {
	found, ok := s.session(r)
	if !ok {
		return s.badToken() // it expired since it was checked
	}
	reply(w, http.StatusOK, found.user)
	return nil
}

// version is GET /version, which needs no token (contract: A8).
func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	v := object{"API_SEQUENCE": "240604011", "API_VERSION": "14.3.9000", "version": "14.3.25029.9000"}
	if s.opt.Release == V142 {
		v = object{"API_SEQUENCE": "181118008", "API_VERSION": "1.0.0", "version": "14.2.1031.0100"}
	}
	reply(w, http.StatusOK, v)
	return nil
}

// domains is GET /domains, a bare array (contract: A9).
func (s *Server) domains(w http.ResponseWriter, _ *http.Request) error {
	all := make([]object, 0, len(s.opt.Domains))
	for _, d := range s.opt.Domains {
		all = append(all, object{"id": d.ID, "name": d.Name, "description": nil, "createdTime": 1723541216000, "enable": true,
			"companyName": "", "contactInfo": nil, "administratorCount": 1})
	}
	reply(w, http.StatusOK, all)
	return nil
}
