package incident

import "time"

// CommandKind is what a command does on endpoints. What its end leaves on the
// incident depends on it.
type CommandKind string

// The kinds of commands.
const (
	Scanning       CommandKind = "scan"
	Remediation    CommandKind = "remediation"
	Upload         CommandKind = "upload"
	Quarantining   CommandKind = "quarantine"
	Unquarantining CommandKind = "undo_quarantine"
	ActiveScan     CommandKind = "active_scan"
	FullScan       CommandKind = "full_scan"
	ContentUpdate  CommandKind = "update_content"
)

// CommandKinds are all kinds of commands.
func CommandKinds() []CommandKind {
	return []CommandKind{Scanning, Remediation, Upload, Quarantining, Unquarantining, ActiveScan, FullScan, ContentUpdate}
}

// Command is a job that SEPM runs on endpoints, followed until it ends.
type Command struct {
	Kind CommandKind `json:"kind"`
	// IDs are SEPM's command ids; one scan may need several.
	IDs []string `json:"ids"`
	// Server is the name of the SEPM entry, empty for the first.
	Server string `json:"server,omitempty"`
	// Action is the one that started it, By who started that, and Why what
	// they gave as the reason.
	Action  string    `json:"action"`
	By      string    `json:"by,omitempty"`
	Why     string    `json:"why,omitempty"`
	Started time.Time `json:"started"`

	// Computers are the endpoints that it is for, Groups the groups whose
	// endpoints it is for.
	Computers []CommandTarget `json:"computers,omitempty"`
	Groups    []CommandTarget `json:"groups,omitempty"`
	// Others are ids of endpoints that get the command and cannot run it,
	// since they are not Windows. They are counted apart.
	Others []string `json:"others,omitempty"`
	// Row has the key cells of the row that shows how the command stands, Also
	// those of further rows that do.
	Row  *Row  `json:"row,omitempty"`
	Also []Row `json:"also,omitempty"`
	// Detail is what else its end needs to know, such as what was searched.
	Detail map[string]string `json:"detail,omitempty"`

	Progress CommandProgress `json:"progress"`
}

// CommandTarget is an endpoint or a group that a command is for.
type CommandTarget struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// CommandProgress is how far a command has come, as of when SEPM was asked
// last.
type CommandProgress struct {
	State  CommandState `json:"state"`
	Polled time.Time    `json:"polled,omitzero"`
	Polls  int          `json:"polls,omitempty"`
	// Pages is how many requests the last poll took.
	Pages int `json:"pages,omitempty"`
	// The numbers of endpoints by their state.
	Total     int `json:"total"`
	Waiting   int `json:"waiting,omitempty"`
	Running   int `json:"running,omitempty"` // received and in progress
	Completed int `json:"completed,omitempty"`
	Rejected  int `json:"rejected,omitempty"`
	Cancelled int `json:"cancelled,omitempty"`
	Failed    int `json:"failed,omitempty"`
	Excluded  int `json:"excluded,omitempty"` // those of [Command.Others]
	// Matches are those of a scan, MatchedOn how many endpoints have one.
	Matches   int `json:"matches,omitempty"`
	MatchedOn int `json:"matched_on,omitempty"`
	// Reported is how many had completed when that was told last.
	Reported int `json:"reported,omitempty"`
	// Ended are the endpoints of [Command.Computers] that have ended, by id.
	Ended map[string]EndpointResult `json:"ended,omitempty"`
}

// EndpointResult is how a command ended on an endpoint.
type EndpointResult struct {
	State  string    `json:"state"` // completed, rejected, cancelled or error
	Detail string    `json:"detail,omitempty"`
	At     time.Time `json:"at,omitzero"`
	// Confirmed is whether SEPM's own record of the endpoint shows what the
	// command was to do.
	Confirmed bool `json:"confirmed,omitempty"`
}

// CommandState is where a command stands as a whole.
type CommandState string

// The states of a command. One that timed out is followed on for a while,
// since endpoints may answer late.
const (
	CommandFollowed CommandState = "in progress"
	CommandTimedOut CommandState = "timed out"
	CommandEnded    CommandState = "completed"
)

// CommandStates are all states of a command.
func CommandStates() []CommandState {
	return []CommandState{CommandFollowed, CommandTimedOut, CommandEnded}
}
