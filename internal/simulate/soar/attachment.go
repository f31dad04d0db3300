package soar

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
		up, err := c.readUpload(c.org.opt)
		if err != nil {
			return nil, err
		}
		a := up.file
		a.description = up.fields["description"]
		return s.onIncident(c, func(inc *incident) (any, error) {
			c.org.attach(inc, a, c.who, s.clock())
			inc.modified = a.created
			if s.opt.AttachmentArray {
				return []object{a.dto(inc, c.format)}, nil
			}
			return a.dto(inc, c.format), nil
		})
	})
}

// attach puts a file on an incident.
func (o *org) attach(inc *incident, a *attachment, who *principal, now time.Time) {
	o.lastAttachment++
	a.id, a.creator, a.created = o.lastAttachment, who, now
	inc.attachments = append(inc.attachments, a)
	inc.arrived(now, who, Added, AttachmentPiece, a.id, a.name)
}

// upload is what a multipart request holds.
type upload struct {
	file   *attachment
	fields map[string]string // the parts that are no file
}

func (c *call) readUpload(opt *Options) (upload, error) {
	up := upload{fields: map[string]string{}}
	parts, err := c.r.MultipartReader()
	if err != nil {
		return up, badRequest("The upload is not multipart/form-data.")
	}
	limit := opt.MaxAttachmentMB << 20
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return up, badRequest("The upload ends too early.")
		}
		content, err := io.ReadAll(io.LimitReader(part, int64(limit)+1))
		if err != nil {
			return up, badRequest("The upload ends too early.")
		}
		switch {
		case len(content) > limit:
			return up, badRequest("The file is larger than %d MB.", opt.MaxAttachmentMB)
		case part.FormName() == "file" && part.FileName() != "":
			if err := opt.blocked(part.FileName()); err != nil {
				return up, err
			}
			kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
			if err != nil {
				kind = "application/octet-stream"
			}
			up.file = &attachment{name: part.FileName(), contentType: kind, content: content}
		default:
			up.fields[part.FormName()] = string(content)
		}
	}
	if up.file == nil {
		return up, badRequest("The upload has no part \"file\" with a file name.")
	}
	return up, nil
}

// blocked refuses files of some kinds: see [Options.BlockedExtensions].
func (o *Options) blocked(name string) error {
	for _, extension := range o.BlockedExtensions {
		if strings.EqualFold(path.Ext(name), extension) {
			return badRequest("Files of type %s are not allowed.", extension)
		}
	}
	return nil
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
		inc.dropAttachment(a, c.who, s.clock())
		return s.deleted(), nil
	})
}

func (inc *incident) dropAttachment(a *attachment, who *principal, now time.Time) {
	inc.attachments = slices.DeleteFunc(inc.attachments, func(other *attachment) bool { return other == a })
	inc.arrived(now, who, Removed, AttachmentPiece, a.id, a.name)
}

func (a *attachment) dto(inc *incident, as format) object {
	dto := object{
		"type": "incident", "id": a.id, "uuid": nil, "name": a.name, "content_type": a.contentType, "created": a.created.UnixMilli(),
		"creator_id": a.creator.id, "size": len(a.content), "actions": none,
		"task_id": nil, "task_name": nil, "task_custom": nil, "task_members": nil, "task_at_id": nil, "vers": 1,
		"inc_id": inc.id, "inc_name": inc.text(inc.org.fields.name), "inc_owner": inc.owner(as),
	}
	if !inc.org.opt.before(51) {
		dto["description"], dto["playbooks"], dto["reconciliation_status"] = nullable(a.description), none, "matched"
		dto["last_modified_by"], dto["last_modified_time"] = a.creator.dto(), a.created.UnixMilli()
	}
	return dto
}
