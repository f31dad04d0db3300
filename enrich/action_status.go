package enrich

import (
	"context"
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// endpointsSummary and refreshEndpointsSummary are the guide's "Get Endpoints status
// summary" (§5.4), which differ in where they are started: there is one row,
// and both bring it up to date.
func endpointsSummary() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "endpoints_status_summary",
			Title: "Example: SEP - Get Endpoints status summary",
			Help:  "Counts all endpoints of SEPM's domain by what is wrong with them.",
			On:    incident.OnIncident,
		},
		Decide: summarize,
	}
}

func refreshEndpointsSummary() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "endpoints_status_summary_refresh",
			Title: "Example: SEP - Get Endpoints status summary (refresh)",
			Help:  "Counts all endpoints again and brings the row up to date.",
			On:    incident.OnRow, Table: incident.TableStatusSummary,
		},
		Decide: summarize,
	}
}

func summarize(ctx context.Context, p Plan) (incident.Step, error) {
	s, err := p.compliance(ctx, func(ComplianceDetails) {})
	if err != nil {
		return incident.Step{}, err
	}
	return incident.Step{Effects: []incident.Effect{{Row: summaryRow(s, readable(p.Now))}, {Note: &incident.Note{
		Key:  "status summary: " + readable(p.Now),
		Text: fmt.Sprintf("Endpoints status summary: %d of %s non-compliant.", s.NonCompliant, amount(s.Total, "endpoint")),
	}}}}, nil
}

// compliance counts the whole fleet, and hands on each endpoint that is
// non-compliant.
func (p Plan) compliance(ctx context.Context, nonCompliant func(ComplianceDetails)) (ComplianceSummary, error) {
	c := Compliance{Heartbeat: p.Heartbeat}
	for computer, err := range p.Computers(ctx, sepclient.ComputerQuery{}) {
		if err != nil {
			return ComplianceSummary{}, fmt.Errorf("list all endpoints: %w", err)
		}
		if details, is := c.Add(computer); is {
			nonCompliant(details)
		}
	}
	return c.Summary(), nil
}

func summaryRow(s ComplianceSummary, now string) *incident.Row {
	row := &incident.Row{Table: incident.TableStatusSummary, Cells: map[string]incident.Cell{queryDate: incident.Text(now)}}
	for column, n := range map[string]int{
		"total": s.Total, "non_compliant": s.NonCompliant, "offline": s.Offline, "hi_failed": s.HIFailed,
		"up_to_date": s.UpToDate, "out_of_date": s.OutOfDate, "disabled": s.Disabled,
	} {
		row.Cells[column] = incident.Number(int64(n))
	}
	return row
}
