package soar

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"slices"
)

// principal is somebody who acts: a user or an API key.
type principal struct {
	id          int
	kind        string // user or apikey
	name        string // e-mail address or the key's id
	secret      string
	first, last string
	orgs        []int // none is all
	deny        []string
	inPerson    bool // acts through inspect.go, not through REST
}

func (p *principal) isKey() bool { return p.kind == "apikey" }

// memberOf reports whether an org is one of the principal's.
func (p *principal) memberOf(org int) bool { return len(p.orgs) == 0 || slices.Contains(p.orgs, org) }

func (p *principal) dto() object {
	return object{"id": p.id, "type": p.kind, "name": p.name, "display_name": p.first + " " + p.last}
}

// creatorDTO is the creator as older releases tell it (contract: §2.2).
func (p *principal) creatorDTO() object {
	return object{"id": p.id, "fname": p.first, "lname": p.last, "email": p.name, "status": "A", "locked": false, "is_external": false}
}

// The ids of principals.
const (
	firstUser = 1
	firstKey  = 14
)

// directory is everybody that there is. It never changes.
type directory struct {
	users, keys []*principal
}

func newDirectory(opt *Options) *directory {
	d := &directory{}
	users := append([]User{{Email: opt.Email, Password: opt.Password, First: "Demo", Last: "Analyst"}}, opt.Users...)
	for i, u := range users {
		d.users = append(d.users, &principal{id: firstUser + i, kind: "user", name: u.Email, secret: u.Password,
			first: cmp.Or(u.First, u.Email), last: u.Last, orgs: u.Orgs, deny: u.Deny})
	}
	keys := append([]Key{{ID: opt.KeyID, Secret: opt.KeySecret}}, opt.Keys...)
	next := max(firstKey, firstUser+len(users))
	for i, k := range keys {
		p := &principal{id: next + i, kind: "apikey", name: k.ID, secret: k.Secret, first: k.ID, last: "(API key)", deny: k.Deny}
		if k.Org != 0 {
			p.orgs = []int{k.Org}
		}
		d.keys = append(d.keys, p)
	}
	return d
}

// person is the first user, acting from within: see people.go.
func (d *directory) person() *principal {
	p := *d.users[0]
	p.inPerson = true
	return &p
}

// usersOf are the users of an org, as values of a field.
func (d *directory) usersOf(org int) []choice {
	var all []choice
	for _, u := range d.users {
		if u.memberOf(org) {
			all = append(all, choice{u.id, u.name})
		}
	}
	return all
}

// creators is everybody, as values of a field.
func (d *directory) creators() []choice {
	var all []choice
	for _, p := range slices.Concat(d.users, d.keys) {
		all = append(all, choice{p.id, p.name})
	}
	return all
}

// known finds a principal by name and secret.
func known(among []*principal, name, secret string) (*principal, bool) {
	i := slices.IndexFunc(among, func(p *principal) bool { return equal(name, p.name) && equal(secret, p.secret) })
	if i < 0 {
		return nil, false
	}
	return among[i], true
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// admit judges a login: who it is, or 401. Wrong ones in a row may end in a
// ban, which right ones do not lift. The caller holds s.mu.
func (s *Server) admit(among []*principal, name, secret string) (*principal, error) {
	p, ok := known(among, name, secret)
	if !ok {
		s.badLogins++
		s.banned = s.banned || s.opt.BanAfter > 0 && s.badLogins >= s.opt.BanAfter
	}
	if !ok || s.banned {
		return nil, refuse(http.StatusUnauthorized, "Invalid user name or password.")
	}
	s.badLogins = 0
	return p, nil
}
