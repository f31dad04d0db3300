package soar

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

type artifact struct {
	id          int
	kind        *artifactType
	value       string
	description rich
	relating    bool
	creator     *principal
	created     time.Time
}

// newArtifact is an artifact that a client asks for.
type newArtifact struct {
	kind        *artifactType
	value       string
	description rich
	relating    bool
}

// parseArtifact reads one artifact, which may stand for several (contract:
// §3.1).
func parseArtifact(raw json.RawMessage) ([]newArtifact, error) {
	var body struct {
		Type        json.RawMessage `json:"type"`
		Value       *string         `json:"value"`
		Description json.RawMessage `json:"description"`
		Relating    *bool           `json:"relating"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return nil, badRequest("The artifact is not of the right kind.")
	}
	handle, ok := parseHandle(body.Type)
	if !ok {
		return nil, badRequest("The artifact has no type.")
	}
	kind, ok := artifactTypeOf(handle)
	switch {
	case !ok:
		return nil, badRequest("There is no artifact type %v.", handle)
	case kind.File:
		return nil, badRequest("An artifact of type %s needs a file.", kind.Name)
	case body.Value == nil || strings.TrimSpace(*body.Value) == "":
		return nil, badRequest("The artifact of type %s has no value.", kind.Name)
	}
	made := newArtifact{kind: kind, relating: body.Relating == nil || *body.Relating, description: rich{Format: plainText}}
	if body.Description != nil && string(body.Description) != "null" {
		if made.description, ok = parseRich(body.Description); !ok {
			return nil, badRequest("The description of an artifact takes text or {format, content}.")
		}
	}
	var all []newArtifact
	for _, value := range kind.split(*body.Value) {
		if kind.pattern != nil && !kind.pattern.MatchString(value) {
			return nil, badRequest("The value %q is not a valid %s.", value, kind.Name)
		}
		made.value = value
		all = append(all, made)
	}
	if len(all) == 0 {
		return nil, badRequest("The artifact of type %s has no value.", kind.Name)
	}
	return all, nil
}

// addArtifact puts an artifact on an incident, or finds the one that is there
// (contract: §3.2).
func (o *org) addArtifact(inc *incident, a newArtifact, who *principal, now time.Time) (*artifact, error) {
	identity := a.kind.Name + "\x00" + a.value
	if o.opt.FoldDuplicates {
		identity = strings.ToLower(identity)
	}
	if old, ok := inc.known[identity]; ok && !a.kind.allowDuplicate() {
		switch o.opt.Duplicates {
		case RefuseDuplicate:
			return nil, badRequest("The incident already has the artifact %q of type %s.", a.value, a.kind.Name)
		case ReturnExisting:
			return old, nil
		case KeepDuplicate:
		}
	}
	if o.opt.MaxArtifacts > 0 && len(inc.artifacts) >= o.opt.MaxArtifacts {
		return nil, badRequest("The incident has %d artifacts already.", len(inc.artifacts))
	}
	o.lastArtifact++
	made := &artifact{o.lastArtifact, a.kind, a.value, a.description, a.relating, who, now}
	inc.artifacts = append(inc.artifacts, made)
	inc.known[identity] = made
	return made, nil
}

func (s *Server) getArtifacts(c *call) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		list := []object{}
		for _, a := range inc.artifacts {
			list = append(list, a.dto(inc, c.format))
		}
		return list, nil
	})
}

// postArtifact is POST /incidents/{i}/artifacts, whose answer is an array.
func (s *Server) postArtifact(c *call) (any, error) {
	var raw json.RawMessage
	if err := c.decode(&raw); err != nil {
		return nil, err
	}
	asked, err := parseArtifact(raw)
	if err != nil {
		return nil, err
	}
	return s.onIncident(c, func(inc *incident) (any, error) {
		list := []object{}
		for _, a := range asked {
			made, err := c.org.addArtifact(inc, a, c.who, s.clock())
			if err != nil {
				return nil, err
			}
			list = append(list, made.dto(inc, c.format))
		}
		inc.modified = s.clock()
		return list, nil
	})
}

func (a *artifact) dto(inc *incident, as format) object {
	sum := sha256.Sum256([]byte(a.value))
	return object{
		"id": a.id, "type": as.handle(a.kind.ID, a.kind.Name), "value": a.value, "description": a.description.render(as, true, inc.org.opt.PlainTextAsIs),
		"creator_principal": a.creator.dto(), "inc_id": inc.id, "inc_name": inc.text(inc.org.fields.name), "inc_owner": inc.owner(as),
		"created": a.created.UnixMilli(), "last_modified_time": a.created.UnixMilli(), "last_modified_by": a.creator.dto(),
		"hits": none, "attachment": nil, "parent_id": nil, "relating": a.relating, "properties": none,
		"perms": object{"read": true, "write": true, "delete": true}, "actions": none, "playbooks": none, "hash": hex.EncodeToString(sum[:]),
		"ip": object{"source": nil, "destination": nil}, "global_info": nil, "global_artifact": none, "related_incident_count": nil,
		"pending_sources": none, "pending_scan_result": false,
	}
}
