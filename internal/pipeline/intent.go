package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

// The operations that intents are recorded for.
const (
	// opCreate is the create of an incident, with what is inline in it.
	opCreate = "create"
	// opLost is a create whose answer was lost and which was not found. It may
	// still land.
	opLost = "lost"
	// opVerify asks to look for a second incident with the key, which a
	// create whose answer was lost may still open.
	opVerify = "verify"
	// opInline is a piece that was inline in a create which was found done.
	opInline = "inline"
	// opPiece is a piece sent by itself.
	opPiece = "piece"
)

// intentDetail is what an intent remembers of its request.
type intentDetail struct {
	// ByField is whether the key was sent in its field or in the marker.
	ByField bool `json:"by_field,omitempty"`
	// Server is Resilient's clock when the create was planned.
	Server time.Time `json:"server,omitzero"`
	// Checks counts how often a verification has looked before; Most is how
	// many incidents it may find.
	Checks int `json:"checks,omitempty"`
	Most   int `json:"most,omitempty"`
	// Version is that of the piece that was sent.
	Version int64 `json:"version,omitempty"`
}

func (d intentDetail) encode() json.RawMessage {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err) // times, numbers and booleans always encode
	}
	return data
}

func detailOf(i ledger.Intent) (intentDetail, error) {
	var d intentDetail
	if len(i.Detail) == 0 {
		return d, nil
	}
	if err := json.Unmarshal(i.Detail, &d); err != nil {
		return d, fmt.Errorf("intent %d: read its detail %q: %w", i.ID, i.Detail, err)
	}
	return d, nil
}
