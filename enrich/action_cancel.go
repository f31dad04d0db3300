package enrich

import (
	"context"
	"net/http"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// cancelACommand is fn_sep's later "Cancel a Command" (contract: SEPM API B7,
// W25).
func cancelACommand() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "cancel_a_command",
			Title: "Example: SEP - Cancel a Command",
			Help:  "Cancels a command on the endpoints that have not received it yet: a note.",
			On:    incident.OnIncident,
			Form: []incident.InputDef{{
				Name: "command_id", Type: incident.InputText, Required: true, Help: "Id of the SEPM command.",
			}},
			Changes: true,
		},
		Decide: cancel,
	}
}

func cancel(_ context.Context, p Plan) (incident.Step, error) {
	id := strings.TrimSpace(p.Input["command_id"])
	if len(p.Answers) == 0 {
		return incident.Step{Call: newCall(incident.OpCancel, incident.Target{Object: id}, nil)}, nil
	}
	switch a := p.Answers[0]; {
	case a.Error == "":
		return incident.Step{Effects: []incident.Effect{p.remark("SEPM cancels the command <b>%s</b> on the endpoints that have not received it yet, "+
			"by the command <b>%s</b>. Those that have go on with it.", id, strings.Join(commandIDs(p.Answers), ", "))}}, nil
	case a.Status == http.StatusNotFound || a.Status == http.StatusGone:
		return incident.Step{}, mistake("SEPM has no command %q", shortened(id))
	default:
		return incident.Step{}, mistake("SEPM has not cancelled the command %q: %s", shortened(id), a.Error)
	}
}
