package soar

import (
	"slices"
	"strconv"
	"time"
)

// org is one organization and everything in it.
type org struct {
	Org
	opt    *Options
	fields *fields // of the incident
	tables []*table
	kinds  []*artifactType

	incidents map[int]*incident
	ordered   []*incident // as made
	// monotone is whether create_date has never gone back, so that ordered is
	// ordered by it too.
	monotone bool
	// texts finds incidents by the value of a custom text field.
	texts map[*field]map[string][]*incident

	lastArtifact, lastNote, lastAttachment int
	lastRow                                int // one sequence for all tables (contract: §5.3)
}

func newOrg(o Org, opt *Options, who *directory) *org {
	made := &org{Org: o, opt: opt, kinds: newArtifactTypes(opt), incidents: map[int]*incident{}, monotone: true, texts: map[*field]map[string][]*incident{}}
	made.fields = incidentFields(opt, who.usersOf(o.ID), who.creators())
	made.tables = newTables(opt, who.usersOf(o.ID))
	for _, f := range made.fields.all {
		if f.Prefix == properties && f.Input == "text" {
			made.texts[f] = map[string][]*incident{}
		}
	}
	return made
}

// add commits a new incident.
func (o *org) add(inc *incident) {
	if n := len(o.ordered); n > 0 && inc.created.Before(o.ordered[n-1].created) {
		o.monotone = false
	}
	o.incidents[inc.id] = inc
	o.ordered = append(o.ordered, inc)
	for f, byText := range o.texts {
		if text, ok := inc.values[f.index].(string); ok {
			byText[text] = append(byText[text], inc)
		}
	}
}

func (o *org) remove(inc *incident) {
	for f := range o.texts {
		o.set(inc, f, nil)
	}
	delete(o.incidents, inc.id)
	// A new slice: a query may be reading the old one.
	o.ordered = slices.DeleteFunc(slices.Clone(o.ordered), func(i *incident) bool { return i == inc })
}

// set changes a field of an incident that has been added.
func (o *org) set(inc *incident, f *field, v any) {
	if byText, ok := o.texts[f]; ok {
		if old, ok := inc.values[f.index].(string); ok {
			byText[old] = slices.DeleteFunc(byText[old], func(i *incident) bool { return i == inc })
		}
		if text, ok := v.(string); ok {
			byText[text] = append(byText[text], inc)
		}
	}
	inc.values[f.index] = v
}

// touch marks a change of an incident: a new version, and an end where it was
// closed.
func (o *org) touch(inc *incident, now time.Time) {
	inc.version++
	inc.modified = now
	if ended := inc.values[o.fields.ended.index]; inc.isOpen() {
		inc.values[o.fields.ended.index] = nil
	} else if ended == nil {
		inc.values[o.fields.ended.index] = now.UnixMilli()
	}
}

// getOrg is GET /rest/orgs/{o}: what the standard client reads after a login.
func (s *Server) getOrg(c *call) (any, error) {
	kinds := object{}
	for _, t := range c.org.kinds {
		kinds[strconv.Itoa(t.ID)] = t.dto()
	}
	return object{
		"id": c.org.ID, "name": c.org.Name, "uuid": nullable(c.org.UUID), "cloud_account": nullable(c.org.CloudAccount), "enabled": true,
		"actions_framework_enabled": true, "attachments_enabled": !c.org.NoAttachments, "incident_deletion_allowed": !c.org.KeepIncidents,
		"session_timeout": int(s.opt.SessionTimeout / time.Second), "tasks_private": false, "incident_artifact_types": kinds,
	}, nil
}

// getTypes is GET /types: a map from name to type (contract: §1.6, §5.1).
func (s *Server) getTypes(c *call) (any, error) {
	types := object{"incident": c.org.incidentType(), "artifact": c.org.artifactType()}
	for _, t := range c.org.tables {
		types[t.name] = t.dto()
	}
	return types, nil
}

func (s *Server) getType(c *call) (any, error) {
	switch name := c.r.PathValue("type"); name {
	case "incident", "0":
		return c.org.incidentType(), nil
	case "artifact", "4":
		return c.org.artifactType(), nil
	default:
		t, err := c.org.table(name)
		if err != nil {
			return nil, err
		}
		return t.dto(), nil
	}
}

// getFields is GET /types/{t}/fields: a bare array (contract: §2.3).
func (s *Server) getFields(c *call) (any, error) {
	switch name := c.r.PathValue("type"); name {
	case "incident", "0":
		return c.org.fields.dto(), nil
	case "artifact", "4":
		return []object{c.org.artifactTypeField()}, nil
	default:
		t, err := c.org.table(name)
		if err != nil {
			return nil, err
		}
		return t.fields.dto(), nil
	}
}

func (o *org) incidentType() object {
	return typeDTO(0, 0, "incident", "Incident", nil, o.fields)
}

func (o *org) artifactType() object {
	t := typeDTO(4, 4, "artifact", "Artifact", []string{"incident"}, newFields(nil))
	t["fields"] = object{"type": o.artifactTypeField()}
	return t
}

func typeDTO(id, kind int, name, label string, parents []string, fs *fields) object {
	byName := object{}
	for _, f := range fs.all {
		byName[f.Name] = f.dto()
	}
	return object{
		"id": id, "type_id": kind, "type_name": name, "display_name": label, "fields": byName, "parent_types": parents,
		"properties":        object{"can_create": true, "can_destroy": true, "for_who": []string{}},
		"for_notifications": false, "for_actions": true, "for_custom_fields": false, "for_workflows": true, "uuid": nil,
		"actions": []object{}, "scripts": []object{}, "playbooks": []object{}, "tags": []object{},
	}
}

func (fs *fields) dto() []object {
	list := []object{}
	for _, f := range fs.all {
		list = append(list, f.dto())
	}
	return list
}

func (f *field) dto() object {
	values := []object{}
	for i, c := range f.Values {
		values = append(values, object{"value": c.ID, "label": c.Label, "enabled": true, "default": false, "hidden": false, "properties": nil, "order": i})
	}
	dto := object{
		"id": f.ID, "name": f.Name, "text": f.Label, "prefix": nullable(f.Prefix), "type_id": f.TypeID, "input_type": f.Input,
		"read_only": f.ReadOnly, "changeable": !f.ReadOnly, "internal": false, "chosen": true, "blank_option": false, "hide_notification": false,
		"default_chosen_by_server": false, "rich_text": f.Rich, "tooltip": "", "placeholder": "", "templates": []object{}, "tags": []object{},
		"calculated": false, "is_tracked": false, "allow_default_value": false, "deprecated": false, "uuid": nil, "operations": []string{},
		"operation_perms": object{}, "values": values,
	}
	if f.Required != "" {
		dto["required"] = f.Required // absent otherwise (contract: §2.3)
	}
	if f.TypeID != 0 {
		dto["order"], dto["width"] = f.index, 120
	}
	return dto
}

// getField is GET /types/{t}/fields/{f}.
func (s *Server) getField(c *call) (any, error) {
	of := c.org.fields
	if name := c.r.PathValue("type"); name != "incident" && name != "0" {
		t, err := c.org.table(name)
		if err != nil {
			return nil, err
		}
		of = t.fields
	}
	handle := c.r.PathValue("field")
	f, ok := of.find(handle)
	if !ok {
		return nil, notFound("field", handle)
	}
	return f.dto(), nil
}

// getIncidentTypes is GET /incident_types: a map by id (contract: §1.6).
func (s *Server) getIncidentTypes(c *call) (any, error) {
	types := object{}
	for _, v := range c.org.fields.byName["incident_type_ids"].Values {
		id, _ := v.ID.(int)
		types[strconv.Itoa(id)] = object{"id": id, "name": v.Label, "enabled": true, "system": true, "hidden": false, "parent_id": nil, "description": ""}
	}
	return types, nil
}
