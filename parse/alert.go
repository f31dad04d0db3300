// Package parse reads a mail's bytes into an [Alert]: its kind, its events
// and the artifacts in them.
//
// Reading never fails: what cannot be understood is kept as text, with a
// warning, and the alert's status says how far the reading came. Everything
// in a mail is hostile input; nothing here decides what is done about it.
package parse

import "encoding/json"

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

// Kinds are all kinds of mail, those of detections first.
func Kinds() []Kind {
	return []Kind{SingleRisk, NewRisk, Outbreak, ClientSecurity, ForcedApplication, LearnedApplication, AuthenticationFailure,
		Unmanaged, System, ServerHealth, Definitions, ClientList, Software, Licence, Report, Unknown}
}

// Alert is what a mail says. Its JSON is the stable output of
// `sepwatch parse --json`.
type Alert struct {
	// File names what the mail was read from; empty for a mail of a mailbox.
	File    string `json:"file,omitempty"`
	Status  Status `json:"status"`
	Kind    Kind   `json:"kind"`
	Subject string `json:"subject"`
	// From is the address of the From header, without the display name.
	From string `json:"from"`
	// MessageID is without its angle brackets.
	MessageID string     `json:"message_id"`
	Events    []Event    `json:"events"`
	Artifacts []Artifact `json:"artifacts"`
	// GeneratedAt is the wall time at which SEPM wrote the mail, as
	// 2006-01-02T15:04:05 without a zone; empty when it is not in the mail.
	GeneratedAt string `json:"generated_at"`
	// GeneratedAtUTC is the instant of it, as RFC 3339.
	GeneratedAtUTC string `json:"generated_at_utc"`
	// TimeZone names the zone that is assumed for every wall time that has
	// none beside it; TimeZoneFrom says by what: default, date_header or
	// config.
	TimeZone     string `json:"time_zone"`
	TimeZoneFrom string `json:"time_zone_from"`
	// Signals say what recognised the mail, one sentence each.
	Signals []string `json:"signals"`
	// Whitelisted are the values that would be artifacts.
	Whitelisted []Whitelisted `json:"whitelisted"`
	// Warnings say what was not understood and where; there are at most
	// twenty-one of them, the last one counting the rest.
	Warnings []string `json:"warnings"`
	// Rule names the rule that ignored or rejected the mail.
	Rule string `json:"rule,omitempty"`
	// Fingerprint is whether the body was recognised as SEPM's, whatever the
	// subject and the sender say (contract: SEPM e-mail §1.10, signal 2).
	Fingerprint bool `json:"-"`
	// Text is the body as plain text, for an alert that was not understood.
	// It is valid UTF-8 of at most 256 KiB.
	Text string `json:"-"`
}

// MarshalJSON writes lists that are empty as [], never as null, so that
// scripts need not tell the two apart.
func (a Alert) MarshalJSON() ([]byte, error) {
	type plain Alert
	a.Events = orEmpty(a.Events)
	a.Artifacts = orEmpty(a.Artifacts)
	a.Signals = orEmpty(a.Signals)
	a.Whitelisted = orEmpty(a.Whitelisted)
	a.Warnings = orEmpty(a.Warnings)
	return json.Marshal(plain(a))
}

// Event is one detection.
type Event struct {
	Risk string `json:"risk"`
	// FilePath is as SEPM wrote it, byte for byte; SEPM cuts it at 255
	// characters without a mark (contract: SEPM e-mail §1.3).
	FilePath string `json:"file_path"`
	// FileName is what follows the last \, / or >> of the path.
	FileName string `json:"file_name"`
	// ArchivePath is the container of a file found inside an archive: what
	// stands before the last >> of the path.
	ArchivePath string `json:"archive_path"`
	Computer    string `json:"computer"`
	// IPAddresses are in canonical form, with the zone where one is written.
	IPAddresses []string `json:"ip_addresses"`
	User        string   `json:"user"`
	// Domain and Server are SEPM's, not Active Directory's.
	Domain      string `json:"domain"`
	Server      string `json:"server"`
	ClientGroup string `json:"client_group"`
	Source      string `json:"source"`
	// SourceKind is what the source means, whatever its spelling: one of
	// [Sources], or empty.
	SourceKind  string `json:"source_kind"`
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
	// EventTimeUTC and InsertedTimeUTC are the instants of them, as RFC 3339.
	EventTimeUTC    string `json:"event_time_utc"`
	InsertedTimeUTC string `json:"inserted_time_utc"`
	// Hashes are lower-case hex digests by algorithm: md5, sha1, sha256.
	Hashes map[string]string `json:"hashes"`
	// Extra holds labelled values that have no field of their own, and those
	// that could not be read, by their label as written.
	Extra map[string]string `json:"extra"`
	// Attack is the network side, where the mail tells of one.
	Attack *Attack `json:"attack,omitempty"`
}

// MarshalJSON writes what is empty as [] and {}, never as null.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	e.IPAddresses = orEmpty(e.IPAddresses)
	if e.Hashes == nil {
		e.Hashes = map[string]string{}
	}
	if e.Extra == nil {
		e.Extra = map[string]string{}
	}
	return json.Marshal(plain(e))
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
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

// Outcomes are all outcomes.
func Outcomes() []Outcome {
	return []Outcome{Remediated, KeptCopy, NotRemediated, Pending, Allowed, Informational, UnknownResult}
}

// Sources are the ids of what finds a risk (contract: SEPM e-mail §1.6).
func Sources() []string {
	return []string{"real_time", "scheduled", "manual", "startup", "idle", "heuristic", "quarantine", "download", "console", "system",
		"integrity_shield", "reboot"}
}

// Artifact is a typed value found in an event. Whitelisted values are not
// made artifacts; they stay in the event.
type Artifact struct {
	Type  string `json:"type"` // an incident.ArtifactType
	Value string `json:"value"`
	// Event is the index of the event in the alert, -1 for a value found in
	// the text of an alert without events.
	Event int `json:"event"`
	// Confidence is low for a value that was found in free text; it is empty
	// for one that has a label.
	Confidence string `json:"confidence,omitempty"`
}

// LowConfidence is the confidence in a value found in free text.
const LowConfidence = "low"

// Whitelisted is a value that is no artifact because of the whitelist.
type Whitelisted struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Event int    `json:"event"`
	// Entry is the one of the whitelist that held it back, as written.
	Entry string `json:"entry"`
}
