package enrich

import (
	"fmt"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// end tells how a command stands at its end: of one endpoint in a sentence, of
// many by numbers, with a file that has each.
func (f *follow) end() []incident.Effect {
	switch len(f.Computers) {
	case 0:
		return []incident.Effect{f.note("<b>%s</b>: %s", commandLabel(f.Kind), f.summary())}
	case 1:
		return []incident.Effect{f.note("<b>%s</b> of %s: %s.", commandLabel(f.Kind), targets(f.Computers), f.endOfOne(f.Computers[0]))}
	}
	file := f.results()
	text := f.summary()
	if n := f.unconfirmed(); n > 0 && isQuarantine(f.Kind) {
		text += fmt.Sprintf("; on %d of these %s", n, unconfirmedText(f.Kind))
	}
	return []incident.Effect{
		{Attachment: file},
		f.note("<b>%s</b> of %s: %s. How it ended on each is in %s.",
			commandLabel(f.Kind), targets(f.Computers), text, incident.EscapeHTML(file.Name)),
	}
}

func (f *follow) endOfOne(t incident.CommandTarget) string {
	result, ended := f.Progress.Ended[t.ID]
	text := f.stateWord(t.ID)
	if result.Detail != "" {
		text += ": " + incident.EscapeHTML(result.Detail)
	}
	switch {
	case !ended && f.Progress.State == incident.CommandEnded:
		text += ": SEPM does not list the endpoint in the command"
	case !ended:
		text += fmt.Sprintf(": no answer after %v. One that comes within %v still counts", max(f.ScanTimeout, 3*f.Heartbeat), lateFor)
	case !isQuarantine(f.Kind) || !completed(result):
	case result.Confirmed:
		text += ". SEPM confirms it: " + intended(f.Kind)
	default:
		text += ", " + unconfirmedText(f.Kind)
	}
	return text
}

func unconfirmedText(kind incident.CommandKind) string {
	what := "release"
	if kind == incident.Quarantining {
		what = "isolation"
	}
	return what + " not confirmed, since SEPM's record of the endpoint does not say so"
}

// results is a file of how a command has ended on each endpoint that it was
// for.
func (f *follow) results() *incident.Attachment {
	header := []string{"Computer name", "Computer id", "State", "Detail", "Last update"}
	if isQuarantine(f.Kind) {
		header = append(header, "Confirmed by SEPM")
	}
	file := newCSVFile(header...)
	for _, t := range f.Computers {
		r := f.Progress.Ended[t.ID]
		cells := []string{t.Name, t.ID, f.stateWord(t.ID), r.Detail, readable(r.At)}
		if isQuarantine(f.Kind) {
			cells = append(cells, map[bool]string{true: "Yes", false: "No"}[r.Confirmed])
		}
		file.add(cells...)
	}
	return file.attachment(
		fmt.Sprintf("command %s: results, %s, %d completed", f.IDs[0], f.Progress.State, f.Progress.Completed),
		fmt.Sprintf("%s_results_for_commandid_%s_%s.csv",
			strings.ReplaceAll(commandLabel(f.Kind), " ", "_"), f.IDs[0], f.now.UTC().Format(fileTime)))
}

// fileTime is a time in the name of a file, as fn_sep has it (contract: SEPM
// API B5).
const fileTime = "20060102150405"

// endpointResult is how a command ended on a computer.
func endpointResult(s sepclient.CommandStatus) incident.EndpointResult {
	var detail []string
	switch s.SubState {
	case sepclient.SubStateSuccess, sepclient.SubStateScanSuccess, sepclient.SubStateUnknown:
	default:
		detail = append(detail, s.SubState.String())
	}
	if text := strings.TrimSpace(s.Detail); text != "" {
		detail = append(detail, shortened(text))
	}
	return incident.EndpointResult{State: s.State.String(), Detail: strings.Join(detail, ": "), At: s.Updated}
}
