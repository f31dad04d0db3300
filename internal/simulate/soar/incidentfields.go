package soar

import "cmp"

// The values of plan_status.
const (
	active = "A"
	closed = "C"
)

// keyField is the field of Options.KeyField.
const keyField = "sepwatch_key"

// firstCustomField is where the ids of custom fields begin (contract: §2.3).
const firstCustomField = 201

// numbered makes choices with ids from first on.
func numbered(first int, labels ...string) []choice {
	choices := make([]choice, len(labels))
	for i, label := range labels {
		choices[i] = choice{first + i, label}
	}
	return choices
}

// incidentFields are the standard fields of an incident that the stand-in
// keeps, and the custom ones (contract: §2.1 to §2.3). The ids of standard
// fields differ between servers; nobody may rely on these.
func incidentFields(opt *Options, users, creators []choice) *fields {
	severities, resolutions := 4, 7
	if opt.OldValueIDs {
		severities, resolutions = 50, 53
	}
	all := []*field{
		{Name: "id", Label: "ID", Input: "number", ReadOnly: true},
		{Name: "name", Label: "Name", Input: "text", Required: "always"},
		{Name: "description", Label: "Description", Input: "textarea", Rich: true},
		{Name: "discovered_date", Label: "Date Discovered", Input: "datetimepicker", Required: "always"},
		{Name: "create_date", Label: "Date Created", Input: "datetimepicker", ReadOnly: true},
		{Name: "start_date", Label: "Date Occurred", Input: "datetimepicker"},
		{Name: "end_date", Label: "Date Closed", Input: "datetimepicker", ReadOnly: true},
		{Name: "due_date", Label: "Next Due Date", Input: "datetimepicker", ReadOnly: true},
		{Name: "severity_code", Label: "Severity", Input: "select", Values: numbered(severities, "Low", "Medium", "High")},
		{Name: "incident_type_ids", Label: "Incident Type", Input: "multiselect", Values: append(numbered(16,
			"TBD / Unknown", "Lost documents / files / records", "Communication error (fax; email)", "Malware", "Improper disposal: documents / files",
			"Denial of Service", "Phishing", "System Intrusion", "Other"), choice{1000, "Endpoint"})},
		{Name: "plan_status", Label: "Status", Input: "select", Values: []choice{{active, "Active"}, {closed, "Closed"}}},
		{Name: "phase_id", Label: "Phase", Input: "select", ReadOnly: true, Values: numbered(1000, "Initial", "Engage", "Detect/Analyze", "Respond", "Post-Incident", "Complete")},
		{Name: "resolution_id", Label: "Resolution", Input: "select", Required: "close", Values: numbered(resolutions, "Unresolved", "Duplicate", "Not an Issue", "Resolved")},
		{Name: "resolution_summary", Label: "Resolution Summary", Input: "textarea", Rich: true, Required: "close"},
		{Name: "owner_id", Label: "Owner", Input: "select_owner", Values: users},
		{Name: "members", Label: "Members", Input: "multiselect_members", Values: users},
		{Name: "creator_id", Label: "Created By", Input: "select_user", ReadOnly: true, Values: creators},
		{Name: "reporter", Label: "Reporter", Input: "text"},
		{Name: "confirmed", Label: "Incident Disposition", Input: "boolean"},
		{Name: "employee_involved", Label: "Employee Involved", Input: "boolean"},
		{Name: "negative_pr_likely", Label: "Negative PR", Input: "boolean"},
		{Name: "inc_training", Label: "Simulation", Input: "boolean", ReadOnly: true},
		{Name: "addr", Label: "Address", Input: "text"},
		{Name: "city", Label: "City", Input: "text"},
		{Name: "zip", Label: "Zip", Input: "text"},
		{Name: "exposure_type_id", Label: "Exposure Type", Input: "select", Values: numbered(1, "Unknown", "External Party", "Individual")},
		{Name: "nist_attack_vectors", Label: "NIST Attack Vectors", Input: "multiselect", Values: numbered(1,
			"External/Removable Media", "Attrition", "Web", "E-mail", "Impersonation", "Improper Usage", "Loss or Theft", "Other")},
	}
	for i, f := range all {
		f.ID = 90 + i
	}
	custom := opt.Fields
	if opt.KeyField {
		custom = append([]Field{{Name: keyField, Label: "sepwatch key"}}, custom...)
	}
	for i, c := range custom {
		f := c.made(users, firstCustomField*10+i*100)
		f.ID, f.Prefix = firstCustomField+i, properties
		all = append(all, f)
	}
	for _, f := range all {
		f.plainAsIs = opt.PlainTextAsIs
	}
	return newFields(all)
}

// made is the field as the server keeps it; its values are numbered from first.
func (c Field) made(users []choice, first int) *field {
	f := &field{Name: c.Name, Label: cmp.Or(c.Label, c.Name), Input: cmp.Or(c.InputType, "text"), Required: c.Required, Rich: c.InputType == "textarea"}
	switch {
	case f.Input == "select_owner", f.Input == "multiselect_members":
		f.Values = users
	case len(c.Values) > 0:
		f.Values = numbered(first, c.Values...)
	}
	return f
}

// unkept are keys that a create may have and that the stand-in takes without
// keeping them (contract: §2.1, §2.2). Every other unknown key is refused.
var unkept = map[string]bool{
	"properties": true, "artifacts": true, "comments": true, "is_scenario": true, // these are read elsewhere
	"workspace": true, "pii": true, "gdpr": true, "hipaa": true, "regulators": true, "state": true, "country": true, "crimestatus_id": true,
	"tasks": true, "cm": true, "dtm": true, "draft": true, "exposure": true, "jurisdiction_name": true, "exposure_vendor_id": true,
	"exposure_dept_id": true, "exposure_individual_name": true, "data_compromised": true, "hard_liability": true, "assessment": true,
	"inc_start": true, "sequence_code": true, "creator": true, "creator_principal": true, "inc_last_modified_date": true, "admin_id": true, "task_changes": true,
	"vers": true, "org_id": true, "org_handle": true, "perms": true, "actions": true, "playbooks": true,
}
