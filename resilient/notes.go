package resilient

import (
	"context"
	"net/http"

	"github.com/sepwatch/sepwatch/incident"
)

// Note is a note of an incident in Resilient.
type Note struct {
	ID int64
	// Author is the name that Resilient shows, empty where it gives none.
	Author string
	// Text is HTML as Resilient stores it, which it may have cleaned (§4.1).
	Text string
}

// noteDTO is the part of a comment that is used (§4.1).
type noteDTO struct {
	ID       int64     `json:"id"`
	Author   text      `json:"user_name"`
	Text     text      `json:"text"`
	Children []noteDTO `json:"children"`
}

type newNoteDTO struct {
	Text formatted `json:"text"`
}

func newNote(n incident.Note) newNoteDTO { return newNoteDTO{formatted{"html", n.Text}} }

// AddNote leaves a note and returns its id. It is not idempotent: after
// [Ambiguous] look with [Client.Notes].
func (c *Client) AddNote(ctx context.Context, inc int64, n incident.Note) (int64, error) {
	ctx, cancel := c.write(ctx)
	defer cancel()
	var added identified
	r := request{
		op: "add note to incident", subject: inc, method: http.MethodPost, path: incidentPath(inc, "/comments"),
		permission: "Edit Incidents: Notes", body: newNote(n), into: &added,
	}
	if err := c.do(ctx, r); err != nil {
		return 0, err
	}
	return added.ID, added.check(r)
}

// Notes lists an incident's notes, each before the replies to it. It changes
// nothing and may be repeated.
func (c *Client) Notes(ctx context.Context, inc int64) ([]Note, error) {
	var tree []noteDTO
	err := c.do(ctx, request{
		op: "list notes of incident", subject: inc, method: http.MethodGet, path: incidentPath(inc, "/comments"),
		read: true, permission: "Incidents: Read", into: &tree,
	})
	if err != nil {
		return nil, err
	}
	return flatten(nil, tree), nil
}

func flatten(notes []Note, tree []noteDTO) []Note {
	for _, d := range tree {
		notes = append(notes, Note{ID: d.ID, Author: string(d.Author), Text: string(d.Text)})
		notes = flatten(notes, d.Children)
	}
	return notes
}
