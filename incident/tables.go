package incident

// queryDate is the column that every table but the critical events has: when
// the row was last brought up to date, in words.
var queryDate = text("query_execution_date", "Query execution date")

func text(name, label string) Column     { return Column{name, label, ColumnText} }
func textArea(name, label string) Column { return Column{name, label, ColumnTextArea} }
func number(name, label string) Column   { return Column{name, label, ColumnNumber} }
func boolean(name, label string) Column  { return Column{name, label, ColumnBoolean} }

var tables = []Table{
	{
		Name: TableScanResults, Label: "Symantec SEP - EOC scan results",
		Key: []string{"scan_commandid", "computer_id", "file_path", "hash_value"},
		Columns: []Column{
			text("artifact_id", "Artifact id"),
			text("artifact_type", "Artifact type"),
			text("artifact_value", "Artifact value"),
			text("computer_name", "Computer name"),
			text("file_path", "File path"),
			textArea("file_upload_status", "File upload  status"),
			text("hash_value", "Hash value"),
			queryDate,
			textArea("remediation_status", "Remediation status"),
			textArea("scan_command_state", "Scan command state"),
			textArea("scan_result", "Scan Query/Result"),
			text("computer_id", "SEP computer id"),
			text("file_id", "SEP file id"),
			text("remediation_commandid", "SEP remediation command id"),
			text("scan_commandid", "SEP scan command id"),
			text("scan_type", "SEP Scan type"),
			text("upload_commandid", "SEP upload command id"),
		},
	},
	{
		Name: TableEndpoints, Label: "Symantec SEP - Endpoint details",
		Key: []string{"uniqueId"},
		Columns: []Column{
			text("computerName", "Computer name"),
			text("sep_description", "Description"),
			textArea("endpoint_quarantine_status", "Endpoint Quarantine Status"),
			text("hardwareKey", "Hardware key"),
			text("infected", "Infected"),
			text("ipAddresses", "IP addresses"),
			text("operatingSystem", "Operating system"),
			textArea("quarantine_command_state", "Quarantine command state"),
			queryDate,
			text("uniqueId", "SEP Computer id"),
			text("domain_id", "SEP domain id"),
			text("domain_name", "SEP domain name"),
			text("group_id", "SEP group id"),
			text("group_name", "SEP group name"),
			text("quarantine_commandid", "SEP quarantine  command id"),
		},
	},
	{
		// One row an incident, which refreshes: so no key columns.
		Name: TableStatusSummary, Label: "Symantec SEP - Endpoint status summary",
		Columns: []Column{
			number("disabled", "Disabled"),
			number("hi_failed", "Host integrity failed"),
			number("non_compliant", "Non compliant"),
			number("offline", "Offline"),
			number("out_of_date", "Out of date"),
			queryDate,
			number("total", "Total"),
			number("up_to_date", "Up to date"),
		},
	},
	{
		Name: TableNonCompliant, Label: "Symantec SEP - Non-compliant Endpoints status details",
		Key: []string{"computer_name"},
		Columns: []Column{
			text("avEngineOnOff", "Anti-Virus engine"),
			text("apOnOff", "Auto-protect engine"),
			text("cidsBrowserFfOnOff", "Browser Intrustion Prevention - FireFox engine"),
			text("cidsBrowserIeOnOff", "Browser Intrustion Prevention - IE engine"),
			text("cidsDrvOnOff", "Client Intrusion Detection System engine"),
			text("computer_name", "Computer name"),
			text("daOnOff", "Download Insight engine"),
			text("elamOnOff", "Early Launch Antimalware engine"),
			text("firewallOnOff", "Firewall engine"),
			text("host_integrity_check", "Host Integrity check status"),
			text("readableLastScanTime", "Last Scan Time"),
			text("readableLastUpdateTime", "Last update time"),
			text("onlineStatus", "Online status"),
			text("pepOnOff", "Proactive Exploit Protection engine"),
			text("ptpOnOff", "Proactive Threat Protection engine"),
			queryDate,
			text("tamperOnOff", "Tamper protection engine"),
		},
	},
	{
		Name: TableGroups, Label: "Symantec SEP - Groups",
		Key: []string{"group_id"},
		Columns: []Column{
			text("group_description", "Description"),
			text("fullPathName", "Full path name"),
			text("numberOfPhysicalComputers", "Number of physical computers"),
			boolean("policyInheritanceEnabled", "Policy inheritance enabled"),
			queryDate,
			text("domain_id", "SEP domain id"),
			text("domain_name", "SEP domain name"),
			text("group_id", "SEP Group id"),
			text("group_name", "SEP Group name"),
		},
	},
	{
		Name: TableFingerprints, Label: "Symantec SEP - Fingerprint lists",
		Key: []string{"list_id"},
		Columns: []Column{
			text("group_ids", "Assigned SEP group ids"),
			text("list_description", "Description"),
			text("hash_values", "Hash values"),
			text("list_name", "List name"),
			text("query_execution_date", "Query Execution date"),
			text("domain_name", "SEP domain name"),
			text("list_id", "SEP list id"),
		},
	},
	{
		Name: TableCriticalEvents, Label: "Symantec SEP - Critical events",
		Key: []string{"event_id"},
		Columns: []Column{
			boolean("acknowledged", "Acknowledged"),
			{"date_added", "Date added", ColumnDateTime},
			text("event_date", "Event date"),
			text("event_id", "Event id"),
			text("message", "Message"),
			text("subject", "Subject"),
		},
	},
}
