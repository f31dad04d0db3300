package enrich

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// The kinds of status that can be asked for.
const (
	statusScan        = "scan"
	statusRemediation = "remediation"
	statusUpload      = "upload"
	statusQuarantine  = "quarantine"
)

// getCommandStatus is "SEP - Get Command Status" (guide §5.13).
func getCommandStatus() Function {
	inputs := []incident.InputDef{
		{Name: "sep_incident_id", Type: incident.InputNumber, Required: true, Help: "Resilient incident ID."},
		{Name: "sep_commandid", Type: incident.InputText, Required: true, Help: "Command ID of SEP job."},
		{Name: "sep_status_type", Type: incident.InputText, Required: true, Values: []string{statusScan, statusRemediation, statusUpload, statusQuarantine},
			Help: "Type of command status requested."},
		{Name: "sep_matching_endpoint_ids", Type: incident.InputBoolean, Help: "Get list of matching endpoints."},
		{Name: "sep_scan_date", Type: incident.InputText, Help: "When the command was started, as 2024-08-21 12:00:00 in UTC: it can time out then."},
	}
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_command_status", Title: "SEP - Get Command Status",
			Help:   "How far a command is on each of its endpoints, and what it has found there.",
			Inputs: append(inputs, pagingInputs()...),
		},
		Keys: append([]KeyDef{
			{Name: "overall_command_state", Help: "Waiting/Not received, In progress, Completed or Timedout, of all endpoints together."},
			{Name: "total_ep_count, total_not_completed", Help: "How many endpoints, and those of them in another state than completed."},
			{Name: "total_match_count, total_match_ep_count", Help: "How many matches, on how many endpoints."},
			{Name: "total_remediation_count, total_remediation_ep_count, total_fail_remediation_count", Help: "How many were remediated, on how many endpoints, and how many could not be."},
			{Name: "scan_artifact_value, remediate_artifact_value", Help: "What was found, or remediated: a name, a path or a hash."},
			{Name: "scan_eoc_hits_over_limit, truncated_count, att_name", Help: "Where a scan has more matches than results_limit: true, how many are in content, and the name of the attachment that has all. Otherwise null; att_name is set for what was remediated, too."},
			{Name: "total_waiting, total_received, total_in_progress, total_completed, total_rejected, total_cancelled, total_error", Help: "How many endpoints by state.", New: true},
			{Name: "total_unsupported_remediation_count", Help: "Matches by name, which clients do not remediate.", New: true},
			{Name: "total_no_result, total_truncated_result", Help: "Endpoints that have completed and said nothing, or whose result is cut off.", New: true},
			{Name: "content[]", Help: "An endpoint: computerId, computerName, computerIp, hardwareKey, domainName, currentLoginUserName, stateId, subStateId, subStateDesc, beginTime, lastUpdateTime, binaryFileId. Those with matches come first."},
			{Name: "content[].scan_result", Help: "Of one that has completed a scan or remediation: MATCH, artifact_type, artifact_value, HASH_MATCHES, FULL_MATCHES, PARTIAL_MATCHES, match_count, remediation_count, fail_remediation_count."},
			{Name: "content[].scan_result.HASH_MATCHES[]", Help: "A match: result, value (the path), hashType, hashValue, remediation. The other two lists are alike."},
			{Name: "content[].scan_result.error", Help: "Why there may have been more, where the client's result is cut off.", New: true},
			{Name: "endpoints_matching_ids", Help: "With sep_matching_endpoint_ids for a scan, and alone: the ids of the endpoints with matches."},
		}, envelopeKeys()...),
		Differs: []string{
			"The state is that of all endpoints, where fn_sep 1.2 has the first one's, and the word is Timedout, which the conditions test, where fn_sep writes Timeout.",
			"An endpoint that has completed without a result is no error. A path is told from a name. UNSUPPORTED is no failure.",
			"The CSV has partial matches, and is quoted. The limit holds for hash, full and partial matches together.",
			"All pages are read; sep_pageindex, sep_pagesize, sep_sort and sep_order change nothing. resultInXML is not passed on: scan_result has what it says.",
			"The guide requires sep_incident_id, and fn_sep does not: without it nothing is attached anywhere.",
			"With sep_matching_endpoint_ids a scan without matches gives an empty list, where fn_sep fails.",
		},
		Unset: map[string]string{"sep_incident_id": "no incident"},
		call:  callGetCommandStatus,
	}
}

func callGetCommandStatus(ctx context.Context, c call) (Output, error) {
	ids := c.in.list("sep_commandid")
	if len(ids) == 0 {
		return Output{}, c.fault("sep_commandid", "names no command")
	}
	timedOut := false
	if text := c.in["sep_scan_date"]; text != "" {
		started, err := time.Parse(time.DateTime, text)
		if err != nil {
			if started, err = time.Parse(time.RFC3339, text); err != nil {
				return Output{}, c.fault("sep_scan_date", "is %q, which is no time such as 2024-08-21 12:00:00", text)
			}
		}
		timedOut = c.ScanTimeout > 0 && c.Now().Sub(started) > c.ScanTimeout
	}
	kind := c.in["sep_status_type"]
	progress := NewProgress(nil)
	if kind == statusScan && c.in.is("sep_matching_endpoint_ids") {
		return matchingIDs(ctx, c.sepm, progress, ids), nil
	}
	o := Output{
		Columns: statusColumns(),
		gather:  &statusResult{call: c, id: ids[0], kind: kind, progress: progress, csv: newCSVFile(statusColumns()...)},
	}
	o.Items = func(yield func(Item, error) bool) {
		for status, err := range readAll(ctx, c.sepm, progress, ids) {
			if err != nil {
				yield(Item{}, err)
				return
			}
			first, rest := statusItems(status, kind)
			if !yield(first, nil) {
				return
			}
			for _, item := range rest {
				if !yield(item, nil) {
					return
				}
			}
		}
		s := newStatusSummary(progress, kind, timedOut)
		yield(Item{JSON: s, beside: s, Note: s.sentence()}, nil)
	}
	return o, nil
}

// readAll reads all ids of a command.
func readAll(ctx context.Context, sepm StatusReader, progress *Progress, ids []string) iter.Seq2[sepclient.CommandStatus, error] {
	return func(yield func(sepclient.CommandStatus, error) bool) {
		for _, id := range ids {
			for status, err := range progress.Walk(ctx, sepm, id) {
				if !yield(status, err) || err != nil {
					return
				}
			}
		}
	}
}

// matchingIDs are the endpoints with matches alone.
func matchingIDs(ctx context.Context, sepm StatusReader, progress *Progress, ids []string) Output {
	columns := []string{"COMPUTER", "ID"}
	o := Output{Columns: columns, gather: newListResult("endpoints_matching_ids", "Endpoint_ids.csv", columns)}
	o.Items = func(yield func(Item, error) bool) {
		for status, err := range readAll(ctx, sepm, progress, ids) {
			if err != nil {
				yield(Item{}, err)
				return
			}
			if status.Result == nil || len(status.Result.Matches) == 0 {
				continue
			}
			if !yield(Item{JSON: status.ComputerID, Cells: []string{status.Computer, status.ComputerID}}, nil) {
				return
			}
		}
	}
	return o
}

func statusColumns() []string {
	return []string{"COMPUTER", "ID", "STATE", "DETAIL", "MATCH", "PATH", "HASH", "REMEDIATION", "FILE ID"}
}

// statusItems are an endpoint and a line for each of its matches.
func statusItems(s sepclient.CommandStatus, kind string) (first Item, rest []Item) {
	detail := s.Detail
	if detail == "" && s.SubState != sepclient.SubStateSuccess && s.SubState != sepclient.SubStateUnknown {
		detail = s.SubState.String()
	}
	cells := func(m sepclient.Match) []string {
		return []string{s.Computer, s.ComputerID, s.State.String(), detail, string(m.Kind), m.Path, m.Hash.Value, string(m.Remediation), s.FileID}
	}
	first = Item{JSON: newStatusJSON(s, kind), Cells: cells(sepclient.Match{})}
	if s.Result == nil {
		return first, nil
	}
	for i, m := range s.Result.Matches {
		if i == 0 {
			first.Cells = cells(m)
		} else {
			rest = append(rest, Item{Cells: cells(m)})
		}
	}
	return first, rest
}

// statusJSON is an endpoint of a command under SEPM's names (contract: SEPM
// API A13), with what fn_sep adds.
type statusJSON struct {
	ComputerID   string          `json:"computerId"`
	ComputerName string          `json:"computerName"`
	ComputerIP   string          `json:"computerIp"`
	HardwareKey  string          `json:"hardwareKey"`
	Domain       string          `json:"domainName"`
	User         string          `json:"currentLoginUserName"`
	StateID      int             `json:"stateId"`
	SubStateID   int             `json:"subStateId"`
	SubStateDesc string          `json:"subStateDesc"`
	Began        *string         `json:"beginTime"`
	Updated      *string         `json:"lastUpdateTime"`
	FileID       *string         `json:"binaryFileId"`
	ScanResult   *scanResultJSON `json:"scan_result,omitempty"`

	result *sepclient.ScanResult
}

func newStatusJSON(s sepclient.CommandStatus, kind string) statusJSON {
	iso := func(t time.Time) *string {
		if t.IsZero() {
			return nil
		}
		return optional(t.UTC().Format(time.RFC3339))
	}
	j := statusJSON{
		ComputerID: s.ComputerID, ComputerName: s.Computer, ComputerIP: s.IP, HardwareKey: s.HardwareKey, Domain: s.Domain, User: s.User,
		StateID: int(s.State), SubStateID: int(s.SubState), SubStateDesc: s.Detail,
		Began: iso(s.Began), Updated: iso(s.Updated), FileID: optional(s.FileID),
	}
	if s.State == sepclient.CommandCompleted && (kind == statusScan || kind == statusRemediation) {
		j.result = s.Result
		if j.result == nil {
			j.result = new(sepclient.ScanResult)
		}
		j.ScanResult = newScanResult(j.result)
	}
	return j
}

// scanResultJSON is what an endpoint has found, as fn_sep has it (contract:
// SEPM API B5).
type scanResultJSON struct {
	Match            bool        `json:"MATCH"`
	ArtifactType     string      `json:"artifact_type"`
	ArtifactValue    string      `json:"artifact_value"`
	HashMatches      []matchJSON `json:"HASH_MATCHES"`
	FullMatches      []matchJSON `json:"FULL_MATCHES"`
	PartialMatches   []matchJSON `json:"PARTIAL_MATCHES"`
	MatchCount       int         `json:"match_count"`
	RemediationCount int         `json:"remediation_count"`
	FailCount        int         `json:"fail_remediation_count"`
	Error            string      `json:"error,omitempty"`
}

// matchJSON has the attributes of a match.
type matchJSON struct {
	Result      string `json:"result"`
	Value       string `json:"value"`
	HashType    string `json:"hashType,omitempty"`
	HashValue   string `json:"hashValue,omitempty"`
	Remediation string `json:"remediation,omitempty"`
}

func newScanResult(r *sepclient.ScanResult) *scanResultJSON {
	j := &scanResultJSON{
		Match: len(r.Matches) > 0, MatchCount: len(r.Matches), HashMatches: []matchJSON{}, FullMatches: []matchJSON{}, PartialMatches: []matchJSON{},
	}
	if r.Err != nil {
		j.Error = r.Err.Error()
	}
	for _, m := range r.Matches {
		if j.ArtifactType == "" {
			j.ArtifactType, j.ArtifactValue = artifactOf(m)
		}
		list := &j.HashMatches
		switch m.Kind {
		case sepclient.FullMatch:
			list = &j.FullMatches
		case sepclient.PartialMatch:
			list = &j.PartialMatches
		}
		*list = append(*list, matchJSON{string(m.Kind), m.Path, string(m.Hash.Kind), m.Hash.Value, string(m.Remediation)})
		switch m.Remediation {
		case sepclient.RemediationSucceeded:
			j.RemediationCount++
		case sepclient.RemediationFailed:
			j.FailCount++
		}
	}
	return j
}

// artifactOf is what a match was found by, in fn_sep's words.
func artifactOf(m sepclient.Match) (kind, value string) {
	switch {
	case m.Kind == sepclient.HashMatch:
		return string(m.Hash.Kind) + " hash", m.Hash.Value
	case strings.ContainsAny(m.Searched.Name, `\/`):
		return "File Path", m.Searched.Name
	}
	return "File Name", m.Searched.Name
}

// statusSummary are the counts of a command under fn_sep's names, and ours.
type statusSummary struct {
	State               OverallState `json:"overall_command_state"`
	Total               int          `json:"total_ep_count"`
	NotCompleted        int          `json:"total_not_completed"`
	Matches             int          `json:"total_match_count"`
	Matched             int          `json:"total_match_ep_count"`
	Remediated          int          `json:"total_remediation_count"`
	RemediatedOn        int          `json:"total_remediation_ep_count"`
	Failed              int          `json:"total_fail_remediation_count"`
	ScanArtifact        string       `json:"scan_artifact_value"`
	RemediationArtifact string       `json:"remediate_artifact_value"`
	Waiting             int          `json:"total_waiting"`
	Received            int          `json:"total_received"`
	InProgress          int          `json:"total_in_progress"`
	Completed           int          `json:"total_completed"`
	Rejected            int          `json:"total_rejected"`
	Cancelled           int          `json:"total_cancelled"`
	Error               int          `json:"total_error"`
	Unsupported         int          `json:"total_unsupported_remediation_count"`
	NoResult            int          `json:"total_no_result"`
	Truncated           int          `json:"total_truncated_result"`
}

func newStatusSummary(p *Progress, kind string, timedOut bool) statusSummary {
	c := p.Counts()
	s := statusSummary{
		State: p.State(timedOut), Total: c.Total, NotCompleted: c.Total - c.Completed,
		Matches: c.Matches, Matched: c.Matched, Remediated: c.Remediated, RemediatedOn: c.RemediatedOn,
		Failed: c.RemediationFailed, Unsupported: c.RemediationUnsupported,
		Waiting: c.Waiting, Received: c.Received, InProgress: c.InProgress, Completed: c.Completed,
		Rejected: c.Rejected, Cancelled: c.Cancelled, Error: c.Error, Truncated: c.Truncated,
	}
	if kind == statusScan || kind == statusRemediation {
		s.NoResult = c.NoResult
	}
	if found := p.Matches(); len(found) > 0 {
		_, value := artifactOf(found[0].Match)
		if kind == statusRemediation {
			s.RemediationArtifact = value
		} else {
			s.ScanArtifact = value
		}
	}
	return s
}

func (s statusSummary) sentence() string {
	text := fmt.Sprintf("%s: completed on %d of %s", s.State, s.Completed, amount(s.Total, "computer"))
	if s.Matched > 0 {
		text += fmt.Sprintf("; matches on %d", s.Matched)
	}
	return text
}
