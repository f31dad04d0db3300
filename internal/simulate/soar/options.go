// Package soar stands in for IBM Resilient (QRadar SOAR): it speaks the REST
// contract (Resilient API §1 to §5) as far as incidents go, for the demo, for
// tests and for users' own trials. Where the contract is uncertain a switch
// in Options chooses, and the default is the harder case for a client.
package soar

import "time"

// Duplicates is what a second POST of an artifact of one type and value
// answers (contract: §3.2, open point 1).
type Duplicates int

// The answers to a duplicate artifact.
const (
	ReturnExisting     Duplicates = iota // 200 with the artifact that is there
	RefuseDuplicate                      // 400
	KeepDuplicate                        // 200 with a new artifact
	ReplaceDescription                   // 200 with the artifact that is there and its new description
)

// Options are everything that can be set. The zero value is one org, Demo,
// with the fn_sep tables and without the field sepwatch_key, and the API key
// demo / demo.
type Options struct {
	// Now is the clock; nil is time.Now. ClockOffset is how far the server's
	// own clock is from it: create_date and the Date header carry the sum.
	Now         func() time.Time
	ClockOffset time.Duration

	// ServerVersion is what the const says, default 51.0.9.0.20848. What is
	// answered follows it: see version.go.
	ServerVersion string
	// ResourcePrefix is where REST is to be found, such as /api/respond; what
	// is outside of it is no Resilient (§1.1).
	ResourcePrefix string

	KeyID, KeySecret string // the API key, default demo / demo
	Email, Password  string // the legacy login, default demo@example.com / demo
	NullKeyHandle    bool   // api_key_handle is null, and so are the perms of its orgs (§1.2)
	SessionTimeout   time.Duration
	// Keys and Users are further ones.
	Keys  []Key
	Users []User
	// BanAfter, if not 0, is how many wrong logins in a row make everything
	// answer 401 until [Server.LiftBan] (§11.3, open point 5).
	BanAfter int

	Orgs []Org // default: Demo, 201

	// KeyField installs the text field properties.sepwatch_key.
	KeyField bool
	// Fields are further custom fields of the incident.
	Fields []Field
	// NoTables leaves the fn_sep data tables out. Tables are further ones.
	NoTables bool
	Tables   []Table
	// OldValueIDs numbers severities and resolutions as older orgs do (§2.2).
	OldValueIDs bool

	// Deny answers 403 to everybody for operations, named as in Calls, and for
	// all that a grant allows: "POST /incidents", [EditNotes].
	Deny []string
	// FieldFailures is how many PATCHes, the first ones, are answered as if
	// somebody had changed each of their fields at that moment (§1.8).
	FieldFailures int

	Duplicates Duplicates
	// FoldDuplicates compares artifact values without regard to case (§3.2).
	FoldDuplicates bool
	// MaxArtifacts, if not 0, is how many an incident holds before 400; the
	// const says 500 and enforcement is not known (§3.1).
	MaxArtifacts int
	// NoArtifactTypes are types that this server lacks, by name (§3.3).
	NoArtifactTypes []string
	// ArtifactTypeEntities wraps GET /artifact_types in {"entities":[…]}.
	ArtifactTypeEntities bool

	// AttachmentArray wraps the answer to an upload in an array (§4.2).
	AttachmentArray bool
	// MaxAttachmentMB is the limit of a file, default 25 (§4.2).
	MaxAttachmentMB int
	// BlockedExtensions are those of files that are refused: ".eml" (§4.2).
	BlockedExtensions []string
	// PutClearsCells empties the cells that a row PUT leaves out (§5.3).
	PutClearsCells bool
	// EmptyCellsMissing leaves cells without a value out of a row; otherwise
	// they come without the key "value" (§5.3). Releases before v51 always do.
	EmptyCellsMissing bool
	// EmptyCellsNull gives them with "value": null.
	EmptyCellsNull bool
	// RowVersionChecked answers 409 to a row PUT that names a version other
	// than the current one (§5.3).
	RowVersionChecked bool
	// MaxRows and MaxCell, if not 0, are how many rows of one table an incident
	// holds and how many characters a cell, before 400 (open point 2).
	MaxRows, MaxCell int
	// DeleteNoContent answers 204 to a DELETE; otherwise 200 and a StatusDTO.
	DeleteNoContent bool
	// PatchVersionChecked answers 409 to a PATCH that names a stale version
	// even though its old values match (open point 7).
	PatchVersionChecked bool
	// PlainTextAsIs gives plain text in a rich field back as it was sent;
	// otherwise as HTML source, with <, > and & escaped (§1.5).
	PlainTextAsIs bool
	// CapPages gives no page longer than max_page_size, 100 (§1.10, §2.4).
	CapPages bool
}

// Org is one organization.
type Org struct {
	ID           int
	Name         string
	UUID         string
	CloudAccount string
	// Disabled is "enabled": false, as an IP restriction makes it (§1.4).
	Disabled bool
	// KeepIncidents is "incident_deletion_allowed": false (§2.5).
	KeepIncidents bool
	// NoAttachments is "attachments_enabled": false (§4.2).
	NoAttachments bool
}

// Key is an API key. Keys are made in one org (contract: §1.2).
type Key struct {
	ID, Secret string
	Org        int      // 0 is all
	Deny       []string // as [Options.Deny], for this key
}

// User is an account that logs in by e-mail and password.
type User struct {
	Email, Password string
	First, Last     string
	Orgs            []int // none is all
	Deny            []string
}

// Table is a data table (contract: §5.1).
type Table struct {
	Name    string // API name
	Label   string // default the name
	Columns []Field
}

// Field is a custom field of the incident, or a column (contract: §2.3).
type Field struct {
	Name      string // API name, without "properties."
	Label     string // default the name
	InputType string // text, textarea, number, boolean, datepicker, datetimepicker, select, multiselect, select_owner; default text
	Required  string // "", always or close
	Values    []string
}

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.KeyID == "" && o.KeySecret == "" {
		o.KeyID, o.KeySecret = "demo", "demo"
	}
	if o.Email == "" && o.Password == "" {
		o.Email, o.Password = "demo@example.com", "demo"
	}
	if o.ServerVersion == "" {
		o.ServerVersion = "51.0.9.0.20848"
	}
	if o.MaxAttachmentMB == 0 {
		o.MaxAttachmentMB = 25
	}
	if o.SessionTimeout == 0 {
		o.SessionTimeout = 20 * time.Minute
	}
	if len(o.Orgs) == 0 {
		o.Orgs = []Org{{ID: 201, Name: "Demo", UUID: "0f8c3a52-54a1-4b0e-9d6b-5a53b3b6c201"}}
	}
}
