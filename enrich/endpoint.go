package enrich

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// maxEndpoints bounds the rows of one look-up: a name is one computer, or a
// few where SEPM kept stale records (contract: SEPM API A10).
const maxEndpoints = 200

// getEndpointDetails is the guide's "Get Endpoint Details for artifact" (§5.4).
func getEndpointDetails() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:          incident.EndpointDetails,
			Title:         "Example: SEP - Get Endpoint Details for artifact",
			Help:          "Looks the computer up in SEPM: a row for each endpoint of that name.",
			On:            incident.OnArtifact,
			ArtifactTypes: []incident.ArtifactType{incident.DNSName, incident.SystemName},
		},
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			return endpointDetails(ctx, p, p.Subject.Artifact.Value)
		},
	}
}

// endpointDetails gives one row an endpoint of that name. SEPM's own filter may
// match more than the name, so its answers are compared here.
func endpointDetails(ctx context.Context, p Plan, name string) (incident.Step, error) {
	if strings.ContainsAny(name, "*") || strings.TrimSpace(name) == "" {
		return incident.Step{Effects: []incident.Effect{notFound(name, "it is not a computer's name")}}, nil
	}
	commands, err := p.commands(ctx)
	if err != nil {
		return incident.Step{}, err
	}
	var step incident.Step
	for computer, err := range p.Reader.Computers(ctx, sepclient.ComputerQuery{Name: name}) {
		if err != nil {
			return incident.Step{}, fmt.Errorf("look up endpoint %q: %w", name, err)
		}
		if !sameComputer(computer.Name, name) {
			continue
		}
		if len(step.Effects) == maxEndpoints {
			step.Effects = append(step.Effects, tooMany(name))
			break
		}
		step.Effects = append(step.Effects, incident.Effect{Row: endpointRow(computer, commands)})
	}
	if len(step.Effects) == 0 {
		step.Effects = []incident.Effect{notFound(name, "SEPM knows no computer of that name")}
	}
	return step, nil
}

// sameComputer compares names as Windows does, without regard to case.
func sameComputer(a, b string) bool { return strings.EqualFold(a, b) }

// endpointRow is the row of a computer. Its quarantine status takes the
// incident's commands into account.
func endpointRow(c sepclient.Computer, commands []incident.Command) *incident.Row {
	kind, at := lastCompleted(c.ID, commands)
	infected := "No"
	if c.Infected {
		infected = "Yes"
	}
	cells := map[string]incident.Cell{
		"query_execution_date":       incident.Text(c.AsOf.UTC().Format(time.DateTime)),
		"computerName":               incident.Text(c.Name),
		"uniqueId":                   incident.Text(c.ID),
		"hardwareKey":                incident.Text(c.HardwareKey),
		"operatingSystem":            incident.Text(c.OS),
		"ipAddresses":                incident.Text(strings.Join(c.IPAddresses, ", ")),
		"sep_description":            incident.Text(c.Description),
		"infected":                   incident.Text(infected),
		"group_id":                   incident.Text(c.Group.ID),
		"group_name":                 incident.Text(c.Group.Name),
		"domain_id":                  incident.Text(c.Group.Domain.ID),
		"domain_name":                incident.Text(c.Group.Domain.Name),
		"endpoint_quarantine_status": incident.Text(isolation(c, kind, at)),
	}
	for column, cell := range cells {
		if cell.String() == "" {
			cells[column] = incident.Cell{} // clears what a refreshed row held
		}
	}
	return &incident.Row{Table: incident.TableEndpoints, Cells: cells}
}

func notFound(name, why string) incident.Effect {
	return incident.Effect{Note: &incident.Note{
		Key:  "endpoint not found: " + strings.ToLower(name),
		Text: fmt.Sprintf("Endpoint details: <b>%s</b> was not found, since %s.", incident.EscapeHTML(name), why),
	}}
}

func tooMany(name string) incident.Effect {
	return incident.Effect{Note: &incident.Note{
		Key: "endpoints cut: " + strings.ToLower(name),
		Text: fmt.Sprintf("Endpoint details: SEPM has more than %d records named <b>%s</b>; the first %d are listed.",
			maxEndpoints, incident.EscapeHTML(name), maxEndpoints),
	}}
}
