package sepm

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

// RefreshForm is the body of the answer to a refresh grant (contract: A6).
type RefreshForm int

// The answers to a refresh grant.
const (
	SEPMForm  RefreshForm = iota // access_token and tokenExpiration
	OAuthForm                    // access_token, refresh_token, token_type and expires_in
)

// MoveStatus is the HTTP status of a move (contract: A10).
type MoveStatus int

// The statuses of a move.
const (
	MoveMulti MoveStatus = iota // 207, as it was observed
	MoveOK                      // 200, as it is documented
	MoveMixed                   // 207 only where one could not be moved
)

// GroupPaths is which groups a fullPathName finds (contract: D6.14).
type GroupPaths int

// The ways to compare a path.
const (
	PathPrefix GroupPaths = iota // all that begin with it, in any case
	PathExact                    // the group itself, in any case
	PathCased                    // the group itself, in this case
)

// Lockdown is whether a group can be given a fingerprint list (contract: A11).
type Lockdown int

// The states of a group's system lockdown.
const (
	LockdownOn     Lockdown = iota
	LockdownOff             // 422
	LockdownLocked          // 423: somebody edits it
)

// EOCResult is the resultInXML of a completed EOC scan (contract: A15).
type EOCResult int

// The results.
const (
	EOCWhole EOCResult = iota
	EOCEmpty           // ""
	EOCNull
	EOCCut // ends in the middle
)

// PartialMatch is what PARTIAL_MATCH says of a file (contract: D6.5).
type PartialMatch int

// The meanings.
const (
	PartialPlace PartialMatch = iota // the name of the path at another place
	PartialHash                      // the path, with another hash than the one asked for
	PartialNever
)

// UnknownCommand is the answer for an unknown command id (contract: D6.12).
type UnknownCommand int

// The answers.
const (
	UnknownEmpty UnknownCommand = iota // an empty page, as of a command just made
	Unknown404
	Unknown410
)

// Outcome is how a client ends a command: a state of 3 to 6, a substate and
// its text (contract: A13).
type Outcome struct {
	State, SubState int
	Text            string
}
