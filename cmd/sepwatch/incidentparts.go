package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// pieceLine is a piece in the output of `sepwatch incident show --json`. It
// is stable, as [mailLine] is.
type pieceLine struct {
	ID int64 `json:"id"`
	// Kind is artifact, note, row or attachment, and Key its identity among those of the
	// incident.
	Kind string `json:"kind"`
	Key  string `json:"key"`
	// State is delivered, pending or parked (given up, for the reason Error).
	State string `json:"state"`
	Error string `json:"error"`
	// ResilientID is null until it is known.
	ResilientID *int64 `json:"resilient_id"`
	// Version counts the contents that it has had, DeliveredVersion is the one
	// that Resilient has, 0 for none.
	Version          int64 `json:"version"`
	DeliveredVersion int64 `json:"delivered_version"`
	// Body is what is delivered: {"type","value","description"},
	// {"key","text"}, {"table","cells"} or {"key","name","content_type"} with
	// the id of the "mail" that it is, or its "content" in base64.
	Body json.RawMessage `json:"body"`
}

func newPieceLines(pieces []ledger.Piece) []pieceLine {
	lines := make([]pieceLine, len(pieces))
	for i, p := range pieces {
		state := statePending
		switch {
		case p.Parked:
			state = stateParked
		case p.Delivered == p.Version:
			state = stateDelivered
		}
		lines[i] = pieceLine{
			ID: p.ID, Kind: string(p.Kind), Key: p.Key, State: state, Error: p.Error, ResilientID: optionalID(p.RemoteID),
			Version: p.Version, DeliveredVersion: p.Delivered, Body: p.Body,
		}
	}
	return lines
}

// pieceRows has the reasons of what was given up below the rows: they are
// what a person came for.
func pieceRows(pieces []pieceLine) []row {
	rows := make([]row, len(pieces))
	for i, p := range pieces {
		rows[i] = row{[]string{number(p.ID), p.Kind, p.State, optionalNumber(p.ResilientID), p.what()}, p.Error}
	}
	return rows
}

func pieceColumns() []column {
	return []column{
		{title: "ID", right: true}, {title: "KIND"}, {title: "STATE"}, {title: "RESILIENT", right: true}, {title: "WHAT", rank: 1, least: 12},
	}
}

// what is the piece in a few words.
func (p pieceLine) what() string {
	var artifact incident.Artifact
	var r incident.Row
	var file incident.Attachment
	switch ledger.PieceKind(p.Kind) {
	case ledger.PieceArtifact:
		if json.Unmarshal(p.Body, &artifact) == nil {
			return string(artifact.Type) + ": " + artifact.Value
		}
	case ledger.PieceRow:
		if json.Unmarshal(p.Body, &r) == nil {
			return labelOf(r)
		}
	case ledger.PieceAttachment:
		if json.Unmarshal(p.Body, &file) == nil {
			return file.Name
		}
	}
	return strings.ReplaceAll(p.Key, "\x1f", " ")
}

// labelOf is a row's table as people see it, and its key cells.
func labelOf(r incident.Row) string {
	t, ok := incident.TableByName(r.Table)
	if !ok {
		return r.Table
	}
	words := []string{t.Label + ":"}
	for _, column := range t.Key {
		words = append(words, r.Cells[column].String())
	}
	return strings.TrimSuffix(strings.TrimRight(strings.Join(words, " "), " "), ":")
}

// runLine is a run of an action in the output of `sepwatch incident show
// --json`. It is stable, as [mailLine] is.
type runLine struct {
	ID     int64  `json:"id"`
	Action string `json:"action"`
	// Server is the SEPM entry that it asks, empty for the first, and By who
	// started it, empty for a rule.
	Server string `json:"server"`
	By     string `json:"by"`
	// Subject is what it was started on: an "artifact", a "row", or neither for
	// the incident.
	Subject incident.Subject `json:"subject"`
	// Input are the fields of its form, by name.
	Input map[string]string `json:"input"`
	// Status is waiting, done or failed (for the reason Error).
	Status string `json:"status"`
	Error  string `json:"error"`
	// Task is what is left to do of it, null for nothing.
	Task *taskLine `json:"task"`
}

// readRuns reads the runs of an incident.
func readRuns(tx ledger.Tx, in int64) ([]runLine, error) {
	runs, err := tx.RunsOf(in)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	tasks, err := tx.TasksOf(ledger.TaskRespond, ids)
	if err != nil {
		return nil, err
	}
	lines := make([]runLine, len(runs))
	for i, r := range runs {
		lines[i] = runLine{ID: r.ID, Action: r.Action, Server: r.Server, By: r.By, Subject: r.Subject, Input: r.Input, Status: string(r.Status), Error: r.Error}
		if r.Input == nil {
			lines[i].Input = map[string]string{}
		}
		if t, ok := tasks[r.ID]; ok && (t.Wanted > t.Done || t.Parked) {
			line := newTaskLine(t, in, time.Now())
			lines[i].Task = &line
		}
	}
	return lines, nil
}

// runRows has below a row why the run failed, or what it waits for.
func runRows(runs []runLine) []row {
	rows := make([]row, len(runs))
	for i, r := range runs {
		input := []string{subjectLabel(r.Subject)}
		for _, name := range slices.Sorted(maps.Keys(r.Input)) {
			input = append(input, name+" "+r.Input[name])
		}
		rows[i] = row{[]string{number(r.ID), r.Action, r.Status, strings.TrimPrefix(strings.Join(input, ", "), ", ")}, r.Error}
		if r.Task != nil {
			rows[i].note = "task " + r.Task.inWords()
		}
	}
	return rows
}

// subjectLabel is what an action was started on, empty for the incident.
func subjectLabel(s incident.Subject) string {
	switch {
	case s.Artifact != nil:
		return s.Artifact.Value
	case s.Row != nil:
		return labelOf(*s.Row)
	}
	return ""
}

func runColumns() []column {
	return []column{{title: "ID", right: true}, {title: "ACTION"}, {title: "STATUS"}, {title: "ON", rank: 1, least: 12}}
}

// intentLine is a request whose outcome is not known, in the output of
// `sepwatch incident show --json`. It is stable, as [mailLine] is.
type intentLine struct {
	ID int64 `json:"id"`
	// Operation names the request, such as create.
	Operation string `json:"operation"`
	// Piece is the piece that it delivers, null for the incident itself.
	Piece *int64 `json:"piece"`
	// At is when it was recorded, which is just before it was sent.
	At time.Time `json:"at"`
}

func newIntentLines(intents []ledger.Intent) []intentLine {
	lines := make([]intentLine, len(intents))
	for i, in := range intents {
		lines[i] = intentLine{ID: in.ID, Operation: in.Operation, Piece: optionalID(in.Piece), At: in.At}
	}
	return lines
}

func (i intentLine) cells() []string {
	return []string{number(i.ID), i.Operation, optionalNumber(i.Piece), local(i.At)}
}

func intentColumns() []column {
	return []column{{title: "ID", right: true}, {title: "OPERATION"}, {title: "PIECE", right: true}, {title: "AT"}}
}
