package enrich

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

//go:generate go test -run ^TestGenerated . -update

// Action is one thing that can be done for an incident.
type Action struct {
	incident.ActionDef

	// Decide says what a run needs next. It decides by the plan alone, and sends
	// nothing that changes anything.
	Decide func(ctx context.Context, p Plan) (incident.Step, error)
}

// Plan is what an action decides by: SEPM, and the run as far as it has come,
// so that it goes on after a crash where its last answer was recorded.
type Plan struct {
	Server
	incident.Run
	// Case looks up what the ledger holds of the incident; nil is no ledger.
	Case func(ctx context.Context) (Case, error)
	Now  time.Time
}

// Case is what the ledger holds of the incident that an action is for.
type Case struct {
	// ID is the ledger's, RemoteID Resilient's, 0 until it is known.
	ID, RemoteID int64
	Artifacts    []incident.Artifact
	Rows         []incident.Row
	// Commands are those started for it, the newest first.
	Commands []incident.Command
	// Runs are those of its actions, the oldest first.
	Runs []incident.Run
}

// known is what the ledger holds of the incident, nothing where there is none.
func (p Plan) known(ctx context.Context) (Case, error) {
	if p.Case == nil {
		return Case{}, nil
	}
	return p.Case(ctx)
}

// commands are the incident's.
func (p Plan) commands(ctx context.Context) ([]incident.Command, error) {
	c, err := p.known(ctx)
	return c.Commands, err
}

// Actions are all actions, in the order of the guide.
func Actions() []Action {
	return slices.Concat(
		scanActions(),
		scanRowActions(),
		[]Action{getEndpointDetails()},
		endpointActions(),
		listActions(),
	)
}

// ActionNamed is the action of a name.
func ActionNamed(name string) (Action, error) {
	var names []string
	for _, a := range Actions() {
		if a.Name == name {
			return a, nil
		}
		names = append(names, a.Name)
	}
	return Action{}, fmt.Errorf("there is no action %q; there are %s", name, strings.Join(names, ", "))
}

// Check says why a run of the action cannot be started, nil where it can: its
// subject, which has to meet the action's conditions, or its input.
func (a Action) Check(run incident.Run) error {
	if err := a.Offered(run.Subject); err != nil {
		return err
	}
	return checkForm(a.ActionDef, run.Input)
}

// checkForm holds the fields of a form against its definition.
func checkForm(def incident.ActionDef, fields map[string]string) error {
	known := make(map[string]bool)
	for _, f := range def.Form {
		known[f.Name] = true
		value := fields[f.Name]
		switch {
		case value == "" && f.Required && f.Default == "":
			return fmt.Errorf("%s: %s is missing: %s", def.Name, f.Name, f.Help)
		case value == "":
		case f.Type == incident.InputSelect && !slices.Contains(f.Values, value):
			return fmt.Errorf("%s: %s is %q, which is none of %s", def.Name, f.Name, value, strings.Join(f.Values, ", "))
		case f.Type == incident.InputBoolean && value != "true" && value != "false":
			return fmt.Errorf("%s: %s is %q, which is neither true nor false", def.Name, f.Name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !known[name] {
			return fmt.Errorf("%s has no field %q", def.Name, name)
		}
	}
	return nil
}

// Next says what a run needs next, a call or its effects, with the defaults of
// fields that were left empty.
func (a Action) Next(ctx context.Context, p Plan) (incident.Step, error) {
	input := make(map[string]string)
	for _, f := range a.Form {
		if f.Default != "" {
			input[f.Name] = f.Default
		}
	}
	for name, value := range p.Input {
		if value != "" {
			input[name] = value
		}
	}
	p.Input = input
	return a.Decide(ctx, p)
}

// Mistake is what a plan cannot work with, such as a domain that SEPM does not
// have. Asking again does not help.
type Mistake struct{ Problem string }

func (m *Mistake) Error() string { return m.Problem }

func mistake(format string, args ...any) error { return &Mistake{fmt.Sprintf(format, args...)} }

// asMistake is the mistake that an error is, nil for any other.
func asMistake(err error) *Mistake {
	var m *Mistake
	if errors.As(err, &m) {
		return m
	}
	return nil
}
