package resilient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/remote"
)

// Platform is what connecting tells of an organization.
type Platform struct {
	OrgID   int
	OrgName string
	// HasKeyField is whether the custom field [incident.KeyField] is installed.
	HasKeyField bool
	// Required are the custom fields without which this organization opens no
	// incident, and which sepwatch does not fill (§2.1).
	Required []Field
	// MayCreate is whether the API key may open incidents; nil where the
	// server does not say, as v51 does not (§1.2).
	MayCreate *bool
}

// Field is an incident field.
type Field struct {
	// Name is the API name, Label the one on the screen.
	Name, Label string
}

// platformCache holds the outcome of a connect.
type platformCache struct {
	mu     sync.Mutex
	known  *Platform
	flight *flight
}

// flight is a connect that is under way. Those who need it meanwhile wait for
// it and share its end, so that a wrong key is sent once and not by each.
type flight struct {
	done     chan struct{}
	platform Platform
	err      error
	// left is whether whoever connected stopped waiting.
	left bool
}

// Connect proves the API key, chooses the organization and reads its incident
// fields. The outcome is kept until a 401 or [Client.Forget]; every other call
// connects by itself. It changes nothing and may be repeated. What will not
// change is [Unauthorized] here and never [Permanent], so that it is not taken
// for the answer to the request that had to connect.
func (c *Client) Connect(ctx context.Context) (Platform, error) {
	cache := &c.platform
	for {
		cache.mu.Lock()
		if cache.known != nil {
			defer cache.mu.Unlock()
			return *cache.known, nil
		}
		f := cache.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			cache.flight = f
			cache.mu.Unlock()
			f.platform, f.err = c.connect(ctx)
			var e *Error
			if errors.As(f.err, &e) && e.Class == Permanent {
				e.Class = Unauthorized
			}
			f.left = ctx.Err() != nil
			cache.end(f)
			return f.platform, f.err
		}
		cache.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return Platform{}, sessionRequest().fail(Temporary, "waiting for a connect: "+ctx.Err().Error(), ctx.Err())
		}
		// A connect that ended because its caller left says nothing about the
		// server: the next one in line tries.
		if f.err == nil || !f.left {
			return f.platform, f.err
		}
	}
}

func (cache *platformCache) end(f *flight) {
	cache.mu.Lock()
	defer cache.mu.Unlock()
	cache.flight = nil
	if f.err == nil {
		cache.known = &f.platform
	}
	close(f.done)
}

// Forget drops what [Client.Connect] learned, for the next call to learn it
// anew; for example after the package was installed.
func (c *Client) Forget() {
	c.platform.mu.Lock()
	defer c.platform.mu.Unlock()
	c.platform.known = nil
}

// sessionDTO is the part of a session that is used (§1.2).
type sessionDTO struct {
	Orgs      []orgDTO `json:"orgs"`
	SessionIP text     `json:"session_ip"`
}

type orgDTO struct {
	ID           int   `json:"id"`
	Name         text  `json:"name"`
	UUID         text  `json:"uuid"`
	CloudAccount text  `json:"cloud_account"`
	Enabled      *bool `json:"enabled"`
	// Perms are looked into apart: nothing but a probe depends on them.
	Perms json.RawMessage `json:"perms"`
}

// mayCreate reads the one grant that a session may tell (§1.4).
func (o orgDTO) mayCreate() *bool {
	var perms struct {
		CreateIncidents *bool `json:"create_incs"`
	}
	if json.Unmarshal(o.Perms, &perms) != nil {
		return nil
	}
	return perms.CreateIncidents
}

type fieldDTO struct {
	Name     text `json:"name"`
	Text     text `json:"text"`
	Prefix   text `json:"prefix"`
	Required text `json:"required"`
}

func sessionRequest() request {
	return request{
		op: "connect", method: http.MethodGet, path: "/rest/session", read: true,
		query: url.Values{"include_permissions": {"false"}}, // slow for large orgs (§1.2)
	}
}

func (c *Client) connect(ctx context.Context) (Platform, error) {
	var session sessionDTO
	r := sessionRequest()
	r.into = &session
	if err := c.send(ctx, r, c.rest+"/session"); err != nil {
		return Platform{}, err
	}
	org, refusal := session.choose(c.options.Org)
	if refusal != nil {
		e := r.fail(Permanent, refusal.problem, nil)
		e.Hint = remote.Printable(refusal.remedy)
		return Platform{}, e
	}

	var fields []fieldDTO
	r = request{
		op: "list incident fields", method: http.MethodGet, path: "/types/incident/fields", read: true,
		permission: "Org Data: Read", into: &fields,
	}
	if err := c.send(ctx, r, fmt.Sprintf("%s/orgs/%d%s", c.rest, org.ID, r.path)); err != nil {
		return Platform{}, err
	}
	p := Platform{OrgID: org.ID, OrgName: string(org.Name), MayCreate: org.mayCreate()}
	for _, f := range fields {
		switch {
		case f.Prefix != "properties": // not a custom field (§2.3)
		case f.Name == incident.KeyField:
			p.HasKeyField = true
		case f.Required == "always":
			p.Required = append(p.Required, Field{Name: string(f.Name), Label: string(f.Text)})
		}
	}
	return p, nil
}

// refusal is why an organization cannot be worked in, and what to do.
type refusal struct{ problem, remedy string }

// choose finds the configured organization as IBM's own clients do (§1.4).
func (s sessionDTO) choose(want string) (orgDTO, *refusal) {
	if len(s.Orgs) == 0 {
		return orgDTO{}, &refusal{"the API key is not a member of any organization", "create it in the organization's administrator settings"}
	}
	if want == "" {
		return orgDTO{}, &refusal{"no organization is configured", "set resilient.org to one of " + s.choices()}
	}
	for _, org := range s.Orgs {
		if want != string(org.CloudAccount) && want != string(org.UUID) && want != string(org.Name) {
			continue
		}
		if org.Enabled != nil && !*org.Enabled {
			return orgDTO{}, &refusal{
				fmt.Sprintf("organization %q is disabled for this API key from the address %q", want, s.SessionIP),
				"check the organization's allowed addresses and the key's authentication",
			}
		}
		return org, nil
	}
	return orgDTO{}, &refusal{
		fmt.Sprintf("the API key is not a member of organization %q", want),
		fmt.Sprintf("set resilient.org to one of %s, in the same case", s.choices()),
	}
}

func (s sessionDTO) choices() string {
	var names []string
	for _, org := range s.Orgs {
		names = append(names, fmt.Sprintf("%q", org.Name))
	}
	return strings.Join(names, ", ")
}
