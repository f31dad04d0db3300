package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/resilient"
)

// AttachMail says which mails are attached to the incidents that they are
// about.
type AttachMail string

// What is attached: the mail that opened the incident, those that joined it
// too, or none.
const (
	AttachFirst AttachMail = "first"
	AttachAll   AttachMail = "all"
	AttachNone  AttachMail = "none"
)

// mailPiece is a mail as an attachment of an incident.
func mailPiece(in, mail int64) (ledger.Piece, error) {
	a := incident.Attachment{
		Key: fmt.Sprintf("mail %d", mail), Name: fmt.Sprintf("alert-%d.eml", mail), ContentType: "message/rfc822", Mail: mail,
	}
	return piece(in, ledger.PieceAttachment, a.Key, a)
}

// file is an attachment as it is sent. The bytes of a mail are read while they
// are sent, since it may be large.
func (d *delivery) file(ctx context.Context, p ledger.Piece) (resilient.File, error) {
	a, err := decode[incident.Attachment](p)
	if err != nil {
		return resilient.File{}, err
	}
	f := resilient.File{Name: a.Name, ContentType: a.ContentType, Size: int64(len(a.Content)), Content: bytes.NewReader(a.Content)}
	if a.Mail == 0 {
		return f, nil
	}
	raw, err := d.Ledger.OpenRaw(ctx, a.Mail)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return resilient.File{}, localError{err}
	case err != nil:
		return resilient.File{}, err
	}
	f.Size, f.Content = raw.Size, raw
	return f, nil
}
