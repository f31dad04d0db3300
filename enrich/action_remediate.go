package enrich

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// The choices of the form of a remediation.
const (
	selectedEndpoint  = "Selected endpoint"
	matchingEndpoints = "All matching endpoints"
)

// remediateArtifact is the guide's "Remediate Artifact on Endpoint" (§5.1). It
// may be tried again where it has failed or found nothing.
func remediateArtifact() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "remediate",
			Title: "Example: SEP - Remediate Artifact on Endpoint",
			Help:  "Has endpoints quarantine every file with the hash of the row, wherever it is, and follows that to its end.",
			On:    incident.OnRow, Table: incident.TableScanResults,
			When: append(onMatch(sepclient.HashMatch, sepclient.FullMatch, sepclient.PartialMatch),
				incident.Condition{Column: "computer_id", Test: incident.HasValue},
				incident.Condition{Column: "hash_value", Test: incident.HasValue},
				incident.Condition{Column: "remediation_status", Test: incident.Lacks, Values: remediationStands()},
			),
			Form: []incident.InputDef{
				{Name: "target", Type: incident.InputSelect, Required: true, Values: []string{selectedEndpoint, matchingEndpoints}, Default: selectedEndpoint,
					Help: "The endpoint of the row, or all on which the scan found the same hash."},
			},
			Changes: true,
		},
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			if len(p.Answers) == 0 {
				return remediationCall(ctx, p)
			}
			return remediationStarted(ctx, p)
		},
	}
}

// onMatch is the condition that a row is a file that a scan has found, by one
// of the kinds of match.
func onMatch(kinds ...sepclient.MatchKind) []incident.Condition {
	return []incident.Condition{
		{Column: "scan_commandid", Test: incident.HasValue},
		{Column: "scan_command_state", Test: incident.Contains, Values: []string{wordCompleted}},
		{Column: "scan_result", Test: incident.Contains, Values: wordsMatch(kinds...)},
	}
}

// remediationStands are the words of a remediation that is not to be repeated.
func remediationStands() []string { return append(wordsUnderWay(), wordCompleted) }

func remediationCall(ctx context.Context, p Plan) (incident.Step, error) {
	hash, err := sepclient.ParseFileHash(p.Subject.Cell("hash_value"))
	if err != nil {
		return incident.Step{}, mistake("the row's hash_value: %v", err)
	}
	body := scanBody{
		Full:        strings.Contains(strings.ToUpper(p.Subject.Cell("scan_type")), "FULL"),
		Description: "Remediate " + p.Subject.Cell("file_path"),
		Evidence:    []evidenceBody{{Kind: hash.Kind, Hash: hash.Value}},
		Reach:       reach{Names: make(map[string]string)},
	}
	var target incident.Target
	add := func(id, name string) {
		if _, known := body.Reach.Names[id]; !known && id != "" {
			target.Computers, body.Reach.Names[id] = append(target.Computers, id), name
		}
	}
	if p.Input["target"] == selectedEndpoint {
		if err := p.windowsOnly(ctx); err != nil {
			return incident.Step{}, err
		}
		add(p.Subject.Cell("computer_id"), p.Subject.Cell("computer_name"))
	} else {
		matching, err := withHash(ctx, p, hash)
		if err != nil {
			return incident.Step{}, err
		}
		for _, m := range matching {
			add(m.ComputerID, m.Computer)
		}
		if len(target.Computers) == 0 {
			return incident.Step{}, mistake("no endpoint is left to remediate: those on which the scan found the hash have done it, or are at it")
		}
	}
	return incident.Step{Call: newCall(incident.OpRemediate, target, body)}, nil
}

// withHash are the matches of the row's scan with a hash, without those on
// endpoints that have remediated all of the incident's rows with it. All of
// them are on Windows endpoints: no others run scans, and those of the scan's
// Others do not count. SEPM is asked because the table may not have all.
func withHash(ctx context.Context, p Plan, hash sepclient.FileHash) ([]Found, error) {
	scan, err := p.command(ctx, incident.Scanning, p.Subject.Cell("scan_commandid"))
	if err != nil {
		return nil, err
	}
	f, err := look(ctx, p.Server, scan, p.Now, nil)
	if err != nil {
		return nil, err
	}
	known, err := p.known(ctx)
	if err != nil {
		return nil, err
	}
	done := make(map[string]bool)
	for _, row := range rowsWithHash(known.Rows, p.Subject.Cell("scan_commandid"), hash) {
		id, status := row.Cells["computer_id"].String(), strings.ToLower(row.Cells["remediation_status"].String())
		stands := slices.ContainsFunc(remediationStands(), func(word string) bool { return strings.Contains(status, strings.ToLower(word)) })
		before, seen := done[id]
		done[id] = stands && (before || !seen)
	}
	return slices.DeleteFunc(f.matches(), func(m Found) bool {
		return m.Hash.Value != hash.Value || done[m.ComputerID]
	}), nil
}

// rowsWithHash are the rows of a scan on files with a hash.
func rowsWithHash(rows []incident.Row, scan string, hash sepclient.FileHash) []incident.Row {
	var with []incident.Row
	for _, row := range rows {
		if row.Table == incident.TableScanResults && row.Cells["scan_commandid"].String() == scan &&
			strings.EqualFold(strings.TrimSpace(row.Cells["hash_value"].String()), hash.Value) {
			with = append(with, row)
		}
	}
	return with
}

// remediationStarted follows the remediation, in the selected row and in all
// others of the scan with the hash on the endpoints that remediate.
func remediationStarted(ctx context.Context, p Plan) (incident.Step, error) {
	body, err := decode[scanBody](p.Answers[0].Call.Body)
	if err != nil {
		return incident.Step{}, err
	}
	c, err := p.begun(incident.Remediation, body.Reach.Names)
	if err != nil {
		return incident.Step{}, err
	}
	known, err := p.known(ctx)
	if err != nil {
		return incident.Step{}, err
	}
	hash := sepclient.FileHash{Kind: body.Evidence[0].Kind, Value: body.Evidence[0].Hash}
	taken := make(map[string]bool)
	for _, t := range c.Computers {
		taken[t.ID] = true
	}
	if taken[p.Subject.Cell("computer_id")] {
		key := p.Subject.Row.Key()
		c.Row = &key
	}
	for _, row := range rowsWithHash(known.Rows, p.Subject.Cell("scan_commandid"), hash) {
		if taken[row.Cells["computer_id"].String()] && row.Identity() != p.Subject.Row.Identity() && !remediated(row) {
			c.Also = append(c.Also, row.Key())
		}
	}
	c.Detail = map[string]string{"hash_kind": string(hash.Kind), "hash_value": hash.Value, "file_path": p.Subject.Cell("file_path")}
	var step incident.Step
	for key := range rowsOf(*c) {
		step.Effects = append(step.Effects, setCells(key, map[string]string{
			"remediation_commandid": c.IDs[0], "remediation_status": wordInProgress,
		}))
	}
	text := fmt.Sprintf("Remediation of <b>%s</b> (%s %s) was started: command %s, on %s: %s",
		incident.EscapeHTML(c.Detail["file_path"]), hash.Kind, hash.Value, incident.EscapeHTML(strings.Join(c.IDs, ", ")),
		amount(len(c.Computers), "endpoint"), targetNames(c.Computers))
	step.Effects = append(step.Effects,
		incident.Effect{Note: &incident.Note{Key: "remediation started: " + c.IDs[0], Text: text + refusedPart(p.Answers, body.Reach.Names) + "."}},
		incident.Effect{Follow: c})
	return step, nil
}

// remediated reports whether the file of a row is in the endpoint's quarantine.
func remediated(row incident.Row) bool {
	return strings.Contains(strings.ToLower(row.Cells["remediation_status"].String()), strings.ToLower(wordCompleted))
}

// getRemediationStatus is the guide's "Get Remediation status" (§5.13).
func getRemediationStatus() Action {
	return statusAction(incident.Remediation, "remediation_commandid", incident.ActionDef{
		Name:  "get_remediation_status",
		Title: "Example: SEP - Get Remediation status",
		Help:  "Asks SEPM how the remediation stands now: the row's status, and what was remediated as CSV.",
		When: []incident.Condition{
			{Column: "remediation_commandid", Test: incident.HasValue},
			{Column: "remediation_status", Test: incident.Contains, Values: slices.Concat(wordsUnderWay(), wordsTimedOut())},
		},
	})
}
