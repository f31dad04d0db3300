package sepclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Targets are what a command is for. One that names nobody is refused.
type Targets struct {
	// Computers are ids of computers, [Computer.ID].
	Computers []string
	// Groups are ids of groups. The command goes to every client of a group
	// (A13), so a group is named on purpose only.
	Groups []string
}

// Sent is what became of a command at SEPM. A command for many computers
// takes several requests and then has several ids, which together are one
// command.
//
// Where a call returns an error with it, Sent has all the same the ids that
// SEPM gave. The error's class is Ambiguous when any target has, or may have,
// the command; otherwise none has it. A command is not repeated here.
type Sent struct{ Parts []SentPart }

// SentPart is what became of one request of a command.
type SentPart struct {
	// Targets are those of this request: computers, or groups.
	Targets
	// IDs are the ids that [Client.CommandStatus] takes; as a rule one.
	IDs []string
	// Err is why there are none. Where its class is Ambiguous these targets
	// may have the command all the same, otherwise they have not.
	Err *Error
}

// IDs are all ids of the command, each once.
func (s Sent) IDs() []string {
	var ids []string
	for _, p := range s.Parts {
		for _, id := range p.IDs {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// Quarantine cuts computers off from the network.
func (c *Client) Quarantine(ctx context.Context, t Targets) (Sent, error) {
	return c.command(ctx, command{op: "quarantine", name: "quarantine"}, t)
}

// UndoQuarantine lets computers back into the network.
func (c *Client) UndoQuarantine(ctx context.Context, t Targets) (Sent, error) {
	return c.command(ctx, command{op: "undo quarantine", name: "quarantine", query: url.Values{"undo": {"true"}}}, t)
}

// ActiveScan scans memory and the usual places of infections.
func (c *Client) ActiveScan(ctx context.Context, t Targets) (Sent, error) {
	return c.command(ctx, command{op: "active scan", name: "activescan"}, t)
}

// FullScan scans all of a computer.
func (c *Client) FullScan(ctx context.Context, t Targets) (Sent, error) {
	return c.command(ctx, command{op: "full scan", name: "fullscan"}, t)
}

// UpdateContent makes computers fetch new definitions.
func (c *Client) UpdateContent(ctx context.Context, t Targets) (Sent, error) {
	return c.command(ctx, command{op: "update content", name: "updatecontent"}, t)
}

// CancelCommand cancels a command for those clients that have not run it yet
// (A13). It returns the id of the command that cancels.
func (c *Client) CancelCommand(ctx context.Context, id string) (string, error) {
	r := request{op: "cancel command", subject: id, method: http.MethodPost, path: "/command-queue/{id}/cancel"}
	if err := checkID("command", id); err != nil {
		return "", r.fail(Permanent, err.Error(), nil)
	}
	r.path = "/command-queue/" + id + "/cancel"
	ids, err := c.queue(ctx, r)
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// command is a command before it has its targets.
type command struct {
	op    string
	name  string // in the path
	query url.Values
	body  any
}

// command sends a command to all its targets.
func (c *Client) command(ctx context.Context, cmd command, t Targets) (Sent, error) {
	r := request{
		op: cmd.op, method: http.MethodPost, path: "/command-queue/" + cmd.name, query: cmd.query, body: cmd.body,
	}
	parts, err := c.split(r, t)
	if err != nil {
		return Sent{}, r.fail(Permanent, err.Error(), err)
	}
	sent := Sent{Parts: make([]SentPart, len(parts))}
	var stopped *Error
	for i, targets := range parts {
		part := &sent.Parts[i]
		part.Targets = targets
		if stopped != nil {
			part.Err = r.fail(stopped.Class, "not sent, after a part before failed: "+stopped.Message, nil)
			continue
		}
		r.query, r.subject = targets.query(cmd.query), targets.subject()
		if part.IDs, err = c.queue(ctx, r); err == nil {
			continue
		}
		part.Err = asError(r, err)
		if !answered(part.Err) {
			stopped = unsent(part.Err)
		}
	}
	return sent, sent.failure()
}

// answered reports whether a failure is SEPM's word on one request only, so
// that the next may fare better.
func answered(e *Error) bool {
	switch e.Class {
	case Permanent, NotFound, Conflict:
		return true
	case Ambiguous:
		return e.Status != 0
	}
	return false
}

// unsent is the failure of the parts that were not tried. Nothing about them
// is ambiguous.
func unsent(e *Error) *Error {
	out := *e
	if out.Class == Ambiguous {
		out.Class = Temporary
	}
	return &out
}

// failure is the error of the whole command, nil where there is none.
func (s Sent) failure() error {
	var first *Error
	at, failed, changed := 0, 0, false
	for i, p := range s.Parts {
		if p.Err == nil {
			changed = true
			continue
		}
		if first == nil {
			first, at = p.Err, i+1
		}
		failed += len(p.Computers) + len(p.Groups)
		changed = changed || p.Err.Class == Ambiguous
	}
	if first == nil {
		return nil
	}
	if len(s.Parts) == 1 {
		return first
	}
	e := *first
	e.Message = fmt.Sprintf("part %d of %d: %s; %d targets are without an id", at, len(s.Parts), first.Message, failed)
	if changed {
		e.Class = Ambiguous
	}
	return &e
}

// commandIDs are the ids in the answer to a command: commandID_computer,
// commandID_group, commandID, or what other kinds of targets may have (A13).
type commandIDs []string

func (c *Client) queue(ctx context.Context, r request) (commandIDs, error) {
	var answer map[string]text
	r.into = &answer
	if err := c.do(ctx, r); err != nil {
		return nil, err
	}
	const prefix = "commandid"
	var ids commandIDs
	for key, id := range answer {
		if len(key) < len(prefix) || !strings.EqualFold(key[:len(prefix)], prefix) || id == "" {
			continue
		}
		if err := checkID("command", string(id)); err != nil {
			return nil, r.unnamed(err.Error())
		}
		ids = append(ids, string(id))
	}
	if len(ids) == 0 {
		return nil, r.unnamed("it names no command")
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// unnamed is the error of an accepted command whose id is unknown.
func (r request) unnamed(why string) *Error {
	e := r.fail(Ambiguous, "SEPM accepted the command, but its answer is of no use: "+why, nil)
	e.Status = http.StatusOK
	e.Hint = "whether it runs shows in SEPM's console, under Monitors, Command Status"
	return e
}
