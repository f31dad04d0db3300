// Package sepm stands in for Symantec Endpoint Protection Manager: it speaks
// the REST contract (SEPM API, part A) to whoever asks, for the demo, for
// tests and for users' own trials. Where the contract is uncertain a switch
// in Options chooses, and the default is the harder case for a client.
package sepm

import "time"

// Release is the generation of SEPM whose answers are given.
type Release string

// The releases.
const (
	V143 Release = "14.3" // the default
	// V142 gives computers in the older key set (both spellings of several
	// keys, no quarantineStatus) and does not know the newer filters
	// computer_id, hardware_key, mac, feature and verbose, which it ignores.
	V142 Release = "14.2"
)

// Credentials is how a login's user name and password are read
// (contract: A6, encoding quirk).
type Credentials int

// The ways to read credentials.
const (
	EitherForm  Credentials = iota // as sent or percent-encoded
	AsSent                         // as sent only
	PercentForm                    // percent-decoded first: a raw "%" or "+" fails
)

// AuthError is the body of a 401 for a missing, unknown or expired token
// (contract: A3; unknown on 14.3, see D6.3).
type AuthError int

// The bodies of a 401.
const (
	SpringBody AuthError = iota // {"error":…,"error_description":…}
	CommonBody                  // {"errorCode":"401",…}
	EmptyBody
)

// Options are everything that can be set. The zero value is a 14.3 SEPM with
// no computers, and admin / admin in the domain Default.
type Options struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	Username, Password string   // default admin / admin
	Domains            []Domain // default: Default, with DefaultDomainID
	Computers          []Computer
	Release            Release

	// TokenLife is how long a token works, in whole seconds; default 12 h.
	TokenLife time.Duration
	// RequireDomain answers 400 to a login that names no domain. Without it
	// the first domain is meant (contract: A6).
	RequireDomain bool
	Credentials   Credentials
	AuthError     AuthError
	// NoRights makes the account one without rights: 401 to everything that
	// asks for an administrator (contract: A1, A3).
	NoRights bool

	// ExactNames matches a computerName without "*" exactly; otherwise it
	// also finds every computer whose name begins with it (A10).
	ExactNames bool
	// DomainByName accepts a domain's name where its id is meant (D6.10).
	DomainByName bool
	// UnknownComputer404 answers 404 to an unknown computer_id or
	// hardware_key; otherwise the page is empty.
	UnknownComputer404 bool
	// PastEnd400 answers 400 to a page past the last; otherwise it is empty
	// (D6.8).
	PastEnd400 bool
	// MaxPageSize, if not 0, caps pageSize without a word (D6.8).
	MaxPageSize int

	// Throttle, if not 0, is how many calls a minute are answered before
	// 429; SEPM's own setting is 50 where it is on (A4).
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

// defaultTokenLife is what the only recorded login was given (contract: A6).
const defaultTokenLife = 12 * time.Hour

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
	if o.Release == "" {
		o.Release = V143
	}
	if o.TokenLife == 0 {
		o.TokenLife = defaultTokenLife
	}
}
