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
	ReturnExisting  Duplicates = iota // 200 with the artifact that is there
	RefuseDuplicate                   // 400
	KeepDuplicate                     // 200 with a new artifact
)

// Options are everything that can be set. The zero value is one org, Demo,
// with the fn_sep tables and without the field sepwatch_key, and the API key
// demo / demo.
type Options struct {
	// Now is the clock; nil is time.Now. ClockOffset is how far the server's
	// own clock is from it: create_date and the Date header carry the sum.
	Now         func() time.Time
	ClockOffset time.Duration

	KeyID, KeySecret string // the API key, default demo / demo
	Email, Password  string // the legacy login, default demo@example.com / demo
	NullKeyHandle    bool   // api_key_handle is null, and so are the perms of its orgs (§1.2)
	SessionTimeout   time.Duration

	Orgs []Org // default: Demo, 201

	// KeyField installs the text field properties.sepwatch_key.
	KeyField bool
	// Fields are further custom fields of the incident.
	Fields []Field
	// NoTables leaves the fn_sep data tables out.
	NoTables bool
	// OldValueIDs numbers severities and resolutions as older orgs do (§2.2).
	OldValueIDs bool

	// Deny answers 403 to operations, named as in Calls, as an API key
	// without the permission gets it: "POST /incidents".
	Deny []string

	Duplicates Duplicates
	// FoldDuplicates compares artifact values without regard to case (§3.2).
	FoldDuplicates bool
	// MaxArtifacts, if not 0, is how many an incident holds before 400; the
	// const says 500 and enforcement is not known (§3.1).
	MaxArtifacts int
	// ArtifactTypeEntities wraps GET /artifact_types in {"entities":[…]}.
	ArtifactTypeEntities bool

	// AttachmentArray wraps the answer to an upload in an array (§4.2).
	AttachmentArray bool
	// PutClearsCells empties the cells that a row PUT leaves out (§5.3).
	PutClearsCells bool
	// EmptyCellsMissing leaves cells without a value out of a row; otherwise
	// they come without the key "value" (§5.3).
	EmptyCellsMissing bool
	// RowVersionChecked answers 409 to a row PUT that names a version other
	// than the current one (§5.3).
	RowVersionChecked bool
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

// Field is a custom field of the incident (contract: §2.3).
type Field struct {
	Name      string // API name, without "properties."
	Label     string // default the name
	InputType string // text, textarea, number, boolean, datetimepicker, select, multiselect; default text
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
	if o.SessionTimeout == 0 {
		o.SessionTimeout = 20 * time.Minute
	}
	if len(o.Orgs) == 0 {
		o.Orgs = []Org{{ID: 201, Name: "Demo", UUID: "0f8c3a52-54a1-4b0e-9d6b-5a53b3b6c201"}}
	}
}
