package enrich

import (
	"iter"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// Words of the table of scan results, which customers' own conditions test
// (guide §5.1, §5.2, §5.13; contract: SEPM API B7). fn_sep has several for
// some things, so that conditions here accept all of them.
const (
	wordCompleted  = "Completed"
	wordInProgress = "In progress"
	wordFailed     = "Failed"
	wordTimedOut   = "Timedout"
	wordNoMatch    = "No match found"
	wordUnexpected = "Unexpected status"

	wordQuery     = "Query"
	wordOverLimit = "Query: Matches over limit see note/attachment."
)

// wordsUnderWay are all words for a command that has not ended, and
// wordsTimedOut those for one that has not ended in its time.
func wordsUnderWay() []string {
	return []string{wordInProgress, "Received", "Waiting/Not received"}
}
func wordsTimedOut() []string { return []string{wordTimedOut, "Timeout"} }

// wordsMatch are all words for a file that was found by a kind of match.
func wordsMatch(kinds ...sepclient.MatchKind) []string {
	var words []string
	for _, k := range kinds {
		words = append(words, matchWord(k), string(k))
	}
	return words
}

// matchWord is the guide's word for a kind of match.
func matchWord(k sepclient.MatchKind) string {
	switch k {
	case sepclient.HashMatch:
		return "Hash match"
	case sepclient.FullMatch:
		return "Full match"
	case sepclient.PartialMatch:
		return "Partial match"
	}
	return incident.Clean(string(k))
}

// statusColumn is the column that shows how a command on scan results stands,
// empty where its rows are in another table.
func statusColumn(kind incident.CommandKind) string {
	switch kind {
	case incident.Scanning:
		return "scan_command_state"
	case incident.Remediation:
		return "remediation_status"
	case incident.Upload:
		return "file_upload_status"
	}
	return ""
}

// rowsOf are the keys of the rows that show how a command stands.
func rowsOf(c incident.Command) iter.Seq[incident.Row] {
	return func(yield func(incident.Row) bool) {
		if c.Row != nil && !yield(*c.Row) {
			return
		}
		for _, row := range c.Also {
			if !yield(row) {
				return
			}
		}
	}
}

// setCells sets text cells of the row with a key. An empty text leaves its
// cell as it is.
func setCells(key incident.Row, texts map[string]string) incident.Effect {
	row := key.Key()
	for column, text := range texts {
		if text != "" {
			row.Cells[column] = incident.Text(text)
		}
	}
	return incident.Effect{Row: &row}
}
