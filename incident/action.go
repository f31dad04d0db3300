package incident

import (
	"encoding/json"
	"time"
)

// Call is one request that changes something at SEPM. It is serialisable,
// so that it can be recorded, shown, approved, guarded and audited before
// it is sent.
type Call struct {
	// Operation names the SEPM operation, such as "quarantine".
	Operation string `json:"operation"`
	// Target is what the call changes.
	Target Target `json:"target"`
	// Body is the operation's own input.
	Body json.RawMessage `json:"body,omitempty"`
}

// Target is what a call changes. Computers are addressed by id; a group is
// addressed only when it was chosen on purpose.
type Target struct {
	// Server is the name of the SEPM entry in the config.
	Server    string   `json:"server,omitempty"`
	Computers []string `json:"computers,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	// Object is the id of a fingerprint list, a command or another object.
	Object string `json:"object,omitempty"`
}

// Answer is what SEPM said to a call.
type Answer struct {
	Call  Call            `json:"call"`
	Body  json.RawMessage `json:"body,omitempty"`
	Error string          `json:"error,omitempty"`
	At    time.Time       `json:"at"`
}

// Effect is what an action leaves on the incident. Exactly one field is set.
type Effect struct {
	Row        *Row        `json:"row,omitempty"`
	Note       *Note       `json:"note,omitempty"`
	Artifact   *Artifact   `json:"artifact,omitempty"`
	Attachment *Attachment `json:"attachment,omitempty"`
	Follow     *Command    `json:"follow,omitempty"`
}

// Step is what an action wants next: either a call to be sent and answered,
// or, when Call is nil, its effects, which end it.
type Step struct {
	Call    *Call    `json:"call,omitempty"`
	Effects []Effect `json:"effects,omitempty"`
}

// EndpointDetails is the action that looks a computer up in SEPM. Its input
// is computer, the computer's name.
const EndpointDetails = "endpoint_details"

// Run is one start of an action, as far as it has come.
type Run struct {
	// Action is the [ActionDef] name.
	Action string `json:"action"`
	// Input holds the target's values and the form's fields by name.
	Input map[string]string `json:"input,omitempty"`
	// Answers are those of the calls sent so far, in their order.
	Answers []Answer `json:"answers,omitempty"`
}

// Command is a job that SEPM runs on endpoints, followed until it ends.
type Command struct {
	// Kind is scan, remediation, upload or quarantine.
	Kind string `json:"kind"`
	// IDs are SEPM's command ids; one scan may need several.
	IDs     []string  `json:"ids"`
	Started time.Time `json:"started"`
}

// CommandState is the state of a command on one endpoint
// (contract: SEPM API A13).
type CommandState int

// The states of a command on one endpoint.
const (
	CommandInitial CommandState = iota
	CommandReceived
	CommandInProgress
	CommandCompleted
	CommandRejected
	CommandCancelled
	CommandError
)

// Final reports whether the endpoint will not change the state any more.
func (s CommandState) Final() bool { return s >= CommandCompleted && s <= CommandError }

// Endpoint is a computer as SEPM knows it, with what rules and guards ask.
type Endpoint struct {
	// ID is SEPM's uniqueId, the id that commands take.
	ID          string    `json:"id"`
	HardwareKey string    `json:"hardware_key"`
	Name        string    `json:"name"`
	DomainID    string    `json:"domain_id"`
	DomainName  string    `json:"domain_name"`
	GroupID     string    `json:"group_id"`
	GroupName   string    `json:"group_name"`
	OS          string    `json:"os"`
	OSFunction  string    `json:"os_function"`
	IPs         []string  `json:"ips"`
	Description string    `json:"description"`
	Online      bool      `json:"online"`
	Infected    bool      `json:"infected"`
	LastSeen    time.Time `json:"last_seen"`
}

// Proposal is an action that waits for a person's approval.
type Proposal struct {
	ID      string        `json:"id"`
	Call    Call          `json:"call"`
	Why     string        `json:"why"`
	Expires time.Time     `json:"expires"`
	State   ProposalState `json:"state"`
}

// ProposalState is where a proposal stands.
type ProposalState string

// The states of a proposal.
const (
	Proposed ProposalState = "proposed"
	Approved ProposalState = "approved"
	Denied   ProposalState = "denied"
	Lapsed   ProposalState = "lapsed"
)

// InputType is the kind of value that a function or form takes.
type InputType string

// The kinds of input.
const (
	InputText    InputType = "text"
	InputNumber  InputType = "number"
	InputBoolean InputType = "boolean"
	InputSelect  InputType = "select"
)

// InputDef is one named input of a function, or one field of a form.
type InputDef struct {
	Name     string
	Type     InputType
	Required bool
	// Values are the choices of a select, or the words that a text may be.
	Values []string
	// Default says what counts where the input is left out. With one, a
	// required input may be: Required is then for the form alone.
	Default string
	// Help is the guide's tooltip.
	Help string
}

// FunctionDef describes one SEP function: one call of SEPM with typed input
// and result.
type FunctionDef struct {
	// Name is the API name, as fn_sep has it.
	Name  string
	Title string
	// Help says what the function is for.
	Help   string
	Inputs []InputDef
}

// ActionDef describes one action: where it can be started and with what.
type ActionDef struct {
	// Name is the one used in rules and on the command line.
	Name string
	// Title is the guide's name of the rule and workflow.
	Title string
	// On is what the action is started on.
	On ActionTarget
	// Table is the table's API name when On is [OnRow].
	Table string
	// ArtifactTypes limit an action that is started on an artifact.
	ArtifactTypes []ArtifactType
	// Form lists the fields that a person fills in.
	Form []InputDef
	// Changes is whether the action changes anything at SEPM.
	Changes bool
}

// ActionTarget is the kind of object that an action is started on.
type ActionTarget string

// What an action is started on.
const (
	OnIncident ActionTarget = "incident"
	OnArtifact ActionTarget = "artifact"
	OnRow      ActionTarget = "row"
)
