package resilient

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

// NewIncident is an incident to be opened, with what it is opened with.
type NewIncident struct {
	incident.Incident
	Artifacts []incident.Artifact
	Notes     []incident.Note
	// ByField puts the key into the custom field [incident.KeyField], see
	// [Platform]; else a [Marker] at the end of the description holds it.
	ByField bool
}

// Ref is an incident in Resilient.
type Ref struct {
	ID   int64
	Name string
	Open bool
	// Created is by the server's clock, in UTC.
	Created time.Time
}

// incidentDTO is the part of an incident that is used (§2.2).
type incidentDTO struct {
	ID          int64           `json:"id"`
	Name        text            `json:"name"`
	Description text            `json:"description"`
	PlanStatus  text            `json:"plan_status"`
	CreateDate  int64           `json:"create_date"`
	Properties  map[string]text `json:"properties"`
}

func (d incidentDTO) ref() Ref {
	ref := Ref{ID: d.ID, Name: string(d.Name), Open: d.PlanStatus != closed}
	if d.CreateDate > 0 {
		ref.Created = time.UnixMilli(d.CreateDate).UTC()
	}
	return ref
}

// CreateIncident opens an incident with its artifacts and notes, and with
// [Options].Fields, in one request (§2.1). It is not idempotent: after [Ambiguous] look with
// [Client.FindIncidents]. A [Permanent] 400 opened nothing; it may be due to
// one artifact, so a caller can open the incident without them and add them
// one by one (§11.9).
func (c *Client) CreateIncident(ctx context.Context, n NewIncident) (Ref, error) {
	ctx, cancel := c.write(ctx)
	defer cancel()
	org, err := c.organization(ctx)
	if err != nil {
		return Ref{}, err
	}
	var created incidentDTO
	r := request{
		op: "create incident", subject: n.Key, method: http.MethodPost, path: "/incidents",
		query:      url.Values{"want_full_data": {"false"}, "want_tasks": {"false"}, "handle_format": {"names"}},
		permission: "Other: Create Incidents",
		body:       c.newIncident(org, n), into: &created,
	}
	if err := c.do(ctx, r); err != nil {
		return Ref{}, err
	}
	if err := (identified{created.ID}).check(r); err != nil {
		return Ref{}, err
	}
	return created.ref(), nil
}

// newIncident is the body of a create (§2.1).
func (c *Client) newIncident(org *organization, n NewIncident) map[string]any {
	discovered := n.Discovered
	if discovered.IsZero() {
		discovered = c.options.Now() // the field is required
	}
	description := n.Description
	properties := make(map[string]any)
	if n.ByField {
		properties[incident.KeyField] = n.Key
	} else {
		description += Marker(n.Key)
	}
	body := map[string]any{
		"name": n.Name, "discovered_date": discovered.UnixMilli(), "description": formatted{"html", description},
	}
	for name, value := range org.open {
		if org.fields[name].custom {
			properties[name] = value
		} else {
			body[name] = value
		}
	}
	if len(properties) > 0 {
		body["properties"] = properties
	}
	if len(n.Types) > 0 {
		body["incident_type_ids"] = n.Types
	}
	if n.Severity != "" {
		body["severity_code"] = named{n.Severity}
	}
	var artifacts []newArtifactDTO
	for _, a := range n.Artifacts {
		artifacts = append(artifacts, newArtifact(a))
	}
	if artifacts != nil {
		body["artifacts"] = artifacts
	}
	var notes []newNoteDTO
	for _, note := range n.Notes {
		notes = append(notes, newNote(note))
	}
	if notes != nil {
		body["comments"] = notes
	}
	return body
}
