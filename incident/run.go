package incident

// Run is one start of an action, as far as it has come.
type Run struct {
	// Action is the [ActionDef] name.
	Action string `json:"action"`
	// Server is the name of the SEPM entry that it works with; empty is the
	// first one.
	Server string `json:"server,omitempty"`
	// By is who started it: a rule, or a person.
	By string `json:"by,omitempty"`
	// Subject is what it was started on.
	Subject Subject `json:"subject,omitzero"`
	// Input holds the form's fields by name.
	Input map[string]string `json:"input,omitempty"`
	// Answers are those of the calls sent so far, in their order.
	Answers []Answer `json:"answers,omitempty"`
	// Pending is the call that waits for its answer, if there is one.
	Pending *Pending `json:"pending,omitempty"`
}

// Subject is what an action is started on, as it was then. The zero Subject
// is the incident itself; otherwise one field is set.
type Subject struct {
	Artifact *Artifact `json:"artifact,omitempty"`
	Row      *Row      `json:"row,omitempty"`
}

// Identity tells one subject of an incident from another.
func (s Subject) Identity() string {
	switch {
	case s.Artifact != nil:
		return s.Artifact.Identity()
	case s.Row != nil:
		return s.Row.Identity()
	}
	return ""
}

// Cell is the value of a column of the row that an action is started on, as
// a person reads it; empty where there is none.
func (s Subject) Cell(column string) string {
	if s.Row == nil {
		return ""
	}
	return s.Row.Cells[column].String()
}

// Step is what an action wants next: either a call to be sent and answered,
// or, when Call is nil, its effects, which end it.
type Step struct {
	Call    *Call    `json:"call,omitempty"`
	Effects []Effect `json:"effects,omitempty"`
}

// Effect is what an action leaves on the incident. Exactly one field is set.
type Effect struct {
	// Row sets its cells and leaves the others of a row with this identity as
	// they are; an empty cell clears one.
	Row        *Row        `json:"row,omitempty"`
	Note       *Note       `json:"note,omitempty"`
	Artifact   *Artifact   `json:"artifact,omitempty"`
	Attachment *Attachment `json:"attachment,omitempty"`
	// Follow is a command to follow to its end.
	Follow *Command `json:"follow,omitempty"`
}
