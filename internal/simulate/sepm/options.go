// Package sepm stands in for Symantec Endpoint Protection Manager: it speaks
// the REST contract (SEPM API, part A) to whoever asks, for the demo, for
// tests and for users' own trials. Where the contract is uncertain a switch
// in Options chooses, and the default is the harder case for a client.
package sepm

import (
	"cmp"
	"net/http"
	"time"
)

// Release is the generation of SEPM whose answers are given.
type Release string

// The releases.
const (
	V143 Release = "14.3" // the default
	// V142 gives computers in the older key set (both spellings of several
	// keys, no quarantineStatus). It has no second version of fingerprint lists
	// and exceptions and no requested-files, and does not know the newer filters
	// computer_id, hardware_key, mac, feature and verbose, which it ignores.
	V142 Release = "14.2"
)

// Options are everything that can be set. The zero value is a 14.3 SEPM with
// no computers, and admin / admin in the domain Default.
type Options struct {
	// Now is the clock; nil is time.Now. Clients work by it too.
	Now func() time.Time

	Username, Password string   // default admin / admin
	Domains            []Domain // default: Default, with DefaultDomainID
	Computers          []Computer
	// Groups are further ones than those of the computers and their parents.
	Groups  []Group
	Release Release

	// TokenLife is how long a token works, in whole seconds; default 12 h.
	TokenLife time.Duration
	// RefreshForm is the body of the answer to a refresh grant (A6).
	RefreshForm RefreshForm
	// RequireDomain answers 400 to a login that names no domain. Without it
	// the first domain is meant (contract: A6).
	RequireDomain bool
	Credentials   Credentials
	AuthError     AuthError
	// NoRights makes the account one without rights: 401 to everything that
	// asks for an administrator (contract: A1, A3).
	NoRights bool

	// AllDomains lists computers and groups of every domain where none is
	// named; otherwise those of the login's domain (A7).
	AllDomains bool
	// DomainByName accepts a domain's name where its id is meant (D6.10).
	DomainByName bool

	// ExactNames matches a computerName without "*" exactly; otherwise it
	// also finds every computer whose name begins with it (A10).
	ExactNames bool
	// UnknownComputer404 answers 404 to an unknown computer_id or
	// hardware_key; otherwise the page is empty.
	UnknownComputer404 bool
	// VerboseFull reads verbose as its name says, so that false is a reduced
	// set; otherwise true is, as its description says (D6.15).
	VerboseFull bool
	// PastEnd400 answers 400 to a page past the last; otherwise it is empty
	// (D6.8).
	PastEnd400 bool
	// MaxPageSize, if not 0, caps pageSize without a word (D6.8).
	MaxPageSize int

	// MoveStatus is the HTTP status of a move (A10).
	MoveStatus MoveStatus
	// MoveHangs leaves a move without an answer where several computers have
	// the hardware key (A10).
	MoveHangs bool

	// GroupPaths is which groups a fullPathName finds (D6.14).
	GroupPaths GroupPaths
	// Lockdown is whether groups can be given a fingerprint list (A11).
	Lockdown Lockdown

	// NoV2 lacks the second version of fingerprint lists, as some 14.3 do;
	// lists of both kinds of hash cannot be read then (D6.4).
	NoV2 bool
	// TryV2Status is the HTTP status of "please try V2!"; default 400 (D6.4).
	TryV2Status int
	// EmptyLists accepts a list without hashes, as [] or [""] (D6.11);
	// otherwise that is 400.
	EmptyLists bool
	// DeleteLag is how long a deleted list can still be read (A12); default
	// 2 s, negative is not at all.
	DeleteLag time.Duration

	// ListedAfter, ReceivedAfter, StartedAfter and CompletedAfter are when, since
	// a command was made, its status lists the clients, and a client that is
	// online has received it (1), works on it (2) and is through (A13, D3).
	// Default 1 s, 5 s, 6 s and 10 s.
	ListedAfter, ReceivedAfter, StartedAfter, CompletedAfter time.Duration
	// Outcome is how clients end a command that could be done; the zero value
	// is state 3, completed. [Computer] may have one of its own.
	Outcome Outcome
	// EOCResult is what clients give for a result of an EOC scan (A15).
	EOCResult EOCResult
	// EOCPassedOn passes an EOC document on that is none, and clients end in
	// state 6; otherwise that is 400 (D6.16).
	EOCPassedOn bool
	// PartialMatch is what PARTIAL_MATCH says of a file (D6.5).
	PartialMatch PartialMatch
	// QuarantineText is the quarantineDesc of a client in quarantine (D6.9).
	QuarantineText string
	// MergeHardware adds the computers of hardware_ids to the command of
	// computer_ids; otherwise they get one of their own, under the key
	// commandID_hardware (D6.6).
	MergeHardware bool
	// UnknownTarget404 answers 404 to a command for an unknown computer or
	// group; otherwise that one is left out (D6.7).
	UnknownTarget404 bool
	// UnknownCommand is the answer for an unknown command id (D6.12).
	UnknownCommand UnknownCommand
	// ChecksumOfFile makes a file's details tell of the file itself; otherwise
	// of the ZIP that is kept of it (D6.13).
	ChecksumOfFile bool
	// PlainContent gives an uploaded file as it was, not as a ZIP (A16).
	PlainContent bool

	// Events are the critical events; nil is a few, as SEPM has them (A17).
	Events []Event

	// Throttle, if not 0, is how many calls a minute are answered before
	// 429; SEPM's own setting is 50 where it is on (A4, D6.2).
	Throttle int
	// HTMLErrors gives every error as an HTML page (A3).
	HTMLErrors bool
	// CloseAfterPost closes the connection after each POST (A1, A18.10).
	CloseAfterPost bool
}

// Domain is one SEPM domain.
type Domain struct {
	ID, Name string
}

// DefaultDomainID is the id of the domain Default.
const DefaultDomainID = "7B1F0E52C0A8016400D3A9C4E1F2B6D8"

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Username == "" && o.Password == "" {
		o.Username, o.Password = "admin", "admin"
	}
	if len(o.Domains) == 0 {
		o.Domains = []Domain{{ID: DefaultDomainID, Name: "Default"}}
	}
	o.Release = cmp.Or(o.Release, V143)
	// What the only recorded login was given (contract: A6).
	o.TokenLife = cmp.Or(o.TokenLife, 12*time.Hour)
	o.TryV2Status = cmp.Or(o.TryV2Status, http.StatusBadRequest)
	o.DeleteLag = cmp.Or(o.DeleteLag, 2*time.Second)
	o.ListedAfter = cmp.Or(o.ListedAfter, time.Second)
	o.ReceivedAfter = cmp.Or(o.ReceivedAfter, 5*time.Second)
	o.StartedAfter = cmp.Or(o.StartedAfter, 6*time.Second)
	o.CompletedAfter = cmp.Or(o.CompletedAfter, 10*time.Second)
	o.QuarantineText = cmp.Or(o.QuarantineText, "Host Integrity check passed but the client was quarantined by the administrator.")
	if o.Events == nil {
		o.Events = sampleEvents()
	}
}
