package enrich

import (
	"context"
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
)

// nonCompliantDetails is the guide's "Get Non-Compliant Endpoints status
// details" (§5.4).
func nonCompliantDetails() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "non_compliant_details",
			Title: "Example: SEP - Get Non-Compliant Endpoints status details",
			Help:  "Lists the endpoints with something wrong, each with the state of its engines.",
			On:    incident.OnRow, Table: incident.TableStatusSummary,
			When: []incident.Condition{
				{Column: "non_compliant", Test: incident.HasValue},
				{Column: "non_compliant", Test: incident.IsNot, Values: []string{"0"}},
			},
		},
		Decide: listNonCompliant,
	}
}

// listNonCompliant gives the endpoints, as many as a table is to have as rows
// and all of them as a file, and brings the summary up to date, too.
func listNonCompliant(ctx context.Context, p Plan) (incident.Step, error) {
	columns := nonCompliantColumns()
	header := []string{"Computer name", "Computer id"}
	for _, c := range columns {
		header = append(header, c.label)
	}
	file := newCSVFile(header...)
	var kept []ComplianceDetails
	var all rowNames
	summary, err := p.compliance(ctx, func(d ComplianceDetails) {
		all.add(d.ComputerName, d.ComputerID)
		if p.Results == 0 || len(kept) < p.Results {
			kept = append(kept, d)
		}
		cells := []string{d.ComputerName, d.ComputerID}
		for _, c := range columns {
			cells = append(cells, c.value(d))
		}
		file.add(cells...)
	})
	if err != nil {
		return incident.Step{}, err
	}
	now := readable(p.Now)
	step := incident.Step{Effects: []incident.Effect{{Row: summaryRow(summary, now)}}}
	for _, d := range kept {
		cells := map[string]incident.Cell{queryDate: incident.Text(now)}
		for _, c := range columns {
			cells[c.name] = incident.Text(c.value(d))
		}
		step.Effects = append(step.Effects, incident.Effect{Row: nonCompliantRow(all.of(d.ComputerName, d.ComputerID), cells)})
	}
	cleared, err := p.nowCompliant(ctx, all.rows(), now)
	if err != nil {
		return incident.Step{}, err
	}
	attachment := file.attachment("non-compliant endpoints: "+now,
		fmt.Sprintf("Non-compliant_endpoints_%s.csv", p.Now.UTC().Format(fileTime)))
	text := fmt.Sprintf("Non-compliant endpoints: %d of %s. The table has %d of them, %s has all.",
		summary.NonCompliant, amount(summary.Total, "endpoint"), len(kept), attachment.Name)
	step.Effects = append(step.Effects, cleared...)
	step.Effects = append(step.Effects, incident.Effect{Attachment: attachment},
		incident.Effect{Note: &incident.Note{Key: "non-compliant endpoints: " + now, Text: text}})
	return step, nil
}

// nowCompliant are the rows that an earlier run left of endpoints that are not
// among the non-compliant any more. A row cannot be taken away, so it says so.
func (p Plan) nowCompliant(ctx context.Context, current map[string]bool, now string) ([]incident.Effect, error) {
	if p.Case == nil {
		return nil, nil
	}
	known, err := p.Case(ctx)
	if err != nil {
		return nil, err
	}
	var effects []incident.Effect
	for _, row := range known.Rows {
		name := row.Cells["computer_name"].String()
		if row.Table != incident.TableNonCompliant || current[name] {
			continue
		}
		cells := map[string]incident.Cell{queryDate: incident.Text(now)}
		for _, c := range nonCompliantColumns() {
			cells[c.name] = incident.Cell{}
		}
		cells["onlineStatus"] = incident.Text("Not among the non-compliant any more")
		effects = append(effects, incident.Effect{Row: nonCompliantRow(name, cells)})
	}
	return effects, nil
}

func nonCompliantRow(name string, cells map[string]incident.Cell) *incident.Row {
	cells["computer_name"] = incident.Text(name)
	return &incident.Row{Table: incident.TableNonCompliant, Cells: cells}
}

// rowNames gives endpoints the names of their rows. The table has no column for
// the id and goes by the name, so a namesake gets a part of its id (contract:
// SEPM API B6, C17).
type rowNames struct{ ids map[string][]string }

func (n *rowNames) add(name, id string) {
	if n.ids == nil {
		n.ids = make(map[string][]string)
	}
	n.ids[name] = append(n.ids[name], id)
}

func (n *rowNames) of(name, id string) string {
	if len(n.ids[name]) < 2 {
		return name
	}
	return fmt.Sprintf("%s (%.8s)", name, id)
}

// rows are the names of all rows.
func (n *rowNames) rows() map[string]bool {
	rows := make(map[string]bool, len(n.ids))
	for name, ids := range n.ids {
		for _, id := range ids {
			rows[n.of(name, id)] = true
		}
	}
	return rows
}

// nonCompliantColumn is a column of the table, beside the name and the date.
type nonCompliantColumn struct {
	name, label string
	value       func(ComplianceDetails) string
}

func nonCompliantColumns() []nonCompliantColumn {
	values := map[string]func(ComplianceDetails) string{
		"host_integrity_check":   func(d ComplianceDetails) string { return d.HostIntegrity },
		"onlineStatus":           func(d ComplianceDetails) string { return d.OnlineStatus },
		"readableLastScanTime":   func(d ComplianceDetails) string { return d.LastScan },
		"readableLastUpdateTime": func(d ComplianceDetails) string { return d.LastUpdate },
		"apOnOff":                func(d ComplianceDetails) string { return d.AutoProtect },
		"avEngineOnOff":          func(d ComplianceDetails) string { return d.Antivirus },
		"cidsBrowserFfOnOff":     func(d ComplianceDetails) string { return d.BrowserFirefox },
		"cidsBrowserIeOnOff":     func(d ComplianceDetails) string { return d.BrowserIE },
		"cidsDrvOnOff":           func(d ComplianceDetails) string { return d.Intrusion },
		"daOnOff":                func(d ComplianceDetails) string { return d.Download },
		"elamOnOff":              func(d ComplianceDetails) string { return d.EarlyLaunch },
		"firewallOnOff":          func(d ComplianceDetails) string { return d.Firewall },
		"pepOnOff":               func(d ComplianceDetails) string { return d.Exploit },
		"ptpOnOff":               func(d ComplianceDetails) string { return d.Proactive },
		"tamperOnOff":            func(d ComplianceDetails) string { return d.Tamper },
	}
	table, _ := incident.TableByName(incident.TableNonCompliant)
	var columns []nonCompliantColumn
	for _, c := range table.Columns {
		if value := values[c.Name]; value != nil {
			columns = append(columns, nonCompliantColumn{c.Name, c.Label, value})
		}
	}
	return columns
}
