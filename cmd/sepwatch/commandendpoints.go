package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/sepclient"
)

// endpointLine is an endpoint of a command in the output of `sepwatch command
// show --json` and `sepwatch command show --endpoints --json`. It is stable, as
// [mailLine] is.
type endpointLine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// State is not received, received, in progress, completed, rejected,
	// cancelled or error. The ledger knows only ends, and has not ended for the
	// others.
	State string `json:"state"`
	// Detail is what the endpoint said, and Updated when it last did, null for
	// never.
	Detail  string     `json:"detail"`
	Updated *time.Time `json:"updated"`
	// AsOf is when SEPM was asked for this, null where it was not yet.
	AsOf *time.Time `json:"as_of"`
	// What follows is known where SEPM is asked: the endpoint's address, the id
	// of the file that it sent, how many different matches it reported, null
	// where it reported none or nothing, and SEPM's id of the command.
	IP        string `json:"ip"`
	FileID    string `json:"file_id"`
	Matches   *int   `json:"matches"`
	CommandID string `json:"command_id"`
}

var _ entry = endpointLine{}

func (endpointLine) id() int64 { return 0 } // they have no pages

func (e endpointLine) cells() []string {
	matches := ""
	if e.Matches != nil {
		matches = number(*e.Matches)
	}
	return []string{e.Name, e.ID, e.State, localOptional(e.Updated), matches, e.FileID, e.Detail}
}

func endpointColumns() []column {
	return []column{
		{title: "NAME", rank: 2, least: 12}, {title: "ID", rank: 3, least: 8}, {title: "STATE"}, {title: "UPDATED"},
		{title: "MATCHES", right: true}, {title: "FILE", rank: 4, least: 8}, {title: "DETAIL", rank: 1, least: 12},
	}
}

// recordedEndpoints are the endpoints that a command addresses by id, as the
// ledger knows them.
func recordedEndpoints(c ledger.Command) []endpointLine {
	lines := make([]endpointLine, len(c.Computers))
	for i, t := range c.Computers {
		lines[i] = endpointLine{ID: t.ID, Name: t.Name, State: "not ended", AsOf: optional(c.Progress.Polled)}
		if end, ok := c.Progress.Ended[t.ID]; ok {
			lines[i].State, lines[i].Detail, lines[i].Updated = end.State, end.Detail, optional(end.At)
		}
	}
	return lines
}

func newEndpointLine(command string, s sepclient.CommandStatus) endpointLine {
	line := endpointLine{
		ID: s.ComputerID, Name: s.Computer, State: s.State.String(), Detail: s.Detail, Updated: optional(s.Updated),
		AsOf: optional(s.AsOf), IP: s.IP, FileID: s.FileID, CommandID: command,
	}
	if s.Result != nil && len(s.Result.Matches) > 0 {
		n := len(s.Result.Matches)
		line.Matches = &n
	}
	return line
}

// askEndpoints prints the endpoints as SEPM has them now, as they come. Where
// none comes it prints what the ledger knows, and fails.
func (c commandShown) askEndpoints(cmd *cobra.Command, of *config.Config, out printer[endpointLine]) error {
	printed := false
	err := c.walkEndpoints(cmd, of, func(lines []endpointLine) error {
		printed = printed || len(lines) > 0
		return out.print(lines)
	})
	switch {
	case err == nil:
		return out.end()
	case printed:
		return fmt.Errorf("the list is not whole: %w", err)
	}
	return errors.Join(
		fmt.Errorf("SEPM cannot be asked, so this is what the ledger knows: %w", err),
		out.print(c.Endpoints), out.end())
}

// walkEndpoints gives the endpoints to print, some at a time.
func (c commandShown) walkEndpoints(cmd *cobra.Command, of *config.Config, print func([]endpointLine) error) error {
	at, err := app.SEPMNamed(of, c.Server)
	if err != nil {
		return err
	}
	warn := func(err error) { fmt.Fprintln(cmd.ErrOrStderr(), "sepwatch:", err) }
	return app.WithSEPM(cmd.Context(), of, at, warn, func(client *sepclient.Client) error {
		var lines []endpointLine
		for _, id := range c.CommandIDs {
			for status, err := range client.CommandStatus(cmd.Context(), id) {
				if err != nil {
					return errors.Join(print(lines), err) // what came is worth something
				}
				if lines = append(lines, newEndpointLine(id, status)); len(lines) == resultPage {
					if err := print(lines); err != nil {
						return err
					}
					lines = nil
				}
			}
		}
		return print(lines)
	})
}
