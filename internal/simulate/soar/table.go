package soar

import (
	"cmp"
	"strconv"
)

// firstTable is where the ids of data tables begin (contract: §5.1), and
// firstColumn and firstColumnValue those of their columns and of the values
// of these.
const (
	firstTable       = 1000
	firstColumn      = 300
	firstColumnValue = 5000
)

// table is a data table: a type with type_id 8.
type table struct {
	id     int
	name   string
	label  string
	fields *fields
}

func (t *table) dto() object {
	return typeDTO(t.id, 8, t.name, t.label, []string{"incident"}, t.fields)
}

// table finds a table by id or API name.
func (o *org) table(handle string) (*table, error) {
	for _, t := range o.tables {
		if t.name == handle || strconv.Itoa(t.id) == handle {
			return t, nil
		}
	}
	return nil, notFound("type", handle)
}

// columns makes columns of text from pairs of name and label, in order.
func columns(nameAndLabel ...string) []*field {
	var all []*field
	for i := 0; i+1 < len(nameAndLabel); i += 2 {
		all = append(all, &field{Name: nameAndLabel[i], Label: nameAndLabel[i+1], Input: "text"})
	}
	return all
}

// fnSEPTables are the data tables of fn_sep 1.2.0 (contract: SEPM API B6),
// and the columns of them that are not text.
func fnSEPTables() (all []*table, inputs map[string]string) {
	add := func(name, label string, columns []*field) {
		all = append(all, &table{name: name, label: "Symantec SEP - " + label, fields: newFields(columns)})
	}
	add("sep_eoc_scan_results", "EOC scan results", columns(
		"artifact_id", "Artifact id", "artifact_type", "Artifact type", "artifact_value", "Artifact value", "computer_name", "Computer name",
		"file_path", "File path", "file_upload_status", "File upload  status", "hash_value", "Hash value",
		"query_execution_date", "Query execution date", "remediation_status", "Remediation status", "scan_command_state", "Scan command state",
		"scan_result", "Scan Query/Result", "computer_id", "SEP computer id", "file_id", "SEP file id",
		"remediation_commandid", "SEP remediation command id", "scan_commandid", "SEP scan command id", "scan_type", "SEP Scan type",
		"upload_commandid", "SEP upload command id"))
	add("sep_endpoint_details", "Endpoint details", columns(
		"computerName", "Computer name", "sep_description", "Description", "endpoint_quarantine_status", "Endpoint Quarantine Status",
		"hardwareKey", "Hardware key", "infected", "Infected", "ipAddresses", "IP addresses", "operatingSystem", "Operating system",
		"quarantine_command_state", "Quarantine command state", "query_execution_date", "Query execution date", "uniqueId", "SEP Computer id",
		"domain_id", "SEP domain id", "domain_name", "SEP domain name", "group_id", "SEP group id", "group_name", "SEP group name",
		"quarantine_commandid", "SEP quarantine  command id"))
	add("sep_endpoint_status_summary", "Endpoint status summary", columns(
		"disabled", "Disabled", "hi_failed", "Host integrity failed", "non_compliant", "Non compliant", "offline", "Offline",
		"out_of_date", "Out of date", "query_execution_date", "Query execution date", "total", "Total", "up_to_date", "Up to date"))
	add("sep_endpoints_non_compliant_details", "Non-compliant Endpoints status details", columns(
		"avEngineOnOff", "Anti-Virus engine", "apOnOff", "Auto-protect engine",
		"cidsBrowserFfOnOff", "Browser Intrustion Prevention - FireFox engine", "cidsBrowserIeOnOff", "Browser Intrustion Prevention - IE engine",
		"cidsDrvOnOff", "Client Intrusion Detection System engine", "computer_name", "Computer name", "daOnOff", "Download Insight engine",
		"elamOnOff", "Early Launch Antimalware engine", "firewallOnOff", "Firewall engine", "host_integrity_check", "Host Integrity check status",
		"readableLastScanTime", "Last Scan Time", "readableLastUpdateTime", "Last update time", "onlineStatus", "Online status",
		"pepOnOff", "Proactive Exploit Protection engine", "ptpOnOff", "Proactive Threat Protection engine",
		"query_execution_date", "Query execution date", "tamperOnOff", "Tamper protection engine"))
	add("sep_groups", "Groups", columns(
		"group_description", "Description", "fullPathName", "Full path name", "numberOfPhysicalComputers", "Number of physical computers",
		"policyInheritanceEnabled", "Policy inheritance enabled", "query_execution_date", "Query execution date",
		"domain_id", "SEP domain id", "domain_name", "SEP domain name", "group_id", "SEP Group id", "group_name", "SEP Group name"))
	add("sep_fingerprint_lists", "Fingerprint lists", columns(
		"group_ids", "Assigned SEP group ids", "list_description", "Description", "hash_values", "Hash values", "list_name", "List name",
		"query_execution_date", "Query Execution date", "domain_name", "SEP domain name", "list_id", "SEP list id"))
	add("sep_critical_events", "Critical events", columns(
		"acknowledged", "Acknowledged", "date_added", "Date added", "event_date", "Event date", "event_id", "Event id",
		"message", "Message", "subject", "Subject"))
	return all, map[string]string{
		"file_upload_status": "textarea", "remediation_status": "textarea", "scan_command_state": "textarea", "scan_result": "textarea",
		"endpoint_quarantine_status": "textarea", "quarantine_command_state": "textarea",
		"disabled": "number", "hi_failed": "number", "non_compliant": "number", "offline": "number", "out_of_date": "number", "total": "number",
		"up_to_date": "number", "policyInheritanceEnabled": "boolean", "acknowledged": "boolean", "date_added": "datetimepicker",
	}
}

// newTables makes the tables that there are and numbers them and their
// columns. Text areas are rich.
func newTables(opt *Options, users []choice) []*table {
	all, inputs := fnSEPTables()
	if opt.NoTables {
		all = nil
	}
	for _, t := range all {
		for _, f := range t.fields.all {
			if input, ok := inputs[f.Name]; ok {
				f.Input, f.Rich = input, input == "textarea"
			}
		}
	}
	for i, wanted := range opt.Tables {
		var columns []*field
		for j, c := range wanted.Columns {
			columns = append(columns, c.made(users, firstColumnValue+1000*i+10*j))
		}
		all = append(all, &table{name: wanted.Name, label: cmp.Or(wanted.Label, wanted.Name), fields: newFields(columns)})
	}
	next := firstColumn
	for i, t := range all {
		t.id = firstTable + i
		for _, f := range t.fields.all {
			f.ID, f.TypeID, f.plainAsIs = next, t.id, opt.PlainTextAsIs
			next++
		}
		t.fields = newFields(t.fields.all) // once more, now that the columns have ids
	}
	return all
}
