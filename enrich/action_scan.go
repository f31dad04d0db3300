package enrich

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// scanActions are the actions around a scan for evidence (guide §5.1).
func scanActions() []Action {
	return []Action{
		initiateScan(), getScanResults(),
		remediateArtifact(), getRemediationStatus(),
		uploadArtifact(), getUploadStatus(), fetchFile(),
	}
}

// The choices of the form of a scan.
const (
	quickScan, wholeScan = "QUICK_SCAN", "FULL_SCAN"

	allEndpoints      = "All endpoints"
	incidentEndpoints = "Endpoints of this incident"

	thisArtifact = "This artifact"
	allEvidence  = "All of this incident"
)

// initiateScan is the guide's "Initiate EOC Scan for Artifact" (§5.1).
func initiateScan() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:          "initiate_scan",
			Title:         "Example: SEP - Initiate EOC Scan for Artifact",
			Help:          "Has Windows endpoints search for a file by its name, path or hash, and follows that to its end: a row for each match.",
			On:            incident.OnArtifact,
			ArtifactTypes: evidenceTypes(),
			Form: []incident.InputDef{
				{Name: "scan_type", Type: incident.InputSelect, Required: true, Values: []string{quickScan, wholeScan}, Default: quickScan,
					Help: "SEP EOC scan type: QUICK_SCAN looks at common places, FULL_SCAN at all disks."},
				{Name: "targets", Type: incident.InputSelect, Values: []string{allEndpoints, incidentEndpoints}, Default: allEndpoints,
					Help: "Which endpoints search: all that SEPM knows, by their groups, or those in the incident's endpoint details."},
				{Name: "evidence", Type: incident.InputSelect, Values: []string{thisArtifact, allEvidence}, Default: thisArtifact,
					Help: "What is searched for: this artifact, or all file names, paths and hashes of the incident in one scan."},
			},
			Changes: true,
		},
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			if len(p.Answers) == 0 {
				return scanCall(ctx, p)
			}
			return scanStarted(p)
		},
	}
}

func scanCall(ctx context.Context, p Plan) (incident.Step, error) {
	artifact := *p.Subject.Artifact
	body := scanBody{Full: p.Input["scan_type"] == wholeScan, Description: "Scan eoc for " + artifact.Description}
	if artifact.Description == "" {
		body.Description = fmt.Sprintf("Scan eoc for %s %s", artifact.Type, artifact.Value)
	}
	own, err := evidenceOf(artifact)
	if err != nil {
		return incident.Step{}, mistake("%s %q cannot be searched for: %v", artifact.Type, artifact.Value, err)
	}
	body.Evidence = []evidenceBody{own}
	var known Case
	if p.Input["evidence"] == allEvidence || p.Input["targets"] == incidentEndpoints {
		if known, err = p.known(ctx); err != nil {
			return incident.Step{}, err
		}
	}
	if p.Input["evidence"] == allEvidence {
		body.addEvidence(known.Artifacts)
	}
	var target incident.Target
	if p.Input["targets"] == incidentEndpoints {
		target, body.Reach = endpointsOf(known.Rows)
		if len(target.Computers) == 0 {
			return incident.Step{}, mistake("no Windows endpoint is in the incident's endpoint details, where there are %d others; look endpoints up first, or scan all",
				len(body.Reach.Others))
		}
	} else {
		if target, body.Reach, err = wholeFleet(ctx, p.Reader); err != nil {
			return incident.Step{}, err
		}
		if len(target.Groups) == 0 {
			return incident.Step{}, mistake("SEPM knows no Windows endpoint, and %d others", len(body.Reach.Others))
		}
	}
	return incident.Step{Call: newCall(incident.OpScan, target, body)}, nil
}

// scanStarted leaves the row that shows how the scan stands, and follows it.
func scanStarted(p Plan) (incident.Step, error) {
	body, err := decode[scanBody](p.Answers[0].Call.Body)
	if err != nil {
		return incident.Step{}, err
	}
	c, err := p.begun(incident.Scanning, body.Reach.Names)
	if err != nil {
		return incident.Step{}, err
	}
	artifact := *p.Subject.Artifact
	c.Others = body.Reach.Others
	c.Detail = map[string]string{
		"artifact_type": string(artifact.Type), "artifact_value": artifact.Value, "scan_type": scanWord(body.Full),
	}
	if artifact.ID != 0 {
		c.Detail["artifact_id"] = fmt.Sprint(artifact.ID)
	}
	if len(body.Evidence) > 1 {
		c.Detail["evidence"] = allEvidence
	}
	row := incident.Row{Table: incident.TableScanResults, Cells: map[string]incident.Cell{"scan_commandid": incident.Text(c.IDs[0])}}
	c.Row = &row
	cells := map[string]string{
		"query_execution_date": readable(c.Started), "scan_command_state": wordInProgress, "scan_result": wordQuery,
	}
	for _, column := range []string{"artifact_id", "artifact_type", "artifact_value", "scan_type"} {
		cells[column] = c.Detail[column]
	}
	what := fmt.Sprintf("<b>%s</b> (%s)", incident.EscapeHTML(artifact.Value), artifact.Type)
	if more := len(body.Evidence) - 1; more > 0 {
		what += fmt.Sprintf(" and %s of the incident", amount(more, "other artifact"))
	}
	text := fmt.Sprintf("EOC scan for %s was started: %s, command %s, on %s", what, scanName(body.Full), incident.EscapeHTML(strings.Join(c.IDs, ", ")), where(*c, body.Reach))
	if len(body.Left) > 0 {
		text += ". Not searched for: " + names(body.Left, len(body.Left))
	}
	return incident.Step{Effects: []incident.Effect{
		setCells(row, cells),
		{Note: &incident.Note{Key: "scan started: " + c.IDs[0], Text: text + refusedPart(p.Answers, body.Reach.Names) + "."}},
		{Follow: c},
	}}, nil
}

// scanWord is the word of the table for a kind of scan.
func scanWord(full bool) string {
	if full {
		return "FULL"
	}
	return "QUICK"
}

func scanName(full bool) string { return scanWord(full) + "_SCAN" }

// evidenceTypes are the artifacts that can be searched for.
func evidenceTypes() []incident.ArtifactType {
	return []incident.ArtifactType{incident.FileName, incident.FilePath, incident.MD5Hash, incident.SHA1Hash, incident.SHA256Hash}
}

// evidenceOf is what an artifact gives to search for.
func evidenceOf(a incident.Artifact) (evidenceBody, error) {
	e := sepclient.Evidence{Name: a.Value}
	if a.Type != incident.FileName && a.Type != incident.FilePath {
		hash, err := sepclient.ParseFileHash(a.Value)
		if err != nil {
			return evidenceBody{}, err
		}
		e = sepclient.Evidence{Hash: hash}
	}
	return evidenceBody{e.Name, e.Hash.Kind, e.Hash.Value}, e.Check()
}

// maxEvidence bounds what one scan searches for.
const maxEvidence = 1000

// addEvidence adds what an incident's artifacts give to search for.
func (b *scanBody) addEvidence(artifacts []incident.Artifact) {
	for _, a := range artifacts {
		if !slices.Contains(evidenceTypes(), a.Type) {
			continue
		}
		e, err := evidenceOf(a)
		switch {
		case slices.Contains(b.Evidence, e):
		case err != nil || len(b.Evidence) == maxEvidence:
			b.Left = append(b.Left, a.Value)
		default:
			b.Evidence = append(b.Evidence, e)
		}
	}
}
