package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newTask() *cobra.Command {
	return newGroup("task", "Look at what is left to do, and try again what was given up", newTaskList(), newTaskRetry())
}

// taskLine is a task in the output of `sepwatch task list --json`. It is
// stable, as [mailLine] is.
type taskLine struct {
	ID int64 `json:"id"`
	// Kind is read, respond, follow or deliver; Key is the id of the mail, the
	// run, the command or the incident.
	Kind string `json:"kind"`
	Key  int64  `json:"key"`
	// Incident is the one that it is about, null for a mail.
	Incident *int64 `json:"incident"`
	// State is working, due, waiting (until Due), parked (given up, or a
	// piece of the incident was) or done.
	State string `json:"state"`
	// Due is when it is to be tried, null where nothing is left to do.
	Due *time.Time `json:"due"`
	// Attempts are those that failed since it last came forward, and Error is
	// what the last of them met.
	Attempts int    `json:"attempts"`
	Error    string `json:"error"`
	// Parked: it is not tried again before somebody retries it. ParkedPieces
	// counts the pieces that its incident has to go without until then.
	Parked       bool `json:"parked"`
	ParkedPieces int  `json:"parked_pieces"`
	// Node and LeaseUntil say who works on it, empty and null for nobody.
	Node       string     `json:"node"`
	LeaseUntil *time.Time `json:"lease_until"`
}

// newTaskLine describes a task that is about an incident, or about none.
func newTaskLine(t ledger.TaskView, incident int64, now time.Time) taskLine {
	line := taskLine{
		ID: t.ID, Kind: string(t.Kind), Key: t.Key, Incident: optionalID(incident), State: string(t.State(now)),
		Attempts: t.Attempts, Error: t.Error, Parked: t.Parked, ParkedPieces: t.ParkedPieces,
		Node: t.Node, LeaseUntil: optional(t.LeaseUntil),
	}
	if t.Wanted > t.Done && !t.Parked {
		line.Due = optional(t.Due)
	}
	return line
}

// newTaskLines describes tasks and looks up what they are about.
func newTaskLines(tx ledger.Tx, tasks []ledger.TaskView, now time.Time) ([]taskLine, error) {
	keys := make(map[ledger.TaskKind][]int64)
	for _, t := range tasks {
		keys[t.Kind] = append(keys[t.Kind], t.Key)
	}
	runs, err := tx.Runs(keys[ledger.TaskRespond])
	if err != nil {
		return nil, err
	}
	commands, err := tx.Commands(keys[ledger.TaskFollow])
	if err != nil {
		return nil, err
	}
	ofRun, ofCommand := make(map[int64]int64, len(runs)), make(map[int64]int64, len(commands))
	for _, r := range runs {
		ofRun[r.ID] = r.Incident
	}
	for _, c := range commands {
		ofCommand[c.ID] = c.Incident
	}
	lines := make([]taskLine, len(tasks))
	for i, t := range tasks {
		incident := int64(0)
		switch t.Kind {
		case ledger.TaskDeliver:
			incident = t.Key
		case ledger.TaskRespond:
			incident = ofRun[t.Key]
		case ledger.TaskFollow:
			incident = ofCommand[t.Key]
		}
		lines[i] = newTaskLine(t, incident, now)
	}
	return lines, nil
}

var _ entry = taskLine{}

func (t taskLine) id() int64 { return t.ID }

func (t taskLine) cells() []string {
	return []string{number(t.ID), t.Kind, number(t.Key), optionalNumber(t.Incident), t.State, localOptional(t.Due),
		number(t.Attempts), t.problem()}
}

// problem is why the task is not done, in words.
func (t taskLine) problem() string {
	if t.Error == "" && t.ParkedPieces > 0 {
		return fmt.Sprintf("pieces given up: %d; see \"incident show %d\"", t.ParkedPieces, t.Key)
	}
	return t.Error
}

// inWords is the task where it is shown with what it is about.
func (t taskLine) inWords() string {
	words := fmt.Sprintf("%d, %s", t.ID, t.State)
	switch ledger.TaskState(t.State) {
	case ledger.StateDue:
		words += " since " + localOptional(t.Due)
	case ledger.StateWaiting:
		words += " until " + localOptional(t.Due)
	}
	if t.Attempts > 0 {
		words += fmt.Sprintf(", failed attempts: %d", t.Attempts)
	}
	if t.Error != "" {
		words += ": " + t.Error
	}
	return words
}

func taskColumns() []column {
	return []column{
		{title: "ID", right: true}, {title: "KIND"}, {title: "KEY", right: true}, {title: "INCIDENT", right: true},
		{title: "STATE"}, {title: "DUE"}, {title: "ATTEMPTS", right: true}, {title: "ERROR", rank: 1, least: 8},
	}
}
