package incident

import (
	"encoding/json"
	"time"
)

// Call is one request that changes something at SEPM. It is serialisable,
// so that it can be recorded, shown, approved, guarded and audited before
// it is sent.
type Call struct {
	Operation Operation `json:"operation"`
	// Target is what the call changes.
	Target Target `json:"target"`
	// Body is the operation's own input.
	Body json.RawMessage `json:"body,omitempty"`
}

// Operation is what a call does at SEPM.
type Operation string

// The operations. The commands to endpoints come first.
const (
	OpScan           Operation = "scan"
	OpRemediate      Operation = "remediate"
	OpUpload         Operation = "upload"
	OpQuarantine     Operation = "quarantine"
	OpUndoQuarantine Operation = "undo_quarantine"
	OpActiveScan     Operation = "active_scan"
	OpFullScan       Operation = "full_scan"
	OpUpdateContent  Operation = "update_content"
	OpCancel         Operation = "cancel"
	OpMove           Operation = "move"
	OpCreateList     Operation = "create_list"
	OpEditList       Operation = "edit_list"
	OpReplaceList    Operation = "replace_list"
	OpDeleteList     Operation = "delete_list"
	OpAssignList     Operation = "assign_list"
)

// Target is what a call changes. Computers are addressed by id; a group is
// addressed only when it was chosen on purpose.
type Target struct {
	// Server is the name of the SEPM entry, empty for the first.
	Server string `json:"server,omitempty"`
	// Computers are ids, for a move hardware keys.
	Computers []string `json:"computers,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	// Object is the id of a fingerprint list, a command or another object.
	Object string `json:"object,omitempty"`
}

// Answer is what SEPM said to a call, or to a part of one that is for many.
type Answer struct {
	Call Call            `json:"call"`
	Body json.RawMessage `json:"body,omitempty"`
	// Status and Error are SEPM's refusal: nothing was changed.
	Status int       `json:"status,omitempty"`
	Error  string    `json:"error,omitempty"`
	At     time.Time `json:"at"`
}

// Pending is a call that is about to be sent, recorded before it is: the
// intent, by which a call whose answer was lost is known.
type Pending struct {
	Call Call `json:"call"`
	// Tries counts how often it may have been sent, the last time at Last.
	Tries int       `json:"tries"`
	Last  time.Time `json:"last,omitzero"`
	// Confirmed is whether a person has decided to send it again.
	Confirmed bool `json:"confirmed,omitempty"`
}
