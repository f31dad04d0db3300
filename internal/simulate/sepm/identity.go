package sepm

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// session is what a token stands for.
type session struct {
	user    object // the UserToken
	domain  Domain
	expires time.Time
}

// authenticate is POST /identity/authenticate (contract: A6).
func (s *Server) authenticate(c *call) error {
	var login struct {
		Username *string `json:"username"`
		Password *string `json:"password"`
		Domain   *string `json:"domain"`
		AppName  string  `json:"appName"` // seen in the body too; changes nothing here
	}
	if err := c.decode(&login); err != nil {
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
	made := session{user: s.userToken(domain), domain: domain, expires: s.opt.Now().Add(s.opt.TokenLife)}
	s.mu.Lock()
	s.tokens[made.word("token")] = made
	s.refreshes[made.word("refreshToken")] = made
	s.logins++
	s.mu.Unlock()
	return c.ok(made.user)
}

// word is a text of the UserToken.
func (s session) word(key string) string {
	text, _ := s.user[key].(string)
	return text
}

// refresh is POST /sepm/oauth/token, all in the query (contract: A6): a new
// token for the same login. The old one goes on until its end.
func (s *Server) refresh(c *call) error {
	q := c.r.URL.Query()
	if grant := q.Get("grant_type"); grant != "refresh_token" {
		return failGrant("unsupported_grant_type", "Unsupported grant type: "+grant)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	made, ok := s.refreshes[q.Get("refresh_token")]
	if !ok || q.Get("client_id") != made.word("clientId") || q.Get("client_secret") != made.word("clientSecret") {
		return failGrant("invalid_grant", "Invalid refresh token: "+q.Get("refresh_token"))
	}
	made.user = maps.Clone(made.user)
	made.user["token"] = newUUID()
	made.expires = s.opt.Now().Add(s.opt.TokenLife)
	s.tokens[made.word("token")] = made
	if s.opt.RefreshForm == OAuthForm {
		return c.ok(object{"access_token": made.user["token"], "refresh_token": made.user["refreshToken"], "token_type": "bearer",
			"expires_in": made.user["tokenExpiration"], "scope": "read write"})
	}
	return c.ok(object{"access_token": made.user["token"], "tokenExpiration": made.user["tokenExpiration"]})
}

// failGrant is an error of Spring's token endpoint (contract: A3).
func failGrant(code, text string) error {
	return &failure{status: http.StatusBadRequest, text: text, body: object{"error": code, "error_description": text}}
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
func (s *Server) authorize(r *http.Request, who access) (session, error) {
	if who == anybody {
		return session{}, nil
	}
	login, ok := s.session(r)
	switch {
	case !ok:
		return session{}, s.badToken()
	case who == administrator && s.opt.NoRights:
		return session{}, fail(http.StatusUnauthorized, "The account does not have the rights for this operation.")
	}
	return login, nil
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
	clear(s.refreshes)
}

// Logins is how many logins have succeeded.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
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
func (s *Server) logout(c *call) error {
	token, _ := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		var body struct {
			AdminID string `json:"adminId"`
			Token   string `json:"token"`
		}
		if err := c.decode(&body); err != nil {
			return err
		}
		token = body.Token
	}
	s.mu.Lock()
	ended, known := s.tokens[token]
	delete(s.tokens, token)
	delete(s.refreshes, ended.word("refreshToken"))
	s.mu.Unlock()
	if !known {
		return s.badToken()
	}
	return c.done(http.StatusNoContent)
}

// currentUser is GET /sessions/currentuser (contract: A6).
func (s *Server) currentUser(c *call) error { return c.ok(c.login.user) }

// version is GET /version, which needs no token (contract: A8).
func (s *Server) version(c *call) error {
	if s.opt.Release == V142 {
		return c.ok(object{"API_SEQUENCE": "181118008", "API_VERSION": "1.0.0", "version": "14.2.1031.0100"})
	}
	return c.ok(object{"API_SEQUENCE": "240604011", "API_VERSION": "14.3.9000", "version": "14.3.25029.9000"})
}

// domains is GET /domains, a bare array (contract: A9).
func (s *Server) domains(c *call) error {
	all := make([]object, 0, len(s.opt.Domains))
	for _, d := range s.opt.Domains {
		all = append(all, object{"id": d.ID, "name": d.Name, "description": nil, "createdTime": createdAt.UnixMilli(), "enable": true,
			"companyName": "", "contactInfo": nil, "administratorCount": 1})
	}
	return c.ok(all)
}

// domainOf is the id that a request's domain parameter means: without one the
// login's own domain (contract: A7), or "" for every one.
func (s *Server) domainOf(c *call, parameter string) string {
	asked := c.r.URL.Query().Get(parameter)
	if asked == "" {
		if s.opt.AllDomains {
			return ""
		}
		return c.login.domain.ID
	}
	if s.opt.DomainByName {
		if d, ok := s.domainNamed(asked); ok {
			return d.ID
		}
	}
	return asked
}
