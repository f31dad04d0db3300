package incident

// ColumnType is the input type of a column in Resilient.
type ColumnType string

// The column types in use.
const (
	ColumnText     ColumnType = "text"
	ColumnTextArea ColumnType = "textarea"
	ColumnNumber   ColumnType = "number"
	ColumnBoolean  ColumnType = "boolean"
	ColumnDateTime ColumnType = "datetimepicker"
)

// Column is one column of a table.
type Column struct {
	Name  string // API name
	Label string // as people see it, fn_sep's spelling included
	Type  ColumnType
}

// Table is one of the guide's data tables.
type Table struct {
	Name    string // API name
	Label   string // as people see it
	Key     []string
	Columns []Column
}

// TableByName finds a table by its API name.
func TableByName(name string) (Table, bool) {
	for _, t := range Tables() {
		if t.Name == name {
			return t, true
		}
	}
	return Table{}, false
}

// The API names of the tables.
const (
	TableScanResults    = "sep_eoc_scan_results"
	TableEndpoints      = "sep_endpoint_details"
	TableStatusSummary  = "sep_endpoint_status_summary"
	TableNonCompliant   = "sep_endpoints_non_compliant_details"
	TableGroups         = "sep_groups"
	TableFingerprints   = "sep_fingerprint_lists"
	TableCriticalEvents = "sep_critical_events"
)

// Tables are the guide's six data tables (chapter 3) and fn_sep's later
// table of critical events, column by column as fn_sep installs them
// (contract: SEPM API B6), so that existing layouts and scripts keep
// working.
func Tables() []Table { return tables }
