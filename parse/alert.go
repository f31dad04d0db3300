// Package parse reads a mail's bytes into an [Alert]: its kind, its events
// and the artifacts in them.
//
// Reading never fails: what cannot be understood is kept as text, with a
// warning, and the alert's status says how far the reading came. Everything
// in a mail is hostile input; nothing here decides what is done about it.
package parse

// Status says how far the reading of a mail came.
type Status string

// The states of a mail that was read.
const (
	// Parsed: every event was read.
	Parsed Status = "parsed"
	// Partial: events were read, with warnings.
	Partial Status = "partial"
	// Unparsed: an alert by its subject or sender whose body is unknown.
	Unparsed Status = "unparsed"
	// Ignored: not an alert; Rule says why.
	Ignored Status = "ignored"
	// Rejected: an explicit rule refused the sender.
	Rejected Status = "rejected"
)

// Kind is the SEPM notification condition that sent the mail
// (contract: SEPM e-mail §1.1).
type Kind string

// The kinds of mail.
const (
	SingleRisk            Kind = "single_risk"
	NewRisk               Kind = "new_risk"
	Outbreak              Kind = "outbreak"
	ClientSecurity        Kind = "client_security"
	ForcedApplication     Kind = "forced_application"
	LearnedApplication    Kind = "learned_application"
	AuthenticationFailure Kind = "authentication_failure"
	Unmanaged             Kind = "unmanaged"
	System                Kind = "system"
	ServerHealth          Kind = "server_health"
	Definitions           Kind = "definitions"
	ClientList            Kind = "client_list"
	Software              Kind = "software"
	Licence               Kind = "licence"
	Report                Kind = "report"
	Unknown               Kind = "unknown"
)

// Alert is what a mail says. Its JSON is the stable output of
// `sepwatch parse --json`.
type Alert struct {
	Status  Status `json:"status"`
	Kind    Kind   `json:"kind"`
	Subject string `json:"subject"`
	// From is the address of the From header, without the display name.
	From      string     `json:"from"`
	MessageID string     `json:"message_id"`
	Events    []Event    `json:"events"`
	Artifacts []Artifact `json:"artifacts"`
	// GeneratedAt is the wall time at which SEPM wrote the mail, as
	// 2006-01-02T15:04:05 without a zone; empty when it is not in the mail.
	GeneratedAt string `json:"generated_at"`
	// TimeZone names the zone that is assumed for every wall time.
	TimeZone string   `json:"time_zone"`
	Warnings []string `json:"warnings"`
	// Rule names the rule that ignored or rejected the mail.
	Rule string `json:"rule,omitempty"`
	// Fingerprint is whether the body was recognised as SEPM's.
	Fingerprint bool `json:"-"`
	// Text is the body as plain text, for an alert that was not understood.
	Text string `json:"-"`
}

// Event is one detection.
type Event struct {
	Risk     string `json:"risk"`
	FilePath string `json:"file_path"`
	FileName string `json:"file_name"`
	// ArchivePath is the container of a file found inside an archive.
	ArchivePath string   `json:"archive_path"`
	Computer    string   `json:"computer"`
	IPAddresses []string `json:"ip_addresses"`
	User        string   `json:"user"`
	// Domain and Server are SEPM's, not Active Directory's.
	Domain      string `json:"domain"`
	Server      string `json:"server"`
	ClientGroup string `json:"client_group"`
	Source      string `json:"source"`
	Description string `json:"description"`
	// Action is SEPM's text; Outcome is what it means.
	Action  string  `json:"action"`
	Outcome Outcome `json:"outcome"`
	// Digest identifies the content of the event, see [Event.ContentDigest].
	Digest string `json:"digest"`
	// EventTime and InsertedTime are wall times as written,
	// 2006-01-02T15:04:05, or empty.
	EventTime    string `json:"event_time"`
	InsertedTime string `json:"inserted_time"`
	// Hashes are hex digests by algorithm: md5, sha1, sha256.
	Hashes map[string]string `json:"hashes"`
	// Extra holds labelled values that have no field of their own.
	Extra map[string]string `json:"extra"`
}

// Outcome is what an action taken means for the endpoint
// (contract: SEPM e-mail §1.6).
type Outcome string

// The outcomes of an action taken.
const (
	Remediated    Outcome = "remediated"
	KeptCopy      Outcome = "kept_copy"
	NotRemediated Outcome = "not_remediated"
	Pending       Outcome = "pending"
	Allowed       Outcome = "allowed"
	Informational Outcome = "informational"
	UnknownResult Outcome = "unknown"
)

// Artifact is a typed value found in an event. Whitelisted values are not
// made artifacts; they stay in the event.
type Artifact struct {
	Type  string `json:"type"` // an incident.ArtifactType
	Value string `json:"value"`
	// Event is the index of the event in the alert.
	Event int `json:"event"`
}
