package soar

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

type artifact struct {
	newArtifact
	id       int
	creator  *principal
	created  time.Time
	editor   *principal // who changed it last
	modified time.Time
}

// newArtifact is an artifact that a client asks for.
type newArtifact struct {
	kind  *artifactType
	value string
	file  *attachment // of a type of files
	artifactDetails
}

// artifactDetails are what of an artifact may be changed (contract: §3.1).
type artifactDetails struct {
	description rich
	relating    bool
	properties  json.RawMessage
	ip          artifactIP
	parent      *int
}

type artifactIP struct {
	Source      *bool `json:"source"`
	Destination *bool `json:"destination"`
}

// artifactBody is an artifact as a client sends it.
type artifactBody struct {
	Type        json.RawMessage `json:"type"`
	Value       *string         `json:"value"`
	Description json.RawMessage `json:"description"`
	Relating    *bool           `json:"relating"`
	Properties  json.RawMessage `json:"properties"`
	IP          *artifactIP     `json:"ip"`
	ParentID    *int            `json:"parent_id"`
}

// apply changes what the body names.
func (d *artifactDetails) apply(body artifactBody) error {
	if body.Description != nil && string(body.Description) != "null" {
		text, ok := parseRich(body.Description)
		if !ok {
			return badRequest("The description of an artifact takes text or {format, content}.")
		}
		d.description = text
	}
	if body.Properties != nil && string(body.Properties) != "null" {
		var pairs []struct{ Name, Value *string }
		if json.Unmarshal(body.Properties, &pairs) != nil {
			return badRequest("The properties of an artifact take a list of {name, value}.")
		}
		d.properties = body.Properties
	}
	if body.Relating != nil {
		d.relating = *body.Relating
	}
	if body.IP != nil {
		d.ip = *body.IP
	}
	if body.ParentID != nil {
		d.parent = body.ParentID
	}
	return nil
}

// parseBody reads the parts of an artifact that need no value.
func (o *org) parseBody(raw json.RawMessage) (made newArtifact, body artifactBody, err error) {
	if json.Unmarshal(raw, &body) != nil {
		return made, body, badRequest("The artifact is not of the right kind.")
	}
	handle, ok := parseHandle(body.Type)
	if !ok {
		return made, body, badRequest("The artifact has no type.")
	}
	if made.kind, ok = o.artifactTypeOf(handle); !ok {
		return made, body, badRequest("There is no artifact type %v.", handle)
	}
	made.relating, made.description, made.properties = true, rich{Format: plainText}, none
	return made, body, made.apply(body)
}

// parseArtifact reads one artifact, which may stand for several (contract:
// §3.1).
func (o *org) parseArtifact(raw json.RawMessage) ([]newArtifact, error) {
	made, body, err := o.parseBody(raw)
	kind := made.kind
	switch {
	case err != nil:
		return nil, err
	case kind.File:
		return nil, badRequest("An artifact of type %s needs a file.", kind.Name)
	case body.Value == nil || strings.TrimSpace(*body.Value) == "":
		return nil, badRequest("The artifact of type %s has no value.", kind.Name)
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
	identity := o.identity(a)
	if old, ok := inc.known[identity]; ok && !a.kind.allowDuplicate() {
		switch o.opt.Duplicates {
		case RefuseDuplicate:
			return nil, badRequest("The incident already has the artifact %q of type %s.", a.value, a.kind.Name)
		case ReplaceDescription:
			old.description, old.editor, old.modified = a.description, who, now
			inc.arrived(now, who, Changed, ArtifactPiece, old.id, old.value)
			return old, nil
		case ReturnExisting:
			return old, nil
		case KeepDuplicate:
		}
	}
	if o.opt.MaxArtifacts > 0 && len(inc.artifacts) >= o.opt.MaxArtifacts {
		return nil, badRequest("The incident has %d artifacts already.", len(inc.artifacts))
	}
	o.lastArtifact++
	made := &artifact{newArtifact: a, id: o.lastArtifact, creator: who, created: now, editor: who, modified: now}
	inc.artifacts = append(inc.artifacts, made)
	inc.known[identity] = made
	inc.arrived(now, who, Added, ArtifactPiece, made.id, made.value)
	return made, nil
}

// identity is what duplicates have in common.
func (o *org) identity(a newArtifact) string {
	identity := a.kind.Name + "\x00" + a.value
	if o.opt.FoldDuplicates {
		return strings.ToLower(identity)
	}
	return identity
}

// dropArtifact takes an artifact away.
func (inc *incident) dropArtifact(a *artifact, who *principal, now time.Time) {
	inc.artifacts = slices.DeleteFunc(inc.artifacts, func(other *artifact) bool { return other == a })
	inc.index()
	inc.modified = now
	inc.arrived(now, who, Removed, ArtifactPiece, a.id, a.value)
}

// index finds the artifacts by their identity anew.
func (inc *incident) index() {
	clear(inc.known)
	for _, a := range inc.artifacts {
		inc.known[inc.org.identity(a.newArtifact)] = a
	}
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
	asked, err := c.org.parseArtifact(raw)
	if err != nil {
		return nil, err
	}
	return s.addArtifacts(c, asked)
}

// addArtifacts keeps all that was asked for, or nothing.
func (s *Server) addArtifacts(c *call, asked []newArtifact) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		list := []object{}
		artifacts, arrivals := inc.artifacts, inc.arrivals
		for _, a := range asked {
			made, err := c.org.addArtifact(inc, a, c.who, s.clock())
			if err != nil {
				inc.artifacts, inc.arrivals = artifacts, arrivals
				inc.index()
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
	dto := object{
		"id": a.id, "type": as.handle(a.kind.ID, a.kind.Name), "value": a.value, "description": a.description.render(as, true, inc.org.opt.PlainTextAsIs),
		"creator_principal": a.creator.dto(), "inc_id": inc.id, "inc_name": inc.text(inc.org.fields.name), "inc_owner": inc.owner(as),
		"created": a.created.UnixMilli(), "last_modified_time": a.modified.UnixMilli(), "last_modified_by": a.editor.dto(),
		"hits": none, "attachment": nil, "parent_id": a.parent, "relating": a.relating, "properties": a.properties,
		"perms": object{"read": true, "write": true, "delete": true}, "actions": none, "hash": hex.EncodeToString(sum[:]),
		"ip": a.ip, "global_info": nil, "global_artifact": none, "related_incident_count": nil,
		"pending_sources": none, "pending_scan_result": false,
	}
	if a.file != nil {
		dto["attachment"] = a.file.dto(inc, as)
	}
	if inc.org.opt.before(51) {
		dto["creator"] = a.creator.creatorDTO()
	}
	if !inc.org.opt.before(44) {
		dto["playbooks"] = none
	}
	return dto
}
