package resilient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// Artifact is an artifact of an incident in Resilient.
type Artifact struct {
	ID int64
	// Type is the type's name.
	Type  incident.ArtifactType
	Value string
}

type artifactDTO struct {
	ID    int64 `json:"id"`
	Type  text  `json:"type"`
	Value text  `json:"value"`
}

type newArtifactDTO struct {
	Type        named      `json:"type"`
	Value       string     `json:"value"`
	Description *formatted `json:"description,omitempty"`
}

func newArtifact(a incident.Artifact) newArtifactDTO {
	dto := newArtifactDTO{Type: named{string(a.Type)}, Value: a.Value}
	if a.Description != "" {
		dto.Description = &formatted{"text", a.Description}
	}
	return dto
}

// AddArtifact adds an artifact and returns its id, or several: Resilient
// splits a value with blanks in some types (§3.1). It may be repeated, unless
// the type [ArtifactType].Repeats: Resilient keeps one artifact for a type and
// value, and where it refuses a second with 400 the id of the first is
// returned (§3.2).
func (c *Client) AddArtifact(ctx context.Context, inc int64, a incident.Artifact) ([]int64, error) {
	ctx, cancel := c.write(ctx)
	defer cancel()
	var added many[artifactDTO]
	r := request{
		op: "add artifact to incident", subject: inc, method: http.MethodPost, path: incidentPath(inc, "/artifacts"),
		query: names, permission: "Edit Incidents: Artifacts", body: newArtifact(a), into: &added,
	}
	err := c.do(ctx, r)
	var refusal *Error
	if errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest {
		id, unknown := c.artifactID(ctx, inc, a)
		if unknown != nil {
			return nil, unknown
		}
		if id != 0 {
			return []int64{id}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return idsOf(r, added)
}

// idsOf are the ids in the answer to an artifact, which is an array since it
// may have become several (§3.1).
func idsOf(r request, added many[artifactDTO]) ([]int64, error) {
	var ids []int64
	for _, dto := range added {
		if dto.ID != 0 {
			ids = append(ids, dto.ID)
		}
	}
	if len(ids) == 0 {
		return nil, r.fail(Ambiguous, "the answer has no id", nil)
	}
	return ids, nil
}

// AddFileArtifact adds an artifact whose type is one of files (§3.4), and
// returns its id. It is not idempotent: after [Ambiguous] look with
// [Client.Artifacts].
func (c *Client) AddFileArtifact(ctx context.Context, inc int64, a incident.Artifact, f File) ([]int64, error) {
	ctx, cancel := c.write(ctx)
	defer cancel()
	org, err := c.organization(ctx)
	if err != nil {
		return nil, err
	}
	about := map[string]string{"type": string(a.Type), "value": a.Value, "description": a.Description}
	var added many[artifactDTO]
	r := request{
		op: "add file artifact to incident", subject: inc, method: http.MethodPost, path: incidentPath(inc, "/artifacts/files"),
		query: names, permission: "Edit Incidents: Artifacts", into: &added,
	}
	if r.body, err = f.content(r, org.MaxFileArtifact, about); err != nil {
		return nil, err
	}
	if err := c.do(ctx, r); err != nil {
		return nil, err
	}
	return idsOf(r, added)
}

// artifactID finds an artifact that is there already, by its own value or, as
// it is not known whether the server minds case, by one that differs in case
// alone; 0 where there is none. Where the caller may not look, the refusal that
// led here stands. Another failure leaves open whether it was one of a duplicate.
func (c *Client) artifactID(ctx context.Context, inc int64, a incident.Artifact) (int64, error) {
	there, err := c.Artifacts(ctx, inc)
	var failed *Error
	switch {
	case errors.As(err, &failed) && failed.Class == Permanent:
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("see whether the artifact is there already: %w", err)
	}
	var alike int64
	for _, t := range there {
		switch {
		case t.Type != a.Type:
		case t.Value == a.Value:
			return t.ID, nil
		case strings.EqualFold(t.Value, a.Value):
			alike = t.ID
		}
	}
	return alike, nil
}

// Artifacts lists an incident's artifacts. It changes nothing and may be
// repeated.
func (c *Client) Artifacts(ctx context.Context, inc int64) ([]Artifact, error) {
	org, err := c.organization(ctx)
	if err != nil {
		return nil, err
	}
	var list []artifactDTO
	err = c.do(ctx, request{
		op: "list artifacts of incident", subject: inc, method: http.MethodGet, path: incidentPath(inc, "/artifacts"),
		query: names, read: true, permission: "Incidents: Read", into: &list,
	})
	if err != nil {
		return nil, err
	}
	artifacts := make([]Artifact, len(list))
	for i, d := range list {
		kind, isID := org.artifacts[string(d.Type)]
		if !isID {
			kind = incident.ArtifactType(d.Type)
		}
		artifacts[i] = Artifact{ID: d.ID, Type: kind, Value: string(d.Value)}
	}
	return artifacts, nil
}
