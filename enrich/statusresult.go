package enrich

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// statusResult gathers the status of a command: endpoints with matches first,
// matches up to the limit, and what is left out in an attachment.
type statusResult struct {
	call
	id, kind string
	progress *Progress
	csv      *csvFile // all lines

	matched, others room
	// at is where an endpoint is kept, by its id: one that comes again has come
	// on, and takes the place of what it was.
	at map[string]kept
	// matches are how many are kept.
	matches int
	beside  map[string]any
}

// kept is a place in a room.
type kept struct {
	room  *room
	index int
}

// room is a list that is not to be larger than a whole result.
type room struct {
	kept []json.RawMessage
	size int
	full bool
}

func (r *room) add(data []byte) (added bool) {
	if r.full = r.full || r.size+len(data)+1 > maxContent; r.full {
		return false
	}
	r.kept, r.size = append(r.kept, data), r.size+len(data)+1
	return true
}

func (r *room) drop(index int) {
	r.size -= len(r.kept[index]) + 1
	r.kept[index] = nil
}

func (r *statusResult) add(item Item) error {
	if item.Cells != nil {
		r.csv.add(item.Cells...)
	}
	if item.beside != nil {
		r.beside = make(map[string]any)
		return merge(r.beside, item.beside)
	}
	status, ok := item.JSON.(statusJSON)
	if !ok {
		return nil
	}
	into := &r.others
	if status.result != nil && len(status.result.Matches) > 0 {
		into = &r.matched
		matches := status.result.Matches
		if left := r.Results - r.matches; r.limited() && len(matches) > left {
			if matches = matches[:left]; left == 0 {
				return nil
			}
			status.ScanResult = newScanResult(&sepclient.ScanResult{Matches: matches, Err: status.result.Err})
		}
		r.matches += len(matches)
	}
	data, err := json.Marshal(status)
	if err != nil {
		return err
	}
	if before, again := r.at[status.ComputerID]; again {
		before.room.drop(before.index)
		delete(r.at, status.ComputerID)
	}
	if into.add(data) && status.ComputerID != "" {
		if r.at == nil {
			r.at = make(map[string]kept)
		}
		r.at[status.ComputerID] = kept{into, len(into.kept) - 1}
	}
	return nil
}

func (r *statusResult) limited() bool { return r.kind == statusScan && r.Results > 0 }

func (r *statusResult) result() (Result, error) {
	content, size := append([]json.RawMessage{}, r.matched.kept...), r.matched.size // a match is never dropped
	truncated := r.matched.full || r.others.full
	const beside = 4 << 10 // the counts
	for _, data := range slices.DeleteFunc(r.others.kept, func(data json.RawMessage) bool { return data == nil }) {
		if size += len(data) + 1; size > maxContent-beside {
			truncated = true
			break
		}
		content = append(content, data)
	}
	counts := r.progress.Counts()
	all := r.beside
	if all == nil {
		all = make(map[string]any)
	}
	page := onePage(counts.Total, sortOf("Begintime", false))
	page.NumberOfElements = len(content)
	if err := merge(all, page); err != nil {
		return Result{}, err
	}
	all["content"] = content
	// Scripts ask for these without looking whether they are there.
	all["scan_eoc_hits_over_limit"], all["truncated_count"], all["att_name"] = nil, nil, nil

	result := Result{Content: all, Truncated: truncated}
	switch {
	case r.limited() && counts.Matches > r.Results:
		all["scan_eoc_hits_over_limit"], all["truncated_count"] = true, r.Results
		result.Truncated, result.Attachment = true, scanCSV(r.call, r.id, r.progress.Matches())
	case r.kind == statusRemediation && counts.Remediated > 0:
		result.Attachment = remediationCSV(r.call, r.id, r.progress.Matches())
	case truncated:
		result.Attachment = asAttachment(r.csv, r.fileName("Command_status_for_commandid_"+r.id))
	}
	if truncated {
		all["truncated"] = true
	}
	if result.Attachment != nil {
		all["att_name"] = result.Attachment.Name
	}
	if missing := counts.Matches - len(r.progress.Matches()); missing > 0 && result.Attachment != nil {
		result.Warnings = append(result.Warnings, fmt.Sprintf("the attachment lacks %d of %d matches", missing, counts.Matches))
	}
	return result, nil
}

// scanCSV are all matches of a scan, under fn_sep's name and columns (contract:
// SEPM API B5) and two more.
func scanCSV(c call, id string, found []Found) *incident.Attachment {
	f := newCSVFile("Computer name", "Computer id", "Artifact type", "Artifact value", "File path", "Hash value", "Match", "Remediation")
	for _, m := range found {
		kind, value := artifactOf(m.Match)
		f.add(m.Computer, m.ComputerID, kind, value, m.Path, m.Hash.Value, string(m.Kind), string(m.Remediation))
	}
	return asAttachment(f, c.fileName("EOC_scan_results_for_commandid_"+id))
}

// remediationCSV are the files that were remediated.
func remediationCSV(c call, id string, found []Found) *incident.Attachment {
	f := newCSVFile("Computer name", "Hash type", "Hash value", "File Path", "Computer id")
	for _, m := range found {
		if m.Remediation == sepclient.RemediationSucceeded {
			f.add(m.Computer, string(m.Hash.Kind), m.Hash.Value, m.Path, m.ComputerID)
		}
	}
	return asAttachment(f, c.fileName("Remediation_results_for_commandid_"+id))
}

// asAttachment is a file whose name tells it from others.
func asAttachment(f *csvFile, name string) *incident.Attachment { return f.attachment(name, name) }
