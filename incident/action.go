package incident

// EndpointDetails is the action that looks a computer up in SEPM, started on
// an artifact that names it.
const EndpointDetails = "endpoint_details"

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
	// Choices says where the choices of a text come from that SEPM knows.
	Choices Choices
	// Default is the value of an input that is left out.
	Default string
	// Help is the guide's tooltip.
	Help string
}

// Choices are things of SEPM's to choose from.
type Choices string

// The choices.
const (
	Domains Choices = "domains"
	Groups  Choices = "groups" // by full path
	Lists   Choices = "lists"  // fingerprint lists, by name
)

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
	// Title is the guide's name of the rule and workflow, or one like it.
	Title string
	// Help says what it does.
	Help string
	// On is what the action is started on.
	On ActionTarget
	// Table is the table's API name when On is [OnRow].
	Table string
	// ArtifactTypes limit an action that is started on an artifact.
	ArtifactTypes []ArtifactType
	// When are the conditions on the cells of a row, all of which must hold.
	When []Condition
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
