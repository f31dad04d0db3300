package enrich

import (
	"github.com/sepwatch/sepwatch/incident"
)

// The guide's "Quarantine Endpoint" and "Un-Quarantine Endpoint" (§5.6). Both
// name the computer and never its group: a command for a group is for all of
// it (contract: SEPM API C1).
func quarantineCommand() endpointCommand {
	return endpointCommand{
		ActionDef: incident.ActionDef{
			Name:  "quarantine_endpoint",
			Title: "Example: SEP - Quarantine Endpoint",
			Help:  "Cuts the endpoint off from the network, by SEPM's network quarantine.",
			When:  quarantineConditions(quarantined),
		},
		kind: incident.Quarantining, operation: incident.OpQuarantine,
	}
}

func unquarantineCommand() endpointCommand {
	return endpointCommand{
		ActionDef: incident.ActionDef{
			Name:  "unquarantine_endpoint",
			Title: "Example: SEP - Un-Quarantine Endpoint",
			Help:  "Lets the endpoint back into the network.",
			When:  quarantineConditions(unquarantined),
		},
		kind: incident.Unquarantining, operation: incident.OpUndoQuarantine,
	}
}

// quarantineConditions are those of an action whose aim is a status. One that
// is not known leaves both actions open. A command that waits for the endpoint
// is "Not received", which contains the word, too.
func quarantineConditions(aim string) []incident.Condition {
	return []incident.Condition{
		{Column: "uniqueId", Test: incident.HasValue},
		{Column: "operatingSystem", Test: incident.Contains, Values: []string{"Windows"}},
		{Column: "quarantine_command_state", Test: incident.Lacks, Values: []string{string(StateInProgress), "Received"}},
		{Column: "endpoint_quarantine_status", Test: incident.IsNot, Values: []string{aim}},
	}
}
