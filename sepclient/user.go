package sepclient

import (
	"context"
	"net/http"
	"strings"
)

// User is whom a login belongs to, and what it may do (A6).
type User struct {
	Name, FullName string
	// Domain is the one domain that the login sees.
	Domain Domain
	Role   Role
	// Rights are those that SEPM lists; nil where it lists none.
	Rights *Rights
}

// Rights are an administrator's rights (A6).
type Rights struct {
	Reporting, Groups, Sites, RemoteCommands, Policies bool
}

// String is the rights in words: which there are, and which are missing.
func (r Rights) String() string {
	var has, lacks []string
	for _, right := range []struct {
		name string
		has  bool
	}{
		{"reporting", r.Reporting}, {"groups", r.Groups}, {"sites", r.Sites}, {"remote commands", r.RemoteCommands}, {"policies", r.Policies},
	} {
		if right.has {
			has = append(has, right.name)
		} else {
			lacks = append(lacks, right.name)
		}
	}
	switch {
	case len(lacks) == 0:
		return "all rights"
	case len(has) == 0:
		return "no rights"
	}
	return "rights to " + strings.Join(has, " and ") + ", none to " + strings.Join(lacks, " and ")
}

// Role is an administrator's role.
type Role struct {
	// Kind is 0 where SEPM gives one that is not known; Title is its own word
	// for it.
	Kind  RoleKind
	Title string
}

// RoleKind is the kind of a role.
type RoleKind int

// The kinds of roles. Most calls ask for a system administrator (A1).
const (
	LimitedAdministrator RoleKind = 2
	DomainAdministrator  RoleKind = 4
	SystemAdministrator  RoleKind = 8
)

func (k RoleKind) String() string {
	switch k {
	case SystemAdministrator:
		return "system administrator"
	case DomainAdministrator:
		return "domain administrator"
	case LimitedAdministrator:
		return "limited administrator"
	}
	return ""
}

// String is the role in words.
func (r Role) String() string { return firstOf(text(r.Kind.String()), text(r.Title)) }

// CurrentUser asks SEPM whose login the client's is.
func (c *Client) CurrentUser(ctx context.Context) (User, error) {
	var token userToken
	r := readUser(&token)
	err := c.do(ctx, r)
	user := token.user()
	if err == nil && user == (User{}) {
		err = r.fail(Temporary, "the answer names no user", nil)
	}
	if err != nil {
		return User{}, err
	}
	return user, nil
}

func readUser(into *userToken) request {
	return request{op: "read session", method: http.MethodGet, path: "/sessions/currentuser", read: true, into: into}
}

// userToken is what a session tells of its login (A6).
type userToken struct {
	Name      text `json:"username"`
	FullName  text `json:"fullname"`
	OtherName text `json:"getfullName"` // so written in one of its two descriptions
	Domain    text `json:"domain"`
	DomainID  text `json:"domainid"`
	Role      struct {
		Bits  number `json:"bitMask"`
		Title text   `json:"title"`
	} `json:"role"`
	Rights *struct {
		Reporting number `json:"reportingRights"`
		Groups    number `json:"groupRights"`
		Sites     number `json:"siteRights"`
		Commands  number `json:"remoteCommandRights"`
		Policies  number `json:"policyRights"`
	} `json:"permissionSet"`
}

func (t userToken) user() User {
	u := User{
		Name: string(t.Name), FullName: firstOf(t.FullName, t.OtherName),
		Domain: Domain{ID: string(t.DomainID), Name: string(t.Domain)},
		Role:   Role{Kind: RoleKind(t.Role.Bits.or(0)), Title: string(t.Role.Title)},
	}
	if r := t.Rights; r != nil {
		u.Rights = &Rights{
			Reporting: r.Reporting.is(1), Groups: r.Groups.is(1), Sites: r.Sites.is(1),
			RemoteCommands: r.Commands.is(1), Policies: r.Policies.is(1),
		}
	}
	return u
}
