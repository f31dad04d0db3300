package sepclient

import (
	"errors"
	"net/http"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// Class says what a failure means for the caller. Only Ambiguous leaves open
// whether something was changed; after every other class nothing was.
type Class = remote.Class

// The classes of failure.
const (
	// Temporary may go away by itself: a 5xx on a read, a lost answer.
	Temporary = remote.Temporary
	// Permanent is the answer to this request and will not change.
	Permanent = remote.Permanent
	// Unauthorized is a refused login, a bad token or a missing right: SEPM
	// answers 401 to all three (A3).
	Unauthorized = remote.Unauthorized
	// Throttled is SEPM's 429; it lasts for the rest of a minute (A4).
	Throttled = remote.Throttled
	// NotFound is an object that SEPM does not have: 404 or 410 (A3).
	NotFound = remote.NotFound
	// Conflict is a state at SEPM that forbids the change.
	Conflict = remote.Conflict
	// Unreachable is a request that was certainly not sent: name, dial or TLS.
	Unreachable = remote.Unreachable
	// Untrusted is a certificate that was not accepted; nothing was sent.
	Untrusted = remote.Untrusted
	// Ambiguous is a change that may have been made.
	Ambiguous = remote.Ambiguous
)

// What errors.Is can ask of an [*Error].
var (
	ErrNotFound     = remote.ErrNotFound
	ErrConflict     = remote.ErrConflict
	ErrUnauthorized = remote.ErrUnauthorized
	ErrThrottled    = remote.ErrThrottled
)

// LoginRefused says whether err is SEPM's refusal of a login, which sending
// it again can turn into a locked account.
func LoginRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.System == system.Name && e.Path == loginPath && e.Class == Unauthorized
}

// Error is a request that failed. Its Code is SEPM's errorCode: mostly the
// status again, sometimes a code of its own (A3).
type Error = remote.Error

// classOfStatus sorts an answer that is not the contract's success (A3, D1).
func classOfStatus(status int, read bool) Class {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusUnprocessableEntity: // system lockdown is off, or the list assigned already
		return Conflict
	}
	return remote.ClassOfStatus(status, read)
}

// explain adds what can be done about an answer of a status.
func explain(err error, hints map[int]string) error {
	var e *Error
	if errors.As(err, &e) && e.Hint == "" {
		e.Hint = hints[e.Status]
	}
	return err
}
