package enrich

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// The words of the column endpoint_quarantine_status. The first two are the
// guide's (§5.6). The others say "quarantined" nowhere, since conditions look
// for that word, and leave both actions open.
const (
	quarantined          = "Quarantined"
	unquarantined        = "Un-Quarantined"
	isolationUnconfirmed = "Completed, isolation not confirmed"
	releaseUnconfirmed   = "Completed, release not confirmed"
	containUnconfirmed   = "Completed, not confirmed"
)

// eitherQuarantine is a command of which is not known whether it quarantines or
// undoes that: one that fn_sep sent.
const eitherQuarantine incident.CommandKind = "quarantine or its undo"

func isQuarantine(kind incident.CommandKind) bool {
	return kind == incident.Quarantining || kind == incident.Unquarantining || kind == eitherQuarantine
}

// isolation is whether an endpoint is cut off, by SEPM's own words on it and
// by the command that completed on it last, of the kind at that time; without
// one the kind is empty (contract: SEPM API A10, C13).
//
//   - Words that agree with the command confirm it.
//   - Words that say the opposite outright count once the endpoint has been in
//     touch with SEPM since: somebody has changed it in SEPM's console. Before,
//     they are older than the command.
//   - A Host Integrity check that passed is the guide's sign of an endpoint
//     that is not quarantined. It confirms an undo and refutes no quarantine.
//   - Everything else says nothing: the command has completed, and whether the
//     endpoint is cut off is not confirmed. The numbers of Host Integrity are
//     no evidence at all.
func isolation(c sepclient.Computer, kind incident.CommandKind, at time.Time) string {
	said, outright := quarantineWords(c.QuarantineDesc)
	switch {
	case kind == "":
		return said
	case kind == eitherQuarantine:
		if outright {
			return said
		}
		return containUnconfirmed
	case said == intended(kind):
		return said
	case outright && !at.IsZero() && c.LastUpdate.After(at):
		return said
	case kind == incident.Quarantining:
		return isolationUnconfirmed
	}
	return releaseUnconfirmed
}

// intended is the status that a command is to bring about.
func intended(kind incident.CommandKind) string {
	switch kind {
	case incident.Quarantining:
		return quarantined
	case incident.Unquarantining:
		return unquarantined
	}
	return ""
}

// quarantineWords is what SEPM's words on a computer say, empty where they say
// nothing, and whether they say it outright (contract: SEPM API B7, W11). A
// check that passed goes with either.
func quarantineWords(description string) (status string, outright bool) {
	words := strings.ToLower(description)
	switch {
	case strings.Contains(words, "not quarantined"),
		strings.Contains(words, "unquarantined"), strings.Contains(words, "un-quarantined"):
		return unquarantined, true
	case strings.Contains(words, "quarantined"):
		return quarantined, true
	case strings.Contains(words, "host integrity check passed"):
		return unquarantined, false
	}
	return "", false
}

// lastCompleted is the last of the commands to have completed on an endpoint.
func lastCompleted(computer string, commands []incident.Command) (kind incident.CommandKind, at time.Time) {
	for _, c := range commands {
		result, ended := c.Progress.Ended[computer]
		if isQuarantine(c.Kind) && ended && completed(result) && (kind == "" || result.At.After(at)) {
			kind, at = c.Kind, result.At
		}
	}
	return kind, at
}

func completed(r incident.EndpointResult) bool { return r.State == sepclient.CommandCompleted.String() }

func concerns(c incident.Command, computer string) bool {
	return slices.ContainsFunc(c.Computers, func(t incident.CommandTarget) bool { return t.ID == computer })
}

// findComputer looks a computer up by its id. A SEPM before 14.3 knows no such
// filter and goes by the name (contract: SEPM API A10).
func findComputer(ctx context.Context, sepm SEPM, id, name string) (c sepclient.Computer, found bool, err error) {
	for c, err := range sepm.Computers(ctx, sepclient.ComputerQuery{ID: id, Name: name}) {
		switch {
		case errors.Is(err, sepclient.ErrNotFound):
			return c, false, nil
		case err != nil:
			return c, false, err
		case c.ID == id:
			return c, true, nil
		}
	}
	return c, false, nil
}
