package resilient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// session is the login of a user (§1.3).
type session struct {
	// header is what each request carries: the cookies, and the token against
	// requests that other pages make a browser send.
	header http.Header
}

// byKey is whether the client is an API key, which needs no session and must
// send no cookie (§1.2).
func (o Options) byKey() bool { return o.KeyID != "" }

// caller is what errors call the client.
func (o Options) caller() string {
	if o.byKey() {
		return "the API key"
	}
	return "the user"
}

// refused says what to do about a 401.
func (o Options) refused() string {
	if o.byKey() {
		return "the API key is wrong or blocked, or this address is banned: check resilient.api_key_id and its secret"
	}
	return "the e-mail address or the password is wrong, or the account is locked, or needs a second factor or SAML: check resilient.email and its password"
}

// noPermissions is the query of a session: without the permissions, which are slow
// for large organizations (§1.2).
var noPermissions = url.Values{"include_permissions": {"false"}}

// authorized sends a request as the API key, or in the session of the user.
// A session that has ended is renewed once and the request sent again: its 401
// says that nothing was done.
func (c *Client) authorized(ctx context.Context, r request, address string) error {
	if c.options.byKey() {
		return c.send(ctx, r, address)
	}
	for renewed := false; ; renewed = true {
		s, err := c.session.get(ctx, c.login)
		if err != nil {
			return waited(err)
		}
		r.header = s.header
		err = c.send(ctx, r, address)
		if !errors.Is(err, ErrUnauthorized) {
			return err
		}
		c.session.drop(s)
		if renewed {
			return err
		}
		if _, once := r.body.(*remote.Content); once {
			e := r.fail(Temporary, "the session had ended, and the file was read already", err)
			e.Status = http.StatusUnauthorized
			return e
		}
	}
}

// login opens a session. It changes nothing but the server's list of them.
func (c *Client) login(ctx context.Context) (*session, error) {
	var grant struct {
		Token text `json:"csrf_token"`
	}
	var answered http.Header
	r := request{
		op: "log in", subject: c.options.Email, method: http.MethodPost, path: "/rest/session", read: true, query: noPermissions,
		body: map[string]string{"email": c.options.Email, "password": c.options.Password},
		into: &grant, answered: &answered,
	}
	err := c.send(ctx, r, c.rest+"/session")
	if err != nil {
		return nil, notAnswer(err)
	}
	s := session{header: http.Header{}}
	var cookies []string
	for _, cookie := range (&http.Response{Header: answered}).Cookies() {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	if len(cookies) == 0 || grant.Token == "" || !httpguts.ValidHeaderFieldValue(string(grant.Token)) {
		e := r.fail(Unauthorized, "the login was accepted but opened no session", nil)
		e.Hint = "an account with a second factor or SAML cannot be used: take an API key"
		return nil, e
	}
	s.header.Set("Cookie", strings.Join(cookies, "; "))
	s.header.Set("X-sess-id", string(grant.Token))
	return &s, nil
}

// notAnswer makes an error that will not change [Unauthorized], so that it is
// not taken for the answer to the request that had to connect or log in.
func notAnswer(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Class == Permanent {
		e.Class = Unauthorized
	}
	return err
}

// waited makes an [*Error] of a context that ended while another request
// connected or logged in.
func waited(err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return sessionRequest().fail(Temporary, "waiting for a connect: "+err.Error(), err)
}

// Close ends the login of a user, if there is one, and closes idle
// connections. The client can still be used.
func (c *Client) Close(ctx context.Context) error {
	defer c.http.GetClient().CloseIdleConnections()
	s := c.session.take()
	if s == nil {
		return nil
	}
	err := c.send(ctx, request{
		op: "log out", subject: c.options.Email, method: http.MethodDelete, path: "/rest/session", read: true,
		header: s.header, success: []int{http.StatusOK, http.StatusNoContent},
	}, c.rest+"/session")
	if errors.Is(err, ErrUnauthorized) {
		return nil // it had ended before us
	}
	return err
}
