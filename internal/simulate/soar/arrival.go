package soar

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"
)

// Piece is a part of an incident.
type Piece string

// The pieces of an incident, the incident itself among them.
const (
	IncidentPiece   Piece = "incident"
	FieldPiece      Piece = "field"
	ArtifactPiece   Piece = "artifact"
	NotePiece       Piece = "note"
	RowPiece        Piece = "row"
	AttachmentPiece Piece = "attachment"
)

// Change is what became of a piece.
type Change string

// The changes of a piece.
const (
	Added   Change = "added"
	Changed Change = "changed"
	Removed Change = "removed"
)

// Arrival is one change of an incident.
type Arrival struct {
	At     time.Time // by the server's clock
	Change Change
	Piece  Piece
	ID     int // of the piece; 0 for the incident itself
	// Name is what the piece is called: an incident's or a file's name, a
	// field's with its prefix, an artifact's value, a note's text, a row's
	// table.
	Name string
	// InPerson is whether somebody changed it from within: see
	// [Server.EditField] and its like. What a client changes by e-mail and
	// password is not.
	InPerson bool
}

// Arrivals is everything that changed on an incident, in the order in which
// it did: what came with a create, by later requests, and by people.
func (s *Server) Arrivals(id int) []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, ok := s.find(id)
	if !ok {
		return nil
	}
	return append([]Arrival(nil), inc.arrivals...)
}

func (inc *incident) arrived(at time.Time, who *principal, change Change, piece Piece, id int, name string) {
	inc.arrivals = append(inc.arrivals, Arrival{at, change, piece, id, name, who.inPerson})
}

// Repeated describes what is there more than once though one of it was meant,
// whatever order it came in: incidents that are alike, and on one incident
// artifacts of one type and value, notes of one text, rows of one table with
// the same cells, and files of one name and content. What people added does
// not count.
func (s *Server) Repeated() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	seen := map[string]bool{}
	once := func(where string, piece Piece, id int, parts ...any) {
		key := fmt.Sprintf("%s %s %q", where, piece, parts)
		if seen[key] {
			found = append(found, fmt.Sprintf("%s: %s %d is there already", where, piece, id))
		}
		seen[key] = true
	}
	for _, o := range s.orgList {
		for _, inc := range o.ordered {
			once("org "+strconv.Itoa(o.ID), IncidentPiece, inc.id, inc.alike()...)
			where, own := "incident "+strconv.Itoa(inc.id), inc.byPeople()
			for _, a := range inc.artifacts {
				if !own[pieceID{ArtifactPiece, a.id}] && !a.kind.allowDuplicate() {
					once(where, ArtifactPiece, a.id, a.kind.Name, a.value)
				}
			}
			for _, n := range inc.notes {
				if !own[pieceID{NotePiece, n.id}] {
					once(where, NotePiece, n.id, n.text.Content)
				}
			}
			for _, r := range inc.rows {
				if !own[pieceID{RowPiece, r.id}] {
					once(where, RowPiece, r.id, r.table.name, fmt.Sprint(r.cells...))
				}
			}
			for _, a := range inc.attachments {
				if !own[pieceID{AttachmentPiece, a.id}] {
					once(where, AttachmentPiece, a.id, a.name, sha256.Sum256(a.content))
				}
			}
		}
	}
	return found
}

// pieceID is a piece of an incident.
type pieceID struct {
	piece Piece
	id    int
}

// byPeople are the pieces that people added or changed.
func (inc *incident) byPeople() map[pieceID]bool {
	own := map[pieceID]bool{}
	for _, a := range inc.arrivals {
		if a.InPerson {
			own[pieceID{a.Piece, a.ID}] = true
		}
	}
	return own
}

// alike is what two incidents have in common that a client made for one: the
// key where there is one, and otherwise what it wrote.
func (inc *incident) alike() []any {
	if f, ok := inc.org.fields.byName[keyField]; ok && inc.text(f) != "" {
		return []any{inc.text(f)}
	}
	fs := inc.org.fields
	return []any{inc.text(fs.name), inc.rich(fs.description).Content, inc.int(fs.discovered)}
}
