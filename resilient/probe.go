package resilient

import (
	"context"
	"net/http"
	"net/url"

	"github.com/sepwatch/sepwatch/incident"
)

// Found is what [Client.Probe] learned.
type Found struct {
	Platform
	// Version is the server's, such as 51.0.9.0.20848.
	Version string
	// Missing are the tables of [incident.Tables] that are not installed.
	Missing []incident.Table
}

// Probe connects and asks for everything that sepwatch needs and that can be
// known without a change: that the API key may read the organization's data
// and its incidents, and what is installed. Whether it may edit an incident
// shows at the first edit only, since a key cannot read its own rights (§1.2).
// It changes nothing and may be repeated.
func (c *Client) Probe(ctx context.Context) (Found, error) {
	platform, err := c.Connect(ctx)
	if err != nil {
		return Found{}, err
	}
	found := Found{Platform: platform}
	if found.Version, err = c.version(ctx); err != nil {
		return Found{}, err
	}
	if found.Missing, err = c.missingTables(ctx); err != nil {
		return Found{}, err
	}
	return found, c.readIncidents(ctx)
}

// version is the server's version, from its constants (§1.10).
func (c *Client) version(ctx context.Context) (string, error) {
	var constants struct {
		Server struct {
			Version text `json:"version"`
		} `json:"server_version"`
	}
	r := request{op: "read constants", method: http.MethodGet, path: "/rest/const", read: true, into: &constants}
	err := c.send(ctx, r, c.rest+"/const")
	return string(constants.Server.Version), err
}

// tableType is the type_id of a data table (§5.1).
const tableType = "8"

func (c *Client) missingTables(ctx context.Context) ([]incident.Table, error) {
	var types map[string]struct {
		Type text `json:"type_id"`
	}
	if err := c.do(ctx, request{
		op: "list types", method: http.MethodGet, path: "/types", read: true,
		permission: "Org Data: Read", into: &types,
	}); err != nil {
		return nil, err
	}
	var missing []incident.Table
	for _, t := range incident.Tables() {
		if types[t.Name].Type != tableType {
			missing = append(missing, t)
		}
	}
	return missing, nil
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
