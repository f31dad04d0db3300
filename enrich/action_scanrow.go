package enrich

import (
	"context"
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// scanRowActions are the actions on a row of scan results that change nothing
// at SEPM.
func scanRowActions() []Action { return []Action{addArtifact(), getRowEndpoint()} }

// addArtifact is the guide's script "Add Artifact from Scan Result" (chapter 6).
func addArtifact() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "add_artifact_from_scan_result",
			Title: "Example: SEP - Add Artifact from Scan Result",
			Help:  "Adds the hash, the computer or the path of the row to the incident as an artifact.",
			On:    incident.OnRow, Table: incident.TableScanResults,
			When: append([]incident.Condition{
				{Column: "file_path", Test: incident.HasValue},
				{Column: "computer_name", Test: incident.HasValue},
				{Column: "hash_value", Test: incident.HasValue},
			}, onMatch(sepclient.HashMatch, sepclient.FullMatch)...),
			Form: []incident.InputDef{
				{Name: "artifact_type", Type: incident.InputSelect, Required: true,
					Values: []string{string(incident.SHA256Hash), string(incident.SystemName), string(incident.FilePath)},
					Help:   "What to add. A hash that is no SHA-256 is added as what it is."},
			},
		},
		Decide: func(_ context.Context, p Plan) (incident.Step, error) {
			a := incident.Artifact{
				Type: incident.ArtifactType(p.Input["artifact_type"]),
				Description: fmt.Sprintf("Found by the SEP scan %s for %s %s, on %s", p.Subject.Cell("scan_commandid"),
					p.Subject.Cell("artifact_type"), p.Subject.Cell("artifact_value"), p.Subject.Cell("computer_name")),
			}
			switch a.Type {
			case incident.SystemName:
				a.Value = p.Subject.Cell("computer_name")
			case incident.FilePath:
				a.Value = p.Subject.Cell("file_path")
			default:
				hash, err := sepclient.ParseFileHash(p.Subject.Cell("hash_value"))
				if err != nil {
					return incident.Step{}, mistake("the row's hash_value: %v", err)
				}
				a.Type, a.Value = hashType(hash.Kind), hash.Value
			}
			return incident.Step{Effects: []incident.Effect{{Artifact: &a}}}, nil
		},
	}
}

// getRowEndpoint is the guide's "Get Endpoint Details" (§5.4).
func getRowEndpoint() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_endpoint_details",
			Title: "Example: SEP - Get Endpoint Details",
			Help:  "Looks the computer of the row up in SEPM: a row for each endpoint of that name.",
			On:    incident.OnRow, Table: incident.TableScanResults,
			When: []incident.Condition{{Column: "computer_name", Test: incident.HasValue}},
		},
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			return endpointDetails(ctx, p, p.Subject.Cell("computer_name"))
		},
	}
}
