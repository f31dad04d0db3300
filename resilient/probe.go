package resilient

import (
	"context"
	"net/url"

	"github.com/sepwatch/sepwatch/incident"
)

// Found is what [Client.Probe] learned.
type Found struct {
	Platform
	// Caller is what texts call whom the server knows sepwatch as: the API key
	// or the user.
	Caller string
	// Missing are the tables of [incident.Tables] that are not installed.
	Missing []incident.Table
}

// Probe connects and asks for everything that sepwatch needs and that can be
// known without a change: that the API key or the user may read the
// organization's data and its incidents, and what is installed. Whether it may
// edit an incident shows at the first edit only, since a key cannot read its
// own rights (§1.2).
// It changes nothing and may be repeated.
func (c *Client) Probe(ctx context.Context) (Found, error) {
	platform, err := c.Connect(ctx)
	if err != nil {
		return Found{}, err
	}
	found := Found{Platform: platform, Caller: c.options.caller()}
	for _, t := range incident.Tables() {
		if _, ok := platform.Tables[t.Name]; !ok {
			found.Missing = append(found.Missing, t)
		}
	}
	return found, c.readIncidents(ctx)
}

// readIncidents proves the right to read incidents, which finding them again
// takes.
func (c *Client) readIncidents(ctx context.Context) error {
	var page struct{}
	r := findRequest("")
	r.op, r.subject = "list incidents", nil
	r.query = url.Values{"return_level": {"partial"}, "handle_format": {"names"}}
	r.body, r.into = query{Length: 1, Sorts: []order{{"id", "asc"}}}, &page
	return c.do(ctx, r)
}
