package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// actionEnded is the output of `sepwatch action NAME --json`: a run, and what
// it has left. It is stable, as [mailLine] is.
type actionEnded struct {
	runLine
	Incident int64 `json:"incident"`
	// Pieces are those that the incident has got, or got anew, since the run was
	// started; what others have put there meanwhile is among them.
	Pieces []pieceLine `json:"pieces"`
	// Commands are those that the run has started at SEPM, the newest first;
	// they are followed to their ends.
	Commands []commandLine `json:"commands"`
}

func (s startedRun) read(ctx context.Context) (ended actionEnded, err error) {
	err = s.ledger.View(ctx, func(tx ledger.Tx) error {
		runs, err := readRuns(tx, s.run.Incident)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(runs, func(r runLine) bool { return r.ID == s.run.ID })
		if at < 0 {
			return fmt.Errorf("run %d: %w", s.run.ID, ledger.ErrNotFound)
		}
		pieces, err := tx.Pieces([]int64{s.run.Incident})
		if err != nil {
			return err
		}
		pieces = slices.DeleteFunc(pieces, func(p ledger.Piece) bool { return s.before[p.ID] == p.Version })
		commands, err := tx.ListCommands(ledger.CommandFilter{Run: s.run.ID}, ledger.Page{Limit: pageSize})
		if err != nil {
			return err
		}
		ended = actionEnded{
			runLine: runs[at], Incident: s.run.Incident, Pieces: newPieceLines(pieces), Commands: newCommandLines(commands),
		}
		return nil
	})
	return ended, err
}

func (a actionEnded) print(out io.Writer) error {
	p := page{out: out}
	p.title(fmt.Sprintf("Run %d: %s", a.ID, a.Action))
	p.field("status", a.Status)
	p.field("error", a.Error)
	p.field("incident", number(a.Incident))
	p.field("on", subjectLabel(a.Subject))
	p.field("by", a.By)
	p.field("sepm", a.Server)
	effects, err := effectsOf(a.Pieces)
	if err != nil {
		return err
	}
	printEffects(&p, effects)
	p.table("Commands", commandColumns(), rowsOf(a.Commands))
	if a.Status == string(ledger.RunDone) && len(a.Pieces)+len(a.Commands) == 0 {
		p.printf("\nIt has left nothing that the incident did not have.\n")
	}
	return p.err
}

// effectsOf are pieces as the effects that they were.
func effectsOf(pieces []pieceLine) ([]incident.Effect, error) {
	effects := make([]incident.Effect, len(pieces))
	for i, p := range pieces {
		var err error
		switch e := &effects[i]; ledger.PieceKind(p.Kind) {
		case ledger.PieceArtifact:
			err = json.Unmarshal(p.Body, &e.Artifact)
		case ledger.PieceNote:
			err = json.Unmarshal(p.Body, &e.Note)
		case ledger.PieceRow:
			err = json.Unmarshal(p.Body, &e.Row)
		case ledger.PieceAttachment:
			err = json.Unmarshal(p.Body, &e.Attachment)
		}
		if err != nil {
			return nil, fmt.Errorf("read piece %d: %w", p.ID, err)
		}
	}
	return effects, nil
}

// printEffects prints notes as plain text, rows with their cells, and what
// else an action leaves.
func printEffects(p *page, effects []incident.Effect) {
	for _, e := range effects {
		if e.Note != nil {
			p.text("Note", e.Note.Text)
		}
	}
	for _, e := range effects {
		if e.Row != nil {
			printRow(p, *e.Row)
		}
	}
	var others []row
	for _, e := range effects {
		switch {
		case e.Artifact != nil:
			others = append(others, row{cells: []string{"artifact", string(e.Artifact.Type) + ": " + e.Artifact.Value}})
		case e.Attachment != nil:
			others = append(others, row{cells: []string{"attachment", fmt.Sprintf("%s, %d bytes", e.Attachment.Name, len(e.Attachment.Content))}})
		}
	}
	p.table("Artifacts and attachments", []column{{title: "KIND"}, {title: "WHAT", rank: 1, least: 12}}, others)
}

// printRow prints the cells of a row that are not empty, as people see them.
func printRow(p *page, r incident.Row) {
	t, _ := incident.TableByName(r.Table)
	cells := make([]row, 0, len(t.Columns))
	for _, c := range t.Columns {
		value := r.Cells[c.Name].String()
		if ms, ok := r.Cells[c.Name].Value().(int64); ok && c.Type == incident.ColumnDateTime {
			value = local(time.UnixMilli(ms))
		}
		if value != "" {
			cells = append(cells, row{cells: []string{c.Label, value}})
		}
	}
	p.table("Row of "+visible(cmp.Or(t.Label, r.Table)), []column{{title: "COLUMN"}, {title: "CELL"}}, cells)
}
