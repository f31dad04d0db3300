package enrich

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getCriticalEventsInfo is fn_sep's later "Get Critical Events" (contract: SEPM
// API B7, W24).
func getCriticalEventsInfo() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_critical_events",
			Title: "Example: SEP - Get Critical Events",
			Help:  "Looks up SEPM's critical events, acknowledged or not: a row for each, the newest where they are more than results_limit, and then a CSV file of all.",
			On:    incident.OnIncident,
		},
		Decide: criticalEvents,
	}
}

func criticalEvents(ctx context.Context, p Plan) (incident.Step, error) {
	events, err := p.CriticalEvents(ctx, true)
	if err != nil {
		return incident.Step{}, fmt.Errorf("look up critical events: %w", err)
	}
	known, err := p.knownEvents(ctx)
	if err != nil {
		return incident.Step{}, err
	}
	result := p.tabled("Event id", "Time (UTC)", "Subject", "Message", "Acknowledged")
	open, unnamed := 0, 0
	for _, e := range events.Events {
		if e.ID == "" { // by which rows are told apart
			unnamed++
			continue
		}
		if !e.Acknowledged {
			open++
		}
		row := eventRow(e)
		if !known[row.Cells["event_id"].String()] {
			row.Cells["date_added"] = incident.Time(p.Now)
		}
		result.add(row, e.ID, eventMoment(e), e.Subject, e.Message, strconv.FormatBool(e.Acknowledged))
	}
	effects, more := result.effects(p, "SEP_critical_events")
	if unnamed > 0 {
		more += markup(fmt.Sprintf(" %s without an id were left out.", amount(unnamed, "event")))
	}
	return incident.Step{Effects: append(effects,
		p.remark("SEPM has %s, of which %d are not acknowledged.%s", amount(result.total, "critical event"), open, more))}, nil
}

// knownEvents are the events that have a row already, by id: when it was added
// stays as it is.
func (p Plan) knownEvents(ctx context.Context) (map[string]bool, error) {
	c, err := p.Case(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up the incident's rows: %w", err)
	}
	known := make(map[string]bool)
	for _, row := range c.Rows {
		if row.Table == incident.TableCriticalEvents && !row.Cells["date_added"].IsZero() {
			known[row.Cells["event_id"].String()] = true
		}
	}
	return known, nil
}

func eventRow(e sepclient.CriticalEvent) *incident.Row {
	return &incident.Row{Table: incident.TableCriticalEvents, Cells: map[string]incident.Cell{
		"event_id":     textCell(e.ID),
		"event_date":   textCell(eventMoment(e)),
		"subject":      textCell(e.Subject),
		"message":      textCell(e.Message),
		"acknowledged": incident.Bool(e.Acknowledged),
	}}
}

// eventMoment is when an event was, in UTC, or as SEPM wrote it.
func eventMoment(e sepclient.CriticalEvent) string {
	if e.Time.IsZero() {
		return e.TimeText
	}
	return e.Time.UTC().Format(time.DateTime)
}
