package resilient

import (
	"context"
	"net/http"
	"time"
)

// Attachment is a file on an incident in Resilient.
type Attachment struct {
	ID                int64
	Name, ContentType string
	// Size is in bytes.
	Size int64
	// Created is by the server's clock, in UTC.
	Created time.Time
}

// attachmentDTO is the part of an attachment that is used (§4.2).
type attachmentDTO struct {
	ID          int64 `json:"id"`
	Name        text  `json:"name"`
	ContentType text  `json:"content_type"`
	Size        int64 `json:"size"`
	Created     int64 `json:"created"`
}

// AddAttachment adds a file to an incident and returns its id. One that is
// larger than [Platform].MaxAttachment, or that the organization takes none
// of, is [Permanent] and not sent. It is not idempotent: after [Ambiguous]
// look with [Client.Attachments]. Two at once on one incident can answer
// [Conflict] (§4.2).
func (c *Client) AddAttachment(ctx context.Context, inc int64, f File) (int64, error) {
	ctx, cancel := c.write(ctx)
	defer cancel()
	org, err := c.organization(ctx)
	if err != nil {
		return 0, err
	}
	var added many[attachmentDTO] // some versions answer with an array of one
	r := request{
		op: "add attachment to incident", subject: inc, method: http.MethodPost, path: incidentPath(inc, "/attachments"),
		permission: "Edit Incidents: Attachments", into: &added,
	}
	if org.NoAttachments {
		e := r.fail(Permanent, "the organization takes no attachments", nil)
		e.Hint = "allow attachments in the organization's administrator settings"
		return 0, e
	}
	if r.body, err = f.content(r, org.MaxAttachment, nil); err != nil {
		return 0, err
	}
	if err := c.do(ctx, r); err != nil {
		return 0, err
	}
	if len(added) != 1 {
		return 0, r.fail(Ambiguous, "the answer is not one attachment", nil)
	}
	return added[0].ID, identified{added[0].ID}.check(r)
}

// Attachments lists an incident's attachments. It changes nothing and may be
// repeated.
func (c *Client) Attachments(ctx context.Context, inc int64) ([]Attachment, error) {
	var list []attachmentDTO
	err := c.do(ctx, request{
		op: "list attachments of incident", subject: inc, method: http.MethodGet, path: incidentPath(inc, "/attachments"),
		read: true, permission: "Incidents: Read", into: &list,
	})
	if err != nil {
		return nil, err
	}
	attachments := make([]Attachment, len(list))
	for i, d := range list {
		attachments[i] = Attachment{
			ID: d.ID, Name: string(d.Name), ContentType: string(d.ContentType), Size: d.Size, Created: time.UnixMilli(d.Created).UTC(),
		}
	}
	return attachments, nil
}
