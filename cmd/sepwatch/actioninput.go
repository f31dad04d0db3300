package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/app"
	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// input reads the fields of the form. An empty one is refused: with a variable
// of a script that is unset, an action for some would be one for all.
func (s *actionStart) input() (map[string]string, error) {
	input := make(map[string]string)
	for _, text := range s.set {
		field, value, ok := strings.Cut(text, "=")
		switch {
		case !ok:
			return nil, usageError{fmt.Errorf("--set %q: write FIELD=VALUE", text)}
		case !s.takes(field):
			names := make([]string, len(s.Form))
			for i, f := range s.Form {
				names[i] = f.Name
			}
			return nil, usageError{fmt.Errorf("--set: %s has no field %q; write %s", s.Name, field, config.OneOf(field, names))}
		case strings.TrimSpace(value) == "":
			return nil, usageError{fmt.Errorf("--set: %s is empty; leave it out where nothing is meant", field)}
		}
		input[field] = value
	}
	if s.reason != "" {
		input[fieldReason] = s.reason
	}
	if s.computers != "" {
		names, err := readNames(s.computers)
		if err != nil {
			return nil, usageError{fmt.Errorf("--%s: %w", fieldComputers, err)}
		}
		input[fieldComputers] = names
	}
	return input, nil
}

// maxNames bounds a file of names: some ten thousand of them.
const maxNames = 4 << 20

// readNames reads a file with a name or id a line, and leaves blank lines out.
func readNames(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var names []string
	bounded := &io.LimitedReader{R: f, N: maxNames + 1}
	lines := bufio.NewScanner(bounded)
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			names = append(names, name)
		}
	}
	switch {
	case bounded.N == 0:
		return "", fmt.Errorf("%s is larger than %d MiB", path, maxNames>>20)
	case lines.Err() != nil:
		return "", fmt.Errorf("read %s: %w", path, lines.Err())
	case len(names) == 0:
		return "", fmt.Errorf("%s names no computer", path)
	}
	return strings.Join(names, "\n"), nil
}

// runOf is the run that the command line asks for. Its error says why it
// cannot be started.
func (s *actionStart) runOf(cmd *cobra.Command, c *config.Config, tx ledger.Tx, input map[string]string) (incident.Run, error) {
	found, err := tx.Incidents([]int64{s.incident})
	if err != nil {
		return incident.Run{}, err
	}
	if len(found) == 0 {
		return incident.Run{}, missing(cmd, tx, "incident", s.incident)
	}
	subject, err := s.subject(tx)
	if err != nil {
		return incident.Run{}, err
	}
	run := incident.Run{Action: s.Name, By: startedBy(), Subject: subject, Input: input}
	if run.Server, err = app.SEPMOf(c, tx, s.incident); err != nil {
		return incident.Run{}, err
	}
	if err := s.Offered(subject); err != nil {
		return incident.Run{}, err
	}
	if err := s.Check(run); err != nil {
		return incident.Run{}, usageError{err} // of the form
	}
	return run, nil
}

// subject looks the artifact or row up that the action is to be started on.
func (s *actionStart) subject(tx ledger.Tx) (incident.Subject, error) {
	if s.On == incident.OnIncident {
		return incident.Subject{}, nil
	}
	pieces, err := tx.Pieces([]int64{s.incident})
	if err != nil {
		return incident.Subject{}, err
	}
	if s.piece == 0 {
		return incident.Subject{}, usageError{s.choice(pieces)}
	}
	for _, p := range pieces {
		if p.ID != s.piece {
			continue
		}
		if string(p.Kind) != string(s.On) {
			return incident.Subject{}, fmt.Errorf("--%s %d: piece %d of incident %d is not %s: its kind is %s", s.On, s.piece, s.piece, s.incident, startedOn(s.On), p.Kind)
		}
		return subjectOf(p)
	}
	return incident.Subject{}, fmt.Errorf("--%s %d: incident %d has no such piece; \"sepwatch incident show -c %s %d\" prints them",
		s.On, s.piece, s.incident, s.path, s.incident)
}

// maxChoices is how many pieces are named to choose from.
const maxChoices = 8

// choice says on which pieces the action can be started.
func (s *actionStart) choice(pieces []ledger.Piece) error {
	var fit []string
	var why error // of the newest row that misses a condition
	for i, line := range newPieceLines(pieces) {
		subject, err := subjectOf(pieces[i])
		if err != nil || subject == (incident.Subject{}) {
			continue
		}
		switch err := s.Offered(subject); {
		case err == nil:
			fit = append(fit, fmt.Sprintf("%d (%s)", line.ID, incident.Clean(line.what())))
		case subject.Row != nil && subject.Row.Table == s.Table:
			why = fmt.Errorf("%d would not do: %w", line.ID, err)
		}
	}
	switch {
	case len(fit) == 0 && why != nil:
		return fmt.Errorf("--%s is missing, and %w", s.On, why)
	case len(fit) == 0:
		return fmt.Errorf("--%s is missing; incident %d has none that %s is offered on", s.On, s.incident, s.Name)
	}
	if len(fit) > maxChoices {
		fit = append(fit[:maxChoices], "…")
	}
	return fmt.Errorf("--%s is missing; %s is offered on %s", s.On, s.Name, strings.Join(fit, ", "))
}

// subjectOf is a piece as the subject of an action, the zero Subject for one
// of another kind.
func subjectOf(p ledger.Piece) (s incident.Subject, err error) {
	switch p.Kind {
	case ledger.PieceArtifact:
		err = json.Unmarshal(p.Body, &s.Artifact)
	case ledger.PieceRow:
		err = json.Unmarshal(p.Body, &s.Row)
	}
	if err != nil {
		return s, fmt.Errorf("read piece %d: %w", p.ID, err)
	}
	return s, nil
}
