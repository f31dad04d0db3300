package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newCommand() *cobra.Command {
	return newGroup("command", "Look at the commands that SEPM was given for endpoints", newCommandList(), newCommandShow())
}

// commandLine is a command at SEPM in the output of `sepwatch command list
// --json`. It is stable, as [mailLine] is.
type commandLine struct {
	ID int64 `json:"id"`
	// Incident and Run are those that it was started for and by.
	Incident int64 `json:"incident"`
	Run      int64 `json:"run"`
	// Kind is scan, remediation, upload, quarantine, undo_quarantine,
	// active_scan, full_scan or update_content.
	Kind string `json:"kind"`
	// State is in progress, timed out or completed. Open: SEPM is asked about it,
	// as for some days about one that has timed out.
	State string `json:"state"`
	Open  bool   `json:"open"`
	// CommandIDs are SEPM's ids of it; one command may have several.
	CommandIDs []string `json:"command_ids"`
	// Server is the SEPM entry, empty for the first.
	Server string `json:"server"`
	// Action is the one that started it, By who started that, empty for a rule,
	// and Why the reason that was given.
	Action  string    `json:"action"`
	By      string    `json:"by"`
	Why     string    `json:"why"`
	Started time.Time `json:"started"`
	// Polled is when SEPM was asked last, null before it was. What follows is
	// as of then: numbers of endpoints, of which Total has all but Excluded,
	// which are not Windows and cannot run it.
	Polled    *time.Time `json:"polled"`
	Total     int        `json:"total"`
	Waiting   int        `json:"waiting"`
	Running   int        `json:"running"`
	Completed int        `json:"completed"`
	Rejected  int        `json:"rejected"`
	Cancelled int        `json:"cancelled"`
	Failed    int        `json:"failed"`
	Excluded  int        `json:"excluded"`
	// Matches are those of a scan, on so many endpoints.
	Matches   int `json:"matches"`
	MatchedOn int `json:"matched_on"`
}

func newCommandLines(commands []ledger.Command) []commandLine {
	lines := make([]commandLine, len(commands))
	for i, c := range commands {
		p := c.Progress
		lines[i] = commandLine{
			ID: c.ID, Incident: c.Incident, Run: c.Run, Kind: string(c.Kind), State: string(p.State), Open: c.Open,
			CommandIDs: c.IDs, Server: c.Server, Action: c.Action, By: c.By, Why: c.Why, Started: c.Started, Polled: optional(p.Polled),
			Total: p.Total, Waiting: p.Waiting, Running: p.Running, Completed: p.Completed, Rejected: p.Rejected,
			Cancelled: p.Cancelled, Failed: p.Failed, Excluded: p.Excluded, Matches: p.Matches, MatchedOn: p.MatchedOn,
		}
		if c.IDs == nil {
			lines[i].CommandIDs = []string{}
		}
	}
	return lines
}

var _ entry = commandLine{}

func (c commandLine) id() int64 { return c.ID }

func (c commandLine) cells() []string {
	return []string{number(c.ID), local(c.Started), c.Kind, c.State, c.completed(), number(c.Incident), c.By, c.Why}
}

func commandColumns() []column {
	return []column{
		{title: "ID", right: true}, {title: "STARTED"}, {title: "KIND"}, {title: "STATE"}, {title: "COMPLETED", right: true},
		{title: "INCIDENT", right: true}, {title: "BY", rank: 2, least: 8}, {title: "WHY", rank: 1, least: 8},
	}
}

// completed is on how many endpoints the command has completed, empty while
// nothing is known.
func (c commandLine) completed() string {
	if c.Polled == nil {
		return ""
	}
	return fmt.Sprintf("%d of %d", c.Completed, c.Total)
}
