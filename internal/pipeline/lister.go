package pipeline

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/net/html"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/resilient"
)

// lister finds pieces among what stands on an incident in Resilient, and
// asks for each kind once. Rows, notes and attachments carry no key of ours: one
// that is not another piece's, with the same key cells, the same text, or the
// same name and size, is ours.
type lister struct {
	*delivery
	// taken belongs to other pieces.
	taken     map[taken]bool
	artifacts map[string]int64 // by identity
	notes     []resilient.Note
	notesRead bool
	rows      map[string][]resilient.Row // by table

	attachments     []resilient.Attachment
	attachmentsRead bool
}

// taken is something in Resilient, where each kind counts its own ids.
type taken struct {
	kind ledger.PieceKind
	id   int64
}

func (l *lister) find(ctx context.Context, p ledger.Piece) (id int64, found bool, err error) {
	switch p.Kind {
	case ledger.PieceArtifact:
		return l.artifact(ctx, p)
	case ledger.PieceNote:
		return l.note(ctx, p)
	case ledger.PieceRow:
		if p.RemoteID != 0 {
			return 0, false, nil // it is known, and the update is sent again
		}
		return l.row(ctx, p)
	case ledger.PieceAttachment:
		return l.attachment(ctx, p)
	}
	return 0, false, fmt.Errorf("piece %d: no way to look for a piece of kind %q", p.ID, p.Kind)
}

func (l *lister) artifact(ctx context.Context, p ledger.Piece) (int64, bool, error) {
	if l.artifacts == nil {
		artifacts, err := l.remote.Artifacts(ctx, l.incident.RemoteID)
		if err != nil {
			return 0, false, fmt.Errorf("look for artifacts of incident %d: %w", l.incident.RemoteID, err)
		}
		l.artifacts = make(map[string]int64, len(artifacts))
		for _, a := range artifacts {
			l.artifacts[incident.Artifact{Type: a.Type, Value: a.Value}.Identity()] = a.ID
		}
	}
	id, found := l.artifacts[p.Key]
	return id, found, nil
}

func (l *lister) note(ctx context.Context, p ledger.Piece) (int64, bool, error) {
	ours, err := decode[incident.Note](p)
	if err != nil {
		return 0, false, err
	}
	if !l.notesRead {
		if l.notes, err = l.remote.Notes(ctx, l.incident.RemoteID); err != nil {
			return 0, false, fmt.Errorf("look for notes of incident %d: %w", l.incident.RemoteID, err)
		}
		l.notesRead = true
	}
	text := words(ours.Text)
	for _, n := range l.notes {
		if !l.taken[taken{ledger.PieceNote, n.ID}] && words(n.Text) == text {
			return n.ID, true, nil
		}
	}
	return 0, false, nil
}

func (l *lister) row(ctx context.Context, p ledger.Piece) (int64, bool, error) {
	ours, err := decode[incident.Row](p)
	if err != nil {
		return 0, false, err
	}
	if _, read := l.rows[ours.Table]; !read {
		rows, err := l.remote.Rows(ctx, l.incident.RemoteID, ours.Table)
		if err != nil {
			return 0, false, fmt.Errorf("look for rows of %s on incident %d: %w", ours.Table, l.incident.RemoteID, err)
		}
		if l.rows == nil {
			l.rows = make(map[string][]resilient.Row)
		}
		l.rows[ours.Table] = rows
	}
	for _, r := range l.rows[ours.Table] {
		theirs := incident.Row{Table: ours.Table, Cells: r.Cells}
		if !l.taken[taken{ledger.PieceRow, r.ID}] && theirs.Identity() == ours.Identity() {
			return r.ID, true, nil
		}
	}
	return 0, false, nil
}

func (l *lister) attachment(ctx context.Context, p ledger.Piece) (int64, bool, error) {
	ours, err := l.file(ctx, p)
	if err != nil {
		return 0, false, err
	}
	if !l.attachmentsRead {
		if l.attachments, err = l.remote.Attachments(ctx, l.incident.RemoteID); err != nil {
			return 0, false, fmt.Errorf("look for attachments of incident %d: %w", l.incident.RemoteID, err)
		}
		l.attachmentsRead = true
	}
	for _, a := range l.attachments {
		if !l.taken[taken{ledger.PieceAttachment, a.ID}] && a.Name == ours.Name && a.Size == ours.Size {
			return a.ID, true, nil
		}
	}
	return 0, false, nil
}

// words are the words of a note, since Resilient changes the markup of what
// it keeps.
func words(note string) string {
	tokens := html.NewTokenizer(strings.NewReader(note))
	var text strings.Builder
	for {
		switch tokens.Next() {
		case html.ErrorToken: // the end: a string gives no other error
			return strings.Join(strings.Fields(text.String()), " ")
		case html.TextToken:
			text.Write(tokens.Text())
		default:
			text.WriteByte(' ')
		}
	}
}
