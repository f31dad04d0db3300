package enrich

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// confirm asks SEPM what it says of the endpoints on which a quarantine or its
// undo has completed. SEPM may hear of that with the endpoint's next heartbeat
// only, so where a command has ended unconfirmed it is asked once more then.
func (f *follow) confirm(ctx context.Context) error {
	if !isQuarantine(f.Kind) {
		return nil
	}
	f.isolation = make(map[string]string)
	again := f.before.State == incident.CommandEnded
	for _, t := range f.Computers {
		result, before := f.Progress.Ended[t.ID], f.before.Ended[t.ID]
		if !completed(result) {
			continue
		}
		if before.Confirmed || completed(before) && !again {
			result.Confirmed = before.Confirmed
			f.Progress.Ended[t.ID] = result
			continue
		}
		computer, _, err := findComputer(ctx, f.Reader, t.ID, t.Name)
		if err != nil {
			return fmt.Errorf("look up endpoint %s: %w", t.ID, err)
		}
		kind, at := lastCompleted(t.ID, append([]incident.Command{f.Command}, f.others...))
		status := isolation(computer, kind, at)
		f.isolation[t.ID] = status
		result.Confirmed = status == intended(f.Kind)
		f.Progress.Ended[t.ID] = result
	}
	return nil
}

// unconfirmed are how many endpoints completed the command, and SEPM does not
// show it.
func (f *follow) unconfirmed() int {
	n := 0
	for _, result := range f.Progress.Ended {
		if completed(result) && !result.Confirmed {
			n++
		}
	}
	return n
}

// quarantine is what a quarantine or its undo leaves: the rows of its
// endpoints, and at the end a note and, for many, a file.
func (f *follow) quarantine() []incident.Effect {
	var effects []incident.Effect
	confirmed := 0
	for _, t := range f.Computers {
		if f.Progress.Ended[t.ID].Confirmed && !f.before.Ended[t.ID].Confirmed {
			confirmed++
		}
		if row := f.quarantineRow(t.ID); row != nil {
			effects = append(effects, incident.Effect{Row: row})
		}
	}
	switch {
	case f.report:
		return append(effects, f.end()...)
	case confirmed > 0 && f.before.State == incident.CommandEnded:
		effects = append(effects, incident.Effect{Note: &incident.Note{
			Key: fmt.Sprintf("command %s: %d confirmed", f.IDs[0], confirmed),
			Text: fmt.Sprintf("<b>%s</b> of %s: SEPM confirms it now for %d of them.",
				commandLabel(f.Kind), targets(f.Computers), confirmed),
		}})
		if len(f.Computers) == 1 {
			effects[len(effects)-1].Note.Text = fmt.Sprintf("<b>%s</b> of %s: SEPM confirms it now.", commandLabel(f.Kind), targets(f.Computers))
		}
	}
	return effects
}

// quarantineRow is what is new of the endpoint's row, nil for nothing. A newer
// command for the endpoint is not written over.
func (f *follow) quarantineRow(id string) *incident.Row {
	_, ended := f.Progress.Ended[id]
	_, before := f.before.Ended[id]
	status, looked := f.isolation[id]
	late := f.before.State == incident.CommandTimedOut && f.Progress.State == incident.CommandTimedOut
	switch {
	case f.superseded(id), before && !looked, !ended && late:
		return nil
	}
	row := endpointCells(id, map[string]string{"quarantine_command_state": f.stateWord(id)})
	if looked {
		row.Cells[quarantineColumn] = incident.Text(status)
	}
	if f.final(id) {
		row.Cells[queryDate] = incident.Text(f.now.UTC().Format(time.DateTime))
	}
	return row
}

// superseded reports whether a newer command for the endpoint has its row.
func (f *follow) superseded(id string) bool {
	return slices.ContainsFunc(f.others, func(other incident.Command) bool {
		return isQuarantine(other.Kind) && other.Started.After(f.Started) && !slices.Contains(other.IDs, f.IDs[0]) && concerns(other, id)
	})
}

// final reports whether the command has ended on an endpoint. One that SEPM
// does not list while all others have ended never had it.
func (f *follow) final(id string) bool {
	_, ended := f.Progress.Ended[id]
	return ended || f.Progress.State == incident.CommandEnded
}

// stateWord is where the command stands on an endpoint, in the guide's words
// (contract: SEPM API B5, B7).
func (f *follow) stateWord(id string) string {
	switch result, ended := f.Progress.Ended[id]; {
	case ended:
		return endWord(result)
	case f.Progress.State == incident.CommandEnded:
		return "Failed"
	case f.Progress.State == incident.CommandTimedOut:
		return string(StateTimedout)
	}
	switch f.heard[id].state {
	case sepclient.CommandInitial:
		return "Not received"
	case sepclient.CommandReceived:
		return "Received"
	}
	return string(StateInProgress)
}

// endWord is how a command ended on an endpoint, in the guide's words.
func endWord(r incident.EndpointResult) string {
	switch r.State {
	case sepclient.CommandCompleted.String():
		return string(StateCompleted)
	case sepclient.CommandRejected.String():
		return "Rejected"
	case sepclient.CommandCancelled.String():
		return "Canceled"
	}
	return "Failed"
}

// lostQuarantine are the rows of endpoints whose command SEPM has forgotten.
// They do not go on saying that it is under way, which closes the actions.
func lostQuarantine(c incident.Command) (effects []incident.Effect) {
	if !isQuarantine(c.Kind) || c.Progress.State == incident.CommandTimedOut {
		return nil
	}
	for _, t := range c.Computers {
		if _, ended := c.Progress.Ended[t.ID]; !ended {
			effects = append(effects, incident.Effect{Row: endpointCells(t.ID, map[string]string{"quarantine_command_state": string(StateTimedout)})})
		}
	}
	return effects
}
