package enrich

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// scan is how a scan stands: the row of the scan, a row for each file that was
// found, and when it is to be reported all matches as CSV and a note.
func (f *follow) scan() []incident.Effect {
	matches := f.matches()
	files := distinctFiles(matches)
	shown := files
	if f.Results > 0 {
		shown = files[:min(len(files), f.Results)]
	}
	var effects []incident.Effect
	for key := range rowsOf(f.Command) {
		effects = append(effects, setCells(key, map[string]string{
			"scan_command_state": string(f.overall()), "scan_result": f.scanResult(len(shown) < len(files)),
		}))
	}
	for _, m := range shown {
		effects = append(effects, f.matchRow(m))
	}
	if !f.report {
		return effects
	}
	var rest string
	if len(matches) > 0 {
		file := newCSVFile("Computer name", "Computer id", "Artifact type", "Artifact value", "File path", "Hash value", "Match", "Reported")
		for _, m := range matches {
			kind, value := f.searched(m)
			file.add(m.Computer, m.ComputerID, kind, value, m.Path, m.Hash.Value, matchWord(m.Kind), readable(f.heard[m.ComputerID].At))
		}
		attached := f.attachment("EOC_scan_results", file)
		effects = append(effects, attached)
		rest = fmt.Sprintf(". The table has %d of %s; all matches are in %s", len(shown), amount(len(files), "file"), attached.Attachment.Name)
		if more := f.Progress.Matches - len(matches); more > 0 {
			rest += fmt.Sprintf(", but for %d of %d", more, f.Progress.Matches)
		}
	}
	found := "no match"
	if f.Progress.Matches > 0 {
		found = fmt.Sprintf("%s on %s", amountOf(f.Progress.Matches, "match", "matches"), amount(f.Progress.MatchedOn, "endpoint"))
	}
	return append(effects, f.note("EOC scan for <b>%s</b> (%s), command %s: %s; %s%s%s.",
		incident.EscapeHTML(f.Detail["artifact_value"]), incident.EscapeHTML(f.Detail["artifact_type"]), incident.EscapeHTML(f.IDs[0]),
		found, f.summary(), f.unheard(), rest))
}

// scanResult is the result in the row of the scan. That nothing was found is
// said only of endpoints that said so.
func (f *follow) scanResult(overLimit bool) string {
	counts := f.progress.Counts()
	searched := counts.Completed - counts.NoResult - counts.Truncated
	switch {
	case f.Progress.State == incident.CommandFollowed:
		return wordQuery
	case overLimit:
		return wordOverLimit
	case f.Progress.State == incident.CommandTimedOut, counts.Matches > 0, searched <= 0:
		return wordQuery
	case searched < counts.Total:
		return fmt.Sprintf("%s on %d of %s", wordNoMatch, searched, amount(counts.Total, "endpoint"))
	}
	return wordNoMatch
}

// unheard says of how many endpoints it is not known all that they found.
func (f *follow) unheard() string {
	counts := f.progress.Counts()
	var text string
	if counts.NoResult > 0 {
		text += fmt.Sprintf("; of those, %d reported no result", counts.NoResult)
	}
	if counts.Truncated > 0 {
		text += fmt.Sprintf("; the results of %d are cut off and may lack matches", counts.Truncated)
	}
	return text
}

// matches are the matches in the order in which endpoints reported them, so
// that a later one comes after those that have rows already.
func (f *follow) matches() []Found {
	found := slices.Clone(f.progress.Matches())
	slices.SortStableFunc(found, func(a, b Found) int {
		return cmp.Or(f.heard[a.ComputerID].At.Compare(f.heard[b.ComputerID].At), cmp.Compare(a.ComputerID, b.ComputerID),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Hash.Value, b.Hash.Value), cmp.Compare(rank(a.Kind), rank(b.Kind)))
	})
	return found
}

// distinctFiles are the files that were found, each once: of several matches of
// one, which come together, the first is the surest. What no computer answers
// for has no place in the table.
func distinctFiles(matches []Found) []Found {
	type file struct{ computer, path, hash string }
	seen := make(map[file]bool, len(matches))
	var files []Found
	for _, m := range matches {
		if key := (file{m.ComputerID, m.Path, m.Hash.Value}); m.ComputerID != "" && !seen[key] {
			seen[key] = true
			files = append(files, m)
		}
	}
	return files
}

// rank is the less, the more a match says.
func rank(k sepclient.MatchKind) int {
	if i := slices.Index([]sepclient.MatchKind{sepclient.HashMatch, sepclient.FullMatch, sepclient.PartialMatch}, k); i >= 0 {
		return i
	}
	return 3
}

// matchRow is the row of a file. Its cells never change: what became of the
// file stands in others.
func (f *follow) matchRow(m Found) incident.Effect {
	kind, value := f.searched(m)
	cells := map[string]string{
		"scan_commandid": f.rowID(), "computer_id": m.ComputerID, "computer_name": m.Computer,
		"file_path": m.Path, "hash_value": m.Hash.Value,
		"artifact_type": kind, "artifact_value": value, "scan_type": f.Detail["scan_type"],
		"query_execution_date": readable(f.heard[m.ComputerID].At), "scan_command_state": wordCompleted, "scan_result": matchWord(m.Kind),
	}
	if value == f.Detail["artifact_value"] {
		cells["artifact_id"] = f.Detail["artifact_id"]
	}
	row := incident.Row{Table: incident.TableScanResults, Cells: make(map[string]incident.Cell)}
	for column, text := range cells {
		if text != "" {
			row.Cells[column] = incident.Text(text)
		}
	}
	return incident.Effect{Row: &row}
}

// rowID is the command id under which the rows stand: of several the first.
func (f *follow) rowID() string {
	for key := range rowsOf(f.Command) {
		return key.Cells["scan_commandid"].String()
	}
	return f.IDs[0]
}

// searched is the artifact that found a file: the one that the scan was started
// on, or of all that it searched for the one that the endpoint names.
func (f *follow) searched(m Found) (kind, value string) {
	own := f.Detail["artifact_value"]
	switch e := m.Searched; {
	case f.Detail["evidence"] != allEvidence,
		strings.EqualFold(own, e.Name), strings.EqualFold(own, e.Hash.Value):
		return f.Detail["artifact_type"], own
	case m.Kind == sepclient.HashMatch && e.Hash.Value != "":
		return string(hashType(e.Hash.Kind)), e.Hash.Value
	case strings.ContainsAny(e.Name, `\/`):
		return string(incident.FilePath), e.Name
	case e.Name != "":
		return string(incident.FileName), e.Name
	}
	return "", ""
}

// hashType is the type of an artifact that is a hash.
func hashType(k sepclient.HashKind) incident.ArtifactType {
	switch k {
	case sepclient.MD5:
		return incident.MD5Hash
	case sepclient.SHA1:
		return incident.SHA1Hash
	}
	return incident.SHA256Hash
}

// attachment is a CSV file of the command, named as fn_sep names it, and with
// the time when an endpoint ended last, so that one state has one file.
func (f *follow) attachment(kind string, file *csvFile) incident.Effect {
	at := f.latest
	if at.IsZero() {
		at = f.Started
	}
	name := fmt.Sprintf("%s_for_commandid_%s_%s.csv", kind, f.IDs[0], at.UTC().Format(fileTime))
	a := file.attachment("", name)
	a.Key = contentKey(name, a.Content)
	return incident.Effect{Attachment: a}
}
