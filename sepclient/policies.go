package sepclient

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// PolicyType is a kind of policy in SEPM's words: hid, exceptions, mem, ntr,
// av, fw, ips, lucontent, lu, hi, adc, upgrade, tdad, and others (A17).
type PolicyType string

// The kinds of policies that can be read in whole.
const (
	PolicyExceptions PolicyType = "exceptions"
	PolicyFirewall   PolicyType = "fw"
)

// PolicySummary says what a policy is and where it is in force.
type PolicySummary struct {
	ID, Name, Description string
	Type                  PolicyType
	SubType               string
	Enabled               bool
	DomainID              string
	Modified              time.Time
	// CloudGroups are names, Locations the places of groups that it is
	// assigned to.
	CloudGroups []string
	Locations   []PolicyLocations
}

// PolicyLocations are the locations of a group in which a policy is in force.
type PolicyLocations struct {
	GroupID, DefaultLocationID string
	LocationIDs                []string
}

// PolicyQuery narrows a list of policies. The zero query is all policies of
// the login's domain.
type PolicyQuery struct {
	Type     PolicyType
	DomainID string
}

// Policies lists policies. SEPM gives them in one piece.
func (c *Client) Policies(ctx context.Context, q PolicyQuery) ([]PolicySummary, error) {
	var p page[policyDTO]
	r := request{
		op: "list policies", subject: string(q.Type), method: http.MethodGet, path: "/policies/summary", read: true,
		into: pageDecoder[policyDTO]{page: &p, index: 1},
	}
	if q.Type != "" {
		r.path += "/" + segment(string(q.Type))
	}
	if q.DomainID != "" {
		r.query = url.Values{"domainId": {q.DomainID}}
	}
	if err := c.do(ctx, r); err != nil {
		return nil, err
	}
	if !p.last {
		return nil, r.fail(Permanent, "SEPM says that more policies follow, and has no way to ask for them", nil)
	}
	out := make([]PolicySummary, 0, len(p.items))
	for _, d := range p.items {
		out = append(out, d.policy())
	}
	return out, nil
}

// policyDTO is a policy as SEPM lists it, with keys in lower case.
type policyDTO struct {
	ID          text   `json:"id"`
	Name        text   `json:"name"`
	Description text   `json:"desc"`
	Type        text   `json:"policytype"`
	SubType     text   `json:"subtype"`
	Enabled     number `json:"enabled"`
	DomainID    text   `json:"domainid"`
	Modified    number `json:"lastmodifiedtime"`
	CloudGroups texts  `json:"assignedtocloudgroups"`
	Locations   []struct {
		GroupID           text  `json:"groupId"`
		DefaultLocationID text  `json:"defaultLocationId"`
		LocationIDs       texts `json:"locationIds"`
	} `json:"assignedtolocations"`
}

func (d policyDTO) policy() PolicySummary {
	p := PolicySummary{
		ID: string(d.ID), Name: string(d.Name), Description: string(d.Description),
		Type: PolicyType(d.Type), SubType: string(d.SubType), Enabled: d.Enabled.is(1),
		DomainID: string(d.DomainID), Modified: d.Modified.time(), CloudGroups: d.CloudGroups,
	}
	for _, l := range d.Locations {
		p.Locations = append(p.Locations, PolicyLocations{string(l.GroupID), string(l.DefaultLocationID), l.LocationIDs})
	}
	return p
}

// Policy is what all policies have.
type Policy struct {
	Name, Description string
	Enabled           bool
	Modified          time.Time
	// Locked are the settings that users may not change at their computers,
	// by SEPM's names in lower case.
	Locked map[string]bool
	// JSON is the whole policy as SEPM wrote it, with what has no place here.
	JSON json.RawMessage
}

// policy reads a policy: what all have, and its configuration.
func (c *Client) policy(ctx context.Context, r request) (Policy, tree, error) {
	var raw json.RawMessage
	r.into = &raw
	if err := c.do(ctx, r); err != nil {
		return Policy{}, nil, err
	}
	t, err := readTree(raw)
	if err != nil {
		return Policy{}, nil, r.fail(Temporary, "the answer is not what SEPM's API promises: "+err.Error(), err)
	}
	if len(t["configuration"]) == 0 {
		return Policy{}, nil, r.fail(Temporary, "the answer is no policy: it has no configuration", nil)
	}
	p := Policy{
		Name: t.text("name"), Description: t.text("desc"), Enabled: t.is("enabled"),
		Modified: t.number("lastmodifiedtime").time(), Locked: map[string]bool{}, JSON: raw,
	}
	locked := t.object("lockedoptions")
	for name := range locked {
		p.Locked[name] = locked.is(name)
	}
	return p, t.object("configuration"), nil
}
