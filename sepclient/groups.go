package sepclient

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// GroupDetails are a client group as the list of groups has it (A11). Times
// are in UTC, and zero where SEPM gives none.
type GroupDetails struct {
	ID string
	// Name is the group's own name, FullPath that of all groups above it, too,
	// such as `My Company\Servers`.
	Name, FullPath string
	Description    string
	// Domain has no name where the list was narrowed to a domain (A7).
	Domain Domain
	// Computers and Users are how many are registered, -1 where SEPM does not
	// say.
	Computers, Users int
	// InheritsPolicies is whether the policies are those of the group above,
	// and cannot be changed here.
	InheritsPolicies bool
	// PolicySerial names the state of the group's policies.
	PolicySerial string
	// DefaultLocationID is empty before 14.3.
	DefaultLocationID             string
	CreatedBy                     string
	Created, Modified, PolicyDate time.Time
}

// GroupQuery narrows a list of groups. The zero query is all groups of the
// login's domain.
type GroupQuery struct {
	// DomainID is a domain's id.
	DomainID string
	// FullPath is a group's full path. SEPM does not say whether it matches
	// exactly: compare [GroupDetails.FullPath].
	FullPath string
	// Sort is the column that SEPM sorts by, NAME where it is empty, and
	// Descending the order from the last to the first.
	Sort       string
	Descending bool
}

// Groups lists groups, page by page as they are taken, and ends with the error
// where there is one.
func (c *Client) Groups(ctx context.Context, q GroupQuery) iter.Seq2[GroupDetails, error] {
	query := url.Values{"sort": {cmp.Or(q.Sort, "NAME")}, "order": {order(q.Descending)}}
	for key, value := range map[string]string{"domain": q.DomainID, "fullPathName": q.FullPath} {
		if value != "" {
			query.Set(key, value)
		}
	}
	l := listing{size: c.options.PageSize, request: request{
		op: "list groups", subject: cmp.Or(q.FullPath, q.DomainID), method: http.MethodGet, path: "/groups", query: query, read: true,
	}}
	return func(yield func(GroupDetails, error) bool) {
		for p, err := range pages[groupDTO](ctx, c, l) {
			if err != nil {
				yield(GroupDetails{}, err)
				return
			}
			for _, dto := range p.items {
				if !yield(dto.group(), nil) {
					return
				}
			}
		}
	}
}

// Group reads one group. The domain's id may be left out for a group of the
// login's domain.
func (c *Client) Group(ctx context.Context, id, domainID string) (GroupDetails, error) {
	var dto groupDTO
	r := request{
		op: "read group", subject: id, method: http.MethodGet, path: "/groups/" + segment(id), read: true, into: &dto,
	}
	if domainID != "" {
		r.query = url.Values{"domainId": {domainID}}
	}
	err := c.do(ctx, r)
	if err == nil && dto.ID == "" {
		err = r.fail(Temporary, "the answer has no id of a group", nil)
	}
	if err != nil {
		return GroupDetails{}, err
	}
	return dto.group(), nil
}

// AssignLockdown makes a fingerprint list that of a group's system lockdown.
// A list that is assigned already, and a group whose lockdown is off, are a
// Conflict (422), as are settings that forbid it (409); a group that somebody
// has locked is Temporary (423).
func (c *Client) AssignLockdown(ctx context.Context, groupID, listID string) error {
	return explain(c.do(ctx, request{
		op: "assign fingerprint list to system lockdown", subject: listID + " of group " + groupID, method: http.MethodPut,
		path: "/groups/" + segment(groupID) + "/system-lockdown/fingerprints/" + segment(listID),
	}), map[int]string{
		http.StatusConflict:            "the group may inherit its policies from the group above, where they are to be changed",
		http.StatusUnprocessableEntity: "system lockdown is off for the group, or the list is assigned to it already",
		http.StatusLocked:              "somebody is editing the group in SEPM's console: try again later",
	})
}

// groupDTO is a group as SEPM writes it.
type groupDTO struct {
	ID        text   `json:"id"`
	Name      text   `json:"name"`
	FullPath  text   `json:"fullPathName"`
	Text      text   `json:"description"`
	Computers number `json:"numberOfPhysicalComputers"`
	Users     number `json:"numberOfRegisteredUsers"`
	Creator   text   `json:"createdBy"`
	Created   number `json:"created"`
	Modified  number `json:"lastModified"`
	Serial    text   `json:"policySerialNumber"`
	Policy    number `json:"policyDate"`
	Location  text   `json:"defaultLocationId"`
	Inherits  number `json:"policyInheritanceEnabled"`
	Domain    struct {
		ID   text `json:"id"`
		Name text `json:"name"`
	} `json:"domain"`
}

func (d *groupDTO) group() GroupDetails {
	return GroupDetails{
		ID: string(d.ID), Name: string(d.Name), FullPath: string(d.FullPath), Description: string(d.Text),
		Domain:    Domain{ID: string(d.Domain.ID), Name: string(d.Domain.Name)},
		Computers: d.Computers.or(-1), Users: d.Users.or(-1),
		InheritsPolicies: d.Inherits.is(1), PolicySerial: string(d.Serial), DefaultLocationID: string(d.Location),
		CreatedBy: strings.TrimSpace(string(d.Creator)), // 14.3 pads it with blanks
		Created:   d.Created.time(), Modified: d.Modified.time(), PolicyDate: d.Policy.time(),
	}
}
