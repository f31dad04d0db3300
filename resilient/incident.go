package resilient

import (
	"context"
	"encoding/json"
	"net/http"
)

// Details is an incident as it stands in Resilient.
type Details struct {
	Ref
	// Version grows with each change (§1.8).
	Version int64
	// Fields are the values of its fields by API name, those of custom fields
	// too. Choices and people are named.
	Fields map[string]Value
}

// Incident reads one incident (§2.2). One that was deleted is [ErrNotFound].
// It changes nothing and may be repeated.
func (c *Client) Incident(ctx context.Context, id int64) (Details, error) {
	var read detailsDTO
	r := request{
		op: "read incident", subject: id, method: http.MethodGet, path: incidentPath(id, ""), read: true,
		query: names, permission: "Incidents: Read", into: &read,
	}
	if err := c.do(ctx, r); err != nil {
		return Details{}, err
	}
	if err := (identified{read.ID}).check(r); err != nil {
		return Details{}, err
	}
	return Details{Ref: read.ref(), Version: read.Version, Fields: read.fields}, nil
}

// detailsDTO is an incident with its fields.
type detailsDTO struct {
	incidentDTO
	Version int64 `json:"vers"`
	fields  map[string]Value
}

func (d *detailsDTO) UnmarshalJSON(data []byte) error {
	type plain detailsDTO // without this method
	if err := json.Unmarshal(data, (*plain)(d)); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	d.fields = make(map[string]Value)
	for name, value := range fields {
		d.fields[name] = Value{value}
	}
	var custom struct {
		Fields map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(data, &custom); err != nil {
		return err
	}
	delete(d.fields, customPrefix)
	for name, value := range custom.Fields {
		d.fields[name] = Value{value}
	}
	return nil
}
