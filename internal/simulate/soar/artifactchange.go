package soar

import (
	"encoding/json"
	"strconv"
)

// pageArtifacts is POST /incidents/{i}/artifacts/query_paged. What filters it
// takes is not known, so it refuses them (contract: §3.1).
func (s *Server) pageArtifacts(c *call) (any, error) {
	var body queryBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if len(body.Filters)+len(body.Sorts) > 0 {
		return nil, badRequest("Artifacts are given without filters and sorts.")
	}
	return s.onIncident(c, func(inc *incident) (any, error) {
		page, err := window(body, s.opt.CapPages, inc.artifacts)
		if err != nil {
			return nil, err
		}
		list := []object{}
		for _, a := range page {
			list = append(list, a.dto(inc, c.format))
		}
		return object{"recordsTotal": len(inc.artifacts), "recordsFiltered": len(inc.artifacts), "data": list}, nil
	})
}

// postFileArtifact is POST /incidents/{i}/artifacts/files: a part "artifact"
// with JSON and a part "file" (contract: §3.4).
func (s *Server) postFileArtifact(c *call) (any, error) {
	return s.alone(c, func() (any, error) {
		up, err := c.readUpload(c.org.opt)
		if err != nil {
			return nil, err
		}
		made, body, err := c.org.parseBody(json.RawMessage(up.fields["artifact"]))
		switch {
		case err != nil:
			return nil, err
		case !made.kind.File:
			return nil, badRequest("An artifact of type %s takes no file.", made.kind.Name)
		}
		made.file, made.value = up.file, up.file.name
		if body.Value != nil && *body.Value != "" {
			made.value = *body.Value
		}
		s.mu.Lock()
		c.org.lastAttachment++
		made.file.id, made.file.creator, made.file.created = c.org.lastAttachment, c.who, s.clock()
		s.mu.Unlock()
		return s.addArtifacts(c, []newArtifact{made})
	})
}

// onArtifact runs f on the artifact in the path.
func (s *Server) onArtifact(c *call, f func(*incident, *artifact) (any, error)) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		id := c.r.PathValue("id")
		for _, a := range inc.artifacts {
			if strconv.Itoa(a.id) == id {
				return f(inc, a)
			}
		}
		return nil, notFound("artifact", id)
	})
}

func (s *Server) getArtifact(c *call) (any, error) {
	return s.onArtifact(c, func(inc *incident, a *artifact) (any, error) { return a.dto(inc, c.format), nil })
}

func (s *Server) getArtifactContents(c *call) (any, error) {
	return s.onArtifact(c, func(_ *incident, a *artifact) (any, error) {
		if a.file == nil {
			return nil, notFound("contents of artifact", a.id)
		}
		return file{a.file.name, a.file.contentType, a.file.content}, nil
	})
}

// putArtifact is PUT of an artifact, whose type and value stay as they were
// made (contract: §3.1).
func (s *Server) putArtifact(c *call) (any, error) {
	var raw json.RawMessage
	if err := c.decode(&raw); err != nil {
		return nil, err
	}
	asked, body, err := c.org.parseBody(raw)
	if err != nil {
		return nil, err
	}
	return s.onArtifact(c, func(inc *incident, a *artifact) (any, error) {
		if asked.kind != a.kind || body.Value == nil || *body.Value != a.value {
			return nil, badRequest("The type and the value of an artifact cannot be changed.")
		}
		if err := a.apply(body); err != nil {
			return nil, err
		}
		a.editor, a.modified = c.who, s.clock()
		inc.modified = a.modified
		inc.arrived(a.modified, c.who, Changed, ArtifactPiece, a.id, a.value)
		return a.dto(inc, c.format), nil
	})
}

func (s *Server) deleteArtifact(c *call) (any, error) {
	return s.onArtifact(c, func(inc *incident, a *artifact) (any, error) {
		inc.dropArtifact(a, c.who, s.clock())
		return s.deleted(), nil
	})
}
