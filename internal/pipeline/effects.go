package pipeline

import (
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
)

// addEffects makes a change of the effects that an action, or the end of a
// command, leaves on an incident; run is the one that they come from.
func (c *change) addEffects(id, run int64, effects []incident.Effect) error {
	for _, e := range effects {
		var p ledger.Piece
		var err error
		switch {
		case e.Row != nil:
			c.rows = append(c.rows, ledger.IncidentRow{Incident: id, Row: *e.Row})
			continue
		case e.Follow != nil:
			c.started = append(c.started, ledger.Command{Incident: id, Run: run, Command: *e.Follow})
			continue
		case e.Note != nil:
			p, err = piece(id, ledger.PieceNote, e.Note.Key, e.Note)
		case e.Artifact != nil:
			p, err = piece(id, ledger.PieceArtifact, e.Artifact.Identity(), e.Artifact)
		case e.Attachment != nil:
			p, err = piece(id, ledger.PieceAttachment, e.Attachment.Key, e.Attachment)
		default:
			err = fmt.Errorf("an effect on incident %d is empty", id)
		}
		if err != nil {
			return err
		}
		c.put = append(c.put, p)
	}
	if len(c.put)+len(c.rows) > 0 {
		c.want = []int64{id}
	}
	return nil
}
