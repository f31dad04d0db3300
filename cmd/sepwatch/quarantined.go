package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newQuarantined() *cobra.Command {
	return newGroup("quarantined", "Look at the endpoints that were cut off from the network", newQuarantinedList())
}

func newQuarantinedList() *cobra.Command {
	var path string
	var released, asJSON bool
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "List the endpoints that are isolated: by whom, when and why",
		Long: `List the endpoints that sepwatch has put into SEPM's network quarantine, the
newest first, by the commands in the ledger; what somebody did in SEPM's console
is not among them. Its state is

  isolated  the endpoint has completed the command; confirmed where SEPM's own
            record of it says so, too
  pending   it has not answered yet
  failed    it refused the command, or never answered
  released  it has completed the command that lifts it; with --released only

An isolated endpoint that is to be let back and has not answered says so under
NOTE. A group is listed where a command was for a whole group.`,
		Example: `  sepwatch quarantined list -c sepwatch.yaml
  sepwatch quarantined list -c sepwatch.yaml --json | jq -r '.[] | select(.state == "isolated") | .name'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLedger(cmd, path, ledger.ReadOnly, func(ctx context.Context, l *ledger.Ledger) error {
				commands, err := quarantineCommands(ctx, l)
				if err != nil {
					return err
				}
				lines := slices.DeleteFunc(quarantinedOf(commands), func(q quarantinedLine) bool {
					return q.State == quarantineReleased && !released
				})
				out := newPrinter[quarantinedLine](cmd, asJSON, quarantinedColumns())
				if err := out.print(lines); err != nil {
					return err
				}
				return out.end()
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&released, "released", false, "list those that were let back, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array and nothing else")
	return cmd
}

// quarantineCommands are all commands that isolate endpoints or let them back,
// the oldest first.
func quarantineCommands(ctx context.Context, l *ledger.Ledger) ([]ledger.Command, error) {
	var all []ledger.Command
	for _, kind := range []incident.CommandKind{incident.Quarantining, incident.Unquarantining} {
		for page := (ledger.Page{Limit: pageSize}); ; {
			var found []ledger.Command
			err := l.View(ctx, func(tx ledger.Tx) (err error) {
				found, err = tx.ListCommands(ledger.CommandFilter{Kind: kind}, page)
				return err
			})
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
			if len(found) < page.Limit {
				break
			}
			page.Before = found[len(found)-1].ID
		}
	}
	slices.SortFunc(all, func(a, b ledger.Command) int { return int(a.ID - b.ID) })
	return all, nil
}

// quarantinedLine is an endpoint in the output of `sepwatch quarantined list
// --json`. It is stable, as [mailLine] is.
type quarantinedLine struct {
	// Target is computer, or group for all of a group; ID and Name are SEPM's,
	// and Server is the SEPM entry, empty for the first.
	Target string `json:"target"`
	ID     string `json:"id"`
	Name   string `json:"name"`
	Server string `json:"server"`
	// State is isolated, pending, failed or released.
	State string `json:"state"`
	// Confirmed is whether SEPM's own record of the endpoint said so when the
	// command ended.
	Confirmed bool `json:"confirmed"`
	// Command is the one that isolates it, which "command show" shows, and
	// Incident the one that it was for; Action, By (empty for a rule), Why and
	// Since say by what, by whom, why and when it was started.
	Command  int64     `json:"command"`
	Incident int64     `json:"incident"`
	Action   string    `json:"action"`
	By       string    `json:"by"`
	Why      string    `json:"why"`
	Since    time.Time `json:"since"`
	// Lift is the last command that was to let it back, null for none, and
	// LiftedBy who started that.
	Lift     *int64 `json:"lift"`
	LiftedBy string `json:"lifted_by"`
	// Note says why it failed, or how letting it back stands.
	Note string `json:"note"`
}

// The states of an endpoint that was to be isolated.
const (
	quarantineIsolated = "isolated"
	quarantinePending  = "pending"
	quarantineFailed   = "failed"
	quarantineReleased = "released"
)

var _ entry = quarantinedLine{}

func (quarantinedLine) id() int64 { return 0 } // they have no pages

func (q quarantinedLine) cells() []string {
	name := q.Name
	if name == "" {
		name = q.ID
	}
	if q.Target == "group" {
		name = "group " + name
	}
	state := q.State
	if q.Confirmed {
		state += ", confirmed"
	}
	return []string{name, state, local(q.Since), q.By, number(q.Incident), number(q.Command), q.Why, q.Note}
}

func quarantinedColumns() []column {
	return []column{
		{title: "NAME", rank: 1, least: 12}, {title: "STATE"}, {title: "SINCE"}, {title: "BY", rank: 2, least: 8},
		{title: "INCIDENT", right: true}, {title: "COMMAND", right: true}, {title: "WHY", rank: 4, least: 8}, {title: "NOTE", rank: 3, least: 8},
	}
}

// quarantinedOf says what commands, the oldest first, have made of the
// endpoints that they were for. A command that fails leaves what was.
func quarantinedOf(commands []ledger.Command) []quarantinedLine {
	at := make(map[[3]string]int)
	var lines []quarantinedLine
	for _, c := range commands {
		for _, t := range targetsOf(c) {
			key := [3]string{t.what, c.Server, strings.ToUpper(t.ID)}
			i, known := at[key]
			switch {
			case c.Kind == incident.Unquarantining && known:
				lines[i].lift(c, t)
			case c.Kind == incident.Quarantining && known && lines[i].State == quarantineIsolated && t.state != quarantineIsolated:
				// It is isolated all the same, by the command before.
			case c.Kind == incident.Quarantining:
				if known {
					lines[i].Target = "" // it comes again, further down
				}
				at[key] = len(lines)
				lines = append(lines, quarantinedLine{
					Target: t.what, ID: t.ID, Name: t.Name, Server: c.Server, State: t.state, Confirmed: t.confirmed, Note: t.note,
					Command: c.ID, Incident: c.Incident, Action: c.Action, By: c.By, Why: c.Why, Since: c.Started,
				})
			}
		}
	}
	lines = slices.DeleteFunc(lines, func(q quarantinedLine) bool { return q.Target == "" })
	slices.Reverse(lines)
	return lines
}

// lift takes up a command that was to let the endpoint back.
func (q *quarantinedLine) lift(c ledger.Command, t quarantineTarget) {
	if q.State == quarantineReleased {
		return
	}
	q.Lift, q.LiftedBy = &c.ID, c.By
	switch t.state {
	case quarantineIsolated:
		q.State, q.Confirmed, q.Note = quarantineReleased, t.confirmed, ""
	case quarantinePending:
		q.Note = fmt.Sprintf("to be let back by command %d, which it has not answered yet", c.ID)
	default:
		q.Note = strings.TrimSuffix(fmt.Sprintf("command %d did not let it back: %s", c.ID, t.note), ": ")
	}
}

// quarantineTarget is one of those that a command is for, and how far it is
// with the command, in the terms of one that isolates.
type quarantineTarget struct {
	what string // computer or group
	incident.CommandTarget
	state, note string
	confirmed   bool
}

func targetsOf(c ledger.Command) []quarantineTarget {
	var targets []quarantineTarget
	for _, t := range c.Computers {
		end, ended := c.Progress.Ended[t.ID]
		target := quarantineTarget{what: "computer", CommandTarget: t, state: quarantineFailed}
		switch {
		case ended && end.State == "completed":
			target.state, target.confirmed = quarantineIsolated, end.Confirmed
		case ended:
			target.note = strings.TrimSuffix(end.State+": "+end.Detail, ": ")
		case c.Open:
			target.state = quarantinePending
		default:
			target.note = "it has not answered"
		}
		targets = append(targets, target)
	}
	for _, t := range c.Groups {
		target := quarantineTarget{what: "group", CommandTarget: t, state: quarantineFailed}
		switch {
		case c.Progress.Completed > 0:
			target.state = quarantineIsolated
			target.note = fmt.Sprintf("%d of %d endpoints", c.Progress.Completed, c.Progress.Total)
		case c.Open:
			target.state = quarantinePending
		default:
			target.note = "none of its endpoints has completed the command"
		}
		targets = append(targets, target)
	}
	return targets
}
