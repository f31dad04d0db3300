package enrich

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// remediation is how a remediation stands: the status of each row, and when it
// is to be reported what was remediated as CSV and a note.
func (f *follow) remediation() []incident.Effect {
	on := make(map[string][]Found)
	for _, m := range f.matches() {
		on[m.ComputerID] = append(on[m.ComputerID], m)
	}
	var effects []incident.Effect
	for key := range rowsOf(f.Command) {
		id := key.Cells["computer_id"].String()
		effects = append(effects, setCells(key, map[string]string{
			"remediation_status": f.remediationStatus(f.heard[id], on[id], key.Cells["file_path"].String()),
		}))
	}
	if !f.report {
		return effects
	}
	counts := f.progress.Counts()
	rest := f.unheard() + f.reasons()
	if counts.Matches > 0 {
		file := newCSVFile("Computer name", "Hash type", "Hash value", "File Path", "Computer id", "Remediation", "Reported")
		var failed []string
		for _, m := range f.matches() {
			file.add(m.Computer, string(m.Hash.Kind), m.Hash.Value, m.Path, m.ComputerID, remediationWord(m.Remediation), readable(f.heard[m.ComputerID].At))
			if m.Remediation != sepclient.RemediationSucceeded {
				failed = append(failed, fmt.Sprintf("%s on %s", m.Path, m.Computer))
			}
		}
		if n := counts.Matches - counts.Remediated; n > 0 {
			rest += fmt.Sprintf(". Not remediated: %s", names(failed, n))
		}
		attached := f.attachment("Remediation_results", file)
		effects = append(effects, attached)
		rest += ". All are in " + attached.Attachment.Name
	}
	return append(effects, f.note("Remediation of <b>%s</b> (%s), command %s: %s remediated on %s; %s%s.",
		incident.EscapeHTML(f.Detail["file_path"]), incident.EscapeHTML(f.Detail["hash_value"]), incident.EscapeHTML(f.IDs[0]),
		amount(counts.Remediated, "file"), amount(counts.RemediatedOn, "endpoint"), f.summary(), rest))
}

// remediationStatus is the status of the row of one file. The endpoint
// remediates by the hash, wherever it finds it, and what it did at the row's
// own path counts first.
func (f *follow) remediationStatus(h heard, found []Found, path string) string {
	if h.state != sepclient.CommandCompleted {
		return f.unfinished(h)
	}
	var here []Found
	for _, m := range found {
		if strings.EqualFold(m.Path, path) {
			here = append(here, m)
		}
	}
	if len(here) > 0 {
		found = here
	}
	done := 0
	for _, m := range found {
		if m.Remediation == sepclient.RemediationSucceeded {
			done++
		}
	}
	switch {
	case done < len(found):
		return wordFailed
	case done > 0:
		return fmt.Sprintf("%s at %s. See note/attachment.", wordCompleted, readable(h.At))
	case !h.whole:
		return wordUnexpected + ": the endpoint reported no whole result"
	}
	return wordNoMatch
}

// unfinished is the status of an endpoint that has not completed a command, in
// the words of the table and no others: conditions test what the cell contains.
func (f *follow) unfinished(h heard) string {
	switch {
	case h.state == sepclient.CommandRejected:
		return "Rejected"
	case h.state == sepclient.CommandCancelled:
		return "Canceled"
	case h.state == sepclient.CommandError:
		return wordFailed
	case f.overall() == StateTimedout:
		return wordTimedOut
	}
	return wordInProgress
}

// reasons says in HTML which of the named endpoints have ended without
// completing the command, and why.
func (f *follow) reasons() string {
	var list []string
	for _, t := range f.Computers {
		h := f.heard[t.ID]
		if !h.state.Final() || h.state == sepclient.CommandCompleted {
			continue
		}
		reason := cmp.Or(t.Name, t.ID) + " " + h.State
		if h.Detail != "" {
			reason += " (" + brief(h.Detail) + ")"
		}
		list = append(list, reason)
	}
	if len(list) == 0 {
		return ""
	}
	return ". Not completed: " + names(list, len(list))
}

// brief is what an endpoint says, in few words.
func brief(text string) string {
	const most = 200
	words := []rune(strings.TrimSpace(text))
	if len(words) > most {
		words = append(words[:most], '…')
	}
	return string(words)
}

// remediationWord is what became of a file.
func remediationWord(r sepclient.Remediation) string {
	switch r {
	case sepclient.RemediationSucceeded:
		return "Succeeded"
	case sepclient.RemediationFailed:
		return wordFailed
	case sepclient.RemediationUnsupported:
		return "Unsupported"
	}
	return incident.Clean(string(r))
}
