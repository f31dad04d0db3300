package soar

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// incident is an incident as the server holds it.
type incident struct {
	org      *org
	id       int
	values   []any // by field.index
	version  int
	created  time.Time
	modified time.Time
	creator  *principal
	busy     bool // an upload or a patch is under way

	artifacts   []*artifact
	known       map[string]*artifact // by identity
	notes       []*note
	rows        []*tableRow
	attachments []*attachment
	arrivals    []Arrival
}

func (inc *incident) isOpen() bool { return inc.values[inc.org.fields.status.index] != closed }

func (inc *incident) text(f *field) string {
	s, _ := inc.values[f.index].(string)
	return s
}

func (inc *incident) rich(f *field) rich {
	r, _ := inc.values[f.index].(rich)
	return r
}

func (inc *incident) int(f *field) int64 {
	n, _ := inc.values[f.index].(int64)
	return n
}

// owner is the owner's handle, which rows and artifacts repeat.
func (inc *incident) owner(as format) any {
	f := inc.org.fields.byName["owner_id"]
	return f.render(inc.values[f.index], as)
}

// createIncident is POST /incidents (contract: §2.1). All of it is checked
// before any of it is kept.
func (s *Server) createIncident(c *call) (any, error) {
	full := true
	switch c.r.URL.Query().Get("want_full_data") {
	case "", "true":
	case "false":
		full = false
	default:
		return nil, badRequest("want_full_data takes true or false.")
	}
	var body map[string]json.RawMessage
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	draft, err := c.org.parseIncident(body)
	if err != nil {
		return nil, err
	}
	dto, made, hooks, err := s.commit(c, draft, full)
	if err != nil {
		return nil, err
	}
	for _, hook := range hooks { // without the lock: a hook may look around
		hook(made)
	}
	return dto, nil
}

// commit keeps a new incident. made is a copy for the hooks, if there are any.
func (s *Server) commit(c *call, d draft, full bool) (dto object, made Incident, hooks []func(Incident), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	inc := &incident{org: c.org, values: d.values, version: 1, created: now, modified: now, creator: c.who, known: map[string]*artifact{}}
	inc.arrived(now, c.who, Added, IncidentPiece, 0, inc.text(c.org.fields.name))
	for _, a := range d.artifacts {
		if _, err := c.org.addArtifact(inc, a, c.who, now); err != nil {
			return nil, made, nil, err
		}
	}
	for _, text := range d.comments {
		c.org.addNote(inc, text, 0, c.who, now)
	}
	if d.scenario { // evaluated only, not saved
		dto = inc.dto(c.format, full)
		dto["id"] = nil
		return dto, made, nil, nil
	}
	s.lastID++
	inc.id = s.lastID
	c.org.seal(inc)
	c.org.add(inc)
	if len(s.hooks) > 0 {
		made, hooks = inc.snapshot(), slices.Clone(s.hooks)
	}
	return inc.dto(c.format, full), made, hooks, nil
}

// draft is what a create asks for.
type draft struct {
	values    []any
	artifacts []newArtifact
	comments  []rich
	scenario  bool
}

func (o *org) parseIncident(body map[string]json.RawMessage) (draft, error) {
	d := draft{values: make([]any, len(o.fields.all))}
	put := func(name string, f *field, ok bool, raw json.RawMessage) error {
		if !ok {
			return badRequest("There is no field %s.", name)
		}
		if f.ReadOnly {
			return nil // computed by the server whatever the client says
		}
		v, err := f.parse(raw)
		d.values[f.index] = v
		return err
	}
	for name, raw := range body {
		f, ok := o.fields.byName[name]
		if unkept[name] {
			continue
		}
		if err := put(name, f, ok && f.Prefix == "", raw); err != nil {
			return d, err
		}
	}
	var custom map[string]json.RawMessage
	if err := optional(body, properties, &custom); err != nil {
		return d, err
	}
	for name, raw := range custom {
		f, ok := o.fields.byName[properties+"."+name]
		if err := put(name, f, ok, raw); err != nil {
			return d, err
		}
	}
	if err := o.complete(d.values); err != nil {
		return d, err
	}
	if err := optional(body, "is_scenario", &d.scenario); err != nil {
		return d, err
	}
	var artifacts []json.RawMessage
	if err := optional(body, "artifacts", &artifacts); err != nil {
		return d, err
	}
	for _, raw := range artifacts {
		made, err := o.parseArtifact(raw)
		if err != nil {
			return d, err
		}
		d.artifacts = append(d.artifacts, made...)
	}
	var comments []json.RawMessage
	if err := optional(body, "comments", &comments); err != nil {
		return d, err
	}
	for _, raw := range comments {
		n, err := parseNote(raw)
		if err != nil {
			return d, err
		}
		d.comments = append(d.comments, n.text)
	}
	return d, nil
}

// complete checks that an incident has every field that it must have, and if
// it is closed every one that closing requires (contract: §2.1, §2.5).
func (o *org) complete(values []any) error {
	for _, f := range o.fields.all {
		switch {
		case !missing(values[f.index]):
		case f.Required == "always":
			return badRequest("Field %s is required.", f.Label)
		case f.Required == "close" && values[o.fields.status.index] == closed:
			return badRequest("Field %s is required to close the incident.", f.Label)
		}
	}
	return nil
}

func optional(body map[string]json.RawMessage, key string, into any) error {
	if raw, ok := body[key]; ok && json.Unmarshal(raw, into) != nil {
		return badRequest("%s is not of the right kind.", key)
	}
	return nil
}

// seal fills in what the server computes for a new incident.
func (o *org) seal(inc *incident) {
	for name, v := range map[string]any{
		"id": int64(inc.id), "create_date": inc.created.UnixMilli(), "creator_id": inc.creator.id, "phase_id": 1000, "inc_training": false,
	} {
		inc.values[o.fields.byName[name].index] = v
	}
	if inc.values[o.fields.status.index] == nil {
		inc.values[o.fields.status.index] = active
	}
}

func (s *Server) getIncident(c *call) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) { return inc.dto(c.format, true), nil })
}

func (s *Server) deleteIncident(c *call) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		if c.org.KeepIncidents {
			return nil, refuse(http.StatusForbidden, "The organization does not allow incidents to be deleted.")
		}
		c.org.remove(inc)
		return s.deleted(), nil
	})
}

// partialKeys are the keys of a row of a query that is not full, and of a
// create without want_full_data (contract: §2.2).
var partialKeys = []string{"id", "name", "description", "plan_status", "phase_id", "severity_code", "owner_id", "create_date",
	"discovered_date", "due_date", "inc_training", "sequence_code"}

// dto is the incident as it is answered: FullIncidentDataDTO, or the 12 keys
// of a partial one (contract: §2.2).
func (inc *incident) dto(as format, full bool) object {
	o := object{}
	sequence := "SIM-" + strconv.Itoa(inc.id)
	if !full {
		for _, key := range partialKeys {
			if f := inc.org.fields.byName[key]; f != nil {
				o[key] = f.render(inc.values[f.index], as)
			}
		}
		o["sequence_code"] = sequence
		return o
	}
	custom := object{}
	for _, f := range inc.org.fields.all {
		v := f.render(inc.values[f.index], as)
		if f.Prefix == properties {
			custom[f.Name] = v
		} else {
			o[f.Name] = v
		}
	}
	o["properties"], o["sequence_code"], o["vers"] = custom, sequence, inc.version
	o["inc_last_modified_date"], o["org_id"], o["org_handle"] = inc.modified.UnixMilli(), inc.org.ID, as.handle(inc.org.ID, inc.org.Name)
	o["creator_principal"], o["creator"] = inc.creator.dto(), inc.creator.creatorDTO()
	// Null unless asked for, even right after a create that held them.
	o["tasks"], o["artifacts"], o["comments"] = nil, nil, nil
	o["perms"] = as.perms
	o["workspace"], o["draft"], o["is_scenario"], o["admin_id"] = as.handle(1, "Default workspace"), false, false, nil
	if !inc.org.opt.before(44) {
		o["playbooks"] = none
	}
	o["actions"], o["pii"], o["gdpr"], o["hipaa"], o["cm"], o["dtm"] = none, nothing, nothing, nothing, nothing, nothing
	o["regulators"], o["assessment"], o["task_changes"] = nothing, nil, nil
	return o
}

// Parts of an answer that are the same each time.
var (
	none      = json.RawMessage(`[]`)
	nothing   = json.RawMessage(`{}`)
	fullPerms = json.RawMessage(`{"read":true,"write":true,"comment":true,"assign":true,"close":true,"change_members":true,"attach_file":true,` +
		`"read_attachments":true,"delete_attachments":true,"create_milestones":true,"list_milestones":true,"create_artifacts":true,` +
		`"list_artifacts":true,"delete":true,"change_workspace":true}`)
)
