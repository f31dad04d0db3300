package soar

import (
	"net/http"
	"slices"
	"strings"
)

// The grants of an API key as an administrator ticks them, as far as they
// matter here (contract: §1.2). Data tables belong to the fields (§5.1).
const (
	ReadOrgData     = "read_org_data"
	ReadIncidents   = "read_incidents"
	CreateIncidents = "create_incidents"
	EditFields      = "edit_fields"
	EditStatus      = "edit_status" // closing and opening again
	EditNotes       = "edit_notes"
	EditArtifacts   = "edit_artifacts"
	EditAttachments = "edit_attachments"
	DeleteIncidents = "delete_incidents"
)

// Grants are the names of all grants, as in [Options.Deny].
func Grants() []string {
	return []string{ReadOrgData, ReadIncidents, CreateIncidents, EditFields, EditStatus, EditNotes, EditArtifacts, EditAttachments, DeleteIncidents}
}

// grantFor is the grant that an operation needs, "" for one that anybody may.
// A PATCH and a PUT of an incident are judged by their fields: see changes.
func grantFor(operation string) string {
	method, path, _ := strings.Cut(operation, " ")
	within := strings.TrimPrefix(path, "/incidents/{inc}/")
	switch {
	case slices.ContainsFunc([]string{"/types", "/artifact_types", "/incident_types"}, func(p string) bool { return strings.HasPrefix(path, p) }):
		return ReadOrgData
	case !strings.HasPrefix(path, "/incidents"):
		return ""
	case operation == "POST /incidents":
		return CreateIncidents
	case operation == "DELETE /incidents/{inc}":
		return DeleteIncidents
	case method == http.MethodPatch, operation == "PUT /incidents/{inc}":
		return ""
	case method == http.MethodGet, strings.HasSuffix(path, "/query"), strings.HasSuffix(path, "/query_paged"):
		return ReadIncidents
	case strings.HasPrefix(within, "comments"):
		return EditNotes
	case strings.HasPrefix(within, "artifacts"):
		return EditArtifacts
	case strings.HasPrefix(within, "attachments"):
		return EditAttachments
	}
	return EditFields
}

// SetDeny puts other operations and grants in place of those of
// [Options.Deny], as an administrator does while clients run.
func (s *Server) SetDeny(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = slices.Clone(names)
}

// may reports whether a principal may do an operation or has a grant. The
// caller holds s.mu.
func (s *Server) may(who *principal, name string) bool {
	return !slices.Contains(s.denied, name) && !slices.Contains(who.deny, name)
}

// allowed is 403 where the call's operation, or the grant that it needs, is
// denied.
func (s *Server) allowed(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{c.operation, grantFor(c.operation)} {
		if name != "" && !s.may(c.who, name) {
			return forbidden(name)
		}
	}
	return nil
}

func forbidden(what string) error {
	return refuse(http.StatusForbidden, "You do not have the permission to do this: %s.", what)
}

// changes is 403 where fields may not be changed: the status, with what
// closing requires, is a grant of its own. The caller holds s.mu.
func (s *Server) changes(who *principal, fields []*field) error {
	status := slices.ContainsFunc(fields, func(f *field) bool { return f.Name == "plan_status" })
	if status && !s.may(who, EditStatus) {
		return forbidden(EditStatus)
	}
	for _, f := range fields {
		ofClosing := f.Name == "plan_status" || status && f.Required == "close"
		if !ofClosing && !s.may(who, EditFields) {
			return forbidden(EditFields)
		}
	}
	return nil
}

// perms is what the principal of a call may do with an incident (contract:
// §2.2).
func (s *Server) perms(who *principal) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.denied)+len(who.deny) == 0 {
		return fullPerms
	}
	perms := map[string]bool{"assign": true, "change_members": true, "change_workspace": true, "create_milestones": true, "list_milestones": true}
	for grant, names := range map[string][]string{
		ReadIncidents: {"read", "list_artifacts", "read_attachments"}, EditFields: {"write"}, EditStatus: {"close"}, EditNotes: {"comment"},
		EditArtifacts: {"create_artifacts"}, EditAttachments: {"attach_file", "delete_attachments"}, DeleteIncidents: {"delete"},
	} {
		for _, name := range names {
			perms[name] = s.may(who, grant)
		}
	}
	return perms
}
