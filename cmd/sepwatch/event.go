package main

import (
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
)

// eventLine is an event in the output of `sepwatch mail show --json` and
// `sepwatch incident show --json`. It is stable, as [mailLine] is.
type eventLine struct {
	// Mail and Ordinal, which counts from 0, are its identity.
	Mail    int64 `json:"mail"`
	Ordinal int   `json:"ordinal"`
	// Incident is the one that it opened or joined, null for none.
	Incident *int64 `json:"incident"`
	// Event is as `sepwatch parse --json` prints it.
	Event parse.Event `json:"event"`
}

func newEventLines(events []ledger.Event) []eventLine {
	lines := make([]eventLine, len(events))
	for i, e := range events {
		lines[i] = eventLine{Mail: e.Mail, Ordinal: e.Ordinal, Incident: optionalID(e.Incident), Event: e.Event}
	}
	return lines
}

// eventRows and eventColumns are events where they are shown with their mail
// or their incident; the first cell is which of the other they belong to.
func eventRows(events []eventLine, other func(eventLine) string) []row {
	rows := make([]row, len(events))
	for i, e := range events {
		rows[i].cells = []string{other(e), number(e.Ordinal), e.Event.EventTime, e.Event.Computer, e.Event.User,
			e.Event.Risk, e.Event.Action, e.Event.FilePath}
	}
	return rows
}

func eventColumns(other string) []column {
	return []column{
		{title: other, right: true}, {title: "EVENT", right: true}, {title: "TIME", rank: 6, least: 10},
		{title: "COMPUTER", rank: 1, least: 12}, {title: "USER", rank: 7}, {title: "RISK", rank: 2, least: 12},
		{title: "ACTION", rank: 5, least: 8}, {title: "PATH", rank: 4, least: 8},
	}
}
