package soar

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxAttachment is the server's default limit (contract: §1.10).
const maxAttachment = 25 << 20

type attachment struct {
	id          int
	name        string
	contentType string
	description string
	content     []byte
	creator     *principal
	created     time.Time
}

// postAttachment is POST /incidents/{i}/attachments: multipart with a part
// "file" (contract: §4.2).
func (s *Server) postAttachment(c *call) (any, error) {
	return s.alone(c, func() (any, error) {
		if c.org.NoAttachments {
			return nil, refuse(http.StatusForbidden, "The organization does not allow attachments.")
		}
		a, err := c.readUpload()
		if err != nil {
			return nil, err
		}
		return s.onIncident(c, func(inc *incident) (any, error) {
			c.org.lastAttachment++
			a.id, a.creator, a.created = c.org.lastAttachment, c.who, s.clock()
			inc.attachments = append(inc.attachments, a)
			inc.modified = a.created
			if s.opt.AttachmentArray {
				return []object{a.dto(inc, c.format)}, nil
			}
			return a.dto(inc, c.format), nil
		})
	})
}

func (c *call) readUpload() (*attachment, error) {
	parts, err := c.r.MultipartReader()
	if err != nil {
		return nil, badRequest("The upload is not multipart/form-data.")
	}
	var a *attachment
	description := ""
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, badRequest("The upload ends too early.")
		}
		content, err := io.ReadAll(io.LimitReader(part, maxAttachment+1))
		if err != nil {
			return nil, badRequest("The upload ends too early.")
		}
		switch {
		case len(content) > maxAttachment:
			return nil, badRequest("The file is larger than %d MB.", maxAttachment>>20)
		case part.FormName() == "description":
			description = string(content)
		case part.FormName() == "file" && part.FileName() != "":
			kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
			if err != nil {
				kind = "application/octet-stream"
			}
			a = &attachment{name: part.FileName(), contentType: kind, content: content}
		}
	}
	if a == nil {
		return nil, badRequest("The upload has no part \"file\" with a file name.")
	}
	a.description = description
	return a, nil
}

func (s *Server) getAttachments(c *call) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		list := []object{}
		for _, a := range inc.attachments {
			list = append(list, a.dto(inc, c.format))
		}
		return list, nil
	})
}

// onAttachment runs f on the attachment in the path.
func (s *Server) onAttachment(c *call, f func(*incident, *attachment) (any, error)) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		id := c.r.PathValue("id")
		for _, a := range inc.attachments {
			if strconv.Itoa(a.id) == id {
				return f(inc, a)
			}
		}
		return nil, notFound("attachment", id)
	})
}

func (s *Server) getAttachment(c *call) (any, error) {
	return s.onAttachment(c, func(inc *incident, a *attachment) (any, error) { return a.dto(inc, c.format), nil })
}

func (s *Server) getContents(c *call) (any, error) {
	return s.onAttachment(c, func(_ *incident, a *attachment) (any, error) {
		return file{a.name, a.contentType, a.content}, nil
	})
}

func (s *Server) deleteAttachment(c *call) (any, error) {
	return s.onAttachment(c, func(inc *incident, a *attachment) (any, error) {
		inc.attachments = slices.DeleteFunc(inc.attachments, func(other *attachment) bool { return other == a })
		return s.deleted(), nil
	})
}

func (a *attachment) dto(inc *incident, as format) object {
	return object{
		"type": "incident", "id": a.id, "uuid": nil, "name": a.name, "content_type": a.contentType, "created": a.created.UnixMilli(),
		"creator_id": a.creator.id, "size": len(a.content), "actions": none, "playbooks": none, "description": nullable(a.description),
		"task_id": nil, "task_name": nil, "task_custom": nil, "task_members": nil, "task_at_id": nil, "vers": 1,
		"inc_id": inc.id, "inc_name": inc.text(inc.org.fields.name), "inc_owner": inc.owner(as),
		"last_modified_by": a.creator.dto(), "last_modified_time": a.created.UnixMilli(), "reconciliation_status": "matched",
	}
}
