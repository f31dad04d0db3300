package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// stories is how many incidents each case of the matrix delivers.
func stories() int {
	if soak() {
		return 200
	}
	return 20
}

// soak is whether the matrix has all the time that it wants.
func soak() bool { return os.Getenv("SEPWATCH_SOAK") != "" }

// The pieces of a story.
const (
	storyArtifacts = 5
	storyNotes     = 2
	storyRows      = 6
	storyPieces    = storyArtifacts + storyNotes + storyRows + 1
)

// story is one incident with all that is to be on it.
type story struct {
	n         int
	artifacts []incident.Artifact
	notes     []incident.Note
	rows      []incident.Row
	file      incident.Attachment
	// content is that of the file, which is a mail's or its own.
	content []byte
	// refused is the value of an artifact that Resilient does not take.
	refused string
}

func newStory(n int) *story {
	s := &story{
		n: n,
		artifacts: []incident.Artifact{
			{Type: incident.FilePath, Value: fmt.Sprintf(`C:\Benutzer\müller %d\<b>&amp;.exe`, n), Description: "where it was found"},
			{Type: incident.FileName, Value: fmt.Sprintf("HOST-%d", n)},
			{Type: incident.SystemName, Value: fmt.Sprintf("HOST-%d", n)},
			{Type: incident.IPAddress, Value: fmt.Sprintf("10.0.%d.%d", n/250, n%250)},
			{Type: incident.SHA256Hash, Value: fmt.Sprintf("%064x", n)},
		},
		notes: []incident.Note{
			{Key: "z", Text: fmt.Sprintf("<b>Looked up</b> host %d &amp; its group", n)},
			{Key: "a", Text: fmt.Sprintf("Nothing else<br>was found on %d", n)},
		},
		rows: []incident.Row{
			row(incident.TableEndpoints, "uniqueId", fmt.Sprintf("%032X", n), "computerName", fmt.Sprintf("HOST-%d", n), "group_name", "My Company"),
			row(incident.TableScanResults, "scan_commandid", "C1", "computer_id", fmt.Sprint(n), "file_path", `C:\x.exe`, "scan_result", "found\nit"),
			row(incident.TableEndpoints, "uniqueId", fmt.Sprintf("%032X", n+1_000_000), "computerName", "OTHER", "group_name", ""),
			// Alike but for what is empty in its key.
			row(incident.TableScanResults, "scan_commandid", "C1", "computer_id", fmt.Sprint(n), "scan_result", "found\nit"),
			row(incident.TableCriticalEvents, "event_id", fmt.Sprint(n), "subject", "Definitions are old"),
			row(incident.TableStatusSummary),
		},
		file: incident.Attachment{Key: "file", Name: fmt.Sprintf("report-%d.txt", n), ContentType: "text/plain"},
	}
	s.rows[4].Cells["acknowledged"] = incident.Bool(false)
	s.rows[4].Cells["date_added"] = incident.Time(time.Unix(1_700_000_000, 0))
	s.rows[5].Cells["total"] = incident.Number(int64(n))
	s.rows[5].Cells["offline"] = incident.Number(0)
	s.content = bytes.Repeat(fmt.Appendf(nil, "%d\x00\r\n", n), 300)
	if n%2 == 0 {
		s.file.Name, s.file.ContentType = fmt.Sprintf("alert-%d.eml", n), "message/rfc822"
		s.content = append(alert(fmt.Sprintf("HOST-%d", n)), s.content...)
	}
	return s
}

// row makes a row of text cells, by name and value; an empty one is empty.
func row(table string, cells ...string) incident.Row {
	r := incident.Row{Table: table, Cells: map[string]incident.Cell{}}
	for i := 0; i < len(cells); i += 2 {
		if cells[i+1] != "" {
			r.Cells[cells[i]] = incident.Text(cells[i+1])
		} else {
			r.Cells[cells[i]] = incident.Cell{}
		}
	}
	return r
}

func (s *story) name() string { return fmt.Sprintf("Story %d", s.n) }

func (s *story) incident() ledger.Incident {
	return ledger.Incident{Seen: 1, Incident: incident.Incident{
		Key: fmt.Sprintf("story %d é & <i>", s.n), Name: s.name(), Description: "<b>What</b> it says<br>",
		Types: []string{"Malware"}, Severity: "High", Discovered: time.Unix(1_700_000_000, 0),
	}}
}

// pieces are the story's in the order in which they are put. Id is the
// ledger's of the incident.
func (s *story) pieces(id int64) []ledger.Piece {
	var pieces []ledger.Piece
	for _, a := range s.artifacts {
		pieces = append(pieces, newPiece(id, ledger.PieceArtifact, a.Identity(), a))
	}
	for _, n := range s.notes {
		pieces = append(pieces, newPiece(id, ledger.PieceNote, n.Key, n))
	}
	pieces = append(pieces, s.rowPieces(id)...)
	file := s.file
	if file.Mail == 0 {
		file.Content = s.content
	}
	return append(pieces, newPiece(id, ledger.PieceAttachment, file.Key, file))
}

func (s *story) rowPieces(id int64) []ledger.Piece {
	var pieces []ledger.Piece
	for _, r := range s.rows {
		pieces = append(pieces, newPiece(id, ledger.PieceRow, r.Identity(), r))
	}
	return pieces
}

func newPiece(id int64, kind ledger.PieceKind, key string, body any) ledger.Piece {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // they are ours
	}
	return ledger.Piece{Incident: id, Kind: kind, Key: key, Body: data}
}

// learn gives two rows other cells: one is changed, one emptied, and one is
// not said again, which leaves it as it was.
func (s *story) learn(version int) {
	endpoint := row(incident.TableEndpoints, "uniqueId", s.rows[0].Cells["uniqueId"].String(), "group_name", "",
		"ipAddresses", fmt.Sprintf("10.9.0.%d", version))
	summary := row(incident.TableStatusSummary)
	summary.Cells["offline"] = incident.Number(int64(version))
	s.rows[0], s.rows[5] = endpoint, summary
}

// standing is what stands on an incident in Resilient, in its order, without
// the ids.
type standing map[soar.Piece][]string

func (st standing) add(kind soar.Piece, format string, args ...any) {
	st[kind] = append(st[kind], fmt.Sprintf(format, args...))
}

// wanted is what is to stand there. First are the rows as they were first put.
func (s *story) wanted(first []incident.Row) standing {
	w := standing{}
	for _, a := range s.artifacts {
		if a.Value != s.refused {
			w.add(soar.ArtifactPiece, "%s: %s (%s)", a.Type, a.Value, a.Description)
		}
	}
	for _, n := range s.notes {
		w.add(soar.NotePiece, "%s", n.Text)
	}
	for i, r := range s.rows {
		cells := map[string]any{}
		for _, version := range []incident.Row{first[i], r} {
			for name, cell := range version.Cells {
				cells[name] = cell.Value()
			}
		}
		maps.DeleteFunc(cells, func(_ string, value any) bool { return value == nil })
		w.add(soar.RowPiece, "%s: %#v", r.Table, cells)
	}
	w.add(soar.AttachmentPiece, "%s (%s): %q", s.file.Name, s.file.ContentType, s.content)
	return w
}

// stands is what a client has put on the incident, without what people have.
func stands(inc soar.Incident, people map[pieceID]bool) standing {
	w := standing{}
	for _, a := range inc.Artifacts {
		if !people[pieceID{soar.ArtifactPiece, a.ID}] {
			w.add(soar.ArtifactPiece, "%s: %s (%s)", a.Type, a.Value, a.Description)
		}
	}
	for _, n := range inc.Notes {
		w.add(soar.NotePiece, "%s", n.Text)
	}
	for _, r := range inc.Rows {
		w.add(soar.RowPiece, "%s: %#v", r.Table, r.Cells)
	}
	for _, a := range inc.Attachments {
		w.add(soar.AttachmentPiece, "%s (%s): %q", a.Name, a.ContentType, a.Content)
	}
	return w
}

// pieceID is a piece of an incident in Resilient.
type pieceID struct {
	kind soar.Piece
	id   int
}

// spare takes out what is there once more, and says how often.
func (st standing) spare() (n int) {
	for kind, list := range st {
		var once []string
		for _, one := range list {
			if slices.Contains(once, one) {
				n++
			} else {
				once = append(once, one)
			}
		}
		st[kind] = once
	}
	return n
}
