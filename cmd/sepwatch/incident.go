package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newIncident() *cobra.Command {
	return newGroup("incident", "Look at the incidents in the ledger", newIncidentList(), newIncidentShow())
}

// incidentLine is an incident in the output of `sepwatch incident list
// --json`. It is stable, as [mailLine] is.
type incidentLine struct {
	ID int64 `json:"id"`
	// Status is open or closed.
	Status string `json:"status"`
	Name   string `json:"name"`
	// Key identifies the story that the incident is about.
	Key      string   `json:"key"`
	Severity string   `json:"severity"` // empty leaves it to Resilient
	Types    []string `json:"types"`
	// ResilientID is null until it is known.
	ResilientID *int64 `json:"resilient_id"`
	// Seen counts the events, LastSeen is when the last one was read.
	Seen     int        `json:"seen"`
	LastSeen *time.Time `json:"last_seen"`
	Created  time.Time  `json:"created"`
	// Discovered is when SEPM saw the first event, null where the mail does
	// not say.
	Discovered *time.Time `json:"discovered"`
	// Delivered is when Resilient first held the incident, null before.
	Delivered *time.Time `json:"delivered"`
	// Delivery is delivered (Resilient has all of it), pending or parked (it
	// or a piece of it was given up).
	Delivery string `json:"delivery"`
	// The pieces are its artifacts, notes and rows.
	PiecesAll     int `json:"pieces_all"`
	PiecesPending int `json:"pieces_pending"`
	PiecesParked  int `json:"pieces_parked"`
}

// The states of an incident's delivery.
const (
	stateDelivered = "delivered"
	statePending   = "pending"
	stateParked    = "parked"
)

// newIncidentLines describes incidents and looks up how their delivery
// stands.
func newIncidentLines(tx ledger.Tx, incidents []ledger.Incident) ([]incidentLine, error) {
	ids := make([]int64, len(incidents))
	for i, in := range incidents {
		ids[i] = in.ID
	}
	counts, err := tx.CountPieces(ids)
	if err != nil {
		return nil, err
	}
	tasks, err := tx.TasksOf(ledger.TaskDeliver, ids)
	if err != nil {
		return nil, err
	}
	lines := make([]incidentLine, len(incidents))
	for i, in := range incidents {
		pieces := counts[in.ID]
		lines[i] = incidentLine{
			ID: in.ID, Status: string(in.Status), Name: in.Name, Key: in.Key, Severity: in.Severity, Types: in.Types,
			ResilientID: optionalID(in.RemoteID), Seen: in.Seen, LastSeen: optional(in.LastSeen), Created: in.Created,
			Discovered: optional(in.Discovered), Delivered: optional(in.Delivered), Delivery: stateDelivered,
			PiecesAll: pieces.All, PiecesPending: pieces.Pending, PiecesParked: pieces.Parked,
		}
		if in.Types == nil {
			lines[i].Types = []string{}
		}
		switch {
		case tasks[in.ID].Parked || pieces.Parked > 0:
			lines[i].Delivery = stateParked
		case in.Delivered.IsZero() || pieces.Pending > 0:
			lines[i].Delivery = statePending
		}
	}
	return lines, nil
}

var _ entry = incidentLine{}

func (in incidentLine) id() int64 { return in.ID }

func (in incidentLine) cells() []string {
	return []string{number(in.ID), local(in.Created), in.Status, optionalNumber(in.ResilientID), in.delivery(), number(in.Seen), in.Name}
}

// delivery is how the delivery stands, with the number of pieces in question.
func (in incidentLine) delivery() string {
	switch {
	case in.Delivery == stateParked && in.PiecesParked > 0:
		return fmt.Sprintf("%d parked", in.PiecesParked)
	case in.Delivery == statePending && in.PiecesPending > 0:
		return fmt.Sprintf("%d pending", in.PiecesPending)
	}
	return in.Delivery
}

func incidentColumns() []column {
	return []column{
		{title: "ID", right: true}, {title: "CREATED"}, {title: "STATUS"}, {title: "RESILIENT", right: true},
		{title: "DELIVERY"}, {title: "SEEN", right: true}, {title: "NAME", rank: 1, least: 12},
	}
}
